"""Members as administrators see them: who is in the team, in which role, with which surveys."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response, g, request

from feedback import filters
from feedback.dashboard import flash, forms, layout, registry
from feedback.dashboard.words import say
from surveys import team, visible
from surveys.base import clock, errors
from surveys.base.accounts import keys, members, one_time_links, second_factor
from surveys.base.accounts.members import ROLES, Member
from surveys.base.accounts.one_time_links import RESET, WELCOME
from surveys.base.http import audited, context
from surveys.domain import schedule
from surveys.mail import member_mail
from surveys.models import Survey
from surveys.schemas.members import MemberBody, MemberPatch

LIST = "/team/admin/members"

#: The fields of the form that open every survey, and say that the form had a choice of surveys.
ALL, CHOICE = "all_surveys", "choice"


#: What becomes of the views, rules, webhooks and digests of a member who is removed.
PAUSE, KEEP, END = BECOMES = ("pause", "keep", "end")


@registry.page(title=say("members"), address=LIST, scope="admin", nav="admin", icon="people", forms=True)
@forms.password_asked
def index() -> Response:
    """All members; the form invites somebody, or says which roles need a second factor (field `do`)."""
    if request.method == "GET":
        return _list({}, {})
    given = forms.fields()
    if given.get("do") == "rule":
        visible.demand_all(g.caller, say("refused.403.told"))
        begun = forms.before(given)
        known = [role for role in ROLES if begun.get(f"role:{role}")] if begun else None
        try:
            members.demand_second_factor([role for role in ROLES if given.get(f"role:{role}")], known)
        except errors.Clash as clash:
            return _list({}, {}, 409, f"{clash.message} {say('typed')}", given)
        return layout.led(layout.at(LIST, done="saved"))
    values, wrong = _read(MemberBody(), given, None)
    if not wrong:
        try:
            now = clock.now()
            member, url = team.invite(values, g.caller, now)
            member_mail.enqueue(WELCOME, member.email, now)
            audited.about(member.id)
            mailed = context.settings().smtp_url is not None
            return _link_shown(member, WELCOME, url, "members.mailed" if mailed else "members.no_mail")
        except members.Taken as taken:
            wrong = {"email": [taken.message]}
    return _list(given, wrong, 422)


@registry.page(title=say("members.one"), address="/team/admin/members/<member_id>", scope="admin", forms=True)
@forms.password_asked
def one(member_id: str) -> Response:
    """One member: role, surveys, a new link, removal. The form's field `do` says which."""
    member = visible.own(Member, member_id, g.caller)
    if request.method == "GET":
        return _member(member, {}, {})
    given = forms.fields()
    do = given.get("do")
    try:
        if do == "remove":
            becomes = given.get("made", PAUSE)
            if becomes not in BECOMES:
                raise errors.Refused(f"Must be one of: {', '.join(BECOMES)}.", "made")
            chosen = {each: keys.kinds() if becomes == each else () for each in BECOMES}
            team.remove(member_id, g.caller, chosen[KEEP], chosen[END])
            return layout.led(layout.at(LIST, done="removed"))
        if do == "link":
            visible.demand_all(g.caller, say("refused.403.told"))
            kind = RESET if member.joined_at else WELCOME
            return _link_shown(member, kind, team.link(kind, member, clock.now()))
        if do == "factor":
            visible.demand_all(g.caller, say("refused.403.told"))
            second_factor.switch_off(member.id)
            return layout.led(layout.at(f"{LIST}/{member.id}", done="saved"))
        if do != "change":
            # A form without its fields would take the member's limits away.
            raise errors.Refused("Must be change, link, factor or remove.", "do")
        values, wrong = _read(MemberPatch(), given, member)
        if not wrong:
            team.change(member_id, values, g.caller, given.get("version"))
            return layout.led(layout.at(f"{LIST}/{member.id}", done="saved"))
    except members.Changed as clash:
        return _member(visible.own(Member, member_id, g.caller), given, {}, 409, clash.message)
    except errors.Clash as clash:
        wrong = {"role": [clash.message]}
    return _member(member, given, wrong, 422)


# ------------------------------------------------------------------------------------------------------


def _made(member: Member) -> list[tuple[str, str]]:
    """What a member made and what goes on by itself: its kind, and what it is called."""
    found = keys.made_with([member.id])[member.id]
    return [(kind, _called(kind, thing)) for kind, things in found.items() for thing in things]


def _called(kind: str, thing: Any) -> str:
    return str(getattr(thing, {"webhooks": "url", "digests": "email"}.get(kind, "name")))


