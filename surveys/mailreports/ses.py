"""Amazon SES through an SNS topic: notifications of an identity, or events of a configuration set.

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from surveys.helpdesks import proofs
from surveys.helpdesks.helpdesk import Call
from surveys.helpdesks.reading import at, email, items, line, moment
from surveys.mailreports import report
from surveys.mailreports.report import Confirmation, Fetch, Kind, Report, other, parsed

PROOF = "signature"

#: SNS tries for some hours, and for days at the most. So long delivery ids are kept where there is nothing better.
WINDOW_SECONDS = 72 * 3600

_REGION = r"([a-z]{2,3}(?:-[a-z]{2,20}){1,3}-\d)"
_TOPIC = re.compile(rf"arn:aws(?:-[a-z]+)*:sns:{_REGION}:\d{{12}}:[\w.-]{{1,256}}", re.ASCII)

#: What is signed, in this order (docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html).
_OF_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_OF_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    "Notification": _OF_NOTIFICATION,
    "SubscriptionConfirmation": _OF_CONFIRMATION,
    "UnsubscribeConfirmation": _OF_CONFIRMATION,
}
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}


def signed(call: Call, secret: str, now: datetime, fetch: Fetch) -> bool:
    """SNS's own signature, version 1 or 2, from the connection's topic.

    SNS signs for every customer of Amazon alike. So the topic must be ours: the secret is its ARN, or else comes
    along (as Basic password or query `k`). Only then is the certificate fetched, and only from SNS in the region that
    the topic names.
    """
    said = call.json
    topic = _text(said, "TopicArn")
    region = _TOPIC.fullmatch(topic)
    ours = proofs.same(secret, topic) or proofs.shared(call, secret, now)
    names, algorithm = _SIGNED.get(_text(said, "Type")), _HASHES.get(_text(said, "SignatureVersion"))
    url = _text(said, "SigningCertURL")
    if not (secret and ours and region and names and algorithm and _is_sns(url, region[1])):
        return False
    if not re.fullmatch(r"/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem", urlsplit(url).path):
        return False
    message = "".join(f"{name}\n{said[name]}\n" for name in names if isinstance(said.get(name), str))
    try:
        certificate = x509.load_pem_x509_certificate(fetch(url))
        key = certificate.public_key()
        signature = base64.b64decode(_text(said, "Signature"), validate=True)
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return False
        key.verify(signature, message.encode("utf-8", "surrogatepass"), padding.PKCS1v15(), algorithm())
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError):
        return False
    return True


PROOFS = {"signature": signed}

once = report.covered


def problem(secret: str | None) -> str | None:
    """The topic's ARN, or anything else that is then given with every call."""
    if secret and secret.startswith("arn:") and not _TOPIC.fullmatch(secret):
        return "Must be the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>."
    return None


def read(call: Call, now: datetime) -> tuple[Report, ...] | Confirmation:
    """The notification in the envelope of SNS; a subscription wants to be confirmed first.

    A signature is good for ever, and whoever kept a call could play it again: what was sent long ago says nothing.
    """
    envelope = call.json
    kind = line(at(envelope, "Type"))
    if not proofs.fresh_iso(_text(envelope, "Timestamp"), now, WINDOW_SECONDS):
        return other(f"{kind or 'a body that cannot be read'} was not sent within the last 72 hours")
    if kind == "SubscriptionConfirmation":
        region, url = _TOPIC.fullmatch(_text(envelope, "TopicArn")), _text(envelope, "SubscribeURL")
        if region is None or not _is_sns(url, region[1]):
            return other("the address to confirm is not one of Amazon's")
        return Confirmation(url)
    if kind != "Notification":
        return other(f"{kind or 'a body that cannot be read'} is no notification")
    said = parsed(_text(envelope, "Message"))
    event = line(at(said, "eventType")) or line(at(said, "notificationType")) or ""
    found = at(said, "mail")
    if event == "Bounce" and at(said, "bounce", "bounceType") == "Permanent":
        return _reports("bounced", said["bounce"], "bouncedRecipients", found)
    if event == "Complaint" and at(said, "complaint", "complaintFeedbackType") != "not-spam":
        return _reports("complained", at(said, "complaint"), "complainedRecipients", found)
    detail = line(at(said, "bounce", "bounceType")) or line(at(said, "complaint", "complaintFeedbackType"))
    return other(f"{event or 'a message that SES did not write'}{f' ({detail})' if detail else ''}")


def _reports(kind: Kind, said: Any, recipients: str, mail: Any) -> tuple[Report, ...]:
    headers = {
        (line(each.get("name")) or "").lower(): each.get("value") for each in items(at(mail, "headers"))
    }
    invitation = report.invitation(
        [at(mail, "source")],
        [
            headers.get("x-earshot-invitation"),
            headers.get("message-id"),
            at(mail, "commonHeaders", "messageId"),
        ],
    )
    detail = line(at(said, "bounceSubType")) or line(at(said, "complaintFeedbackType")) or "of no kind"
    made = []
    for each in items(at(said, recipients)):
        status = line(each.get("status")) or detail
        made.append(
            Report(
                kind,
                f"{kind} ({status})",
                email(each.get("emailAddress")),
                invitation,
                moment(at(said, "timestamp")),
            )
        )
    return tuple(made) or other(f"{kind}, and names nobody")


def _is_sns(url: str, region: str) -> bool:
    """Whether an address is SNS's own in a region. Others under amazonaws.com are anybody's, such as buckets."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "https" and parts.port is None and parts.username is None
    except ValueError:
        return False
    return plain and parts.hostname in (f"sns.{region}.amazonaws.com", f"sns.{region}.amazonaws.com.cn")


def _text(said: Any, name: str) -> str:
    value = at(said, name)
    return value if isinstance(value, str) else ""
