"""Other calls of Zendesk, Freshdesk and the generic kind than the recorded ones."""

from urllib.parse import urlencode

import pytest

from surveys.helpdesks.helpdesk import Agent, Ignored
from tests.surveys.helpdesks.cases import BACK, payload, put, told

TRIGGER = "zendesk-trigger_solved"
EVENT = "zendesk-ticket_status_changed"
FRESH = "freshdesk-ticket_resolved"
GENERIC = "generic-standard_webhooks_ticket_solved"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("Closed", "solved"),
        ("Gelöst", "solved"),
        ("Resuelto", "solved"),
        ("Open", "reopened"),
        ("Pending", "reopened"),
    ],
)
def test_zendesks_trigger_goes_by_the_label_of_the_status(status, kind):
    assert told("zendesk", put(payload(TRIGGER), "ticket.status", status)).kind == kind


def test_zendesks_trigger_without_a_status_goes_by_its_own_event():
    assert told("zendesk", put(payload(TRIGGER), "ticket.status", "{{ticket.status}}")).kind == "solved"
    assert told("zendesk", put(put(payload(TRIGGER), "ticket.status", ""), "event", "x")).kind == "other"


def test_zendesks_trigger_of_an_unassigned_ticket_credits_nobody():
    data = put(payload(TRIGGER), "assignee", {"id": "", "name": "", "email": "{{ticket.assignee.email}}"})
    assert told("zendesk", data).agent == Agent()


def test_zendesks_trigger_without_an_address_says_that_one_could_be_looked_up():
    event = told("zendesk", put(payload(TRIGGER), "requester.email", ""))
    assert (event.kind, event.customer.email, event.needs_enrichment) == ("solved", None, ("customer.email",))


def test_zendesks_template_with_unescaped_quotes_is_ignored_with_a_reason():
    assert told("zendesk", b'{"ticket": {"id": "1", "subject": "a "b" c"}}') == Ignored(
        "the body is not valid JSON"
    )
    assert isinstance(told("zendesk", put(payload(TRIGGER), "ticket.id", "{{ticket.id}}")), Ignored)


@pytest.mark.parametrize(
    ("previous", "current", "kind"),
    [
        ("OPEN", "SOLVED", "solved"),
        ("OPEN", "CLOSED", "solved"),
        ("SOLVED", "CLOSED", "other"),
        ("SOLVED", "OPEN", "reopened"),
        ("NEW", "OPEN", "other"),
        ("SOLVED", "PENDING", "reopened"),
    ],
)
def test_zendesks_event_is_a_change_of_status(previous, current, kind):
    data = put(
        put(put(payload(EVENT), "event.previous", previous), "event.current", current),
        "detail.status",
        current,
    )
    assert told("zendesk", data).kind == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("merged", "withdrawn"),
        ("marked_as_spam", "withdrawn"),
        ("soft_deleted", "withdrawn"),
        ("comment_added", "other"),
        ("tags_changed", "other"),
        ("agent_assignment_changed", "other"),
    ],
)
def test_zendesks_other_events(name, kind):
    data = put(put(payload(EVENT), "type", f"zen:event-type:ticket.{name}"), "event", {"meta": {}})
    assert told("zendesk", data).kind == kind


def test_a_zendesk_ticket_merged_into_another_asks_nobody():
    assert told("zendesk", put(payload(TRIGGER), "ticket.tags", "refund closed_by_merge")).kind == "withdrawn"
    assert told("zendesk", put(payload(EVENT), "detail.tags", ["closed_by_merge"])).kind == "withdrawn"


def test_a_zendesk_custom_status_may_be_the_solved_one():
    assert told("zendesk", payload(EVENT), solved_statuses=["36000333"]).kind == "solved"
    assert told("zendesk", payload(EVENT), solved_statuses=["36000334"]).kind == "other"


def test_a_zendesk_event_about_a_user_is_ignored():
    data = {"type": "zen:event-type:user.active_changed", "subject": "zen:user:5", "detail": {}, "event": {}}
    assert isinstance(told("zendesk", data), Ignored)


def test_a_zendesk_event_gets_its_page_from_the_connection():
    assert told("zendesk", payload(EVENT)).ticket.url is None
    assert told("zendesk", payload(EVENT), write_back=BACK).ticket.url == (
        "https://desk.example.com/agent/tickets/35436"
    )


def fresh(**fields) -> dict:
    return {"freshdesk_webhook": {**payload(FRESH)["freshdesk_webhook"], **fields}}


def test_freshdesks_json_form_and_xml_say_the_same():
    fields = payload(FRESH)["freshdesk_webhook"]
    form = urlencode({f"freshdesk_webhook[{key}]": f" {value} " for key, value in fields.items()}).encode()
    escaped = {key: value.replace("&", "&amp;").replace("<", "&lt;") for key, value in fields.items()}
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in escaped.items())
    xml = f'<?xml version="1.0" encoding="UTF-8"?><freshdesk_webhook>{inner}</freshdesk_webhook>'.encode()
    expected = told("freshdesk", payload(FRESH))
    assert told("freshdesk", fields) == told("freshdesk", form) == told("freshdesk", xml) == expected


