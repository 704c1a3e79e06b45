"""What is told of notices and of cases, to webhooks and to people: looked up when it leaves, so nothing erased does."""

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from datetime import timedelta
from typing import Any

from feedback import columns, feed, saved_feeds
from feedback.domain import notices
from feedback.domain.values import plain
from feedback.follow_ups import cases
from feedback.item import Item
from feedback.models import FollowUp, FollowUpResponse, Notice, NoticeRule
from feedback.notices import rules, speaking, watching
from surveys import links
from surveys.base import clock
from surveys.base.accounts import makers
from surveys.models import Response
from surveys.webhooks.telling import View


class _OfNotices:
    """A notice, as its rule's own webhooks and chats are told. `state`: whether it began or is over."""

    def __init__(self, state: str) -> None:
        self._state = state

    def data(self, subject: str, surveys: Sequence[str] | None) -> Mapping[str, Any] | None:
        notice, rule = _found(subject)
        if notice is None or rule is None:
            return None
        seen = makers.sight(rule)
        item = feed.one(notice.response_key) if notice.response_key is not None else None
        if seen.paused or not _is_of(notice, item, makers.common(seen.surveys, surveys)):
            return None
        over = self._state == "over"
        why = speaking.sentence(notice)
        if over:
            why = f"It is over. It had begun on {notice.began_at.date().isoformat()}: {why}"
        return {
            "id": notice.id,
            "state": self._state,
            "rule": {"id": rule.id, "name": rule.name, "link": links.to(f"/team/notices/{rule.id}")},
            "kind": rule.when["kind"],
            "title": f"Over: {rule.name}" if over else rule.name,
            "why": why,
            "lines": [*_lines(item), *_warning(rule, notice)],
            "quote": (item.comment or "").strip() or None if item else None,
            "link": _link(rule, notice, item),
            "at": clock.stamp(notice.over_at if over and notice.over_at else notice.began_at),
            "response": columns.whole(item) if item else None,
        }

    def example(self, surveys: Sequence[str] | None) -> str | None:
        """Nobody but a rule's own webhooks hears of them, see `EXAMPLES`."""
        return None


class _OfValues:
    """What a rule of a value found, for whoever may see its survey."""

    def data(self, subject: str, surveys: Sequence[str] | None) -> Mapping[str, Any] | None:
        notice, rule = _found(subject)
        if notice is None or rule is None or (surveys is not None and notice.why["survey"] not in surveys):
            return None
        names = ("survey", "segment", "key", "before", "now", "n", "since")
        return {
            "id": notice.id,
            "rule": {"id": rule.id, "name": rule.name},
            "state": "began" if notice.over_at is None else "over",
            **{name: notice.why.get(name) for name in names},
            "why": speaking.sentence(notice),
            "began_at": clock.stamp(notice.began_at),
            "over_at": clock.stamp(notice.over_at) if notice.over_at else None,
        }

    def example(self, surveys: Sequence[str] | None) -> str | None:
        for row in Notice.select().order_by(Notice.began_at.desc()):
            if self.is_one(row) and (surveys is None or row.why["survey"] in surveys):
                return str(row.id)
        return None

    @staticmethod
    def is_one(row: Notice) -> bool:
        """Whether a notice is of a value."""
        return "before" in row.why


class _OfCases:
    """A case, as the API shows it, without what was noted about it."""

    def data(self, subject: str, surveys: Sequence[str] | None) -> Mapping[str, Any] | None:
        row = FollowUp.get_or_none(FollowUp.id == subject)
        if row is None:
            return None
        only = None if surveys is None else list(surveys)
        (item,) = cases.shown([row], only, clock.now())
        if only is not None and not item.responses:
            return None
        return {name: _told(value) for name, value in plain(item).items() if name != "history"}

    def example(self, surveys: Sequence[str] | None) -> str | None:
        query = FollowUp.select()
        if surveys is not None:
            mine = FollowUpResponse.select(FollowUpResponse.follow_up).join(
                Response, on=(Response.key == FollowUpResponse.response)
            )
            query = query.where(FollowUp.id.in_(mine.where(Response.survey.in_(list(surveys)))))
        row = query.order_by(FollowUp.opened_at.desc()).first()
        return row.id if row else None


