"""A connection for each sender of mail reports, and somebody whom a mail was sent to."""

from types import SimpleNamespace

import pytest
import time_machine

from surveys import links
from surveys.base import delivery
from surveys.base.delivery.client import Answer
from surveys.mail import bounces
from tests.surveys.mailbox import again, invite
from tests.surveys.mailreports import senders

ANN = "ann@customer.example"


@pytest.fixture
def settings_overrides():
    return {"BOUNCE_ADDRESS": "bounce@mail.acme.example"}


@pytest.fixture(autouse=True)
def clock():
    """A frozen clock that a test may move."""
    with time_machine.travel(senders.NOW, tick=False) as travel:
        yield travel


class Amazon:
    """What our calls to SNS reach."""

    def __init__(self):
        self.called, self.status, self.certificate = [], 200, senders.amazon_certificate()

    def call(self, method, url, body=None, headers=None):
        self.called.append((method, url))
        return Answer(self.status, {}, self.certificate)


@pytest.fixture
def amazon(world):
    standing = Amazon()
    delivery.use_client(standing)
    bounces.forget_certificates()
    return standing


@pytest.fixture
def connect(api):
    secrets = {
        "dsn": senders.DSN_SECRET,
        "ses": senders.TOPIC,
        "sendgrid": senders.sendgrid_secret(),
        "mailgun": senders.MAILGUN_KEY,
        "postmark": senders.POSTMARK_SECRET,
    }

    def made(kind, **more):
        return api.post("/api/connections", {"name": kind, "kind": kind, "secret": secrets[kind], **more})

    return made


@pytest.fixture
def mailed(world, api, make):
    """Ann was sent an invitation. `sender`: its envelope sender; `ask()`: what asking her again comes to."""
    survey = make.survey(quarantine_days=0)
    invitation = invite(api, survey)
    world.work()
    body = {"survey": survey.id, "person": {"email": ANN}}
    return SimpleNamespace(
        survey=survey,
        id=invitation.id,
        sender=links.bounce(invitation.id),
        row=lambda: again(invitation),
        person=lambda: again(invitation.person),
        ask=lambda: api.post("/api/triggers", body, 200),
    )


@pytest.fixture
def tell(client):
    """Post to a connection; the one report that its answer speaks of."""

    def told(connection, post):
        answer = post.send(client, connection)
        assert answer.status_code == 200, answer.text
        [only] = answer.get_json()["reports"]
        return only

    return told
