"""Follow-ups: who must be answered, by whom and by when; and one case with everything that is done to it."""

from collections.abc import Mapping, Sequence
from typing import Any

import marshmallow as ma
import peewee
from flask import Response as Reply
from flask import request
from marshmallow import fields, validate

from feedback import feed
from feedback.dashboard import forms, layout, registry
from feedback.dashboard.words import say
from feedback.domain.follow_ups import CLOSED, OF_THE_TEAM, OPEN, REASONS, STATUSES, STEPS
from feedback.domain.values import plain
from feedback.follow_ups import cases, owners, report, writing
from feedback.item import Item
from feedback.models import FollowUp
from feedback.schemas.follow_ups import NOBODY
from surveys import visible
from surveys.base import clock
from surveys.base.accounts.members import Member
from surveys.base.errors import Clash, Refused
from surveys.base.http import audited, context, lists, signed_in
from surveys.models import Person, Response
from surveys.schemas.kinds import WRITTEN, text

#: Cases of one page.
PAGE = 30

#: In the place of a member's id: whoever looks.
ME = "me"

#: What a form does.
ACTS = ("take", "owner", "steps", "status", "give_up", "note", "reply", "ask")


class FollowUpsQuery(ma.Schema):
    """Which cases."""

    status = fields.String(validate=validate.OneOf(("open", "closed", *STATUSES)), load_default="open")
    owner = text(100)
    overdue = fields.String(validate=validate.OneOf(("1",)))
    page = lists.Digits(validate=validate.Range(1, 1000), load_default=1)


class FollowUpQuery(ma.Schema):
    """What was just done, to say it."""

    did = fields.String(validate=validate.OneOf((*ACTS, "again")))
    taken = fields.String(validate=validate.OneOf(("1",)))


class FollowUpForm(ma.Schema):
    """One of the forms of a case's page."""

    class Meta:
        unknown = ma.EXCLUDE

    do = fields.String(required=True, validate=validate.OneOf(ACTS))
    version = fields.String(load_default="")
    owner = fields.String(load_default="", validate=validate.Length(max=100))
    status = fields.String(validate=validate.OneOf(OF_THE_TEAM))
    reason = fields.String(validate=validate.OneOf(REASONS))
    note = fields.String(load_default="", validate=validate.Length(max=WRITTEN))
    text = fields.String(load_default="", validate=validate.Length(max=WRITTEN))


@registry.page(
    title=say("follow-ups"), address="/team/follow-ups", scope="write", nav="act", icon="follow-ups", place=1
)
def follow_ups() -> Any:
    """The list, what is most urgent first among the open ones; and how well promises are kept."""
    asked, now = layout.query(FollowUpsQuery()), clock.now()
    query = visible.narrowed(FollowUp.select(), registry.caller())
    states = {"open": OPEN, "closed": CLOSED}.get(asked["status"], (asked["status"],))
    query = query.where(FollowUp.status.in_(states))
    owner = asked.get("owner")
    if owner:
        wanted = registry.caller().member if owner == ME else owner
        query = query.where(FollowUp.owner.is_null() if owner == NOBODY else FollowUp.owner == wanted)
    if asked.get("overdue"):
        query = query.where(cases.is_owed(now))
    late = peewee.Case(None, [(cases.is_owed(now), 0)], 1)
    query = query.order_by(FollowUp.priority.desc(), late, FollowUp.opened_at.desc(), FollowUp.id)
    number, seen = asked["page"], registry.seen()
    rows = list(query.offset((number - 1) * PAGE).limit(PAGE + 1))
    members = _members()
    mine = FollowUp.seen_by(registry.caller()) if seen is not None else FollowUp.id.is_null(False)
    return layout.page(
        "follow_ups.html",
        say("follow-ups"),
        rows=_rows(rows[:PAGE], members),
        asked=asked,
        members=members,
        statuses=STATUSES,
        newer=layout.here(page=number - 1 if number > 2 else None) if number > 1 else None,
        older=layout.here(page=number + 1) if len(rows) > PAGE else None,
        report=report.made(mine, now),
        days=report.DAYS,
        anything=bool(rows) or FollowUp.select().where(mine).exists(),
    )


@registry.page(title=say("follow-up"), address="/team/follow-ups/<follow_up_id>", scope="write", forms=True)
def follow_up(follow_up_id: str) -> Any:
    """One case: what was said, what was done, by when, and the forms."""
    case = visible.own(FollowUp, follow_up_id, registry.caller())
    if request.method == "POST":
        return _done(case)
    asked = layout.query(FollowUpQuery())
    did = asked.get("did")
    if did is None:
        return _page(case)
    filed = did in ("reply", "ask") and context.settings().smtp_url is None
    told = [say("follow-up.did.filed" if filed else f"follow-up.did.{did}")]
    if asked.get("taken"):
        told.append(say("follow-up.did.taken"))
    return _page(case, told=" ".join(told))