def _read(
    schema: ma.Schema, given: dict[str, str], member: Member | None
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The form as the API's schemas take it, nothing where a field is empty; and what is wrong with it."""
    chosen = {name: given[name] for name in ("email", "name", "role") if given.get(name)}
    limits, wrong = _limits(given, member)
    values, others = forms.load(schema, {**chosen, **limits, "agent": given.get("agent") or None})
    return values, {**others, **wrong}


def _limits(given: dict[str, str], member: Member | None) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The surveys that the form limits a member to (None: a new one), and what is wrong with them.

    A survey that the form could not show, for it was deleted, stays among a member's limits: without it the last limit
    would be gone, and everything open.
    """
    ticked, kept = _ticked(given), member.surveys if member is not None else None
    # Both are sent where only one of them was changed: what the page did not show as chosen counts.
    if ALL in given and (kept is not None or not ticked):
        return {"surveys": None}, {}
    hidden = sorted(set(kept or []) - {survey.id for survey in _surveys()})
    if ticked:
        return {"surveys": ticked + hidden}, {}
    if CHOICE in given if kept is None else set(kept) != set(hidden):
        return {}, {"surveys": [say("members.surveys.none")]}
    return {}, {}


def _ticked(given: dict[str, str]) -> list[str]:
    return [name.removeprefix("survey:") for name in given if name.startswith("survey:")]


def _shown_as_chosen(given: dict[str, str], member: Member | None) -> list[str] | None:
    """The surveys that the form shows as ticked; None for all. What was sent comes before what is kept."""
    if given:
        return None if ALL in given else _ticked(given)
    kept: list[str] | None = member.surveys if member is not None else None
    return kept


def _link_shown(member: Member, kind: str, url: str, told: str = "members.link") -> Response:
    hours = int(one_time_links.GOOD_FOR[kind].total_seconds() // 3600)
    answer = layout.led(layout.at(f"{LIST}/{member.id}"))
    flash.put(answer, {"url": url, "told": say(told, email=member.email, hours=hours)})
    return answer


def _surveys() -> list[Survey]:
    return list(visible.surveys(g.caller).order_by(Survey.created_at, Survey.id))


def _list(
    given: dict[str, Any],
    wrong: dict[str, list[str]],
    status: int = 200,
    clash: str | None = None,
    rule: Mapping[str, str] | None = None,
) -> Response:
    """All members; with something `wrong` in the invitation, or after a `clash` about who needs a second factor."""
    if wrong or clash:
        audited.unchanged()
    asked = members.roles_with_second_factor()
    demanded = {f"role:{role}": "1" if role in asked else "" for role in ROLES}
    rows = visible.narrowed(Member.select(), g.caller).order_by(Member.created_at, Member.id)
    surveys = _surveys()
    return layout.page(
        "members.html",
        say("members"),
        status,
        members=list(rows),
        names={survey.id: survey.name for survey in surveys},
        surveys=surveys,
        chosen=_shown_as_chosen(given, None),
        roles=list(ROLES),
        demanded=demanded if rule is None else forms.joined(demanded, rule),
        before=forms.begun(demanded),
        wrong=clash,
        given=given,
        errors=wrong,
        done=_done(),
    )


def _fields(member: Member) -> dict[str, str]:
    """What stands in the form of a member; "1" for what is ticked."""
    limits = {ALL: "1"} if member.surveys is None else {f"survey:{id_}": "1" for id_ in member.surveys}
    texts = {name: getattr(member, name) or "" for name in ("email", "name", "role", "agent")}
    return {**texts, ALL: "", **{f"survey:{survey.id}": "" for survey in _surveys()}, **limits}


def _member(
    member: Member,
    given: dict[str, Any],
    wrong: dict[str, list[str]],
    status: int = 200,
    clash: str | None = None,
) -> Response:
    """A member; with something `wrong` in the form, or after a `clash`, with what was typed."""
    if wrong or clash:
        audited.unchanged()
    stored = _fields(member)
    if clash:
        # A box without its tick is as good as not sent.
        given = {name: text for name, text in forms.joined(stored, given).items() if text}
    shown = flash.taken() if request.method == "GET" else None
    return layout.page(
        "member.html",
        member.called,
        status,
        member=member,
        surveys=_surveys(),
        chosen=_shown_as_chosen(given, member),
        roles=list(ROLES),
        given=given,
        # A form that is shown as it was sent is still about what it began with.
        version=(given.get("version") if wrong else None) or members.version(member),
        before=(given.get(forms.BEGUN) if wrong else None) or forms.begun(stored),
        wrong=f"{clash} {say('typed')}" if clash else None,
        errors=wrong,
        agents=_agents(),
        made=_made(member),
        becomes=BECOMES,
        link=shown if isinstance(shown, dict) else None,
        done=_done(),
    )


def _agents() -> list[tuple[str, str]]:
    """The agents that answers named by an id in the last three months: the id, and what they are called."""
    surveys, today = [survey.id for survey in _surveys()], schedule.day_of(clock.now(), layout.zone())
    return [(key, name) for key, name in filters.lately(("agent",), surveys, today)["agent"] if key != name]


def _done() -> str | None:
    done = request.args.get("done")
    return done if done in ("saved", "removed") else None
