"""Profile, second factor, members and log as pages: what each form does, and what it asks for first."""

import dataclasses
import html
import re
from datetime import timedelta
from pathlib import Path

import pyotp
import time_machine

from feedback.dashboard import admin_members, deeds
from surveys.base import clock
from surveys.base.accounts import members, second_factor, sessions
from surveys.base.http import audited
from surveys.models import Response
from tests.conftest import ON_SQLITE
from tests.visitor import PASSWORD, Visitor, forms_on, member, signed_in

PROFILE, FACTOR, CODES = "/team/profile", "/team/profile/second-factor", "/team/profile/recovery-codes"
MEMBERS = "/team/admin/members"


def text_of(answer):
    return html.unescape(answer.get_data(as_text=True))


def on_profile(visitor, do, **fields):
    forms = [each for action, each in visitor.forms(PROFILE) if each.get("do") == do]
    return visitor.post(PROFILE, {**forms[0], **fields})


def set_up(visitor):
    """Switch the second factor on; its secret and the recovery codes."""
    secret = re.search(r"<code>(\w+)</code>", text_of(visitor.get(FACTOR)))[1]
    forms = visitor.forms(FACTOR)
    given = next(each for action, each in forms if action == FACTOR)
    sealed = given["secret"]
    page = text_of(visitor.post(FACTOR, {**given, "code": "000000x"}))
    assert "not the code of this moment" in page
    secret = re.search(r"<code>(\w+)</code>", page)[1]
    assert visitor.post(FACTOR, {**given, "secret": sealed[:-1] + "x", "code": "123456"}).status_code == 422
    code = pyotp.TOTP(secret).at(clock.now())
    assert visitor.post(FACTOR, {**given, "code": code}).headers["Location"] == CODES
    codes = re.findall(
        r"^(?:<pre>)?((?:[a-z2-9]{4}-){3}[a-z2-9]{4})", text_of(visitor.get(CODES)), re.MULTILINE
    )
    assert len(codes) == second_factor.RECOVERY_CODES
    assert visitor.get(CODES).status_code == 303, "they are shown once"
    return secret, codes


def test_times_are_told_in_the_readers_own_zone_and_days_are_counted_in_the_services(world, api, make):
    survey, ann = make.survey(name="Shop"), member()
    with time_machine.travel("2026-11-28T23:30:00Z", tick=False):
        row = make.response(survey, 3, comment="Late at night")
        api.post("/api/pins", {"at": "2026-11-28T00:00:00Z", "text": "Strike", "survey": survey.id})
    with time_machine.travel("2026-11-29T12:00:00Z", tick=False):
        visitor = Visitor(world)
        visitor.sign_in(ann.email)
        answer = f"/team/feed/{row.id}"
        assert "28 Nov 2026, 23:30<" in text_of(visitor.get(answer))
        wrong = on_profile(visitor, "name", name="Ann", time_zone="Mars/Olympus")
        assert (wrong.status_code, "Is no time zone" in text_of(wrong)) == (422, True)
        assert 'value="Mars/Olympus"' in text_of(wrong)
        assert on_profile(visitor, "name", name="Ann", time_zone=" Asia/Tokyo ").status_code == 303
        assert 'value="Asia/Tokyo"' in text_of(visitor.get(PROFILE))
        assert "29 Nov 2026, 08:30 JST<" in text_of(visitor.get(answer))
        feed = text_of(visitor.get("/team/feed"))
        assert "29 Nov 2026<" in feed
        assert "These two days begin at midnight in UTC." in feed
        assert feed.count(' aria-describedby="about-days"') == 2
        on_profile(visitor, "name", name="Ann", time_zone="America/New_York")
        assert "28 Nov 2026, 18:30 EST<" in text_of(visitor.get(answer))
        # A pin stands on the day on which the chart has it.
        assert "28 Nov 2026<" in text_of(visitor.get("/team"))
        assert "27 Nov 2026<" not in text_of(visitor.get("/team"))
        on_profile(visitor, "name", name="Ann", time_zone="")
        assert "28 Nov 2026, 23:30<" in text_of(visitor.get(answer))
        assert "about-days" not in text_of(visitor.get("/team/feed"))
        assert members.get(ann.id).time_zone is None


