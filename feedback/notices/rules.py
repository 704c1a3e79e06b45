"""Rules: what the team wants to be told of, and where to; kept as rows, with the webhooks that each owns."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from feedback import filters as the_filters
from feedback import readers
from feedback.domain import notices
from feedback.models import Notice, NoticeRule
from surveys import visible
from surveys.base import db, ids
from surveys.base.accounts import keys, makers
from surveys.base.accounts.caller import Caller
from surveys.base.delivery.message import DeliveryFailed
from surveys.base.errors import Clash, Refused, Unauthorized
from surveys.domain import addresses
from surveys.domain.metrics import METRICS
from surveys.models import Survey, Webhook
from surveys.webhooks import telling

#: The types of event that the webhooks of rules hear of, and nobody else.
BEGAN, OVER = "notice.began", "notice.over"

#: How far back the API says what a rule said lately.
LATELY = timedelta(days=28)


def create(values: Mapping[str, Any], caller: Caller, now: datetime) -> NoticeRule:
    """Take a rule down. Raises Unauthorized when the caller's key was taken out of use meanwhile."""
    holder = caller.id

    def verb() -> NoticeRule:
        if caller.member is None and not keys.hold(holder):
            raise Unauthorized
        row = NoticeRule.create(
            id=ids.new("rule"),
            name=values["name"],
            when=values["when"],
            segment=values["segment"],
            filters=values["filters"],
            surveys=visible.only(caller),
            enabled=values.get("enabled", True),
            made_by=holder,
            created_at=now,
        )
        _lead(row, values["to"], caller, now)
        return row

    return db.write(verb)


def change(row: NoticeRule, values: Mapping[str, Any], caller: Caller, now: datetime) -> NoticeRule:
    """Change what is given. `to` takes the place of all there was; an entry with an `id` keeps that one.

    With other terms the rule looks anew: what goes on by them too goes on, and the rest is over. What was of another
    kind is over at once, and nobody is told.
    """
    columns = {name: value for name, value in values.items() if name != "to"}
    if columns.keys() & {"when", "segment", "filters"}:
        columns |= {"looked_at": None, "changed_at": now}

    def verb() -> NoticeRule:
        if columns:
            NoticeRule.update(columns).where(NoticeRule.id == row.id).execute()
        changed = NoticeRule.get_by_id(row.id)
        if changed.when["kind"] != row.when["kind"]:
            open_ones = (Notice.rule == row.id) & Notice.over_at.is_null()
            Notice.update(over_at=now).where(open_ones).execute()
        if "to" in values:
            _lead(changed, values["to"], caller, now)
        return changed

    return db.write(verb)


def take_over(row: NoticeRule, caller: Caller, now: datetime) -> None:
    """Somebody else answers for a rule that is paused, and for where it leads as far as that is paused too.

    Raises Missing and Clash (see `makers`).
    """

    def verb() -> None:
        if not makers.take_over(row, caller):
            return
        for hook in leads([row.id])[row.id]:
            with contextlib.suppress(Clash):
                telling.take_over(hook, caller, now)

    db.write(verb)


def delete(row: NoticeRule) -> None:
    """The rule goes, with what it said and where it led."""
    db.write(lambda: _delete([row.id]))


def check(rule: Mapping[str, Any], caller: Caller) -> None:
    """Raises Refused for what is not there, or not for the caller to see, and for a score off the scale."""
    when, given = rule["when"], rule["filters"]
    the_filters.check(given, caller, "filters.")
    survey = None
    if when["kind"] == notices.VALUE:
        visible.own(Survey, when["survey"], caller, "when.survey")
    elif given.get("survey"):
        survey = Survey.get_by_id(given["survey"])
    metric = survey.metric if survey is not None else given.get("metric")
    if when["kind"] == notices.SCORE and metric and not METRICS[metric].accepts(when["at_or_below"]):
        raise Refused(f"Is no score of {METRICS[metric].name}.", "when.at_or_below")


def check_to(to: Sequence[Mapping[str, Any]]) -> None:
    """Raises Refused for an address that may not be called, and for one where nobody wants mail."""
    for at, each in enumerate(to):
        if each.get("kind") is None:
            continue
        if each["kind"] == telling.MAIL:
            why = readers.why_not(addresses.normal(each["address"]) or "")
            if why is not None:
                raise Refused(why, f"to.{at}.address")
            continue
        try:
            telling.check_url(each["address"])
        except DeliveryFailed as error:
            # Unknown right now may be known later; private stays private.
            if not error.again:
                raise Refused(f"Cannot be called: {error}.", f"to.{at}.address") from None


def leads(rule_ids: Sequence[str]) -> dict[str, list[Webhook]]:
    """Where each rule leads, in the order in which that was said."""
    found: dict[str, list[Webhook]] = {each: [] for each in rule_ids}
    for hook in (
        Webhook.select().where(Webhook.owner.in_(list(rule_ids))).order_by(Webhook.created_at, Webhook.id)
    ):
        found[str(hook.owner)].append(hook)
    return found


@dataclass(frozen=True, slots=True)
class RuleReport:
    """A rule, where it leads (`to`: webhooks, with what `shown` adds to each), and what it said lately.

    `spoken_lately`: notices of the last four weeks; `flapping`: it speaks too often to be heard. `suggestion`: the same
    `when`, less strict, once so many of its notices were called nothing. `paused`: why it rests.
    """

    id: str
    name: str
    when: Mapping[str, Any]
    segment: str | None
    filters: Mapping[str, Any]
    enabled: bool
    snoozed_until: datetime | None
    created_at: datetime
    paused: str | None
    to: Sequence[Any]
    spoken_lately: int
    flapping: bool
    suggestion: Mapping[str, Any] | None


