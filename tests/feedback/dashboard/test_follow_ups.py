"""The pages of follow-ups: the list with its report, one case with its forms, without scripts."""

from datetime import UTC, datetime, timedelta

import time_machine
from playhouse.test_utils import count_queries

from feedback.follow_ups import alerts, cases, report
from feedback.models import FollowUp, Letter
from surveys.base import delivery
from surveys.base.accounts import members
from surveys.base.delivery.memory import Memory
from tests.conftest import ADMIN_KEY, ON_SQLITE
from tests.visitor import filled, member, signed_in

#: A Friday, 15:40 UTC: one hour and 20 minutes before the team goes home.
NOW = datetime(2026, 11, 27, 15, 40, tzinfo=UTC)


def opened(api, survey, name, **values):
    body = {"survey": survey.id, "score": 2, "person": {"email": f"{name}@x.example", "name": name}, **values}
    response = api.post("/api/responses", body)
    return api.post("/api/follow-ups", {"response": response["id"]})["id"]


def text_of(answer):
    return answer.get_data(as_text=True)


@ON_SQLITE
def test_a_case_is_worked_on_by_forms_alone(world, api, make):
    with time_machine.travel(NOW, tick=False) as clock:
        visitor, other = signed_in(world, "editor", name="Eda"), member("editor", email="other@x.example")
        survey = make.survey()
        case_id = opened(api, survey, "ann", comment="The <b>invoice</b> is wrong.")
        page = f"/team/follow-ups/{case_id}"
        shown = text_of(visitor.get("/team/follow-ups"))
        for words in (
            "ann",
            "a decision of the team",
            "The &lt;b&gt;invoice&lt;/b&gt;",
            "received Fri 27 Nov 15:40",
        ):
            assert words in shown
        assert page in shown

        def send(code=303, **fields):
            answer = visitor.send(page, **fields)
            assert answer.status_code == code, text_of(answer)
            return answer

        assert "It is yours." in text_of(visitor.get(send(do="take").headers["Location"]))
        send(do="steps", **{"step-listen": "1", "step-solve": "1"})
        # Two people at one case: the second sees what stands, and what they typed.
        version = next(each["version"] for _, each in visitor.forms(page) if "version" in each)
        send(do="note", note="Called.")
        stale = send(409, do="reply", text="We are sorry.", version=version)
        assert "We are sorry." in text_of(stale)
        send(422, do="reply", text=" ")
        send(do="reply", text="We are sorry.", language="en")
        again = send(do="reply", text="We are sorry.")
        assert "not sent twice" in text_of(visitor.get(again.headers["Location"]))
        send(422, do="owner", owner=other.id, note="")
        send(do="owner", owner=other.id, note="On leave.")
        send(422, do="give_up", reason="lost_cause", note="")
        send(do="status", status="waiting")
        send(do="ask")
        send(do="give_up", reason="lost_cause", note="They moved away.")
        case = api.get(f"/api/follow-ups/{case_id}")
        assert (case["owner"], case["status"], case["steps"]) == (other.id, "given_up", ["listen", "solve"])
        assert sorted(letter["kind"] for letter in case["letters"]) == ["ask", "reply"]
        told = text_of(visitor.get(page))
        for words in ("They moved away.", "given to Editor", "steps done: Listen, Solve", "mail: answer"):
            assert words in told, words
        # Lists are narrowed, and what nobody may write to says so.
        opened(api, survey, "bob")
        claimed = api.post("/api/responses", {"survey": survey.id, "score": 1})
        nobodys = api.post("/api/follow-ups", {"response": claimed["id"]})["id"]
        assert "nobody knows who answered" in text_of(visitor.get(f"/team/follow-ups/{nobodys}"))
        for query, found in (
            ("owner=me", []),
            ("owner=none", ["bob"]),
            ("status=given_up", ["ann"]),
            ("overdue=1", []),
        ):
            listed = text_of(visitor.get(f"/team/follow-ups?{query}"))
            assert [name for name in ("ann", "bob") if f"<bdi>{name}</bdi>" in listed] == found, query
        clock.shift(timedelta(days=4))
        assert "overdue" in text_of(visitor.get("/team/follow-ups?overdue=1"))
        assert visitor.get("/team/follow-ups?owner=x&page=0").status_code == 422
        assert visitor.get("/team/follow-ups/fu_nothing").status_code == 404
        assert signed_in(world, "viewer").get(page).status_code == 403