def test_what_another_form_was_refused_for_leaves_name_zone_and_language_as_they_are(world):
    ann = member(name="Ann")
    visitor = Visitor(world)
    visitor.sign_in(ann.email)
    on_profile(visitor, "name", name="Ann", time_zone="Asia/Tokyo")
    on_profile(visitor, "language", language="de")
    token = visitor.forms(PROFILE)[0][1]["token"]
    for sent in (
        {"do": "password", "current": "wrong", "password": "short"},
        {"do": "password", "name": "Eve", "time_zone": "Europe/Berlin", "language": "fr"},
        {"do": "digest", "view": "feed_none"},
        {"do": "language", "language": "tlh"},
        {"do": "nonsense"},
        {},
    ):
        refused = visitor.post(PROFILE, {"token": token, **sent})
        page = text_of(refused)
        assert refused.status_code == 422, sent
        assert re.search(r'name="name"[^>]* value="Ann"', page), sent
        assert re.search(r'name="time_zone"[^>]* value="Asia/Tokyo"', page), sent
        assert 'value="de" lang="de" selected' in page, sent
    page = text_of(on_profile(visitor, "name", name="", time_zone="Europe/Berlin"))
    assert re.search(r'name="time_zone"[^>]* value="Europe/Berlin"', page)
    assert 'value="de" lang="de" selected' in page


def test_name_password_and_other_browsers(world):
    ann = member()
    visitor, other = Visitor(world), Visitor(world)
    for each in (visitor, other):
        each.sign_in(ann.email)
    assert on_profile(visitor, "name", name="").status_code == 422
    assert on_profile(visitor, "name", name="Ann <b>").status_code == 303
    assert "<b>" not in text_of(visitor.get(PROFILE)).replace("Ann <b>", "")
    assert on_profile(visitor, "password", current="wrong", password="nine green herons").status_code == 422
    assert on_profile(visitor, "password", current=PASSWORD, password="short").status_code == 422
    assert on_profile(visitor, "password", current=PASSWORD, password="nine green herons").status_code == 303
    assert other.get(PROFILE).status_code == 303
    assert visitor.get(PROFILE).status_code == 200
    other.sign_in(ann.email, "nine green herons")
    assert on_profile(visitor, "others").status_code == 303
    assert other.get(PROFILE).status_code == 303
    assert (
        visitor.post(PROFILE, {"token": visitor.forms(PROFILE)[0][1]["token"], "do": "fly"}).status_code
        == 422
    )


def test_the_second_step_takes_each_code_once(world):
    with time_machine.travel("2026-11-20T10:00:00Z", tick=False) as clock_:
        ann = member("viewer")
        visitor = Visitor(world)
        visitor.sign_in(ann.email)
        secret, codes = set_up(visitor)
        stored = repr(list(members.Member.select().tuples())) + repr(
            list(second_factor.RecoveryCode.select().tuples())
        )
        assert not any(code in stored for code in codes)
        clock_.shift(timedelta(seconds=60))
        code = pyotp.TOTP(secret).at(clock.now())
        fresh = Visitor(world)
        answer = fresh.sign_in(ann.email, next="/team/profile?a=1")
        assert answer.headers["Location"] == "/team/sign-in/code?next=%2Fteam%2Fprofile%3Fa%3D1"
        assert fresh.get(PROFILE).status_code == 303, "half a sign-in opens nothing"
        waiting = fresh.secret
        assert fresh.send("/team/sign-in/code", code="123").status_code == 422
        answer = fresh.send(
            "/team/sign-in/code", on=answer.headers["Location"], code=code[:3] + " " + code[3:]
        )
        assert answer.headers["Location"] == "/team/profile?a=1"
        assert fresh.secret != waiting
        assert fresh.get(PROFILE).status_code == 200
        again = Visitor(world)
        again.sign_in(ann.email)
        assert again.send("/team/sign-in/code", code=code).status_code == 422
        assert again.send("/team/sign-in/code", code=codes[0].upper()).status_code == 303
        other = Visitor(world)
        other.sign_in(ann.email)
        assert other.send("/team/sign-in/code", code=codes[0]).status_code == 422
        for _ in range(4):
            other.send("/team/sign-in/code", code="000000")
        assert other.send("/team/sign-in/code", code=codes[1]).status_code == 429
        late = Visitor(world)
        late.sign_in(ann.email)
        clock_.shift(timedelta(minutes=11))
        assert late.get("/team/sign-in/code").status_code == 303


def test_a_role_can_be_asked_for_a_second_factor(world):
    admin, editor = signed_in(world), signed_in(world, "editor")
    forms = [each for _, each in admin.forms(MEMBERS) if each.get("do") == "rule"]
    assert admin.post(MEMBERS, {**forms[0], "role:administrator": "1"}).status_code == 303
    answer = admin.get(MEMBERS)
    assert (answer.status_code, answer.headers["Location"]) == (303, FACTOR)
    assert editor.get(PROFILE).status_code == 200
    set_up(admin)
    assert admin.get(MEMBERS).status_code == 200
    given = next(each for action, each in admin.forms(PROFILE) if action == CODES)
    assert admin.post(CODES, {**given, "do": "off"}).status_code == 403
    assert admin.post(CODES, {**given, "do": "codes"}).status_code == 303


