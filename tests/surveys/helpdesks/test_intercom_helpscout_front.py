"""Other calls of Intercom, Help Scout and Front than the recorded ones."""

import pytest

from surveys.helpdesks.helpdesk import Agent, Challenge, Ignored
from tests.surveys.helpdesks.cases import payload, put, told

CLOSED = "intercom-conversation.admin.closed"
CONVO = "helpscout-convo.status"
ARCHIVE = "front-archive_application"

# The shape of API 1.x, as github.com/zulip/zulip records it.
VERSION_1 = {
    "type": "notification_event",
    "topic": "conversation.admin.closed",
    "id": "notif_1",
    "app_id": "ab12",
    "data": {
        "item": {
            "type": "conversation",
            "id": "213",
            "user": {"type": "lead", "id": "5c95", "name": "Robin Vale", "email": "robin.vale@example.com"},
            "assignee": {"type": "admin", "id": "19", "name": "Sam Ortiz", "email": "sam@example.org"},
            "conversation_message": {"subject": "<p>Hello</p>", "author": {"type": "user", "id": "5c95"}},
            "conversation_parts": {
                "conversation_parts": [
                    {"part_type": "close", "created_at": 1789380930, "author": {"type": "admin", "id": "19"}}
                ]
            },
            "open": False,
            "state": "closed",
            "tags": {"type": "tag.list", "tags": []},
            "links": {"conversation_web": "https://app.intercom.io/a/apps/ab12/conversations/213"},
        }
    },
}


def ticket_closed() -> dict:
    """An Intercom ticket as github.com/zulip/zulip records it: contacts by id only, and parts."""
    author = {"id": "96", "type": "admin", "name": "Sam Ortiz", "email": "sam@example.org"}
    return {
        "topic": "ticket.closed",
        "id": "notif_2",
        "data": {
            "item": {
                "type": "ticket",
                "id": "2154",
                "ticket_id": "66040342",
                "ticket_attributes": {
                    "_default_title_": "Broken bell",
                    "_default_description_": "It does not ring",
                },
                "ticket_state": {
                    "category": "resolved",
                    "internal_label": "Resolved",
                    "external_label": "Fertig",
                },
                "contacts": {"type": "contact.list", "contacts": [{"id": "6963", "role": "lead"}]},
                "admin_assignee_id": "96",
                "team_assignee_id": "0",
                "ticket_parts": {
                    "ticket_parts": [{"part_type": "close", "created_at": 1789380930, "author": author}]
                },
            }
        },
    }


def test_intercoms_old_shape_is_read_too():
    event = told("intercom", VERSION_1)
    assert (event.kind, event.customer.email, event.customer.name) == (
        "solved",
        "robin.vale@example.com",
        "Robin Vale",
    )
    assert event.agent == Agent("19", "Sam Ortiz", "sam@example.org")
    assert event.ticket.url == "https://app.intercom.io/a/apps/ab12/conversations/213"
    assert (event.ticket.subject, event.ticket.resolution) == ("Hello", "2026-09-14T10:15:30Z")


def test_an_intercom_ticket_is_one_resolution_whichever_topic_tells_it():
    closed, stated = (
        told("intercom", ticket_closed()),
        told("intercom", put(ticket_closed(), "topic", "ticket.state.updated")),
    )
    for event in (closed, stated):
        assert (event.kind, event.ticket.id, event.ticket.resolution) == ("solved", "2154", "")
        assert (event.ticket.number, event.ticket.subject) == ("66040342", "Broken bell")
        assert (event.customer.id, event.customer.email, event.team.id) == ("6963", None, None)
        assert event.agent == Agent("96", "Sam Ortiz", "sam@example.org")
        assert "customer.email" in event.needs_enrichment


def test_an_intercom_ticket_state_may_be_a_bare_word_or_another():
    reopened = put(
        put(ticket_closed(), "topic", "ticket.state.updated"), "data.item.ticket_state", "in_progress"
    )
    assert told("intercom", reopened).kind == "reopened"
    assert told("intercom", put(reopened, "data.item.ticket_state", "resolved")).kind == "solved"