def test_the_page_shows_what_a_mail_says_around_the_words_of_the_team(world, api, make):
    """In the words of the mail, so that nobody greets or signs twice."""
    visitor = signed_in(world, "editor", name="Eda", email="eda@x.example")
    case_id = opened(
        api, make.survey(product="Acme"), "ann", comment="The <b>invoice</b> is wrong.", language="de"
    )
    page = text_of(visitor.get(f"/team/follow-ups/{case_id}"))
    before, box, after = page.partition('<textarea id="text"')
    visitor.send(f"/team/follow-ups/{case_id}", do="reply", text="Es tut uns leid.")
    mailer = Memory()
    delivery.use("mail", mailer)
    world.work()
    [mail] = mailer.sent
    greeting = mail.text.splitlines()[0]
    signed = [line for line in mail.text.partition("\n-- ")[0].splitlines() if line][-2:]
    assert greeting.startswith("Guten Tag") or greeting.startswith("Hallo")
    assert box
    assert greeting in before
    assert signed[1] == "Acme"
    for words in ("The &lt;b&gt;invoice&lt;/b&gt; is wrong.", *signed):
        assert words in after.partition("</form>")[0], words


def test_whoever_answers_where_nobody_looks_after_it_does_and_gets_what_the_customer_says(world, api, make):
    visitor = signed_in(world, "editor", name="Eda", email="eda@x.example")
    other = member("editor", email="other@x.example", name="Oda")
    plain, named = make.survey(), make.survey(mail={"reply_to": "care@acme.example"})
    nobodys, owned, machines = opened(api, plain, "ann"), opened(api, plain, "bob"), opened(api, named, "cid")
    api.patch(f"/api/follow-ups/{owned}", {"owner": other.id})

    def page(case_id):
        return text_of(visitor.get(f"/team/follow-ups/{case_id}"))

    def with_key(case_id):
        headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Accept": "text/html"}
        return text_of(world.client.get(f"/team/follow-ups/{case_id}", headers=headers))

    # Who would get the answer stands beside the box, also that nobody would.
    assert "what they answer goes to you, eda@x.example." in page(nobodys)
    assert "other@x.example." in page(owned)
    assert "Nobody would get what they answer" in with_key(nobodys)
    assert "What they answer goes to care@acme.example." in with_key(machines)
    mailer = Memory()
    delivery.use("mail", mailer)
    led = visitor.send(f"/team/follow-ups/{nobodys}", do="reply", text="We are sorry.").headers["Location"]
    told = text_of(visitor.get(led))
    assert "You look after this now" in told
    assert "No mail server is set" in told
    led = visitor.send(f"/team/follow-ups/{owned}", do="reply", text="We are sorry.").headers["Location"]
    assert "You look after this now" not in text_of(visitor.get(led))
    # A key is nobody, so the case stays nobody's.
    api.post(f"/api/follow-ups/{machines}/reply", {"text": "We are sorry."}, 202)
    world.work()
    assert {mail.to: mail.reply_to for mail in mailer.sent} == {
        "ann@x.example": "eda@x.example", "bob@x.example": "other@x.example", "cid@x.example": "care@acme.example",
    }  # fmt: skip
    eda = members.by_email("eda@x.example").id
    owners = [api.get(f"/api/follow-ups/{case_id}")["owner"] for case_id in (nobodys, owned, machines)]
    assert owners == [eda, other.id, None]
    [line] = [each for each in api.get(f"/api/follow-ups/{nobodys}")["history"] if "mailed" in each]
    assert (line["owner"], line["by"]["name"]) == (eda, "Eda")
    assert "<b>sent</b>" in page(nobodys)


