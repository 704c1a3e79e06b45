"""Calls as mail servers and mail services make them, proved with keys of our own making."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

TOPIC = "arn:aws:sns:eu-west-1:123456789012:earshot"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
CONFIRM_URL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=x&Token=y"
MAILGUN_KEY = "key-0123456789abcdef"
POSTMARK_SECRET = "a shared secret for Postmark"
DSN_SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()

CRLF = "\r\n"


@dataclass
class Post:
    """What is posted to /in/{connection}."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)

    def send(self, client, connection):
        """The answer to it."""
        return client.post(
            f"/in/{connection['id']}", data=self.body, headers=self.headers, query_string=self.query
        )

    def flipped(self, at=None):
        """The same with one bit of the body changed, by default in the middle."""
        body = bytearray(self.body)
        body[len(body) // 2 if at is None else at] ^= 1
        return Post(bytes(body), self.headers, self.query)


# ---------------------------------------------------------------------------------- Amazon SES over SNS


@cache
def amazon_key():
    return rsa.generate_private_key(65537, 2048)


@cache
def amazon_certificate(days=365):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(amazon_key().public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(amazon_key(), hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def sns(message, kind="Notification", version="2", **more):
    """A call of SNS; `message` is text, or what SES says as an object."""
    said = {
        "Type": kind,
        "MessageId": "5d4f0000-0000-4000-8000-000000000000",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2026-11-22T09:59:58.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
        **more,
    }
    if kind == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    else:
        said.setdefault("SubscribeURL", CONFIRM_URL)
        said.setdefault("Token", "y")
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{said[name]}\n" for name in names if name in said)
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = amazon_key().sign(text.encode(), padding.PKCS1v15(), algorithm)
    said["Signature"] = base64.b64encode(signature).decode()
    return Post(json.dumps(said).encode(), {"x-amz-sns-message-type": kind, "content-type": "text/plain"})


def ses(kind, address, invitation=None, detail="Permanent", **more):
    """What SES tells SNS of a bounce or a complaint, as of 2026-11-22T09:59:50Z."""
    headers = [{"name": "X-Earshot-Invitation", "value": invitation}] if invitation else []
    said = {
        "notificationType": kind,
        "mail": {
            "messageId": "0102",
            "source": "care@acme.example",
            "headers": headers,
            **more.pop("mail", {}),
        },
    }
    at = {"timestamp": more.pop("at", "2026-11-22T09:59:50.000Z")}
    if kind == "Bounce":
        each = {"emailAddress": address, "action": "failed", "status": "5.1.1"}
        said["bounce"] = {"bounceType": detail, "bounceSubType": "General", "bouncedRecipients": [each], **at}
    if kind == "Complaint":
        who = {"complainedRecipients": [{"emailAddress": address}]}
        said["complaint"] = {**who, "complaintFeedbackType": detail, **at}
    return said | more


# ------------------------------------------------------------------------------------------- SendGrid


@cache
def sendgrid_key():
    return ec.generate_private_key(ec.SECP256R1())


def sendgrid_secret():
    der = (
        sendgrid_key()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return base64.b64encode(der).decode()


def sendgrid(*events, stamp=NOW):
    body = json.dumps(list(events)).encode()
    seconds = str(int(stamp.timestamp()))
    signature = sendgrid_key().sign(seconds.encode() + body, ec.ECDSA(hashes.SHA256()))
    return Post(
        body,
        {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": seconds,
            "content-type": "application/json",
        },
    )


def sendgrid_event(name, address, **more):
    at = int((NOW - timedelta(seconds=10)).timestamp())
    return {"event": name, "email": address, "timestamp": at, "sg_event_id": "a", **more}


# -------------------------------------------------------------------------------------------- Mailgun


def mailgun(event, token="t" * 50, stamp=NOW):
    seconds = str(int(stamp.timestamp()))
    signature = hmac.new(MAILGUN_KEY.encode(), (seconds + token).encode(), hashlib.sha256).hexdigest()
    signed = {"timestamp": seconds, "token": token, "signature": signature}
    body = {"signature": signed, "event-data": event}
    return Post(json.dumps(body).encode(), {"content-type": "application/json"})


def mailgun_event(name, address, message_id=None, **more):
    at = (NOW - timedelta(seconds=10)).timestamp()
    headers = {"headers": {"message-id": message_id}} if message_id else {}
    return {"event": name, "recipient": address, "timestamp": at, "message": headers, **more}


# ------------------------------------------------------------------------------------------- Postmark


def postmark(**said):
    basic = base64.b64encode(f"earshot:{POSTMARK_SECRET}".encode()).decode()
    return Post(json.dumps(said).encode(), {"Authorization": f"Basic {basic}"})


# ------------------------------------------------------------------------------------------------ DSN


def signed(raw, stamp=NOW):
    """A raw message with a Standard Webhooks signature."""
    seconds = str(int(stamp.timestamp()))
    key = base64.b64decode(DSN_SECRET.removeprefix("whsec_"))
    mac = hmac.new(key, f"d1.{seconds}.".encode() + raw, hashlib.sha256).digest()
    headers = {
        "webhook-id": "d1",
        "webhook-timestamp": seconds,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
        "content-type": "message/rfc822",
    }
    return Post(raw, headers)


def dsn(
    to="care@acme.example",
    action="failed",
    status="5.1.1",
    returned=(),
    diagnostic="smtp; 550 5.1.1 No such user",
    kind="message/delivery-status",
    returned_kind="text/rfc822-headers",
    more=(),
):
    """A delivery status notification in the form in which Postfix writes it. `returned`: headers that came back."""
    fields = [
        "Reporting-MTA: dns; mx.acme.example",
        "Arrival-Date: Sun, 22 Nov 2026 09:58:00 +0000",
        "",
        "Final-Recipient: rfc822; ann@customer.example",
        f"Action: {action}",
        *([f"Status: {status}"] if status else []),
        *([f"Diagnostic-Code: {diagnostic}"] if diagnostic else []),
        "Last-Attempt-Date: Sun, 22 Nov 2026 09:59:50 +0000",
        *more,
    ]
    return report("delivery-status", to, kind, fields, returned, returned_kind)


def complaint(fields, to="fbl@acme.example", returned=()):
    """A complaint in the Abuse Reporting Format."""
    given = ["User-Agent: SomeGenerator/1.0", "Version: 1", *fields]
    return report("feedback-report", to, "message/feedback-report", given, returned, "message/rfc822")


def report(name, to, kind, fields, returned, returned_kind):
    lines = [
        "From: MAILER-DAEMON@mx.acme.example",
        f"To: {to}",
        "Subject: Undelivered Mail Returned to Sender",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={name}; boundary="x=42"',
        "",
        "--x=42",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "I'm sorry to have to inform you that your message could not be delivered.",
        "",
        "--x=42",
        f"Content-Type: {kind}",
        "",
        *fields,
        "",
        "--x=42",
        f"Content-Type: {returned_kind}",
        "",
        "Subject: How was your experience?",
        *returned,
        "",
        "--x=42--",
        "",
    ]
    return CRLF.join(lines).encode()
