"""Connections and triggers on pages: connected, tried out, told why nobody was asked, and rules tried on the past."""

import html
import re
from datetime import timedelta

import pytest

from feedback.dashboard import words
from surveys import triggers
from surveys.base import clock, db
from surveys.base.accounts.audit import AuditEntry
from surveys.helpdesks import HELPDESKS
from surveys.mailreports import REPORTERS
from surveys.models import Connection, Invitation, Trigger
from surveys.tickets import connections
from tests.conftest import ON_SQLITE
from tests.visitor import forms_on, signed_in

CONNECTIONS, TRIGGERS = "/team/connections", "/team/triggers"


def text_of(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return html.unescape(answer.get_data(as_text=True))


def form_of(visitor, address, do):
    return next(given for _, given in forms_on(visitor.get(address)) if given.get("do") == do or do is None)


def test_a_helpdesk_is_connected_tried_out_changed_and_removed(world, make):
    editor, survey = signed_in(world, "editor"), make.survey(name="Support")
    wrong = {"name": "Desk", "kind": "generic", "survey": survey.id, "secret": "whsec_!!!!!"}
    page = text_of(editor.send(CONNECTIONS, **wrong), 422)
    assert "What follows whsec_ must be base64." in page
    done = editor.send(CONNECTIONS, name="Desk <b>", kind="generic", survey=survey.id)
    row = Connection.get()
    address = f"{CONNECTIONS}/{row.id}"
    assert done.headers["Location"] == f"{address}?did=made"
    page = text_of(editor.get(done.headers["Location"]))
    assert re.search(r"<code>whsec_[\w+/=]+</code>", page)
    assert f"<code>http://localhost/in/{row.id}</code>" in page
    assert '"type": "ticket.solved"' in page
    assert "whsec_" not in text_of(editor.get(address)), "the secret is shown once"
    token = editor.forms(address)[0][1]["token"]
    led = editor.post(address, {"token": token, "do": "try"}).headers["Location"]
    assert "asked" in text_of(editor.get(led))
    assert (Invitation.select().count(), Trigger.get().dry_run) == (0, True)
    form = {**form_of(editor, address, "change"), "survey": survey.id}
    assert editor.post(address, {**form, "name": "Desk", "skip_tags": "spam\n\nbot"}).status_code == 303
    assert (Connection.get().name, Connection.get().skip_tags) == ("Desk", ["spam", "bot"])
    assert "never called" not in text_of(editor.get(CONNECTIONS))
    done = editor.post(address, {"token": token, "do": "remove"})
    assert done.headers["Location"] == f"{CONNECTIONS}?did=removed"
    assert Connection.select().count() == 0


def test_a_secret_that_cannot_be_read_any_more_is_told(world, make):
    survey = make.survey()
    row, _ = connections.create({"name": "Desk", "kind": "zendesk", "survey": survey.id}, clock.now())
    db.database.execute_sql("UPDATE connection SET secret = 'of another key'")
    editor = signed_in(world, "editor")
    assert "its secret cannot be read" in text_of(editor.get(CONNECTIONS))
    assert "Every call is refused until the secret is given again" in text_of(
        editor.get(f"{CONNECTIONS}/{row.id}")
    )
    form = {
        **form_of(editor, f"{CONNECTIONS}/{row.id}", "change"),
        "survey": survey.id,
        "secret": "the new secret",
    }
    assert editor.post(f"{CONNECTIONS}/{row.id}", form).status_code == 303
    assert Connection.get().secret == "the new secret"


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        ({"secret": "the new secret"}, ["do:change", "secret"]),
        ({"write_back.url": "https://desk.example", "write_back.token": "t"}, ["do:change", "write_back"]),
        ({"name": "Counter"}, ["do:change", "name"]),
        # A browser that says falsely what stood in the form hides nothing.
        ({"name": "Counter", "before": '{"x": ""}'}, ["do:change", "name", "survey"]),
    ],
)
def test_the_audit_log_names_what_a_form_changed_though_it_never_shows_it(world, make, sent, fields):
    survey = make.survey()
    row, _ = connections.create({"name": "Desk", "kind": "zendesk", "survey": survey.id}, clock.now())
    address = f"{CONNECTIONS}/{row.id}"
    admin = signed_in(world)
    form = {**form_of(admin, address, "change"), "survey": survey.id, **sent}
    done = admin.post(address, form)
    assert done.status_code == 303, text_of(done, 422)
    assert AuditEntry.get(AuditEntry.thing == row.id).fields == fields
    told = ", ".join(fields[1:]).replace("_", " ")
    assert f"<td>{told}</td>" in text_of(admin.get("/team/admin/audit"))


def test_why_nobody_was_asked_is_found_by_the_address(world, make):
    editor, survey = signed_in(world, "editor"), make.survey(name="Shop")
    for _ in range(2):
        said = {
            "person": {"email": "ann@example.com", "name": "Ann <i>"},
            "deliver": True,
            "on_block": "drop",
        }
        triggers.receive(survey, said, clock.now())
    page = text_of(editor.get(f"{TRIGGERS}?email=Ann%40example.com"))
    assert page.count("Ann <i>") == 2
    assert "may be asked again" in page
    assert "not asked" in page
    assert "Nothing that happened named this address" in text_of(
        editor.get(f"{TRIGGERS}?email=bob%40example.com")
    )
    form = next(given for _, given in editor.forms(TRIGGERS) if "token" in given and "email" in given)
    led = editor.post(TRIGGERS, {**form, "email": "ann@example.com", "survey": survey.id}).headers["Location"]
    assert "only tried" in text_of(editor.get(led))
    assert Invitation.select().count() == 1
    assert editor.post(TRIGGERS, {**form, "email": "ann", "survey": survey.id}).status_code == 422
    trial = f"{TRIGGERS}/backtest?survey={survey.id}&quarantine_days=0"
    assert "Of 2 events 1 asked somebody; under these rules it would have been" in text_of(editor.get(trial))
    assert "Must be a number." in text_of(editor.get(f"{trial}&sampling=few"), 422)
    since = (clock.now() + timedelta(days=2)).date()
    assert "Must be after the beginning." in text_of(editor.get(f"{trial}&since={since}"), 422)


@ON_SQLITE
def test_who_sees_some_surveys_sees_their_receipts_and_connections_alone(world, make):
    mine, other = make.survey(name="Mine"), make.survey(name="Theirs")
    for survey in (mine, other):
        said = {"person": {"email": f"{survey.name}@example.com"}, "deliver": True, "on_block": "drop"}
        triggers.receive(survey, said, clock.now())
        connections.create(
            {"name": f"Desk of {survey.name}", "kind": "zendesk", "survey": survey.id}, clock.now()
        )
    limited = signed_in(world, "editor", surveys=[mine.id])
    for address in (CONNECTIONS, TRIGGERS, f"{TRIGGERS}/backtest"):
        assert "Theirs" not in text_of(limited.get(address))
    foreign = Connection.get(Connection.survey == other.id)
    assert limited.get(f"{CONNECTIONS}/{foreign.id}").status_code == 404
    assert limited.get(f"{TRIGGERS}/backtest?survey={other.id}").status_code == 422
    assert signed_in(world, "viewer").get(TRIGGERS).status_code == 403


def test_every_kind_of_connection_is_called_by_its_name():
    for kind in (*HELPDESKS, *REPORTERS):
        assert words.say(f"connections.kind.{kind}") != kind