@ON_SQLITE
def test_the_report_says_what_was_kept_and_never_counts_silence(world, api, make):
    with time_machine.travel(NOW, tick=False) as clock:
        survey = make.survey()
        ids = [opened(api, survey, name) for name in "abcdef"]
        clock.shift(timedelta(hours=1))
        for case_id in ids[:3]:
            api.post(f"/api/follow-ups/{case_id}/reply", {"text": "Hello."}, 202)
        clock.shift(timedelta(days=5))
        api.post(f"/api/follow-ups/{ids[3]}/reply", {"text": "Late."}, 202)
        for case_id, answer in ((ids[0], "fixed"), (ids[1], "not_yet"), (ids[2], None)):
            api.call("POST", f"/api/follow-ups/{case_id}/ask", 202)
            mine = (Letter.follow_up == case_id) & (Letter.kind == "ask")
            Letter.update(answer=answer).where(mine).execute()
        FollowUp.update(status="solved", closed_at=datetime.now(UTC)).where(FollowUp.id == ids[0]).execute()
        FollowUp.update(status="unconfirmed", closed_at=datetime.now(UTC)).where(
            FollowUp.id == ids[2]
        ).execute()
        found = report.made(FollowUp.id.is_null(False), datetime.now(UTC))
        assert (found.answered.kept, found.answered.n, found.answered.hours) == (3, 6, 1.0)
        assert (found.by_word.kept, found.by_word.n, found.asked) == (1, 2, 3)
        assert found.closed == {"solved": 1, "unconfirmed": 1, "given_up": 0}
        low, high = found.by_word.interval
        assert 0 < low < 50 < high < 100
        shown = text_of(signed_in(world, "editor").get("/team/follow-ups"))
        assert "3 of 6" in shown
        assert "3 were asked, 2 said something." in shown
        # How long it took is kept when it happens: the page reads no case one by one, however many there are.
        with count_queries() as few:
            report.made(FollowUp.id.is_null(False), datetime.now(UTC))
        assert few.count <= 5
        took = {row.id: row.answer_hours for row in FollowUp.select()}
        assert [took[case_id] for case_id in ids] == [1.0, 1.0, 1.0, 25.0, None, None]
        # What was not kept by an earlier version is worked out once.
        FollowUp.update(answer_hours=None, solve_hours=None).execute()
        assert report.made(FollowUp.id.is_null(False), datetime.now(UTC)).answered.hours is None
        assert cases.measure(datetime.now(UTC)) == 4
        assert cases.measure(datetime.now(UTC)) == 0
        again = report.made(FollowUp.id.is_null(False), datetime.now(UTC))
        assert (again.answered.hours, again.solved.hours is None) == (1.0, False)


def test_a_case_is_handed_only_to_who_can_open_it(world, api, make):
    survey, elsewhere = make.survey(), make.survey()
    visitor = signed_in(world, "editor", name="Eda")
    names = {
        name: member(role, email=f"{name.lower()}@x.example", name=name, **more).id
        for name, role, more in (
            ("Gus", "agent", {}),
            ("Vera", "viewer", {}),
            ("Lea", "editor", {"surveys": [elsewhere.id]}),
            ("Oda", "editor", {"surveys": [survey.id]}),
            ("Ada", "administrator", {}),
        )
    }
    case_id = opened(api, survey, "ann")
    page, path = f"/team/follow-ups/{case_id}", f"/api/follow-ups/{case_id}"
    offered = text_of(visitor.get(page)).rpartition('<select id="owner"')[2].partition("</select>")[0]
    assert [name for name in names if f">{name}</option>" in offered] == ["Oda", "Ada"]
    for name in ("Lea", "Gus", "Vera"):
        refused = visitor.send(page, do="owner", owner=names[name], note="")
        assert refused.status_code == 422
        assert f"{name} cannot open this" in text_of(refused)
        assert list(api.patch(path, {"owner": names[name]}, 422)["error"]["fields"]) == ["owner"]
        code = 200 if name == "Lea" else 422
        assert ("error" in api.call("PUT", "/api/hours", code, json={"lead": names[name]})) == (code == 422)
    assert visitor.send(page, do="owner", owner=names["Oda"], note="").status_code == 303
    # Whoever had it before their role or their surveys changed keeps it, and the page says what is wrong.
    members.change(names["Oda"], {"role": "agent"})
    assert "Oda cannot open this" in text_of(visitor.get(page))
    # A note needs no other owner.
    assert visitor.send(page, do="note", note="Called.").status_code == 303
    lead = text_of(signed_in(world).get("/team/admin/hours")).partition('<select id="lead"')[2]
    assert [name for name in names if f">{name}</option>" in lead.partition("</select>")[0]] == ["Lea", "Ada"]