@pytest.mark.parametrize(
    ("topic", "state", "kind"),
    [
        ("conversation.admin.opened", "open", "reopened"),
        ("conversation.admin.open.assigned", "open", "reopened"),
        ("conversation.user.replied", "open", "reopened"),
        ("conversation.user.replied", "closed", "other"),
        ("conversation.admin.replied", "closed", "other"),
        ("conversation.admin.noted", "closed", "other"),
        ("conversation.admin.assigned", "open", "other"),
        ("conversation.rating.added", "closed", "other"),
    ],
)
def test_intercoms_other_topics(topic, state, kind):
    assert told("intercom", put(put(payload(CLOSED), "topic", topic), "data.item.state", state)).kind == kind


def test_a_deleted_intercom_conversation_is_withdrawn():
    data = {
        "topic": "conversation.deleted",
        "data": {"item": {"type": "conversation", "conversation_id": "21"}},
    }
    event = told("intercom", data)
    assert (event.kind, event.ticket.id) == ("withdrawn", "21")


def test_an_intercom_topic_about_something_else_is_ignored():
    assert isinstance(told("intercom", {"topic": "contact.created", "data": {"item": {"id": "5"}}}), Ignored)
    assert isinstance(
        told("intercom", {"topic": "conversation.admin.closed", "data": {"item": None}}), Ignored
    )


def test_an_admin_who_wrote_first_is_not_the_customer():
    data = put(
        payload(CLOSED),
        "data.item.source.author",
        {"type": "admin", "id": "7710001", "email": "s@example.org"},
    )
    event = told("intercom", data)
    assert (event.customer.id, event.customer.email) == ("6650aa00bb11cc22dd33ee44", None)


def test_what_a_bot_closed_credits_nobody():
    author = {"type": "bot", "id": "9", "name": "Fin", "email": "operator+ab@intercom.io"}
    parts = "data.item.conversation_parts.conversation_parts"
    assert told("intercom", put(payload(CLOSED), f"{parts}.0.author", author)).agent == Agent()


def test_without_the_closing_part_the_assigned_admin_is_credited_by_id():
    data = put(payload(CLOSED), "data.item.conversation_parts", {})
    assert told("intercom", data).agent == Agent("7710001")
    assert told("intercom", put(data, "data.item.admin_assignee_id", None)).agent == Agent()


def scout(event: str = "convo.status", **fields):
    return told("helpscout", {**payload(CONVO), **fields}, {"X-HelpScout-Event": event})


@pytest.mark.parametrize(
    ("event", "fields", "kind"),
    [
        ("convo.status", {"status": "active"}, "reopened"),
        ("convo.status", {"status": "pending"}, "reopened"),
        ("convo.status", {"status": "spam"}, "withdrawn"),
        ("convo.agent.reply.created", {}, "solved"),
        ("convo.agent.reply.created", {"status": "pending"}, "reopened"),
        ("convo.customer.reply.created", {"status": "active"}, "reopened"),
        ("convo.deleted", {"state": "deleted"}, "withdrawn"),
        ("convo.note.created", {}, "other"),
        ("convo.tags", {}, "other"),
        ("convo.assigned", {}, "other"),
        ("convo.merged", {}, "other"),
    ],
)
def test_help_scouts_other_events(event, fields, kind):
    assert scout(event, **fields).kind == kind


def test_help_scouts_test_call_and_other_objects_are_ignored():
    assert told("helpscout", b"", {"X-HelpScout-Event": "helpscout.test"}) == Ignored(
        "a test call (helpscout.test)"
    )
    assert isinstance(scout("customer.created"), Ignored)
    assert isinstance(told("helpscout", b"", {"X-HelpScout-Event": "convo.status"}), Ignored)


