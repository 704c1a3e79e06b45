"""What a digest says: the view that it is of, made for mail, with plain text beside the HTML."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import css_inline

from feedback import feed, labels, results, saved_feeds, segments
from feedback.domain.headings import first_words
from feedback.item import Item
from feedback.models import Digest, Topic
from surveys import brands, daily_counts, links
from surveys.base.accounts import makers, members
from surveys.base.delivery.defusing import line, plain
from surveys.base.delivery.message import AUTOMATIC, Message, stopped_at
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.mail import invitation_mail
from surveys.models import Survey

INTERVALS: dict[str, schedule.Interval] = {"daily": "day", "weekly": "week", "monthly": "month"}

WHEN = {"daily": "every day", "weekly": "every week", "monthly": "every month"}

#: Answers that are told one by one, and letters of each; values; topics.
MOST, LETTERS, MOST_VALUES, MOST_TOPICS = 20, 400, 20, 8

#: So many newest answers are looked through for those.
LOOKED_AT = 200

#: Bytes of the HTML: Gmail hides what lies beyond 102 KiB, and counts what is added on the way.
MOST_BYTES = 60 * 1024

#: Parts of the answers and the values that are told: less where all of it is too large.
_PARTS = (1.0, 0.6, 0.3, 0.1, 0.0)

#: Zones are less apart; the shortest day has as many hours.
_MOVED = timedelta(hours=23)

#: A topic of this status is settled: the team said no.
DECLINED = "wont_do"


@dataclass(frozen=True)
class Value:
    """What a survey came to, in points of its metric. `before`: None where nobody answered in the time before.

    `groups`: of each group its name, how many, and its tone: low, middle or high.
    """

    survey: str
    metric: str
    n: int
    value: float
    interval: tuple[float, float]
    before: float | None
    is_real: bool
    groups: Sequence[tuple[str, int, str]]


@dataclass(frozen=True)
class Told:
    """What a digest tells of a time: how many answers fit, the values, what comments speak of, and the newest.

    `topics`: of each its id, label, and how many of `looked_at` comments speak of it.
    """

    n: int
    values: Sequence[Value]
    topics: Sequence[tuple[str, str, int]]
    looked_at: int
    items: Sequence[Item]


def told(row: Digest, since: datetime, until: datetime) -> Told | None:
    """The same view as the feed with the same filters, for a time; None when nothing came, or nobody may be told.

    Tests and what was excluded are left out, unless the view is of them, and so is what is archived and what speaks of
    nothing but topics that were declined, as far as it is among the LOOKED_AT newest.
    """
    seen = makers.sight(row)
    if seen.paused:
        return None
    surveys = seen.surveys
    filters = {"excluded": "0", **row.filters, "since": since, "until": until}
    declined = {topic.id for topic in Topic.select(Topic.id).where(Topic.status == DECLINED)}
    newest = feed.page(filters, LOOKED_AT, surveys=surveys).items
    n = feed.count(filters, surveys) - sum(_is_settled(item, declined) for item in newest)
    if n <= 0:
        return None
    page = feed.page({**filters, "has_comment": filters.get("has_comment", "1")}, LOOKED_AT, surveys=surveys)
    kept = [item for item in page.items if not _is_settled(item, declined)]
    spoken = Counter(
        (topic.id, topic.label) for item in kept for topic in item.topics if topic.id not in declined
    )
    topics = [(id_, label, count) for (id_, label), count in spoken.most_common(MOST_TOPICS)]
    return Told(n, _values(row.filters, surveys, since, until), topics, len(kept), kept[:MOST])


def period(row: Digest, begins: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """What a digest tells of for the time that begins on a day in a zone. Where its reader has moved to another zone,
    it goes on from where the last one ended: nothing is missed, and nothing told twice."""
    first = date.fromisoformat(begins)
    edges = (first, schedule.next_first_day(first, INTERVALS[row.when]))
    since, until = (schedule.starts_at(day, zone) for day in edges)
    if row.told_until is not None and abs(row.told_until - since) < _MOVED:
        since = row.told_until
    return since, until


def compose(row: Digest, begins: str, zone: ZoneInfo, stop: str) -> Message | None:
    """The mail of a digest for the time that begins on a day in a zone; None when there is nothing to tell.

    `stop`: where its reader stops it.
    """
    interval, first = INTERVALS[row.when], date.fromisoformat(begins)
    since, until = period(row, begins, zone)
    reader = members.get(row.member) if row.member else None
    with labels.told_in([reader.language] if reader and reader.language else []):
        found = told(row, since, until)
    if found is None:
        return None
    many = _many(found.n)
    span = f"{first.day} {first:%b %Y}"
    said = {
        "subject": f"{many}: {span}",
        # Also what a mailbox shows behind the subject.
        "preheader": f"{many} on {span}." if interval == "day" else f"{many} in the {interval} from {span}.",
        "all": links.to("/team/feed", **_query(row.filters, since, until)),
        "why": f"You get this {WHEN[row.when]}; nothing comes when nothing was said.",
        "stop": stop,
    }
    return Message(
        to=_address(row),
        subject=said["subject"],
        text=_text(found, said),
        html=_html(found, said),
        id=f"{row.id}.{begins}",
        headers=AUTOMATIC | stopped_at(stop),
    )


# ------------------------------------------------------------------------------------------------------


_TEMPLATES = Path(__file__).parent / "templates"


def _many(n: int) -> str:
    if n >= feed.MOST_COUNTED:
        return f"{n} answers or more"
    return f"{n} answers" if n > 1 else "1 answer"


def _address(row: Digest) -> str:
    """A member's address of now; else the one that was confirmed."""
    member = members.get(row.member) if row.member is not None else None
    return str(row.email if member is None else member.email)