def test_freshdesks_advanced_mode_may_name_its_fields_freely():
    event = told(
        "freshdesk",
        {
            "ticket": {
                "id": 5,
                "subject": "Hi",
                "status": "Closed",
                "tags": "a,b",
                "url": "https://f.example/5",
            },
            "requester": {"id": 9, "name": "Robin", "email": "robin@example.com", "language": "de"},
            "agent": {"name": "Sam", "email": "sam@example.org"},
        },
    )
    assert (event.kind, event.ticket.id, event.ticket.tags, event.customer.email) == (
        "solved",
        "5",
        ("a", "b"),
        "robin@example.com",
    )
    assert (event.customer.language, event.agent.name, event.agent.email) == ("de", "Sam", "sam@example.org")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"ticket_status": "Closed"}, "solved"),
        ({"ticket_status": "Geschlossen", "triggered_event": ""}, "solved"),
        ({"ticket_status": "4"}, "solved"),
        ({"ticket_status": "", "triggered_event": "{status:{from:2,to:5}}"}, "solved"),
        ({"ticket_status": "Closed", "triggered_event": "{status:{from:4,to:5}}"}, "other"),
        ({"ticket_status": "Open", "triggered_event": "{status:{from:4,to:2}}"}, "reopened"),
        ({"ticket_status": "Pending", "triggered_event": "{status:{from:2,to:3}}"}, "other"),
        ({"ticket_status": "Resolved", "triggered_event": "{note_type:private}"}, "other"),
        ({"ticket_status": "{{ticket.status}}", "triggered_event": ""}, "other"),
        ({"ticket_status": "Open", "triggered_event": "{ticket_action:created}"}, "reopened"),
    ],
)
def test_freshdesks_status(fields, kind):
    assert told("freshdesk", fresh(**fields)).kind == kind


def test_freshdesk_without_agent_or_address():
    event = told(
        "freshdesk", fresh(ticket_agent_name="", ticket_agent_email="", ticket_requester_email="+33 6 1")
    )
    assert event.agent == Agent()
    assert event.customer.email is None
    assert event.needs_enrichment == ("customer.email",)
    assert isinstance(told("freshdesk", fresh(ticket_id="")), Ignored)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ticket.solved", "solved"),
        ("ticket.closed", "solved"),
        ("TICKET.RESOLVED", "solved"),
        ("ticket.reopened", "reopened"),
        ("ticket.deleted", "withdrawn"),
        ("ticket.merged", "withdrawn"),
        ("ticket.updated", "solved"),
        ("ticket.commented", "other"),
        ("ping", "other"),
    ],
)
def test_the_generic_events_name_decides(name, kind):
    assert told("generic", put(payload(GENERIC), "type", name)).kind == kind


def test_a_generic_connection_with_its_own_words_goes_by_the_status():
    assert told("generic", payload(GENERIC), solved_statuses=["done"]).kind == "reopened"
    assert (
        told("generic", put(payload(GENERIC), "data.ticket.status", "Done"), solved_statuses=["done"]).kind
        == "solved"
    )


def test_a_generic_event_may_have_the_form_of_a_trigger():
    event = told(
        "generic",
        {
            "event": "ticket.solved",
            "person": {"email": "r@example.com", "language": "pt-br", "company": {"name": "Example Co"}},
            "ticket": {"id": 7, "tags": "a b"},
            "team": "Billing",
            "properties": {"plan": "pro", "nested": {}, "n": 3},
        },
    )
    assert (event.ticket.id, event.customer.email, event.customer.language) == ("7", "r@example.com", "pt-BR")
    assert (event.customer.company, event.team.name) == ("Example Co", "Billing")
    assert event.properties == {"plan": "pro", "n": "3"}


def test_each_resolution_of_a_generic_ticket_is_one_of_its_own():
    again = put(payload(GENERIC), "data.ticket.solved_at", "2026-09-20T08:00:00+02:00")
    assert told("generic", again).ticket.resolution == "2026-09-20T06:00:00Z"
    assert told("generic", put(payload(GENERIC), "data.ticket.solved_at", None)).ticket.resolution == ""


def test_a_generic_event_without_a_ticket_is_ignored():
    assert told("generic", {"type": "ping"}) == Ignored("the event ping names no ticket")


def test_dirty_subjects_and_names_come_out_clean():
    data = put(
        payload(GENERIC),
        "data.ticket.subject",
        "=?utf-8?q?caf=C3=A9?=\r\nBcc: x@example.com \u202etxt \ud800",
    )
    event = told("generic", put(data, "data.customer.name", "Robin\0\u2066 Vale\n"))
    assert event.ticket.subject == "café Bcc: x@example.com txt"
    assert event.customer.name == "Robin Vale"
