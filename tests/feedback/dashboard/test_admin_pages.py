"""Keys, health, settings, hours and privacy on pages, and people with all that happened to them."""

import html
import re
from datetime import timedelta

import pytest
from playhouse.test_utils import count_queries

from feedback.dashboard import admin_audit, words
from feedback.follow_ups import hours
from feedback.models import Digest, Topic, TopicIssue, Tracker
from surveys import triggers
from surveys.base import clock, db, ids, jobs, settings
from surveys.base.accounts import keys
from surveys.base.accounts.audit import AuditEntry
from surveys.base.accounts.keys import ApiKey
from surveys.base.jobs import Job
from surveys.keeping import erasure
from surveys.models import Invitation, Person, Response, Trigger, Webhook, WebhookDelivery, WebhookEvent
from tests.conftest import ADMIN_KEY, ON_SQLITE, SECRET_KEY
from tests.feedback.dashboard.test_overview import Numbers
from tests.visitor import filled, forms_on, signed_in

ADMIN, PEOPLE = "/team/admin", "/team/people"


def text_of(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return html.unescape(answer.get_data(as_text=True))


def form_with(visitor, address, *names):
    return next(given for _, given in forms_on(visitor.get(address)) if set(names) <= given.keys())


@pytest.fixture
def ann(world, make):
    """Somebody who was asked once, refused once, and answered."""
    survey = make.survey(name="Shop")
    said = {
        "person": {"id": "ann", "email": "ann@example.com", "name": "Ann <i>"},
        "deliver": True,
        "on_block": "drop",
    }
    said["person"] |= {"company": "Acme & Söhne/Ltd", "properties": {"plan": "pro <b>"}}
    for _ in range(2):
        triggers.receive(survey, said, clock.now())
    person = Person.get()
    Person.update(company="Acme & Söhne/Ltd").execute()
    row = make.response(survey, 2, comment="Slow <u>checkout")
    Response.update(person=person.id).where(Response.key == row.key).execute()
    return Person.get()


def test_a_key_is_made_shown_once_and_revoked(world, make):
    admin, survey = signed_in(world), make.survey(name="Shop")
    address = f"{ADMIN}/keys"
    form = form_with(admin, address, "name", "token")
    assert admin.post(address, {**form, "name": ""}).status_code == 422
    nothing = {name: value for name, value in form.items() if name not in ("all_surveys", "scope:read")}
    assert admin.post(address, {**nothing, "name": "x", "scope:read": "1"}).status_code == 422
    limited = {**nothing, "name": "Board", "scope:read": "1", f"survey:{survey.id}": "1"}
    page = text_of(admin.get(admin.post(address, limited).headers["Location"]))
    [secret] = re.findall(r'data-copy="Copy"[^>]*><code>(ek_[\w-]{30,})</code>', page)
    assert secret not in text_of(admin.get(address))
    made = ApiKey.get(ApiKey.name == "Board")
    assert (made.scopes, made.surveys) == (["read"], [survey.id])
    done = admin.post(address, {"token": form["token"], "do": "revoke", "id": made.id})
    assert done.headers["Location"] == f"{address}?did=revoked"
    assert ApiKey.get_by_id(made.id).revoked_at is not None
    assert admin.post(address, {"token": form["token"], "do": "revoke", "id": made.id}).status_code == 404


@ON_SQLITE
def test_revoking_a_key_offers_to_keep_each_kind_of_what_it_made(world):
    key = ApiKey.get()
    Digest.create(
        id="dig_1", email="a@b.example", when="daily", filters={}, made_by=key.id, created_at=clock.now()
    )
    page = text_of(signed_in(world).get(f"{ADMIN}/keys"))
    assert 'name="keep:digests"' in page
    assert "keep its digest" in page
    assert {f"keys.keep.{kind}" for kind in keys.kinds()} <= set(words.WORDS)


def test_health_tells_what_to_look_at_and_releases_what_was_given_up(world, make):
    admin, now = signed_in(world), clock.now()
    page = text_of(admin.get(f"{ADMIN}/health"))
    assert "Nothing waits longer than it should." in page
    assert "No mail server is set" in page
    row = {"kind": "nothing to do", "payload": {}, "created_at": now, "attempts": 0}
    Job.insert(**row, state=jobs.NEW, due_at=now - timedelta(minutes=10)).execute()
    Job.insert(**row, state=jobs.DEAD, due_at=now).execute()
    page = text_of(admin.get(f"{ADMIN}/health"))
    assert "A job has waited for 10 minutes. Does a worker run?" in page
    form = form_with(admin, f"{ADMIN}/health", "kind")
    assert form["kind"] == "nothing to do"
    assert admin.post(f"{ADMIN}/health", form).headers["Location"] == f"{ADMIN}/health?did=released"
    assert not Job.select().where(Job.state == jobs.DEAD).exists()
    assert "No sender is set" in text_of(admin.get(f"{ADMIN}/health?mail=1"))
    # Whatever may not have arrived is counted, whoever sent it: an old one no more.
    for at, outcome in enumerate(("unknown", "failed", "sent", "unknown")):
        begun = (now - timedelta(days=400 if at == 3 else 1)).date().isoformat()
        Digest.create(
            id=f"dig_{at}",
            email="a@b.example",
            when="daily",
            filters={},
            made_by="",
            created_at=now,
            begun_for=begun,
            outcome=outcome,
        )
    hook = {"url": "", "events": [], "secret": "x", "made_by": "", "created_at": now, "kind": "mail"}
    event = WebhookEvent.create(id="evt_1", type="notice.began", subject="x", created_at=now)
    for id_, owner in (("wh_1", "rule_1"), ("wh_2", None)):
        Webhook.create(id=id_, owner=owner, **hook)
        WebhookDelivery.create(webhook=id_, event=event, state="dead", due_at=now, queued_at=now)
    # So are issues that may not have been made, and webhooks that could not be called.
    Tracker.create(id="trk_1", name="Ours", kind="github", settings={}, credentials={}, created_at=now)
    for state in ("unknown", "linked"):
        Topic.create(id=f"top_{state}", label=f"Topic {state}", created_at=now)
        TopicIssue.create(
            topic=f"top_{state}", tracker="trk_1", state=state, marker="m", told="open", made_by="", created_at=now,
            ref="1" if state == "linked" else None,
        )  # fmt: skip
    Webhook.update(url="https://app.example/hook").where(Webhook.id == "wh_2").execute()
    page = text_of(admin.get(f"{ADMIN}/health"))
    assert "3 mails and messages could not be sent" in page
    assert "Topic unknown</bdi></a>: an issue may have been made" in page
    assert "Topic linked" not in page
    assert "https://app.example/hook</bdi></a>: 1 event of the last seven days was given up." in page
    assert "3 mails and messages could not be sent" in text_of(admin.get(f"{ADMIN}/health"))
    for at, (status, begun) in enumerate((("failed", 1), ("unknown", 2), ("sent", 1), ("failed", 400))):
        Invitation.insert(
            id=f"inv_{at}", survey=make.survey(name="Shop <b>").id, channel="email", status=status,
            email=f"kim{at}@shop.example", created_at=now - timedelta(days=begun),
        ).execute()  # fmt: skip
    page = admin.get(f"{ADMIN}/health").get_data(as_text=True)
    assert re.findall(r"kim\d", page) == ["kim0", "kim1"], "it names what did not go out lately"
    assert "Shop &lt;b&gt;</bdi>: could not be sent" in page


@ON_SQLITE
def test_health_asks_as_little_of_many_that_were_not_reached_as_of_one(world, make):
    admin, survey, now = signed_in(world), make.survey(), clock.now()

    def unreached(name):
        person = Person.create(id=f"per_{name}", name=name, verified=False, created_at=now)
        Invitation.insert(
            id=f"inv_{name}",
            survey=survey.id,
            channel="link",
            status="failed",
            person=person.id,
            created_at=now,
        ).execute()

    def asked():
        with count_queries() as found:
            page = admin.get(f"{ADMIN}/health").get_data(as_text=True)
        return found.count, page

    unreached("Ada")
    asked()
    few, _ = asked()
    for name in ("Bob", "Cleo", "Dan"):
        unreached(name)
    many, page = asked()
    assert [name for name in ("Ada", "Bob", "Cleo", "Dan") if f"<bdi>{name}</bdi>" in page] == [
        "Ada",
        "Bob",
        "Cleo",
        "Dan",
    ]
    assert many <= few


@pytest.mark.parametrize(
    "settings_overrides",
    [
        {
            "SMTP_URL": "smtp://us:pa55word@mail.example:25",
            "MAIL_FROM": "us@acme.example",
            "METRICS_TOKEN": "t0ken" * 8,
        }
    ],
)
@ON_SQLITE
def test_settings_are_shown_without_secrets(world):
    page = text_of(signed_in(world).get(f"{ADMIN}/settings"))
    assert "smtp://mail.example:25" in page
    assert "us@acme.example" in page
    for secret in ("pa55word", SECRET_KEY, ADMIN_KEY, "t0ken"):
        assert secret not in page
    assert {name for name, _, _ in settings.table()} <= set(re.findall(r"<code>([A-Z_]+)</code>", page))


def test_hours_are_set_by_a_form_that_keeps_what_was_typed(world):
    admin, address = signed_in(world), f"{ADMIN}/hours"
    form = form_with(admin, address, "opens-0-0")
    assert (form["opens-0-0"], form["closes-4-0"], form["opens-5-0"]) == ("09:00", "17:00", "")
    wrong = {**form, "opens-0-0": "18:00", "holidays": "2026-12-25\nChristmas", "time_zone": "Nowhere/Here"}
    page = text_of(admin.post(address, wrong), 422)
    for told in (
        "Must open before it closes",
        "Christmas: Must be a day such as",
        "Is no time zone",
        "Nowhere/Here",
        "Christmas",
    ):
        assert told in page
    right = {**form, "opens-4-0": "", "closes-4-0": "", "opens-0-1": "18:00", "closes-0-1": "20:00"}
    right |= {"holidays": "2026-12-25\n2027-01-01", "time_zone": "Europe/Berlin", "answer_within_hours": "4"}
    assert admin.post(address, right).status_code == 303
    stored = hours.stored()
    assert stored["open"] == [
        {"weekdays": [0, 1, 2, 3], "opens": "09:00", "closes": "17:00"},
        {"weekdays": [0], "opens": "18:00", "closes": "20:00"},
    ]
    assert (stored["time_zone"], stored["answer_within_hours"]) == ("Europe/Berlin", 4.0)
    again = form_with(admin, address, "opens-0-0")
    assert again["opens-0-1"] == "18:00"
    assert "2026-12-25\n2027-01-01</textarea>" in text_of(admin.get(address))


def test_a_privacy_request_is_found_handed_out_and_erased_in_one_place(world, ann):
    admin, address = signed_in(world), f"{ADMIN}/privacy"
    assert "Nobody goes by that." in text_of(admin.get(f"{address}?email=bob%40example.com"))
    page = text_of(admin.get(f"{address}?email=ANN%40example.com"))
    assert "Ann <i>" in page
    # What is kept is called by words that people know, and one of it is one.
    for told in ("1 answer<", "1 invitation<", "2 receipts<"):
        assert f'<span class="chip">{told}' in page, told
    about = erasure._Traces([Person.get_by_id(ann.id)]).where
    tables = {table._meta.table_name for table in db.registered() if about(table) is not None}
    assert {f"kept.{name}{one}" for name in tables for one in ("", ".one")} <= set(words.WORDS)
    file = admin.get(f"{address}/export.json?email=ann%40example.com")
    assert file.get_json()["people"] == [ann.id]
    assert "attachment" in file.headers["Content-Disposition"]
    # Who took it stands in the log.
    [noted] = AuditEntry.select().where(AuditEntry.action == "GET /team/admin/privacy/export.json")
    assert noted.thing is not None
    assert "took all that is kept of a person" in text_of(admin.get(f"{ADMIN}/audit"))
    form = form_with(admin, f"{address}?email=ann%40example.com", "token", "email")
    assert "Tick that you mean it" in text_of(admin.post(address, form), 422)
    form["sure"] = "1"
    assert admin.post(address, form).headers["Location"] == f"{address}?did=erased"
    assert (Person.select().count(), Response.select().count(), Trigger.select().count()) == (0, 0, 0)
    assert admin.post(address, form).status_code == 422
    assert admin.get(f"{address}/export.json?email=ann%40example.com").status_code == 404


def test_the_audit_log_tells_one_deed_and_what_is_another_now(world, make):
    """Of a page with several forms, and of a form that sends all that stands in it."""
    admin, survey = signed_in(world), make.survey(name="Shop")
    page = f"/team/surveys/{survey.id}"
    form = filled(admin.get(page), name="Shop")
    assert admin.post(page, {**form, "do": "change", "name": "Shop two"}).status_code == 303
    assert admin.send(page, do="secret").status_code == 303
    topic = Topic.create(id=ids.new("top"), label="Tills", created_at=clock.now())
    page = f"/team/topics/{topic.id}"
    assert admin.post(page, {**filled(admin.get(page), do="change"), "label": "Queues"}).status_code == 303
    log = text_of(admin.get(f"{ADMIN}/audit"))
    rows = [re.sub(r"<[^>]+>", " ", row) for row in re.findall(r"<tr>(.*?)</tr>", log, re.S)][1:4]
    told = [" ".join(row.split()) for row in rows]
    assert "changed a topic" in told[0]
    assert told[0].endswith("Queues label")
    assert "made another secret for a survey" in told[1]
    assert "changed a survey" in told[2]
    assert told[2].endswith("Shop two name")
    assert "do:" not in log
    # What it is called finds it too.
    by_name = text_of(admin.get(f"{ADMIN}/audit?thing=queu"))
    assert "changed a topic" in by_name
    assert "changed a survey" not in by_name
    by_id = text_of(admin.get(f"{ADMIN}/audit?thing={survey.id}"))
    assert ("changed a survey" in by_id, "changed a topic" in by_id) == (True, False)
    # Somebody's name for one thing may hold the id of another.
    topic.label = f"About {survey.id}"
    topic.save()
    both = text_of(admin.get(f"{ADMIN}/audit?thing={survey.id}"))
    assert ("changed a survey" in both, "changed a topic" in both) == (True, True)


def test_the_audit_log_says_when_more_goes_by_a_name_than_it_looks_for(world, make, monkeypatch):
    admin = signed_in(world)
    monkeypatch.setattr(admin_audit, "MOST_NAMED", 2)
    for number in range(2):
        make.survey(name=f"Shop {number}")
    told = "More than 2 things have this in their name"
    assert told not in text_of(admin.get(f"{ADMIN}/audit?thing=shop"))
    make.survey(name="Shop 3")
    assert told in text_of(admin.get(f"{ADMIN}/audit?thing=shop"))


def test_what_retention_would_remove_is_counted(world, make):
    survey = make.survey()
    old = clock.now() - timedelta(days=500)
    triggers.receive(
        survey, {"person": {"email": "old@example.com"}, "deliver": True, "on_block": "drop"}, old
    )
    page = text_of(signed_in(world).get(f"{ADMIN}/privacy"))
    assert re.search(r'Receipts of events</th><td>older than 400 days[^<]*</td><td class="n">1<', page)
    assert "kept until somebody erases them" in page


def test_a_person_is_found_with_all_that_happened_and_erased(world, ann):
    editor = signed_in(world, "editor")
    for query in ("", "?email=ann%40example.com", "?id=ann", "?name=Ann+%3Ci%3E"):
        assert "Ann <i>" in text_of(editor.get(f"{PEOPLE}{query}"))
    assert "Nobody here" in text_of(editor.get(f"{PEOPLE}?email=bob%40example.com"))
    page = editor.get(f"{PEOPLE}/{ann.id}").get_data(as_text=True)
    assert "Slow &lt;u&gt;checkout" in page
    assert "pro &lt;b&gt;" in page
    text = html.unescape(page)
    assert text.count("<b>Asked</b>") == 1
    assert "<b>Not asked</b>" in text
    assert "may be asked again" in text
    # What was said in a page answers no invitation.
    assert "answered that never. Answered once without one" in text
    company = re.findall(r'href="(/team/companies/[^"]+)"', page)[0]
    found = Numbers(editor.get(html.unescape(company)).get_data(as_text=True)).found
    assert [n for _, n in found] == [1]
    assert editor.get(f"{PEOPLE}/{ann.id}/export.json").get_json()["people"] == [ann.id]
    form = form_with(editor, f"{PEOPLE}/{ann.id}", "token")
    token = {"token": form["token"]}
    assert editor.post(f"{PEOPLE}/{ann.id}", {**token, "do": "unsubscribe"}).status_code == 303
    assert Person.get().unsubscribed_at is not None
    assert "Tick that you mean it" in text_of(
        editor.post(f"{PEOPLE}/{ann.id}", {**token, "do": "erase"}), 422
    )
    token["sure"] = "1"
    done = editor.post(f"{PEOPLE}/{ann.id}", {**token, "do": "erase"})
    assert done.headers["Location"] == f"{PEOPLE}?did=erased"
    assert editor.get(f"{PEOPLE}/{ann.id}").status_code == 404
    assert editor.post(f"{PEOPLE}/{ann.id}", {**token, "do": "erase"}).status_code == 404


@ON_SQLITE
def test_who_sees_some_surveys_sees_their_people_and_changes_none(world, make, ann):
    other = make.survey(name="Theirs")
    limited = signed_in(world, "editor", surveys=[other.id])
    assert "Ann" not in text_of(limited.get(PEOPLE))
    assert limited.get(f"{PEOPLE}/{ann.id}").status_code == 404
    assert limited.get("/team/companies/Acme%20%26%20S%C3%B6hne%2FLtd").status_code == 404
    row = make.response(other, 9)
    Response.update(person=ann.id).where(Response.key == row.key).execute()
    page = text_of(limited.get(f"{PEOPLE}/{ann.id}"))
    assert "Slow" not in page
    assert "may be asked again" not in page
    token = limited.forms("/team/profile")[0][1]["token"]
    assert limited.post(f"{PEOPLE}/{ann.id}", {"token": token, "do": "erase"}).status_code == 403
    assert limited.get(f"{PEOPLE}/{ann.id}/export.json").status_code == 403
    admin = signed_in(world, "administrator", email="limited@acme.example", surveys=[other.id])
    for address in ("privacy", "privacy/export.json?id=ann"):
        assert admin.get(f"{ADMIN}/{address}").status_code == 403


@ON_SQLITE
def test_a_limited_member_is_not_told_of_the_rows_of_others(world, api, make):
    own, other = make.survey(name="Own"), make.survey(name="Other")
    person = {"email": "ann@example.com"}
    theirs = {**person, "name": "Ann of ours"}
    known = api.post("/api/responses", {"survey": own.id, "score": 3, "person": theirs})["person"]["id"]
    make.response(other, 3, person={**person, "name": "Ann elsewhere"})
    hidden = Person.get(Person.name == "Ann elsewhere").id
    Person.update(company="Acme").execute()
    assert hidden != known
    editor = signed_in(world, "editor", surveys=[own.id])
    for address in (f"{PEOPLE}/{known}", "/team/companies/Acme"):
        page = editor.get(address)
        assert page.status_code == 200
        assert "Ann of ours" in page.get_data(as_text=True)
        assert "elsewhere" not in page.get_data(as_text=True)
        assert hidden not in page.get_data(as_text=True)