def test_help_scout_credits_who_closed_else_who_was_assigned():
    other = {"id": 300, "type": "user", "first": "Kim", "last": "Lo", "email": "kim@example.org"}
    assert scout(closedByUser=other).agent == Agent("300", "Kim Lo", "kim@example.org")
    robin = {"id": 238604, "type": "customer", "first": "Robin"}
    assert scout(closedByUser=robin).agent == Agent("256", "Sam Ortiz", "sam.ortiz@example.org")
    assert scout(closedByUser=None, closedBy=None).agent == Agent("256", "Sam Ortiz", "sam.ortiz@example.org")
    assert scout(closedByUser={"id": 0}, closedBy=0, assignee=None).agent == Agent()


def test_help_scouts_first_payload_version_is_read_too():
    event = told(
        "helpscout",
        {
            "id": 5,
            "status": "closed",
            "mailbox": {"id": 85, "name": "Support"},
            "customer": {"id": 1, "firstName": "Robin", "lastName": "Vale", "email": "r@example.com"},
            "closedBy": {
                "id": 2,
                "type": "user",
                "firstName": "Sam",
                "lastName": "Ortiz",
                "email": "s@example.org",
            },
            "tags": ["refund", "vip"],
        },
    )
    assert (event.kind, event.customer.name, event.ticket.tags) == ("solved", "Robin Vale", ("refund", "vip"))
    assert (event.agent.name, event.brand.name, event.needs_enrichment) == ("Sam Ortiz", "Support", ())


def test_help_scout_closing_again_is_another_resolution():
    assert scout().ticket.resolution != scout(closedAt="2026-09-16T09:00:00Z").ticket.resolution


def front(topic: str = "archive", **convo):
    data = put(put(payload(ARCHIVE), "type", topic), "payload.type", topic)
    data["payload"]["conversation"].update(convo)
    return told("front", data)


@pytest.mark.parametrize(
    ("topic", "convo", "kind"),
    [
        ("archive", {"status_category": None}, "solved"),
        ("archive", {"status_category": "waiting"}, "reopened"),
        ("ticket_status_update", {}, "solved"),
        ("ticket_status_update", {"status_category": "open", "status": "assigned"}, "reopened"),
        ("ticket_status_update", {"status_category": "spam"}, "withdrawn"),
        ("reopen", {"status": "assigned"}, "reopened"),
        ("inbound", {"status": "unassigned"}, "reopened"),
        ("trash", {"status": "deleted"}, "withdrawn"),
        ("comment", {}, "other"),
        ("tag", {}, "other"),
        ("assign", {}, "other"),
    ],
)
def test_fronts_other_events(topic, convo, kind):
    assert front(topic, **convo).kind == kind


def test_a_front_rule_sends_the_event_bare():
    bare = payload(ARCHIVE)["payload"]
    assert told("front", bare) == told("front", payload(ARCHIVE))


def test_a_front_connection_may_name_its_own_status():
    assert told("front", payload(ARCHIVE), solved_statuses=["sts_5x"]).kind == "solved"
    assert told("front", payload(ARCHIVE), solved_statuses=["archived"]).kind == "solved"
    assert told("front", payload(ARCHIVE), solved_statuses=["sts_6"]).kind == "reopened"


def test_a_front_handle_that_is_no_address():
    event = front(recipient={"handle": "+33612345678", "name": "Robin Vale", "role": "from"})
    assert (event.customer.email, event.customer.name, event.ticket.channel) == (None, "Robin Vale", None)
    assert "customer.email" in event.needs_enrichment


def test_an_unassigned_front_conversation_credits_nobody():
    assert front(assignee=None).agent == Agent()


def test_fronts_challenge_is_echoed_but_does_not_hide_an_event():
    headers = {"X-Front-Challenge": "abc"}
    assert told("front", b"", headers) == Challenge("abc")
    assert told("front", {"type": "sync"}, headers) == Challenge("abc")
    assert told("front", payload(ARCHIVE), headers).kind == "solved"
    assert isinstance(told("front", {"type": "sync"}), Ignored)
