"""Other calls of Chatwoot, Zammad, FreeScout and Missive than the recorded ones."""

import pytest

from surveys.helpdesks.helpdesk import Agent, Ignored
from tests.surveys.helpdesks.cases import BACK, payload, put, told

CHAT = "chatwoot-conversation_status_changed"
DEFAULT = "zammad-ticket_closed_default"
CUSTOM = "zammad-ticket_closed_custom"
FREE = "freescout-convo.status"
MISSIVE = "missive-conversation_closed"


def chat(event: str = "conversation_status_changed", **fields):
    return told("chatwoot", {**payload(CHAT), "event": event, **fields})


def was(before: object, now: str) -> list[dict]:
    return [{"status": {"previous_value": before, "current_value": now}}]


@pytest.mark.parametrize(
    ("event", "fields", "kind"),
    [
        ("conversation_status_changed", {"changed_attributes": None}, "solved"),
        ("conversation_resolved", {"changed_attributes": None}, "solved"),
        ("automation_event.conversation_updated", {"changed_attributes": None}, "solved"),
        ("automation_event.conversation_resolved", {}, "solved"),
        ("macro.executed", {"changed_attributes": None}, "solved"),
        ("conversation_updated", {"changed_attributes": None}, "solved"),
        ("conversation_updated", {}, "solved"),
        ("conversation_updated", {"changed_attributes": [{"label_list": {"previous_value": []}}]}, "other"),
        (
            "conversation_status_changed",
            {"status": "open", "changed_attributes": was("resolved", "open")},
            "reopened",
        ),
        ("conversation_status_changed", {"status": "open", "changed_attributes": was(1, "open")}, "reopened"),
        (
            "conversation_status_changed",
            {"status": "open", "changed_attributes": was("pending", "open")},
            "other",
        ),
        ("conversation_status_changed", {"status": "snoozed", "changed_attributes": None}, "reopened"),
        ("conversation_opened", {"status": "open", "changed_attributes": None}, "reopened"),
        ("conversation_typing_on", {}, "other"),
        ("conversation_created", {"status": "pending", "changed_attributes": None}, "reopened"),
    ],
)
def test_chatwoots_events_go_by_the_conversations_status(event, fields, kind):
    assert chat(event, **fields).kind == kind


def test_a_chatwoot_message_is_no_resolution_and_our_own_note_is_known():
    message = {
        "event": "message_created",
        "id": 5,
        "account": {"id": 3},
        "private": True,
        "conversation": payload(CHAT),
    }
    event = told("chatwoot", {**message, "content": "Your refund is on its way."})
    assert (event.kind, event.ticket.id, event.ticket.ref) == ("other", "1532", "3")
    ours = told("chatwoot", {**message, "content": "[earshot] NPS: 9 of 10"})
    assert (ours.kind, ours.reason) == ("other", "our own note")


def test_a_chatwoot_event_without_a_conversation_is_ignored():
    assert isinstance(
        told("chatwoot", {"event": "contact_updated", "id": 88, "email": "r@example.com"}), Ignored
    )
    assert isinstance(
        told("chatwoot", {"event": "webwidget_triggered", "id": "x", "source_id": "y"}), Ignored
    )


def test_chatwoot_without_assignee_or_with_a_bot_credits_nobody():
    assert told("chatwoot", put(payload(CHAT), "meta.assignee", None)).agent == Agent()
    bot = {"id": 4, "name": "Robo", "type": "agent_bot"}
    data = put(put(payload(CHAT), "meta.assignee", bot), "meta.assignee_type", "AgentBot")
    assert told("chatwoot", data).agent == Agent()


def test_chatwoot_gives_the_address_of_a_mail_inbox_by_its_source_id():
    data = put(payload(CHAT), "meta.sender.email", None)
    assert told("chatwoot", data).customer.email == "robin.vale@example.com"
    chatting = put(data, "channel", "Channel::WebWidget")
    assert told("chatwoot", chatting).customer.email is None
    assert told("chatwoot", chatting).needs_enrichment[0] == "customer.email"


def test_the_language_of_a_chatwoot_visitor_is_the_browsers():
    data = put(payload(CHAT), "additional_attributes", {"browser_language": "pt_BR", "browser": {}})
    assert told("chatwoot", data).customer.language == "pt-BR"


def test_a_chatwoot_conversation_has_a_page_where_the_connection_knows_the_server():
    assert told("chatwoot", payload(CHAT), write_back=BACK).ticket.url == (
        "https://desk.example.com/app/accounts/3/conversations/1532"
    )


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("closed", "solved"),
        ("geschlossen", "solved"),
        ("open", "reopened"),
        ("pending close", "reopened"),
        ("merged", "withdrawn"),
        ("removed", "withdrawn"),
        ({"name": "closed"}, "solved"),
        (None, "other"),
    ],
)
def test_zammads_state(state, kind):
    assert told("zammad", put(payload(DEFAULT), "ticket.state", state)).kind == kind


def test_zammads_nobody_is_nobody():
    data = put(put(payload(DEFAULT), "ticket.owner.id", 1), "ticket.owner_id", 1)
    assert told("zammad", put(data, "ticket.owner.firstname", "-")).agent == Agent()
    assert told("zammad", put(put(payload(CUSTOM), "agent_id", "1"), "agent_name", "-")).agent == Agent()


