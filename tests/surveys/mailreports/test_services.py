"""The webhooks of Amazon SES, SendGrid, Mailgun and Postmark: proof, bounces, complaints, repetitions."""

import json
from datetime import timedelta

import pytest

from surveys import links
from surveys.base import jobs
from surveys.mail import bounces
from surveys.models import Invitation, Person
from tests.conftest import ON_SQLITE, Api
from tests.surveys.mailreports import senders
from tests.surveys.mailreports.conftest import ANN
from tests.surveys.mailreports.senders import (
    mailgun,
    mailgun_event,
    postmark,
    sendgrid,
    sendgrid_event,
    ses,
    sns,
)

SERVICES = ("ses", "sendgrid", "mailgun", "postmark")


def permanent(kind, mailed=None, address=ANN):
    """A bounce for good, as each service tells it; with `mailed`, as far as it names the mail."""
    own = mailed.id if mailed else None
    message_id = f"<{own}@acme.example>" if own else None
    if kind == "ses":
        return sns(ses("Bounce", address, own))
    if kind == "sendgrid":
        more = {"smtp-id": message_id} if own else {}
        return sendgrid(
            sendgrid_event("bounce", address, status="5.1.1", type="bounce", reason="550 x", **more)
        )
    if kind == "mailgun":
        status = {"delivery-status": {"code": 550, "enhanced-code": "5.1.1"}}
        bare = message_id and message_id.strip("<>")
        return mailgun(
            mailgun_event("failed", address, bare, severity="permanent", reason="bounce", **status)
        )
    at = "2026-11-22T04:59:50.0000000-05:00"
    return postmark(RecordType="Bounce", Type="HardBounce", TypeCode=1, Email=address, BouncedAt=at)


def complained(kind, address=ANN):
    return {
        "ses": lambda: sns(ses("Complaint", address, detail="abuse")),
        "sendgrid": lambda: sendgrid(sendgrid_event("spamreport", address)),
        "mailgun": lambda: mailgun(mailgun_event("complained", address)),
        "postmark": lambda: postmark(RecordType="SpamComplaint", Type="SpamComplaint", Email=address),
    }[kind]()


@pytest.mark.parametrize("kind", SERVICES)
def test_a_bounce_for_good_suppresses_the_address(tell, connect, mailed, amazon, kind):
    told = tell(connect(kind), permanent(kind))
    assert (told["decision"], told["reason"][:9]) == ("suppressed", "bounced (")
    assert mailed.person().bounced_at == senders.NOW - timedelta(seconds=10)
    assert mailed.ask()["rule"] == "bounced"


@pytest.mark.parametrize("kind", ["ses", "sendgrid", "mailgun"])
def test_the_mail_that_bounced_is_found_where_the_service_names_it(tell, connect, mailed, amazon, kind):
    told = tell(connect(kind), permanent(kind, mailed, "another@customer.example"))
    assert (told["decision"], told["invitation"]) == ("suppressed", mailed.id)
    assert (mailed.row().status, mailed.person().bounced_at is None) == ("failed", False)


@pytest.mark.parametrize("kind", SERVICES)
def test_a_complaint_unsubscribes(tell, connect, mailed, amazon, kind):
    assert tell(connect(kind), complained(kind))["decision"] == "unsubscribed"
    assert mailed.ask()["rule"] == "unsubscribed"
    assert mailed.person().bounced_at is None


@pytest.mark.parametrize("kind", SERVICES)
def test_a_repetition_does_no_harm(tell, connect, mailed, amazon, kind):
    connection, post = connect(kind), permanent(kind)
    first, again = tell(connection, post), tell(connection, post)
    assert first == again
    at = mailed.person().bounced_at
    tell(connection, post)
    assert mailed.person().bounced_at == at