def test_the_password_is_asked_again_after_fifteen_minutes(world):
    admin, now = signed_in(world), clock.now()
    bob = member("viewer")
    page = f"{MEMBERS}/{bob.id}"
    given = {"token": admin.forms(PROFILE)[0][1]["token"], "do": "remove"}
    with time_machine.travel(now + timedelta(minutes=16)):
        answer = admin.post(page, given)
        assert answer.status_code == 403
        assert members.get(bob.id) is not None
        asked = next(each for action, each in forms_on(answer) if action == page)
        assert asked["do"] == "remove"
        assert admin.post(page, {**asked, "confirm_password": "wrong wrong"}).status_code == 403
        assert admin.post(page, {**asked, "confirm_password": PASSWORD}).status_code == 303
        assert members.get(bob.id) is None
        assert all(session.is_trusted(clock.now()) for session in sessions.Session.select())


def test_members_are_invited_changed_and_removed_on_their_pages(world, make):
    admin, survey = signed_in(world), make.survey(name="Shop <i>")
    given = next(each for _, each in admin.forms(MEMBERS) if each.get("do") == "invite")
    assert admin.post(MEMBERS, {**given, "email": "bob", "role": "viewer"}).status_code == 422
    chosen = {**given, "email": "bob@acme.example", "role": "editor", f"survey:{survey.id}": "1"}
    page = admin.post(MEMBERS, chosen).headers["Location"]
    bob = members.by_email("bob@acme.example")
    assert (bob.role, bob.surveys) == ("editor", [survey.id])
    invited = text_of(admin.get(page))
    assert "No mail is set up here, so send this link to bob@acme.example" in invited
    [link] = re.findall(r"http://localhost(/team/welcome/[\w-]+)", invited)
    assert link not in text_of(admin.get(page)), "it is shown once"
    newcomer = Visitor(world)
    assert newcomer.send(link, name="Bob", password=PASSWORD).status_code == 303
    change = next(each for _, each in admin.forms(page) if each.get("do") == "change")
    assert f"survey:{survey.id}" in change
    assert "all_surveys" not in change
    assert admin.post(page, {**change, "role": "viewer", "agent": "17"}).status_code == 303
    again = admin.post(page, {"token": change["token"], "do": "link"})
    assert "/team/reset/" in text_of(admin.get(again.headers["Location"]))
    assert admin.post(page, {"token": change["token"], "do": "remove"}).status_code == 303
    assert newcomer.get(PROFILE).status_code == 303
    [me] = members.Member.select()
    refused = admin.post(f"{MEMBERS}/{me.id}", {"token": change["token"], "do": "remove"})
    assert refused.status_code == 422
    assert "last administrator" in text_of(refused)
    log = text_of(admin.get("/team/admin/audit"))
    for told in (
        "joined",
        "invited a member",
        "changed a member",
        "made a member a link",
        "removed a member",
        "email, name, role, survey<",
        '"><bdi>Bob</bdi>',
    ):
        assert told in log, told
    assert f"POST {MEMBERS}/{{member_id}}" in log
    assert bob.id in log
    assert "not a cursor" in text_of(admin.get("/team/admin/audit?cursor=x"))


@ON_SQLITE
def test_a_limit_to_a_survey_that_is_gone_stays_until_all_are_opened(world, make, api):
    admin, kept, gone = signed_in(world), make.survey(), make.survey()
    bob = member("editor", "bob@acme.example", surveys=[gone.id])
    api.delete(f"/api/surveys/{gone.id}", responses="delete")
    page = f"{MEMBERS}/{bob.id}"

    def sent(status=303, without=(), **more):
        change = next(each for _, each in admin.forms(page) if each.get("do") == "change")
        given = {name: value for name, value in {**change, **more}.items() if name not in without}
        assert admin.post(page, given).status_code == status
        return members.get(bob.id)

    assert (sent(name="Robert").surveys, sent().name) == ([gone.id], "Robert")
    chosen = f"survey:{kept.id}"
    assert sent(**{chosen: "1"}).surveys == [kept.id, gone.id]
    refused = sent(422, without=[chosen], name="Rob")
    assert (refused.surveys, refused.name) == ([kept.id, gone.id], "Robert")
    assert sent(all_surveys="1").surveys is None, "what is ticked anew counts"
    assert sent(422, without=["all_surveys"]).surveys is None
    assert sent(**{chosen: "1"}).surveys == [kept.id]
    api.patch(f"/api/members/{bob.id}", {"surveys": ["sv_unknown"]}, 422)
    given = next(each for _, each in admin.forms(MEMBERS) if each.get("do") == "invite")
    del given["all_surveys"]
    assert admin.post(MEMBERS, {**given, "email": "eve@acme.example", "role": "viewer"}).status_code == 422


