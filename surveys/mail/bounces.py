"""What became of mail after it left: bounces suppress an address, complaints unsubscribe who complained."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import structlog

from surveys import invitations, people, responses
from surveys.base import clock, db, delivery, jobs, signing
from surveys.base.delivery.message import DeliveryFailed
from surveys.base.http import idempotency
from surveys.domain import addresses
from surveys.helpdesks.helpdesk import Call
from surveys.helpdesks.reception import SHARED, Unproven
from surveys.mail import letters
from surveys.mailreports import REPORTERS
from surveys.mailreports.report import Confirmation, Report, shared
from surveys.models import Connection, Invitation

log = structlog.get_logger()

#: The job that shows a sender of reports that we want them.
CONFIRM = "mail reports to be confirmed"

#: Reports of one call that are acted on before it is answered; the others are jobs of this kind, one each, so that
#: erasing somebody takes back only what is about them.
AT_ONCE, TAKE = 25, "mail report"

#: Certificates that were fetched; senders have one or two.
MOST_CERTIFICATES = 16

_fetched: dict[str, bytes] = {}


@dataclass(frozen=True)
class Outcome:
    """What came of one report, and why."""

    decision: Literal["suppressed", "unsubscribed", "confirmed", "ignored", "accepted"]
    reason: str
    invitation: str | None = None


def forget_certificates() -> None:
    """Fetch them anew when one is next needed."""
    _fetched.clear()


def receive(connection: Connection, call: Call, now: datetime) -> list[Outcome]:
    """Read a call that reports about mail, and act on it. Any number of times is the same as once.

    Raises Unproven, and DeliveryFailed when a certificate needed for the proof cannot be fetched now.
    """
    reporter = REPORTERS[connection.kind]
    if not _proved(connection, call, now):
        raise Unproven
    told = reporter.read(call, now)
    if isinstance(told, Confirmation):
        db.write(lambda: jobs.enqueue(CONFIRM, {"url": told.url}, now))
        return [Outcome("confirmed", "the subscription is being confirmed")]
    reports, outcomes = _sorted_out(told) if len(told) > AT_ONCE else (list(told), [])
    outcomes += [_take(report, now) for report in reports[:AT_ONCE]]
    if later := reports[AT_ONCE:]:
        payloads = [({**asdict(each), "at": clock.stamp(each.at)}, now) for each in later]
        db.write(lambda: jobs.enqueue_all(TAKE, payloads))
        outcomes.append(Outcome("accepted", f"{len(later)} more reports are being read"))
    log.info("mail reports", kind=connection.kind, decisions=sorted({each.decision for each in outcomes}))
    return outcomes


@jobs.on(TAKE)
def take(payload: dict[str, Any], now: datetime) -> None:
    """Act on one report of many that came at once."""
    at = payload["at"]
    _take(Report(**{**payload, "at": datetime.fromisoformat(at) if at else None}), now)


@jobs.on(CONFIRM, lane=jobs.CALLS)
def confirm(payload: dict[str, Any], now: datetime) -> None:
    """Call the address that a proven request named. Tried again when there is no answer."""
    _get(payload["url"])


# ------------------------------------------------------------------------------------------------------


def _proved(connection: Connection, call: Call, now: datetime) -> bool:
    reporter = REPORTERS[connection.kind]
    proof = connection.proof or reporter.PROOF
    check = shared if proof == SHARED else reporter.PROOFS.get(proof)
    if check is None or not connection.secret or not check(call, connection.secret, now, _certificate):
        return False
    token = reporter.once(call) if proof != SHARED else None
    return token is None or _first_with(f"{connection.id} {token}", call.body, now)


def _first_with(token: str, body: bytes, now: datetime) -> bool:
    """Whether a token comes for the first time, or with the same body as then."""
    digest = signing.keyed_hash("mail report", token)
    try:
        if idempotency.begin(digest, hashlib.sha256(body).hexdigest(), now) is None:
            idempotency.finish(digest, 200, "")
    except idempotency.OtherBody:
        return False
    except (idempotency.StillRunning, idempotency.Unanswered):
        # The same body, whatever became of the first.
        pass
    return True


def _sorted_out(told: Sequence[Report]) -> tuple[list[Report], list[Outcome]]:
    """What of many reports is about a mail or an address that may be known here; how many of the others there are."""
    named = {each: addresses.normal(each.address) for each in told if not each.invitation}
    known = people.known_among(sorted({address for address in named.values() if address}))
    reports = [each for each in told if each.invitation or named[each] in known]
    strangers = len(told) - len(reports)
    reason = f"{strangers} reports are about nobody that is known here"
    return reports, [Outcome("ignored", reason)] if strangers else []


def _take(report: Report, now: datetime) -> Outcome:
    """Act on one report: about the address that the invitation or letter went to, else about the one that is named."""
    if report.kind == "other":
        return Outcome("ignored", report.reason)
    invitation = Invitation.get_or_none(Invitation.id == report.invitation) if report.invitation else None
    letter = letters.sent(report.invitation) if report.invitation and invitation is None else None
    address = addresses.normal(
        invitation.email if invitation else letter.address if letter else report.address
    )
    if address is None:
        return Outcome("ignored", f"{report.reason}, and is about no invitation that is known here")
    known = invitation.id if invitation else None
    if report.kind == "bounced":
        if letter is not None:
            letter.bounced(f"the mail {report.reason}", now)
        return _bounced(report, invitation, address, known, min(report.at or now, now))
    person = invitation.person if invitation else letter.person if letter else None

    def verb() -> bool:
        if person is not None:
            people.unsubscribe(person, now)
        is_known = people.unsubscribe_address(address, now)
        if report.kind == "complained" or invitation is None:
            # It may be a letter that they want no more of.
            own = people.own_rows(person) if person is not None else []
            responses.withdraw_contact([*people.owners(address), *own], now)
        return is_known

    if not db.write(verb) and invitation is None:
        return Outcome("ignored", f"{report.reason}; nobody is known by this address")
    return Outcome("unsubscribed", report.reason, known)


def _bounced(
    report: Report, invitation: Invitation | None, address: str, known: str | None, at: datetime
) -> Outcome:
    if invitation is not None and invitation.status == "failed":
        return Outcome("ignored", f"{report.reason}; that is known already", known)
    against = people.suppress(address, at)
    if invitation is not None:
        invitations.bounced(invitation, f"the mail {report.reason}")
    if against:
        return Outcome("ignored", f"{report.reason}; {against}", known)
    return Outcome("suppressed", report.reason, known)


def _certificate(url: str) -> bytes:
    if url not in _fetched:
        content = _get(url)
        if len(_fetched) >= MOST_CERTIFICATES:
            _fetched.clear()
        _fetched[url] = content
    return _fetched[url]


def _get(url: str) -> bytes:
    answer = delivery.outbound().call("GET", url)
    if answer.status != 200:
        raise DeliveryFailed(f"status {answer.status}", again=True)
    return answer.body