# ------------------------------------------------------------------------------------------------------


def _members() -> dict[str, str]:
    joined = Member.select().where(Member.joined_at.is_null(False))
    return {row.id: row.called for row in sorted(joined, key=lambda row: row.called.casefold())}


def _rows(rows: list[FollowUp], members: Mapping[str, str]) -> list[dict[str, Any]]:
    """The cases of the list, each with its first words and its person."""
    shown = cases.shown(rows, registry.seen(), clock.now(), layout.reader_zone())
    said = {item.id: item for item in _items([each.response for each in shown if each.response])}
    people = {
        row.id: row.name or row.shown_email
        for row in Person.select().where(Person.id.in_([each.person for each in shown if each.person]))
    }
    return [
        {
            **plain(each),
            "said": said.get(each.response or ""),
            "called": people.get(each.person or ""),
            "owner_name": members.get(each.owner, each.owner) if each.owner else None,
        }
        for each in shown
    ]


def _items(ids: Sequence[str]) -> list[Item]:
    """Answers as the feed shows them, the first first."""
    rows: Any = Response.select(Response.key).where(Response.id.in_(ids)).order_by(Response.key)
    return feed.some([key for (key,) in rows.tuples()])


def _page(
    case: FollowUp,
    status: int = 200,
    wrong: str | None = None,
    typed: Mapping[str, str] | None = None,
    told: str | None = None,
) -> Any:
    if wrong:
        audited.unchanged()
    (shown,) = cases.shown([case], registry.seen(), clock.now(), layout.reader_zone())
    said = _items(shown.responses)
    members, found, able = _members(), writing.reach(case), owners.candidates(case)
    language = writing.language_of(case)
    return layout.page(
        "follow_up.html",
        say("follow-up"),
        status,
        case=shown,
        said=said,
        surveys=feed.names_of_surveys({item.survey for item in said}),
        called=case.person and (case.person.name or case.person.shown_email),
        members=members,
        able=able,
        unable=case.owner is not None and case.owner not in [each.id for each in able],
        me=registry.caller().member,
        reach=found,
        letters=writing.letters_of(case),
        language=language,
        around=writing.around(case, language, registry.caller()),
        sends=context.settings().smtp_url is not None,
        steps=STEPS,
        states=[each for each in OPEN if each != case.status],
        reasons=REASONS,
        is_open=case.status in OPEN,
        version=_version(case),
        wrong=wrong,
        typed=typed or {},
        told=told,
    )


def _version(case: FollowUp) -> str:
    return str(len(case.history))


def _done(case: FollowUp) -> Reply:
    """Do what a form says, and lead back; with the page and what was typed where that cannot be done."""
    raw = forms.fields()
    given, wrong = forms.load(FollowUpForm(), raw)
    if wrong:
        return _page(case, 422, " ".join(line for found in wrong.values() for line in found), raw)
    do, caller, now = given["do"], registry.caller(), clock.now()
    if given["version"] != _version(case):
        return _page(case, 409, say("follow-up.changed"), raw)
    is_new, nobodys = True, case.owner is None
    try:
        if do == "reply":
            words = given["text"].replace("\r\n", "\n").strip()
            if not words:
                raise Refused(say("follow-up.no_text"), "text")
            _, is_new = writing.reply(case, words, raw.get("language") or None, caller, now)
        elif do == "ask":
            _, is_new = writing.ask(case, None, caller, now)
        else:
            cases.change(case, _change(case, do, given, raw), caller, now)
    except (Refused, Clash) as error:
        return _page(case, 409 if isinstance(error, Clash) else 422, error.message, raw)
    taken = is_new and nobodys and caller.member is not None and do in ("reply", "ask")
    shown = {"did": do if is_new else "again", "taken": "1" if taken else None}
    return layout.led(layout.at(f"/team/follow-ups/{case.id}", shown))


def _change(case: FollowUp, do: str, given: Mapping[str, Any], raw: Mapping[str, str]) -> dict[str, Any]:
    """What a form changes, as the API takes it."""
    note = {"note": given["note"].strip()} if given["note"].strip() else {}
    if do == "take":
        member = signed_in.member()
        return {"owner": member.id if member else None, **note}
    if do == "owner":
        if given["owner"] not in ("", case.owner) and (why := owners.against(given["owner"], case)):
            raise Refused(why, "owner")
        return {"owner": given["owner"] or None, **note}
    if do == "steps":
        return {"steps": [step for step in STEPS if raw.get(f"step-{step}")]}
    if do == "status":
        return {"status": given.get("status"), **note} if given.get("status") else {}
    if do == "give_up":
        return {"status": "given_up", "reason": given.get("reason"), **note}
    if not note:
        raise Refused(say("follow-up.no_note"), "note")
    return note