def shown(rows: Sequence[NoticeRule], now: datetime) -> list[RuleReport]:
    """Rules with what they said lately."""
    ids_ = [row.id for row in rows]
    makers.sights(rows)
    leading = leads(ids_)
    everywhere = [hook for hooks in leading.values() for hook in hooks]
    makers.sights(everywhere, readers.members_of(everywhere))
    stands = readers.states(everywhere)
    for hook in everywhere:
        hook.state = stands.get(hook.id)
    said: dict[str, list[Notice]] = {each: [] for each in ids_}
    recent = Notice.select().where(Notice.rule.in_(ids_), Notice.began_at > now - _LONGEST)
    for notice in recent.order_by(Notice.began_at):
        said[notice.rule_id].append(notice)
    # What was called nothing before its terms were changed says nothing of those of now.
    of_now = NoticeRule.changed_at.is_null() | (Notice.began_at >= NoticeRule.changed_at)
    called: Any = Notice.select(Notice.rule, fn.COUNT(Notice.id)).join(NoticeRule)
    called = called.where(Notice.rule.in_(ids_), ~Notice.useful, of_now)
    nothing = dict(list(called.group_by(Notice.rule).tuples()))
    return [_shown(row, leading[row.id], said[row.id], nothing.get(row.id, 0), now) for row in rows]


class OfMakers:
    """What becomes of rules when the key or the member goes who made them (see `keys.use_things`)."""

    def made_with(self, maker_ids: Sequence[str]) -> Mapping[str, list[NoticeRule]]:
        """The rules that each key or member made, oldest first."""
        found: dict[str, list[NoticeRule]] = {}
        made = NoticeRule.select().where(NoticeRule.made_by.in_(maker_ids))
        for row in made.order_by(NoticeRule.created_at, NoticeRule.id):
            found.setdefault(row.made_by, []).append(row)
        return found

    def revoke(self, maker_id: str) -> None:
        """The rules go with their maker; where others' rules were led by it is paused."""
        mine: Any = NoticeRule.select(NoticeRule.id).where(NoticeRule.made_by == maker_id).tuples()
        _delete([id_ for (id_,) in mine])
        telling.narrow(_leads_of(maker_id))

    def hand_over(self, maker_id: str) -> None:
        """The rules stay, and nobody but the service made them; so does where it led them, and others' rules.

        Where others led them is held against those others as before.
        """
        for row in self.made_with([maker_id]).get(maker_id, []):
            values = {"made_by": makers.SERVICE, "surveys": makers.handed_over(row)}
            NoticeRule.update(values).where(NoticeRule.id == row.id).execute()
        telling.hand_over(_leads_of(maker_id))

    def narrow(self, maker_id: str) -> None:
        """The rules are paused, and kept to what their maker saw; so is where others' rules were led by it."""
        for row in self.made_with([maker_id]).get(maker_id, []):
            NoticeRule.update(surveys=makers.narrowed(row)).where(NoticeRule.id == row.id).execute()
        telling.narrow(_leads_of(maker_id))


# ------------------------------------------------------------------------------------------------------


_LONGEST = max(LATELY, *(within for _, within in notices.FLAPPING.values()))


def _lead(row: NoticeRule, to: Sequence[Mapping[str, Any]], caller: Caller, now: datetime) -> None:
    """Have a rule lead there, and nowhere else. Raises Refused for an `id` that is none of its own."""
    there = {hook.id for hook in leads([row.id])[row.id]}
    kept = {each["id"] for each in to if each.get("id")}
    for at, each in enumerate(to):
        if each.get("id") and each["id"] not in there:
            raise Refused("The rule leads to nothing of that id.", f"to.{at}.id")
    Webhook.delete().where(Webhook.id.in_(list(there - kept))).execute()
    for at, each in enumerate(to):
        if not each.get("id"):
            # One after the other, so that they are shown in this order.
            made_at = now + timedelta(microseconds=at)
            telling.own(row.id, each["kind"], each["address"], (BEGAN, OVER), row.surveys, caller, made_at)
            if each["kind"] == telling.MAIL:
                readers.welcome(each["address"], now)


def _leads_of(maker_id: str) -> list[Webhook]:
    """Where a key or a member had rules lead, whoever made the rules."""
    return list(Webhook.select().where(Webhook.owner.is_null(False), Webhook.made_by == maker_id))


def _delete(rule_ids: Sequence[str]) -> None:
    Webhook.delete().where(Webhook.owner.in_(rule_ids)).execute()
    NoticeRule.delete().where(NoticeRule.id.in_(rule_ids)).execute()


def _shown(
    row: NoticeRule, hooks: Sequence[Webhook], said: Sequence[Notice], nothing: int, now: datetime
) -> RuleReport:
    """A rule with what it said lately; so many of its notices by the terms of now were called nothing."""
    return RuleReport(
        **{name: getattr(row, name) for name in _PLAIN},
        to=hooks,
        spoken_lately=sum(each.began_at > now - LATELY for each in said),
        flapping=notices.flaps(row.when["kind"], [each.began_at for each in said], now),
        suggestion=notices.less_strict(row.when) if nothing >= notices.NOTHINGS else None,
    )


_PLAIN = ("id", "name", "when", "segment", "filters", "enabled", "snoozed_until", "created_at", "paused")
