"""What goes back to the helpdesk: the note, its tag, and the look-up of an address."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.helpdesks import HELPDESKS, notes
from surveys.helpdesks.helpdesk import (
    Connection,
    Customer,
    Event,
    Rating,
    Request,
    Ticket,
    WriteBack,
    learnt,
    needing,
)
from tests.surveys.helpdesks.cases import BACK, NAMES, connection, payload, put, recorded, source, told

RATING = Rating(
    "nps", 9, 10, 'Great <b> & "fast"\n{{ticket.id}} {% x %} #{y} %{z} ##a##', "https://e.example/r/1"
)
TEXT = (
    "[earshot] NPS: 9 of 10\n\n"
    '> Great <b> & "fast"\n> { {ticket.id}} { % x %} # {y} % {z} # #a# #\n\n'
    "https://e.example/r/1"
)
HTML = (
    "<p>[earshot] NPS: 9 of 10</p>"
    "<p>&gt; Great &lt;b&gt; &amp; &quot;fast&quot;<br>&gt; { {ticket.id}} { % x %} # {y} % {z} # #a# #</p>"
    "<p>https://e.example/r/1</p>"
)
BASE = "https://desk.example.com"
BEARER = {"Authorization": "Bearer token-1"}
ZENDESK = {"Authorization": "Basic Ny90b2tlbjp0b2tlbi0x"}  # 7/token:token-1
ZAMMAD = {"Authorization": "Token token=token-1"}
WRITTEN = {
    "generic": [],
    "zendesk": [
        Request(
            "PUT",
            f"{BASE}/api/v2/tickets/42.json",
            ZENDESK,
            json={"ticket": {"comment": {"body": TEXT, "public": False}}},
        ),
        Request("PUT", f"{BASE}/api/v2/tickets/42/tags.json", ZENDESK, json={"tags": ["earshot-nps-9"]}),
    ],
    "freshdesk": [
        Request(
            "POST",
            f"{BASE}/api/v2/tickets/42/notes",
            {"Authorization": "Basic dG9rZW4tMTpY"},
            json={"body": HTML, "private": True},
        )
    ],
    "intercom": [
        Request(
            "POST",
            f"{BASE}/conversations/42/reply",
            {**BEARER, "Intercom-Version": "2.11"},
            json={"message_type": "note", "type": "admin", "admin_id": "7", "body": HTML},
        )
    ],
    "helpscout": [
        Request(
            "POST",
            f"{BASE}/v2/conversations/42/notes",
            json={"text": HTML},
            grant=Request(
                "POST",
                f"{BASE}/v2/oauth2/token",
                form={"grant_type": "client_credentials", "client_id": "7", "client_secret": "token-1"},
            ),
        )
    ],
    "front": [
        Request("POST", f"{BASE}/conversations/42/comments", BEARER, json={"body": TEXT, "author_id": "7"})
    ],
    "chatwoot": [
        Request(
            "POST",
            f"{BASE}/api/v1/accounts/3/conversations/42/messages",
            {"api_access_token": "token-1"},
            json={"content": TEXT, "private": True, "message_type": "outgoing"},
        )
    ],
    "zammad": [
        Request(
            "POST",
            f"{BASE}/api/v1/ticket_articles",
            ZAMMAD,
            json={
                "ticket_id": 42,
                "subject": "Rating",
                "body": TEXT,
                "content_type": "text/plain",
                "type": "note",
                "internal": True,
            },
        ),
        Request(
            "POST",
            f"{BASE}/api/v1/tags/add",
            ZAMMAD,
            json={"item": "earshot-nps-9", "object": "Ticket", "o_id": 42},
        ),
    ],
    "freescout": [
        Request(
            "POST",
            f"{BASE}/api/conversations/42/threads",
            {"X-FreeScout-API-Key": "token-1"},
            json={"type": "note", "text": HTML, "user": 7},
        )
    ],
    "missive": [
        Request(
            "POST",
            f"{BASE}/v1/posts",
            BEARER,
            json={
                "posts": {
                    "conversation": "42",
                    "text": TEXT,
                    "notification": {"title": "Rating", "body": "[earshot] NPS: 9 of 10"},
                    "username": "Earshot",
                    "reopen": True,
                    "organization": "3",
                }
            },
        )
    ],
}


def written(kind: str, ticket: Ticket = Ticket("42", ref="3"), back: WriteBack | None = BACK):  # noqa: B008
    return list(HELPDESKS[kind].notes(ticket, RATING, Connection(kind, "s", write_back=back)))


@pytest.mark.parametrize("kind", HELPDESKS)
def test_a_rating_is_written_to_its_ticket_as_a_private_note(kind):
    assert written(kind) == WRITTEN[kind]


@pytest.mark.parametrize("kind", HELPDESKS)
@pytest.mark.parametrize(
    "back", [None, WriteBack(BASE, "7", ""), WriteBack("ftp://desk.example.com", "7", "t")]
)
def test_without_usable_credentials_nothing_is_written_nor_looked_up(kind, back):
    assert written(kind, back=back) == []
    event = Event(kind, "solved", Ticket("42", ref="3"), customer=Customer(id="5"))
    assert HELPDESKS[kind].lookup(event, Connection(kind, "s", write_back=back)) is None


@pytest.mark.parametrize("kind", sorted(set(HELPDESKS) - {"generic", "missive"}))
def test_a_ticket_id_cannot_leave_its_place_in_the_address(kind):
    for evil in ("../../users/1?x=#", ".."):
        for request in written(kind, Ticket(evil, ref="3")):
            assert request.url.startswith(BASE + "/")
            assert ".." not in request.url.removeprefix(BASE).replace("%2E", "").replace("..%2F", "")
            assert "#" not in request.url
            assert "/users/" not in request.url


@pytest.mark.parametrize("kind", ["intercom", "helpscout", "front", "missive"])
def test_a_service_that_has_one_address_needs_none_told(kind):
    urls = [request.url for request in written(kind, back=WriteBack("", "7", "token-1"))]
    assert urls
    assert all(url.startswith("https://") and url != BASE for url in urls)


def test_credentials_without_a_user_are_used_as_a_token():
    back = WriteBack(BASE, "", "token-1")
    assert written("zendesk", back=back)[0].headers == BEARER
    assert written("helpscout", back=back)[0].headers == BEARER
    assert written("helpscout", back=back)[0].grant is None
    assert written("front", back=back)[0].json == {"body": TEXT}
    assert "user" not in written("freescout", back=back)[0].json


def test_chatwoots_account_comes_from_the_event_else_from_the_connection():
    assert "/accounts/7/" in written("chatwoot", Ticket("42"))[0].url
    assert written("chatwoot", Ticket("42"), WriteBack(BASE, "", "token-1")) == []


def test_an_intercom_ticket_is_answered_as_a_ticket():
    assert written("intercom", Ticket("42", ref="ticket"))[0].url == f"{BASE}/tickets/42/reply"


def test_a_rating_without_words_is_one_line():
    assert notes.text(Rating("csat", 5, 5)) == "[earshot] CSAT: 5 of 5"
    assert notes.markup(Rating("csat", 5, 5)) == "<p>[earshot] CSAT: 5 of 5</p>"


@settings(deadline=None)
@given(st.text())
def test_no_comment_carries_the_beginning_of_a_template(comment):
    text = notes.text(Rating("nps", 0, 10, comment))
    assert not any(opening in text for opening in ("{{", "{%", "#{", "%{", "##"))
    assert "\0" not in text
    assert notes.ours(text)
    assert notes.ours(notes.markup(Rating("nps", 0, 10, comment)))


@pytest.mark.parametrize("value", [None, 5, "", "Great [earshot]", "earshot"])
def test_other_notes_are_not_ours(value):
    assert not notes.ours(value)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if recorded(name)[2].get("customer", {}).get("email")]
)
def test_an_event_with_an_address_needs_no_look_up(name):
    call = recorded(name)[0]
    reader = HELPDESKS[source(name)]
    event = reader.read(call, connection(source(name)))
    assert reader.lookup(event, Connection(event.source, "s", write_back=BACK)) is None


ROBIN = {"name": "Robin Vale", "email": "robin.vale@example.com"}
FRONT_MESSAGES = {
    "_results": [
        {"is_inbound": False, "recipients": [{"role": "from", "handle": "support@example.org"}]},
        {
            "is_inbound": True,
            "recipients": [{"role": "from", "handle": "robin.vale@example.com", "name": "Robin Vale"}],
        },
    ]
}
LOOKUPS = {
    "zendesk": (
        "/api/v2/tickets/42.json?include=users,groups,brands",
        {
            "ticket": {"requester_id": 5, "assignee_id": 9},
            "users": [{"id": 5, **ROBIN}, {"id": 9, "name": "Sam"}],
        },
    ),
    "freshdesk": ("/api/v2/tickets/42?include=requester", {"id": 42, "requester": {"id": 5, **ROBIN}}),
    "intercom": ("/contacts/5", {"type": "contact", "id": "5", **ROBIN}),
    "helpscout": (
        "/v2/conversations/42",
        {"primaryCustomer": {"id": 5, "first": "Robin", "last": "Vale", "email": ROBIN["email"]}},
    ),
    "front": ("/conversations/42/messages", FRONT_MESSAGES),
    "chatwoot": ("/api/v1/accounts/3/contacts/5", {"payload": {"id": 5, **ROBIN}}),
    "zammad": (
        "/api/v1/tickets/42?all=true",
        {
            "assets": {
                "Ticket": {"42": {"customer_id": 5}},
                "User": {"5": {"id": 5, "firstname": "Robin", "lastname": "Vale", "email": ROBIN["email"]}},
            },
            "tags": ["a"],
        },
    ),
    "freescout": (
        "/api/conversations/42?embed=tags",
        {
            "customer": {"id": 5, "firstName": "Robin", "lastName": "Vale", "email": ROBIN["email"]},
            "_embedded": {"tags": [{"id": 1, "name": "a"}]},
        },
    ),
    "missive": (
        "/v1/conversations/42",
        {"conversations": [{"authors": [{"name": "Robin Vale", "address": ROBIN["email"]}], "users": []}]},
    ),
}


def unknown(kind: str) -> Event:
    event = Event(kind, "solved", Ticket("42", ref="3"), customer=Customer(id="5"))
    return needing(event, ["customer.email", "customer.name"], always=["tags"])


def looked_up(kind: str):
    return HELPDESKS[kind].lookup(unknown(kind), Connection(kind, "s", write_back=BACK))


@pytest.mark.parametrize("kind", LOOKUPS)
def test_an_address_is_looked_up_and_completes_the_event(kind):
    path, reply = LOOKUPS[kind]
    found = looked_up(kind)
    assert (found.request.method, found.request.url) == ("GET", BASE + path)
    event = found.complete(reply)
    assert event.customer == Customer("5", "robin.vale@example.com", "Robin Vale")
    assert event.kind == "solved"
    assert set(event.needs_enrichment) == (set() if kind in ("zammad", "freescout") else {"tags"})


@pytest.mark.parametrize("kind", LOOKUPS)
@pytest.mark.parametrize(
    "reply", [None, [], {}, "x", 5, {"ticket": 5, "users": [5, {}], "payload": [], "customer": "x"}]
)
def test_a_useless_reply_leaves_the_event_as_it_was(kind, reply):
    assert looked_up(kind).complete(reply) == unknown(kind)


def test_every_helpdesk_but_the_generic_one_can_be_asked():
    assert set(LOOKUPS) == set(HELPDESKS) - {"generic"}
    assert looked_up("generic") is None


def test_a_look_up_fills_gaps_and_changes_nothing():
    event = told("zendesk", payload("zendesk-ticket_status_changed"))
    reply = {
        "ticket": {"requester_id": 20978392, "assignee_id": 235323},
        "users": [
            {"id": 20978392, "name": "Robin Vale", "email": "robin.vale@example.com", "locale": "fr"},
            {"id": 235323, "name": "Sam Ortiz", "email": "sam.ortiz@example.org"},
        ],
        "groups": [{"id": 36000111, "name": "Billing"}],
        "brands": [{"id": 36000222, "name": "Acme Bikes"}],
    }
    found = HELPDESKS["zendesk"].lookup(event, Connection("zendesk", "s", write_back=BACK))
    done = found.complete(reply)
    assert (done.customer.email, done.customer.language, done.team.name) == (
        "robin.vale@example.com",
        "fr",
        "Billing",
    )
    assert (done.agent.id, done.agent.name) == ("235323", "Sam Ortiz")
    assert (done.brand.name, done.needs_enrichment) == ("Acme Bikes", ())
    assert done.ticket == event.ticket


def test_an_agent_who_took_over_later_is_not_credited():
    event = told("zendesk", payload("zendesk-ticket_status_changed"))
    found = HELPDESKS["zendesk"].lookup(event, Connection("zendesk", "s", write_back=BACK))
    later = {"ticket": {"requester_id": 1, "assignee_id": 777}, "users": [{"id": 777, "name": "Kim Lo"}]}
    assert found.complete(later).agent == event.agent


def test_what_an_event_says_is_stronger_than_a_reply():
    event = replace(unknown("zendesk"), customer=Customer("5", "first@example.com"))
    assert learnt(event, Customer("6", "second@example.com", "Robin")).customer == Customer(
        "5", "first@example.com", "Robin"
    )


def test_a_telephone_customer_of_front_can_be_found_among_the_messages():
    data = payload("front-archive_application")
    data = put(
        data, "payload.conversation.recipient", {"handle": "+33612345678", "name": "Robin V.", "role": "from"}
    )
    event = told("front", data)
    found = HELPDESKS["front"].lookup(event, Connection("front", "s", write_back=BACK))
    assert found.complete(FRONT_MESSAGES).customer == Customer(None, "robin.vale@example.com", "Robin V.")