@pytest.mark.parametrize(
    ("hours", "decision"),
    [(71.9, "unsubscribed"), (72.1, "ignored"), (24 * 400, "ignored"), (-100, "ignored")],
)
def test_a_signed_notification_of_long_ago_is_ignored(tell, connect, mailed, amazon, clock, hours, decision):
    """Whoever kept it could unsubscribe somebody again who has come back since."""
    connection = connect("ses")
    sent = senders.NOW - timedelta(hours=hours)
    amazon.certificate = senders.amazon_certificate(days=3650)
    told = tell(
        connection, sns(ses("Complaint", ANN, detail="abuse"), Timestamp=f"{sent:%Y-%m-%dT%H:%M:%S.000Z}")
    )
    assert told["decision"] == decision
    assert (mailed.person().unsubscribed_at is None) == (decision == "ignored")


def test_a_subscription_of_long_ago_is_not_confirmed(tell, connect, world, amazon):
    old = sns(
        "You have chosen to subscribe.", "SubscriptionConfirmation", Timestamp="2026-11-01T09:59:58.000Z"
    )
    assert tell(connect("ses"), old)["decision"] == "ignored"
    world.work()
    assert amazon.called == [("GET", senders.CERTIFICATE_URL)]


def test_of_many_reports_in_one_call_none_is_lost(world, client, api, connect, mailed):
    """Some are acted on at once, the others in a moment; strangers cost nothing."""
    people = [f"p{number}@customer.example" for number in range(bounces.AT_ONCE + 10)]
    for address in people:
        api.post("/api/people", {"email": address})
    addresses = [*people, *(f"stranger{number}@nowhere.example" for number in range(500))]
    events = [
        sendgrid_event("bounce", each, status="5.1.1", type="bounce", reason="550") for each in addresses
    ]
    connection, post = connect("sendgrid"), sendgrid(*events)
    told = post.send(client, connection).get_json()["reports"]
    assert told[0] == {
        "decision": "ignored", "reason": "500 reports are about nobody that is known here", "invitation": None,
    }  # fmt: skip
    assert [each["decision"] for each in told[1:-1]] == ["suppressed"] * bounces.AT_ONCE
    assert told[-1]["reason"] == "10 more reports are being read"
    bounced = Person.select().where(Person.bounced_at.is_null(False))
    assert bounced.count() == bounces.AT_ONCE
    world.work()
    assert {row.email for row in bounced} == {*people}
    assert {row.bounced_at for row in bounced} == {senders.NOW - timedelta(seconds=10)}


def test_what_is_no_type_of_ours_in_an_unproven_notification_is_a_401(client, connect, world, amazon):
    for name in ("SignatureVersion", "Type", "TopicArn", "SigningCertURL", "Signature", "Timestamp"):
        said = json.loads(sns(ses("Bounce", ANN)).body)
        for value in ([], {}, 2, None, True):
            post = senders.Post(json.dumps({**said, name: value}).encode())
            assert post.send(client, connect("ses")).status_code == 401, (name, value)


@pytest.mark.parametrize("kind", SERVICES)
def test_an_address_that_nobody_knows_is_told(tell, connect, world, amazon, kind):
    connection = connect(kind)
    for post in (permanent(kind, address="who@nowhere.example"), complained(kind, "who@nowhere.example")):
        if kind == "mailgun":
            # Each call of Mailgun has a token of its own.
            post = mailgun(json.loads(post.body)["event-data"], token=f"{len(post.body)}" * 20)
        told = tell(connection, post)
        assert told["decision"] == "ignored"
        assert "nobody is known by this address" in told["reason"]
    assert Person.select().count() == 0


@pytest.mark.parametrize("kind", ["ses", "sendgrid"])
def test_a_flipped_byte_is_a_401_without_a_body(client, connect, mailed, amazon, kind):
    post = permanent(kind)
    answer = post.flipped().send(client, connect(kind))
    assert (answer.status_code, answer.data) == (401, b"")
    assert mailed.person().bounced_at is None


