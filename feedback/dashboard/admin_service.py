"""The service itself: how it is, what holds of its settings, and when the team is there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, request

from feedback import issues, labels
from feedback.dashboard import forms, layout, registry
from feedback.dashboard.words import say
from feedback.follow_ups import hours, owners
from feedback.schemas.follow_ups import HoursBody
from surveys import visible
from surveys.base import clock, jobs, settings
from surveys.base.accounts import members
from surveys.base.delivery import dns
from surveys.base.errors import Clash, Refused
from surveys.base.http import audited, context
from surveys.base.version import VERSION
from surveys.domain.mail_records import Finding
from surveys.keeping import condition
from surveys.mail import sender_records
from surveys.models import Invitation, Person, Survey, Webhook
from surveys.webhooks import telling

HEALTH, HOURS = "/team/admin/health", "/team/admin/hours"

#: Spans of a day that the form has: before and after a pause.
SPANS = (0, 1)

#: Of what is to be looked at, so many lines of a kind.
MOST = 20

#: Mails that were not sent which are named.
MOST_UNSENT = 10

#: Room on the disk below which somebody should look, in bytes.
LITTLE = 1 << 30


@registry.page(
    title=say("health"), address=HEALTH, scope="admin", nav="admin", icon="warn", place=70, forms=True
)
def health() -> Response:
    """What waits and what died, mail, disk, database, backup; the form releases jobs that were given up."""
    now, chosen = clock.now(), context.settings()
    if request.method == "POST":
        visible.demand_all(registry.caller(), say("refused.403.told"))
        kind = forms.fields().get("kind")
        if not kind:
            raise Refused(say("health.no_kind"), "kind")
        jobs.release(now, kind)
        return layout.led(layout.at(HEALTH, did="released"))
    found = condition.of(chosen, now)
    records, silent = _records() if request.args.get("mail") == "1" else ({}, None)
    return layout.page(
        "health.html",
        say("health"),
        found=found,
        late=round(found.late.total_seconds() / 60) if found.late else None,
        version=VERSION,
        sends=chosen.smtp_url is not None,
        sender=chosen.mail_from,
        records=records,
        silent=silent,
        asked=request.args.get("mail") == "1",
        size=_size,
        little=found.free < LITTLE,
        on_sqlite=chosen.on_sqlite,
        did=request.args.get("did") == "released",
        unsettled=_unsettled(now),
        unsent=_unsent(now) if found.unsent else [],
    )


@registry.page(
    title=say("in_force"), address="/team/admin/settings", scope="admin", nav="admin", icon="admin", place=75
)
def in_force() -> Response:
    """The settings in force, without secrets."""
    return layout.page("settings.html", say("in_force"), rows=settings.in_force(context.settings()))


@registry.page(
    title=say("hours"),
    address=HOURS,
    scope="admin",
    nav="admin",
    icon="clock",
    place=65,
    forms=True,
    shared=True,
)
def opening() -> Response:
    """When the team is open and how soon it promises to answer; the form replaces all of it."""
    if request.method == "GET":
        return _hours()
    visible.demand_all(registry.caller(), say("hours.shared"))
    given = forms.fields()
    values, wrong = _read(given)
    if not wrong and (why := owners.against_lead(values.get("lead"), hours.stored()["lead"])):
        wrong = {"lead": [why]}
    if wrong:
        audited.unchanged()
        return _hours(given, wrong, 422)
    try:
        hours.put(values, clock.now(), given.get("version"))
    except Clash as clash:
        audited.unchanged()
        return _hours(given, {}, 409, f"{clash.message} {say('typed')}")
    return layout.led(layout.at(HOURS, did="saved"))


# ------------------------------------------------------------------------------------------------------


def _unsettled(now: datetime) -> list[tuple[str, str, str]]:
    """What was not made or told, or may not have been, of what the reader sees: where to look, its name, and why."""
    found = []
    if registry.seen() is None:
        for row in issues.troubled(MOST):
            why = say(f"health.unsettled.issue.{row.state}")
            found.append((layout.at(f"/team/topics/{row.topic_id}"), labels.of(row.topic), why))
    lost = telling.given_up(now - condition.LATELY)
    hooks = Webhook.select().where(Webhook.owner.is_null(), Webhook.id.in_(list(lost)))
    for hook in visible.narrowed(hooks, registry.caller()).order_by(Webhook.created_at).limit(MOST):
        told = say("health.unsettled.webhook", n=f"{lost[hook.id]:,}")
        found.append((layout.at("/team/notices", state=telling.DEAD), hook.url, told))
    return found


def _records() -> tuple[dict[str, Finding], str | None]:
    """What the sender's domain says of its mail, and why nobody can tell."""
    chosen = context.settings()
    domain = sender_records.domain_of(chosen)
    if domain is None:
        return {}, say("health.no_sender")
    try:
        return sender_records.findings(chosen, domain, chosen.mail_dkim_selector, dns.system_server()), None
    except dns.Unanswered as unanswered:
        return {}, str(unanswered)