def test_whoever_was_mailed_an_invitation_is_sent_the_link_only_where_the_mail_fails(world, monkeypatch):
    mailing = dataclasses.replace(world.settings, smtp_url="smtp://mail.example", mail_from="us@acme.example")
    monkeypatch.setattr(admin_members.context, "settings", lambda: mailing)
    admin = signed_in(world)
    given = next(each for _, each in admin.forms(MEMBERS) if each.get("do") == "invite")
    page = admin.post(MEMBERS, {**given, "email": "bob@acme.example", "role": "viewer"}).headers["Location"]
    told = text_of(admin.get(page))
    assert "on its way to bob@acme.example by mail. Should it not arrive, send them this link." in told


def test_every_change_that_is_written_down_is_told_in_words(world):
    changes = {
        f"{method} {re.sub(audited._PARAMETER, audited._BRACED, rule.rule)}"
        for rule in world.app.url_map.iter_rules()
        for method in rule.methods & audited._CHANGES
        if rule.rule.startswith(("/api/", "/team")) and rule.rule not in audited._RECORDED
    }
    handed_out = {each for each in deeds.DEEDS if each.startswith("GET ") and "/export" in each}
    assert changes | handed_out | {"GET /team/sign-in/oidc/callback"} == set(deeds.DEEDS)
    assert deeds.told("POST /old") == "POST /old"
    assert deeds.fields_told(["do", "color-0", "color-1", "survey:sv_1", "allowed_origins"]) == (
        "color, survey, allowed origins"
    )


#: The routes that take the forms of a template, where its pages are not told by one route alone.
_TAKEN_BY = {
    "_issue": ["/team/topics/{topic_id}"],
    "connection": ["/team/connections/{connection_id}"],
    "feed": ["/team/feed", "/team/feed/{response_id}"],
    "follow_up": ["/team/follow-ups/{follow_up_id}"],
    "goals": ["/team/goals"],
    "keys": ["/team/admin/keys"],
    "loop": ["/team/loop"],
    "member": ["/team/admin/members/{member_id}"],
    "members": ["/team/admin/members"],
    "notice_rule": ["/team/notices/{rule_id}"],
    "notices": ["/team/notices"],
    "overview": ["/team"],
    "person": ["/team/people/{person_id}"],
    "profile": ["/team/profile", "/team/profile/recovery-codes"],
    "survey": ["/team/surveys/{survey_id}"],
    "theme": ["/team/themes/{theme_id}"],
    "themes": ["/team/themes"],
    "topic": ["/team/topics/{topic_id}"],
    "topics": ["/team/topics"],
    "tracker": ["/team/trackers/{tracker_id}"],
}


def test_every_button_that_says_what_it_does_has_a_deed_of_its_own():
    """A word in `do` is a word of the page, of a choice in it, or of a macro that writes the form."""
    silent, seen = [], set()
    for path in sorted(Path(deeds.__file__).parents[1].glob("templates/dashboard/*.html")):
        text = path.read_text("utf-8")
        plain = re.findall(r'name="do" value="([a-z_]+)"', text)
        chosen = [
            word
            for choice in re.findall(r'name="do" value="{{ ([^}]*) }}"', text)
            for word in re.findall(r"'([a-z_]+)'", choice)
        ]
        by_macro = re.findall(r'\b(?:begin|button)\("([a-z_]+)"', text)
        for word in {*plain, *chosen, *by_macro}:
            routes = [f"POST {route}" for route in _TAKEN_BY[path.stem]]
            seen.add(path.stem)
            if not any(word in deeds._BUTTONS.get(route, {}) for route in routes):
                silent.append((path.stem, word))
    assert silent == []
    assert seen == set(_TAKEN_BY)


@ON_SQLITE
def test_the_ids_of_agents_stand_where_one_is_to_be_typed(world, make):
    row = make.response(make.survey(), 9)
    Response.update(agent_id="a-04", agent_name="Tom Hughes").where(Response.key == row.key).execute()
    other = member("agent", email="tom@acme.example")
    shown = signed_in(world).get(f"/team/admin/members/{other.id}").get_data(as_text=True)
    assert "<bdi>Tom Hughes</bdi>: <code>a-04</code>" in shown