def _is_settled(item: Item, declined: set[str]) -> bool:
    return item.triage == "archived" or (
        bool(item.topics) and all(topic.id in declined for topic in item.topics)
    )


def _values(
    filters: Mapping[str, Any], surveys: list[str] | None, since: datetime, until: datetime
) -> list[Value]:
    """One for each survey; none where the filters are those of no value."""
    narrowed = {name: value for name, value in filters.items() if name not in ("survey", "metric")}
    if any(name not in segments.SEGMENTS and not name.startswith(segments.PROPERTY) for name in narrowed):
        return []
    query = Survey.select()
    for name, column in (("survey", Survey.id), ("metric", Survey.metric)):
        if filters.get(name):
            query = query.where(column == filters[name])
    if surveys is not None:
        query = query.where(Survey.id.in_(surveys))
    values = []
    for survey in query.order_by(Survey.name, Survey.id):
        metric = METRICS[survey.metric]
        selection = results.Selection(metric, [survey], since, until, segments=narrowed)
        found = results.number(selection, daily_counts.time_zone(), until)
        if found.value is None or found.interval is None:
            continue
        values.append(
            Value(
                survey=line(survey.name, 100),
                metric=metric.name,
                n=found.n,
                value=found.value,
                interval=found.interval,
                before=found.previous.value if found.previous else None,
                is_real=bool(found.change and found.change.distinguishable),
                groups=[(key, count, metric.tone_of(key)) for key, count in found.counts.items()],
            )
        )
    return values