def _size(bytes_: int) -> str:
    """Bytes for people."""
    for unit, step in (("GB", 1 << 30), ("MB", 1 << 20)):
        if bytes_ >= step:
            return f"{bytes_ / step:,.1f} {unit}"
    return f"{bytes_ / 1024:,.0f} kB"


def _unsent(now: datetime) -> list[Invitation]:
    """The newest invitations that could not be sent lately, or of which nobody knows whether they arrived."""
    found = visible.narrowed(Invitation.select(Invitation, Survey.name, Person), registry.caller()).join(
        Survey
    )
    found = found.switch(Invitation).left_outer_join(Person)
    found = found.where(Invitation.status.in_(("failed", "unknown")))
    found = found.where(Invitation.created_at >= now - condition.LATELY)
    return list(found.order_by(Invitation.created_at.desc()).limit(MOST_UNSENT))


def _shown(stored: Mapping[str, Any]) -> dict[str, str]:
    """The hours as they are, by the names of the form's fields."""
    found = {
        **{f"{end}-{day}-{at}": "" for day in range(7) for at in SPANS for end in ("opens", "closes")},
        "time_zone": stored["time_zone"] or "",
        "holidays": "\n".join(stored["holidays"]),
        "answer_within_hours": f"{stored['answer_within_hours']:g}",
        "solve_within_hours": f"{stored['solve_within_hours']:g}",
        "lead": stored["lead"] or "",
    }
    taken: dict[int, int] = {}
    for shift in sorted(stored["open"], key=lambda each: each["opens"]):
        for day in shift["weekdays"]:
            at = taken.get(day, 0)
            taken[day] = at + 1
            found[f"opens-{day}-{at}"], found[f"closes-{day}-{at}"] = shift["opens"], shift["closes"]
    return found


def _read(given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The form as the API takes it; days that open alike are one line."""
    shifts: dict[tuple[str, str], list[int]] = {}
    for day in range(7):
        for at in SPANS:
            opens, closes = given.get(f"opens-{day}-{at}", ""), given.get(f"closes-{day}-{at}", "")
            if opens or closes:
                shifts.setdefault((opens[:5], closes[:5]), []).append(day)
    body: dict[str, Any] = {
        "time_zone": given.get("time_zone") or None,
        "open": [
            {"weekdays": days, "opens": opens, "closes": closes} for (opens, closes), days in shifts.items()
        ],
        "holidays": given.get("holidays", "").split(),
        "lead": given.get("lead") or None,
    }
    for name in ("answer_within_hours", "solve_within_hours"):
        try:
            body[name] = float(given.get(name, ""))
        except ValueError:
            return {}, {name: [say("survey.no_number")]}
    return forms.load(HoursBody(), body)


def _hours(
    given: Mapping[str, str] | None = None,
    wrong: Mapping[str, list[str]] | None = None,
    status: int = 200,
    clash: str | None = None,
) -> Response:
    """The form as it is kept; with something `wrong` in it, or after a `clash`, with what was typed."""
    wrong, given, stored = wrong or {}, given or {}, hours.stored()
    shown = _shown(stored)
    able = owners.leads()
    unable = (
        members.get(stored["lead"]) if stored["lead"] not in {None, *(each.id for each in able)} else None
    )
    told: dict[str, list[str]] = {}
    for name, lines in wrong.items():
        field, _, at = name.partition(".")
        if field == "holidays" and at.isdigit():
            # Of many days, the one that is none.
            lines = [f"{given['holidays'].split()[int(at)]}: {line}" for line in lines]
        told.setdefault(field, []).extend(lines)
    return layout.page(
        "hours.html",
        say("hours"),
        status,
        values=given if wrong else forms.joined(shown, given) if clash else shown,
        # A form that is shown as it was sent is still about what it began with.
        version=(given.get("version") if wrong else None) or hours.version(stored),
        before=(given.get(forms.BEGUN) if wrong else None) or forms.begun(shown),
        clash=clash,
        errors={name: list(dict.fromkeys(lines)) for name, lines in told.items()},
        spans=SPANS,
        members=[*able, *([unable] if unable else [])],
        unable=unable,
        zone=str(layout.zone()),
        did=request.args.get("did") == "saved",
    )