@ON_SQLITE
def test_the_lead_whose_role_changed_stays_until_another_is_chosen(world, api):
    page, visitor = "/team/admin/hours", signed_in(world)
    lea, gus = (member("editor", email=f"{name}@x.example", name=name) for name in ("Lea", "Gus"))
    api.call("PUT", "/api/hours", 200, json={"lead": lea.id})
    assert "cannot open follow-ups any more" not in text_of(visitor.get(page))
    for each in (lea, gus):
        members.change(each.id, {"role": "viewer"})
    shown = visitor.get(page)
    assert "Lea cannot open follow-ups any more, so administrators hear" in text_of(shown)
    assert visitor.post(page, filled(shown, lead=lea.id) | {"answer_within_hours": "4"}).status_code == 303
    stored = api.get("/api/hours")
    assert (stored["lead"], stored["answer_within_hours"]) == (lea.id, 4.0)
    assert api.call("PUT", "/api/hours", 200, json=stored) == stored
    assert visitor.post(page, filled(visitor.get(page), lead=lea.id) | {"lead": gus.id}).status_code == 422
    assert list(api.call("PUT", "/api/hours", 422, json={"lead": gus.id})["error"]["fields"]) == ["lead"]
    assert visitor.post(page, filled(visitor.get(page), lead=lea.id) | {"lead": ""}).status_code == 303
    assert api.get("/api/hours")["lead"] is None


def test_what_is_overdue_is_told_to_who_can_open_it(world, api, make):
    owner, lead = member("editor", email="owner@x.example"), member("editor", email="lead@x.example")
    boss = member(email="boss@x.example")
    case_id = opened(api, make.survey(), "ann")
    api.patch(f"/api/follow-ups/{case_id}", {"owner": owner.id})
    api.call("PUT", "/api/hours", 200, json={"lead": lead.id})
    for each in (owner, lead):
        members.change(each.id, {"role": "viewer"})
    mailer = Memory()
    delivery.use("mail", mailer)
    alerts.tell(FollowUp.get_by_id(case_id), alerts.OVERDUE, datetime.now(UTC))
    world.work()
    assert [mail.to for mail in mailer.sent] == [boss.email]


def test_a_mail_that_only_went_into_the_outbox_answers_nobody(world, api, make):
    """Without a mail server nothing leaves: the loop can be tried, and no promise is kept by that."""
    visitor = signed_in(world, "editor", name="Eda")
    case_id = opened(api, make.survey(), "ann")
    page, path = f"/team/follow-ups/{case_id}", f"/api/follow-ups/{case_id}"
    before = text_of(visitor.get(page)).partition("<textarea")[0]
    assert "No mail server is set" in before
    for act in ("reply", "ask"):
        visitor.send(page, do=act, text="We are sorry.")
        world.work()
        case = api.get(path)
        assert case["first_answer_at"] is not None
        assert case["status"] == ("asked" if act == "ask" else "handled")
    shown = text_of(visitor.get(page))
    assert shown.count("in the outbox: no mail server is set") == 2
    assert "None was due yet." in text_of(visitor.get("/team/follow-ups"))
    # Once there is a server, the same words may go.
    mailer = Memory()
    delivery.use("mail", mailer)
    api.post(f"{path}/reply", {"text": "We are sorry."}, 202)
    world.work()
    assert len(mailer.sent) == 1
    assert api.get(path)["first_answer_at"] is not None


def test_due_times_and_the_reasons_for_them_are_told_by_one_clock(world, api, make):
    with time_machine.travel(NOW, tick=False):
        visitor = signed_in(world, "editor", name="Eda", time_zone="Asia/Tokyo")
        api.call("PUT", "/api/hours", 200, json={"time_zone": "Europe/Berlin"})
        world.work()
        case_id = opened(api, make.survey(), "ann")
        for page in ("/team/follow-ups", f"/team/follow-ups/{case_id}"):
            shown = text_of(visitor.get(page))
            # Friday 16:40 in Berlin, which closes at 17:00.
            why = "received Sat 28 Nov 00:40 · 20 min on Sat 28 Nov · Mon 30 Nov from 17:00 · due Tue 1 Dec 00:40"
            assert why in shown
            assert "1 Dec 2026, 00:40" in shown
            assert "(Asia/Tokyo)" in shown
            assert "Europe/Berlin" not in shown
        # A program reads the reason as it is kept.
        assert "(Europe/Berlin)" in api.get(f"/api/follow-ups/{case_id}")["due"]["answer"]["why"]