def _text(found: Told, said: Mapping[str, str]) -> str:
    names = feed.names_of_surveys({item.survey for item in found.items})
    parts = [
        said["preheader"],
        "\n".join(f"{each.survey}: {_sentence(each)}" for each in found.values[:MOST_VALUES]),
        "\n".join(
            [f"{_of(found)}:", *(f"{line(label, 100)}: {count}" for _, label, count in found.topics)]
            if found.topics
            else []
        ),
        *(_words(item, names) for item in found.items),
        "All of them:\n" + said["all"],
        f"-- \n{said['why']} No more of it:\n{said['stop']}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _sentence(value: Value) -> str:
    low, high = value.interval
    text = f"{value.metric} {value.value:.0f} ({low:.0f} to {high:.0f}), {_many(value.n)}"
    return f"{text}; {_before(value)}." if value.before is not None else f"{text}."


def _before(value: Value) -> str:
    return f"before {value.before:.0f}" + (", a real change" if value.is_real else ", which may be chance")


def _of(found: Told) -> str:
    """What is counted by topic."""
    if found.looked_at >= LOOKED_AT:
        return f"What the newest {LOOKED_AT} comments speak of"
    return "What the comments speak of"


def _words(item: Item, names: Mapping[str, str]) -> str:
    score = "–" if item.score is None else str(item.score)
    about = " · ".join((score, *_about(item, names)))
    return f"{about}\n> {_quote(item)}\n{links.to(saved_feeds.page_of(item.id))}"


def _about(item: Item, names: Mapping[str, str]) -> list[str]:
    """Its survey, and what it speaks of."""
    topics = ", ".join(topic.label for topic in item.topics)
    return [part for part in (line(names.get(item.survey, ""), 100), line(topics, 200)) if part]


def _quote(item: Item) -> str:
    return plain(first_words(item.comment or "", LETTERS), LETTERS)


def _html(found: Told, said: Mapping[str, str]) -> str:
    """The whole view, or as many of its answers and values as MOST_BYTES hold."""
    brand = brands.service()
    names = feed.names_of_surveys({item.survey for item in found.items})
    look = invitation_mail.look_of(brand, brand.options({}), "", "en")
    template = invitation_mail.template("digest_mail.html", _TEMPLATES)
    html = ""
    for part in _PARTS:
        values = found.values[: math.ceil(part * MOST_VALUES)]
        html = template.render(
            look,
            **said,
            language="en",
            direction="ltr",
            links=[("No more of it", said["stop"])],
            values=[_pictured(each) for each in values],
            more_values=len(found.values) - len(values),
            topics=_bars(found) if part else [],
            of=_of(found),
            items=[_shown(item, names) for item in found.items[: math.ceil(part * MOST)]],
        )
        html = css_inline.inline(html, keep_at_rules=True, load_remote_stylesheets=False)
        if len(html.encode()) <= MOST_BYTES:
            break
    return html


def _pictured(value: Value) -> dict[str, Any]:
    """A value with the widths of its groups, in whole percents; those that nobody is in have none."""
    low, high = value.interval
    return {
        "survey": value.survey,
        "metric": value.metric,
        "value": f"{value.value:.0f}",
        "between": f"{low:.0f} and {high:.0f}",
        "many": _many(value.n),
        "before": _before(value) if value.before is not None else None,
        "groups": [
            {"name": name.replace("_", " "), "n": n, "tone": tone, "width": max(1, round(100 * n / value.n))}
            for name, n, tone in value.groups
        ],
    }


def _bars(found: Told) -> list[dict[str, Any]]:
    most = max((count for _, _, count in found.topics), default=1)
    return [
        {
            "label": line(label, 100),
            "n": count,
            "width": max(2, round(100 * count / most)),
            "link": links.to(f"/team/topics/{id_}"),
        }
        for id_, label, count in found.topics
    ]


def _shown(item: Item, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "score": "–" if item.score is None else str(item.score),
        "tone": METRICS[item.metric].tone_of(item.group) if item.group else "middle",
        "about": _about(item, names),
        "quote": _quote(item),
        "link": links.to(saved_feeds.page_of(item.id)),
    }


def _query(filters: Mapping[str, Any], since: datetime, until: datetime) -> dict[str, str]:
    given = {name: str(value) for name, value in filters.items()}
    return {**given, "since": since.isoformat(), "until": until.isoformat()}