@pytest.mark.parametrize("kind", SERVICES)
def test_a_call_without_proof_is_a_401_without_a_body(client, connect, mailed, amazon, kind):
    post = senders.Post(permanent(kind).body)
    if kind in ("ses", "mailgun"):
        post = senders.Post(post.body.replace(b'"signature"', b'"other"').replace(b'"Signature"', b'"other"'))
    answer = post.send(client, connect(kind))
    assert (answer.status_code, answer.data) == (401, b"")
    assert mailed.person().bounced_at is None


SOFT = {
    "ses transient": lambda: ("ses", sns(ses("Bounce", ANN, detail="Transient"))),
    "ses undetermined": lambda: ("ses", sns(ses("Bounce", ANN, detail="Undetermined"))),
    "ses delivery": lambda: ("ses", sns(ses("Delivery", ANN))),
    "ses no spam": lambda: ("ses", sns(ses("Complaint", ANN, detail="not-spam"))),
    "ses a test text": lambda: (
        "ses",
        sns("Successfully validated SNS topic for Amazon SES event publishing."),
    ),
    "ses unsubscribed topic": lambda: ("ses", sns("You have chosen", "UnsubscribeConfirmation")),
    "sendgrid deferred": lambda: ("sendgrid", sendgrid(sendgrid_event("deferred", ANN, response="400 x"))),
    "sendgrid delivered": lambda: ("sendgrid", sendgrid(sendgrid_event("delivered", ANN))),
    "sendgrid blocked": lambda: ("sendgrid", sendgrid(sendgrid_event("bounce", ANN, type="blocked"))),
    "sendgrid for now": lambda: ("sendgrid", sendgrid(sendgrid_event("bounce", ANN, status="4.2.2"))),
    "sendgrid dropped content": lambda: (
        "sendgrid",
        sendgrid(sendgrid_event("dropped", ANN, reason="Spam Content")),
    ),
    "sendgrid nothing": lambda: ("sendgrid", sendgrid()),
    "mailgun temporary": lambda: ("mailgun", mailgun(mailgun_event("failed", ANN, severity="temporary"))),
    "mailgun delivered": lambda: ("mailgun", mailgun(mailgun_event("delivered", ANN))),
    "mailgun not an event": lambda: ("mailgun", mailgun([[["deep"]]])),
    "postmark soft": lambda: ("postmark", postmark(RecordType="Bounce", Type="SoftBounce", Email=ANN)),
    "postmark delivery": lambda: ("postmark", postmark(RecordType="Delivery", Recipient=ANN)),
    "postmark again": lambda: (
        "postmark",
        postmark(RecordType="SubscriptionChange", SuppressSending=False, Recipient=ANN),
    ),
}


@ON_SQLITE
@pytest.mark.parametrize("what", SOFT)
def test_what_is_not_for_good_changes_nothing(tell, connect, mailed, amazon, what):
    kind, post = SOFT[what]()
    told = tell(connect(kind), post)
    assert told["decision"] == "ignored"
    assert told["reason"]
    person = mailed.person()
    assert (person.bounced_at, person.unsubscribed_at, mailed.row().status) == (None, None, "sent")


WISHES = {
    "sendgrid": lambda: sendgrid(sendgrid_event("group_unsubscribe", ANN)),
    "mailgun": lambda: mailgun(mailgun_event("unsubscribed", ANN)),
    "postmark": lambda: postmark(
        RecordType="SubscriptionChange",
        SuppressSending=True,
        SuppressionReason="ManualSuppression",
        Recipient=ANN,
    ),
}


@pytest.mark.parametrize("kind", WISHES)
def test_who_unsubscribed_at_the_service_is_asked_no_more(tell, connect, mailed, kind):
    assert tell(connect(kind), WISHES[kind]())["decision"] == "unsubscribed"
    assert mailed.ask()["rule"] == "unsubscribed"