def test_our_own_note_in_zammad_is_known():
    event = told("zammad", put(payload(DEFAULT), "article.body", "<p>[earshot] NPS: 9 of 10</p>"))
    assert (event.kind, event.reason) == ("other", "our own note")


def test_zammads_failed_template_is_ignored_with_its_words():
    assert "no such object" in told("zammad", {"error": "no such object: foo"}).reason
    assert isinstance(told("zammad", {"ticket": {"id": "#{ticket.id}"}}), Ignored)


def test_a_zammad_template_with_unknown_variables_loses_only_those():
    data = put(
        put(payload(CUSTOM), "customer_email", "#{ticket.customer.mail / no such method}"), "state", "#{x}"
    )
    event = told("zammad", data)
    assert (event.kind, event.customer.email, event.needs_enrichment) == ("solved", None, ("customer.email",))


def test_zammad_closing_again_is_another_resolution():
    again = put(payload(DEFAULT), "ticket.last_close_at", "2026-09-20T08:00:00.000Z")
    assert told("zammad", again).ticket.resolution == "2026-09-20T08:00:00Z"


def free(event: str = "convo.status", **fields):
    return told("freescout", {**payload(FREE), **fields}, {"X-FreeScout-Event": event})


@pytest.mark.parametrize(
    ("event", "fields", "kind"),
    [
        ("convo.agent.reply.created", {}, "solved"),
        ("convo.agent.reply.created", {"status": "pending"}, "reopened"),
        ("convo.customer.reply.created", {"status": "active"}, "reopened"),
        ("convo.status", {"status": "spam"}, "withdrawn"),
        ("convo.deleted_forever", {}, "withdrawn"),
        ("convo.restored", {"status": "active"}, "reopened"),
        ("convo.note.created", {}, "other"),
        ("convo.moved", {}, "other"),
        ("", {}, "solved"),
    ],
)
def test_freescouts_other_events(event, fields, kind):
    assert free(event, **fields).kind == kind


def test_our_own_note_in_freescout_is_known():
    threads = {"threads": [{"type": "note", "body": "<p>[earshot] CSAT: 5 of 5</p>"}]}
    event = free("convo.status", _embedded=threads)
    assert (event.kind, event.reason) == ("other", "our own note")


def test_freescout_without_anybody():
    event = free(
        closedByUser=None, closedBy=None, assignee=None, customer=None, createdBy={"id": 14, "type": "user"}
    )
    assert event.agent == Agent()
    assert event.customer.email is None
    assert event.needs_enrichment[0] == "customer.email"
    assert isinstance(told("freescout", {"id": 5}, {"X-FreeScout-Event": "customer.created"}), Ignored)


def test_a_freescout_conversation_has_a_page_where_the_connection_knows_the_server():
    assert (
        told("freescout", payload(FREE), write_back=BACK).ticket.url
        == "https://desk.example.com/conversation/694"
    )


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("conversation_closed", "solved"),
        ("conversation_close", "solved"),
        ("conversation_reopened", "reopened"),
        ("incoming_email", "reopened"),
        ("label_change", "other"),
        ("outgoing_email", "other"),
        ("something_new", "solved"),
        (None, "solved"),
    ],
)
def test_missives_rules(rule, kind):
    assert told("missive", put(payload(MISSIVE), "rule.type", rule)).kind == kind


def test_an_unknown_missive_rule_on_an_open_conversation_is_no_resolution():
    data = put(put(payload(MISSIVE), "rule.type", None), "conversation.assignees.0.closed", False)
    assert told("missive", data).kind == "other"


def test_spam_and_comments_in_missive():
    assert told("missive", put(payload(MISSIVE), "conversation.assignees.0.junked", True)).kind == "withdrawn"
    assert told("missive", {**payload(MISSIVE), "comment": {"body": "see above"}}).kind == "other"
    assert isinstance(told("missive", {"rule": {"type": "conversation_closed"}}), Ignored)


def test_missives_customer_is_whoever_is_not_of_the_house():
    data = put(
        payload(MISSIVE), "conversation.authors", [{"name": "Sam", "address": "SAM.ortiz@example.org"}]
    )
    assert told("missive", data).customer.email == "robin.vale@example.com"
    alias = put(data, "latest_message.from_field", {"name": "Support", "address": "support@example.org"})
    alias = put(alias, "conversation.authors", [{"name": "Support", "address": "support@example.org"}])
    assert told("missive", alias).customer.email == "robin.vale@example.com"
    nobody = put(alias, "latest_message.to_fields", [{"name": "Sam", "address": "sam.ortiz@example.org"}])
    assert told("missive", nobody).customer.email is None


def test_an_incoming_missive_message_names_the_customer():
    data = put(put(payload(MISSIVE), "conversation.authors", []), "latest_message.author", None)
    data = put(data, "latest_message.from_field", {"name": "Kim", "address": "kim@example.com"})
    assert told("missive", data).customer.email == "kim@example.com"


def test_an_unassigned_missive_conversation_credits_nobody():
    assert told("missive", put(payload(MISSIVE), "conversation.assignees", [])).agent == Agent()
