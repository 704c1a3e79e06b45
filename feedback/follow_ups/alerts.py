"""Mail to members about a case: it is overdue, or the customer says that it is not solved. Each mail once at most."""

import functools
from datetime import datetime
from typing import Any

from feedback.follow_ups import cases, hours, owners
from feedback.models import FollowUp
from surveys import links
from surveys.base import db, delivery, jobs
from surveys.base.accounts import members
from surveys.base.accounts.members import ADMINISTRATOR, Member
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown, Message
from surveys.mail import service_mail

DUE = "follow-up alert"

OVERDUE = "overdue"

_SUBJECTS = {OVERDUE: "A follow-up is overdue", "not_yet": "A customer says: not yet solved"}

_WHY = "You get this because the case is yours, or because you look after those of others."

_TEXTS = {
    OVERDUE: """Hello,

somebody waits for us longer than we promised.

To be answered: {answer}
To be solved: {solved}

{link}
""",
    "not_yet": """Hello,

a customer whom we asked whether it is solved says: not yet. The case is open again, with a higher priority, and no
survey is sent to them meanwhile. No mail goes to them by itself.

{link}
""",
}


def warn(now: datetime) -> int:
    """Tell owner and lead of overdue cases, once for each case; how many cases."""
    late: Any = (
        FollowUp.select(FollowUp.id).where(FollowUp.overdue_at.is_null() & cases.is_owed(now)).tuples()
    )
    return sum(db.write(functools.partial(_warn, row[0], now)) for row in list(late))


def tell(case: FollowUp, about: str, now: datetime) -> None:
    """Have the owner, and the lead (without one all administrators), hear of a case that they can open.

    Call it in a transaction.
    """
    for member in _whom(case):
        jobs.enqueue(DUE, {"follow_up": case.id, "about": about, "member": member.id}, now)


@jobs.on(DUE, lane=jobs.MAIL)
def send(payload: dict[str, Any], now: datetime) -> None:
    """Send one such mail. It is marked before it leaves: one that is lost hurts less than one that comes twice."""
    case = FollowUp.get_or_none(FollowUp.id == payload["follow_up"])
    member = members.get(payload["member"])
    about = payload["about"]
    if case is None or case.closed_at is not None or member is None or member.joined_at is None:
        return
    mark = f"{about} {member.id}"
    if not db.write(functools.partial(_mark, case.id, mark, True)):
        return
    kind = about.partition(" ")[0]
    message = Message(
        to=member.email,
        name=member.name,
        subject=_SUBJECTS[kind],
        text=_TEXTS[kind].format(
            answer="done" if case.first_answer_at else case.answer_why,
            solved=case.solve_why,
            link=links.to(f"/team/follow-ups/{case.id}"),
        ),
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    try:
        delivery.transport("mail").send(service_mail.dressed(message, "Open the case", _WHY), now)
    except DeliveryUnknown:
        # It may have arrived, and the case stands on the page.
        return
    except DeliveryFailed as error:
        if error.again:
            db.write(functools.partial(_mark, case.id, mark, False))
            raise


# ------------------------------------------------------------------------------------------------------


def _warn(case_id: str, now: datetime) -> bool:
    row = cases.hold(case_id)
    if row is None or row.overdue_at is not None or not cases.owes(row, now):
        return False
    row.overdue_at = now
    row.save(only=[FollowUp.overdue_at])
    cases.remark(row.id, {"overdue": True}, None, now)
    tell(row, OVERDUE, now)
    cases.tell(row, cases.OVERDUE, now)
    return True


def _whom(case: FollowUp) -> list[Member]:
    able = owners.candidates(case)
    lead = next((each for each in able if each.id == hours.stored()["lead"]), None)
    found = [each for each in able if each.id == case.owner]
    found += [each for each in able if each.role == ADMINISTRATOR] if lead is None else [lead]
    return list({each.id: each for each in found}.values())


def _mark(case_id: str, mark: str, on: bool) -> bool:
    row = cases.hold(case_id)
    if row is None or (mark in row.alerted) == on:
        return False
    row.alerted = [*row.alerted, mark] if on else [each for each in row.alerted if each != mark]
    row.save(only=[FollowUp.alerted])
    return True