@pytest.mark.parametrize("kind", SERVICES)
def test_broken_bodies_with_good_proof_are_answered(client, connect, amazon, kind):
    connection = connect(kind)
    posts = {
        "ses": [sns("{"), sns("[" * 5000), sns('{"notificationType": "Bounce", "bounce": 7}')],
        "sendgrid": [sendgrid(7, None, [], {"event": {}}), sendgrid({"event": "bounce", "email": 7})],
        "mailgun": [mailgun(None), mailgun({"event": "failed", "severity": "permanent"}, token="u" * 50)],
        "postmark": [postmark(), postmark(RecordType="Bounce", Type="HardBounce", Email="no address")],
    }[kind]
    for post in posts:
        answer = post.send(client, connection)
        assert answer.status_code == 200
        assert {each["decision"] for each in answer.get_json()["reports"]} == {"ignored"}


# ---------------------------------------------------------------------------------------------- Amazon


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_amazons_signature_are_known(tell, connect, mailed, amazon, version):
    assert tell(connect("ses"), sns(ses("Bounce", ANN), version=version))["decision"] == "suppressed"


def test_a_certificate_is_fetched_once(tell, connect, mailed, amazon):
    connection = connect("ses")
    for _ in range(3):
        tell(connection, sns(ses("Bounce", ANN)))
    assert amazon.called == [("GET", senders.CERTIFICATE_URL)]


SUSPECT = [
    "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
    "https://evil.example/SimpleNotificationService-1.pem",
    "https://sns.s3-eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
    "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
    "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-1.pem",
    "https://me@sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
    "https://sns.eu-west-1.amazonaws.com/?Action=GetTopicAttributes",
    "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-1.pem",
    "https://[sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
    "",
]


def test_a_certificate_from_elsewhere_is_not_even_fetched(client, connect, amazon):
    connection = connect("ses")
    for url in SUSPECT:
        answer = sns(ses("Bounce", ANN), SigningCertURL=url).send(client, connection)
        assert (answer.status_code, answer.data) == (401, b""), url
    assert amazon.called == []


def test_another_customers_topic_proves_nothing_however_well_signed(client, connect, amazon):
    theirs = sns(ses("Bounce", ANN), TopicArn="arn:aws:sns:eu-west-1:999999999999:earshot")
    assert theirs.send(client, connect("ses")).status_code == 401
    assert amazon.called == []


def test_a_secret_in_the_address_stands_for_the_topic(client, connect, mailed, amazon):
    connection = connect("ses", secret="a secret in the address")
    post = sns(ses("Bounce", ANN))
    assert post.send(client, connection).status_code == 401
    post.query = {"k": "a secret in the address"}
    assert post.send(client, connection).status_code == 200
    assert post.flipped().send(client, connection).status_code == 401


def test_a_certificate_that_has_run_out_proves_nothing(client, connect, amazon):
    amazon.certificate = senders.amazon_certificate(days=-1)
    assert sns(ses("Bounce", ANN)).send(client, connect("ses")).status_code == 401


@pytest.mark.parametrize(
    "certificate", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END"]
)
def test_what_is_no_certificate_proves_nothing(client, connect, amazon, certificate):
    amazon.certificate = certificate
    assert sns(ses("Bounce", ANN)).send(client, connect("ses")).status_code == 401


def test_a_certificate_that_cannot_be_fetched_now_is_asked_for_again(client, connect, mailed, amazon):
    connection, post = connect("ses"), sns(ses("Bounce", ANN))
    amazon.status = 500
    answer = post.send(client, connection)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    amazon.status = 200
    assert post.send(client, connection).status_code == 200


def test_a_subscription_is_confirmed_once_it_is_proved(world, tell, connect, amazon):
    told = tell(connect("ses"), sns("You have chosen to subscribe", "SubscriptionConfirmation"))
    assert told["decision"] == "confirmed"
    world.work()
    assert amazon.called[-1] == ("GET", senders.CONFIRM_URL)


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "https://sns.us-east-1.amazonaws.com/", "http://[", ""]
)
def test_a_subscription_at_another_address_is_not_confirmed(world, tell, connect, amazon, url):
    told = tell(connect("ses"), sns("You have chosen", "SubscriptionConfirmation", SubscribeURL=url))
    assert told["decision"] == "ignored"
    world.work()
    assert amazon.called == [("GET", senders.CERTIFICATE_URL)]