#: What is told of each type of event of this room.
VIEWS: dict[str, View] = {
    rules.BEGAN: _OfNotices("began"),
    rules.OVER: _OfNotices("over"),
    speaking.VALUE_CHANGED: _OfValues(),
    **dict.fromkeys((cases.OPENED, cases.OVERDUE, cases.ENDED), _OfCases()),
}


def last_case(rule_id: str) -> str | None:
    """The last thing that a rule spoke of; else the last answer that it would speak of; None where there is none."""
    rule = NoticeRule.get_or_none(NoticeRule.id == rule_id)
    seen = makers.sight(rule) if rule is not None else None
    if rule is None or seen is None or seen.paused:
        return None
    said = Notice.select().where(Notice.rule == rule_id)
    if seen.surveys is not None:
        said = said.where(Notice.made_of(seen.surveys))
    row = said.order_by(Notice.began_at.desc()).first()
    if row is not None:
        return str(row.id)
    if rule.when["kind"] not in notices.OF_ANSWERS:
        return None
    found = feed.page(watching.filters_of(rule), 1, surveys=seen.surveys).items
    return f"{rule_id} {found[0].id}" if found else None


#: The last real case of a rule, for its own webhooks.
EXAMPLES = {rules.BEGAN: last_case}


# ------------------------------------------------------------------------------------------------------


def _found(subject: str) -> tuple[Notice | None, NoticeRule | None]:
    """A notice and its rule; `last_case` also names an answer that there is no notice of."""
    rule_id, _, response_id = subject.partition(" ")
    if not response_id:
        notice = Notice.get_or_none(Notice.id == subject)
        return notice, notice.rule if notice is not None else None
    rule = NoticeRule.get_or_none(NoticeRule.id == rule_id)
    row = Response.get_or_none(Response.id == response_id)
    if rule is None or row is None:
        return None, None
    why = {**rule.when, "score": row.score}
    example = Notice(
        id="ntc_example", rule=rule, response=row.key, subject=str(row.key), why=why, began_at=row.created_at
    )
    return example, rule


def _is_of(notice: Notice, item: Item | None, surveys: Sequence[str] | None) -> bool:
    """Whether all that a notice tells is of these surveys; `item`: the answer that it is about."""
    if surveys is None:
        return True
    if item is not None:
        return item.survey in surveys
    return bool(Notice.select().where(Notice.id == notice.id, Notice.made_of(surveys)).exists())


def _lines(item: Item | None) -> list[tuple[str, str]]:
    """What stands beside an answer: names and words of others."""
    if item is None:
        return []
    found = [
        ("Survey", feed.names_of_surveys({item.survey}).get(item.survey, "")),
        ("Score", "" if item.score is None else str(item.score)),
        ("Sentiment", item.sentiment.label if item.sentiment else ""),
        ("Topics", ", ".join(topic.label for topic in item.topics)),
        ("Agent", (item.agent.name or item.agent.id or "") if item.agent else ""),
        ("Touchpoint", item.touchpoint or ""),
    ]
    return [(name, value) for name, value in found if value]


def _warning(rule: NoticeRule, notice: Notice) -> list[tuple[str, str]]:
    """A rule that speaks too often says so itself."""
    most, within = notices.FLAPPING[rule.when["kind"] in (notices.VALUE, notices.SURGE)]
    said = Notice.select().where(
        Notice.rule == rule.id, Notice.began_at > notice.began_at - within, Notice.began_at <= notice.began_at
    )
    times = said.count()
    if times < most:
        return []
    return [("Too often", f"This rule spoke {times} times within {_days(within)}. Make it less strict.")]


def _days(time: timedelta) -> str:
    return "a day" if time.days == 1 else f"{time.days // 7} weeks"


def _link(rule: NoticeRule, notice: Notice, item: Item | None) -> str:
    if item is not None:
        return links.to(saved_feeds.page_of(item.id))
    kind = rule.when["kind"]
    if kind == notices.OVERDUE:
        return links.to(f"/team/follow-ups/{notice.subject}")
    if kind in (notices.SURGE, notices.CAME_BACK):
        return links.to(f"/team/topics/{notice.subject}")
    return links.to("/team")


def _told(value: Any) -> Any:
    if is_dataclass(value):
        return {name: _told(each) for name, each in plain(value).items()}
    return clock.stamp(value) if hasattr(value, "tzinfo") else value
