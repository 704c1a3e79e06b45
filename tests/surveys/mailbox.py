"""Invitations by mail, and what arrived, for the tests."""

import re
from email import message_from_bytes, policy
from html.parser import HTMLParser

from surveys.models import Invitation


def invite(api, survey, address="ann@customer.example", **values):
    """Ask somebody by mail; the invitation, which is due at once."""
    person = {"email": address, "name": "Ann", **values.pop("person", {})}
    body = {"survey": survey.id, "person": person, **values}
    receipt = api.post("/api/triggers", body, 200)
    assert receipt["decision"] == "scheduled", receipt
    return Invitation.get_by_id(receipt["invitation"]["id"])


def again(row):
    """The row as it is now."""
    return type(row).get_by_id(row.id)


def outbox(world):
    """The mails that were written to the outbox, oldest first."""
    paths = sorted((world.settings.data_dir / "outbox").glob("*.eml"))
    return [read(path.read_bytes()) for path in paths]


def read(content):
    """A mail as a mail program reads it."""
    return message_from_bytes(content, policy=policy.default)


def links_of(mail):
    """Every link in the HTML of a mail, in order."""
    reader = _Links()
    reader.feed(mail.get_body(("html",)).get_content())
    return reader.found


def path(address):
    """What a client of ours calls for a link of ours."""
    assert address.startswith("http://localhost/"), address
    return address.removeprefix("http://localhost")


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("href", "src")]


def seen(html: str) -> str:
    """A page as it is read: an address stands there in parts, so that it breaks between them."""
    return re.sub(r"</?(span|bdi)\b[^>]*>", "", html)