def test_a_confirmation_that_fails_is_tried_again(world, tell, connect, amazon):
    tell(connect("ses"), sns("You have chosen to subscribe", "SubscriptionConfirmation"))
    amazon.status = 503
    world.work()
    assert jobs.overview() == [(bounces.CONFIRM, "failed", 1)]


def test_events_of_a_configuration_set_are_read_alike(tell, connect, mailed, amazon):
    said = ses("Bounce", ANN)
    said["eventType"] = said.pop("notificationType")
    assert tell(connect("ses"), sns(said))["decision"] == "suppressed"


def test_the_signed_envelope_sender_names_the_mail(tell, connect, mailed, amazon):
    said = ses("Bounce", "another@customer.example", mail={"source": mailed.sender})
    assert tell(connect("ses"), sns(said))["invitation"] == mailed.id


# --------------------------------------------------------------------------------- SendGrid and Mailgun


def test_many_events_of_sendgrid_are_each_acted_on(client, connect, mailed):
    post = sendgrid(
        sendgrid_event("processed", ANN),
        sendgrid_event("bounce", ANN, status="5.1.1", type="bounce"),
        sendgrid_event("dropped", ANN, reason="Bounced Address"),
        sendgrid_event("spamreport", ANN),
    )
    reports = post.send(client, connect("sendgrid")).get_json()["reports"]
    assert [each["decision"] for each in reports] == ["suppressed", "suppressed", "unsubscribed"]


@pytest.mark.parametrize("hours", [-73, 73])
def test_an_old_call_of_sendgrid_is_a_401(client, connect, hours):
    post = sendgrid(sendgrid_event("bounce", ANN), stamp=senders.NOW + timedelta(hours=hours))
    assert post.send(client, connect("sendgrid")).status_code == 401


def test_mailguns_token_takes_no_other_body(client, connect, mailed):
    """Its signature does not cover the event."""
    connection = connect("mailgun")
    assert mailgun(mailgun_event("delivered", ANN)).send(client, connection).status_code == 200
    replayed = mailgun(mailgun_event("complained", ANN)).send(client, connection)
    assert (replayed.status_code, replayed.data) == (401, b"")
    assert mailed.person().unsubscribed_at is None


@pytest.mark.parametrize("hours", [-13, 13])
def test_an_old_call_of_mailgun_is_a_401(client, connect, hours):
    post = mailgun(mailgun_event("complained", ANN), stamp=senders.NOW + timedelta(hours=hours))
    assert post.send(client, connect("mailgun")).status_code == 401


def test_a_flipped_byte_in_mailguns_signature_is_a_401(client, connect):
    post = mailgun(mailgun_event("complained", ANN))
    for name in (b'"token": "', b'"timestamp": "', b'"signature": "'):
        place = post.body.rindex(name) + len(name) + 1
        answer = post.flipped(place).send(client, connect("mailgun"))
        assert (answer.status_code, answer.data) == (401, b"")


# ----------------------------------------------------------------------------------------- connections


BAD = [
    ({"kind": "sendgrid"}, "secret"),
    ({"kind": "sendgrid", "secret": "no key at all"}, "secret"),
    ({"kind": "mailgun"}, "secret"),
    ({"kind": "ses", "secret": "arn:aws:sns:nowhere"}, "secret"),
    ({"kind": "postmark", "proof": "signature"}, "proof"),
    ({"kind": "dsn", "survey": "sv_x"}, "survey"),
    ({"kind": "dsn", "skip_tags": ["a"]}, "skip_tags"),
    ({"kind": "dsn", "solved_statuses": ["a"]}, "solved_statuses"),
    ({"kind": "dsn", "write_back": {"url": "https://a.example", "token": "t"}}, "write_back"),
    ({"kind": "zendesk"}, "survey"),
]


@ON_SQLITE
@pytest.mark.parametrize(("values", "field"), BAD)
def test_what_is_wrong_with_a_sender_of_reports_is_named(api, values, field):
    assert list(api.post("/api/connections", {"name": "a", **values}, 422)["error"]["fields"]) == [field]


def test_a_secret_is_made_where_any_will_do(api):
    for kind in ("dsn", "ses", "postmark"):
        made = api.post("/api/connections", {"name": kind, "kind": kind})
        assert len(made["secret"]) > 30
        assert made["survey"] is None
        shown = api.get(f"/api/connections/{made['id']}")
        assert shown == {name: value for name, value in made.items() if name != "secret"}
        api.patch(f"/api/connections/{made['id']}", {"name": "renamed"})
        api.get(f"/api/connections/{made['id']}/snippet", 404)
        api.delete(f"/api/connections/{made['id']}")


def test_a_key_of_some_surveys_neither_makes_nor_sees_them(world, make, connect):
    limited = Api(world, make.key("write", surveys=[make.survey().id]))
    made = connect("postmark")
    limited.post("/api/connections", {"name": "a", "kind": "dsn"}, 403)
    limited.get(f"/api/connections/{made['id']}", 404)
    assert limited.get("/api/connections")["items"] == []


# ---------------------------------------------------------------------------------- suppressed, lifted


def test_suppressed_is_whoever_has_the_address(tell, connect, mailed, api):
    api.post("/api/people", {"id": "cust-1", "email": ANN})
    tell(connect("postmark"), permanent("postmark"))
    receipt = api.post(
        "/api/triggers", {"survey": mailed.survey.id, "person": {"id": "cust-1", "email": ANN}}, 200
    )
    assert receipt["rule"] == "bounced"


def test_an_operator_lifts_it_and_old_reports_do_not_bring_it_back(tell, connect, mailed, api, clock):
    connection, post = connect("postmark"), permanent("postmark")
    tell(connection, post)
    clock.shift(60)
    person = mailed.person().id
    assert api.patch(f"/api/people/{person}", {"bounced_at": None})["bounced_at"] is None
    told = tell(connection, post)
    assert told["reason"] == "bounced (HardBounce); somebody said since that mail arrives there"
    assert mailed.ask()["decision"] == "scheduled"
    later = "2026-11-22T10:05:00Z"
    clock.shift(600)
    again = postmark(RecordType="Bounce", Type="HardBounce", Email=ANN, BouncedAt=later)
    assert tell(connection, again)["decision"] == "suppressed"
    api.patch(f"/api/people/{person}", {"bounced_at": later}, 422)


def test_a_new_address_has_not_bounced(tell, connect, mailed, api):
    who = api.post("/api/people", {"id": "cust-1", "email": "old@customer.example"})
    tell(connect("postmark"), permanent("postmark", address="old@customer.example"))
    body = {"survey": mailed.survey.id, "person": {"id": "cust-1", "email": "new@customer.example"}}
    assert api.get(f"/api/people/{who['id']}")["bounced_at"] is not None
    assert api.post("/api/triggers", body, 200)["decision"] == "scheduled"
    assert api.get(f"/api/people/{who['id']}")["bounced_at"] is None


def test_a_changed_address_has_not_bounced(tell, connect, mailed, api):
    tell(connect("postmark"), permanent("postmark"))
    person = api.patch(f"/api/people/{mailed.person().id}", {"email": "ann@elsewhere.example"})
    assert person["bounced_at"] is None


def test_an_answer_outlives_a_late_bounce(tell, connect, mailed, amazon, make):
    make.response(mailed.survey, 9, invitation=links.invitation_token(mailed.id))
    tell(connect("ses"), permanent("ses", mailed))
    assert Invitation.get_by_id(mailed.id).status == "answered"
