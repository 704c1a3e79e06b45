"""A value by any segment or property, or by time, and two segments crossed: as a table.

By time it also says how many were asked, and how many of these answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from feedback import results
from feedback.numbers import Asked, Brief, Number
from feedback.results import Selection
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.models import Survey

#: Rows of a table, those with most responses.
MOST_ROWS = 100

#: Buckets of time whose asks are counted, one after the other, of one survey or fewer of several.
MOST_ASKED = 60

#: The filter that shows what is in no segment of a kind, where there is one.
IN_NONE = {"topic": {"placed": "0"}}


@dataclass(frozen=True)
class Cell:
    """A value with how many responses it is of, and the filters of the feed that shows them; None: no filter does."""

    n: int
    value: float | None
    interval: tuple[float, float] | None
    query: Mapping[str, Any] | None


@dataclass(frozen=True)
class Row:
    """A segment, or a bucket of time; `name` is None for the responses of which the segment is not known.

    `start`: the day that a bucket begins; `asked`: who was asked in it, where the table says so.
    """

    name: str | None
    cells: list[Cell]
    start: date | None = None
    asked: Asked | None = None


@dataclass(frozen=True)
class Table:
    """`columns`: names of the values across, None for all together. `left_out`: how many values have no row,
    `columns_left_out`: how many no column. `without`: answers that have no value across, which are in no column but
    that of all.
    """

    columns: list[str | None]
    rows: list[Row]
    left_out: int
    columns_left_out: int = 0
    without: int = 0


def table(
    surveys: list[Survey],
    period: tuple[datetime | None, datetime | None],
    by: str | None,
    across: str | None,
    most_across: int,
    zone: ZoneInfo,
    now: datetime,
    interval: schedule.Interval = "month",
) -> Table:
    """The value of surveys of one metric in each segment of `by` (None: in each bucket of time), in all and for each
    value `across`.

    Raises Refused for more buckets than anybody can read.
    """
    metric, (since, until) = METRICS[surveys[0].metric], period

    def number(segments: Mapping[str, str], by_: str | None, with_series: bool) -> Number:
        step = interval if with_series else None
        return results.number(
            Selection(metric, surveys, since, until, step, by=by_, segments=dict(segments)), zone, now
        )

    columns: list[tuple[str | None, dict[str, str]]] = [(None, {})]
    columns_left_out, without = 0, 0
    if across:
        parted = number({}, across, False)
        groups = sorted(parted.groups, key=lambda each: -each.n)
        valued = [(group.name or group.key, group.key) for group in groups if group.key is not None]
        columns += [(name, {across: key}) for name, key in valued[:most_across]]
        columns_left_out = parted.groups_left_out + len(valued[most_across:])
        without = sum(group.n for group in groups if group.key is None)
    names = [name for name, _ in columns]
    if by is None:
        found = [number(segments, None, True) for _, segments in columns]
        rows = _by_time(found, [segments for _, segments in columns], interval)
        if not across and len(rows) * len(surveys) <= MOST_ASKED:
            whole_period = Selection(metric, surveys, since, until)
            rows = [replace(row, asked=_asked(whole_period, row.start, interval, zone, now)) for row in rows]
        return Table(names, rows, 0, columns_left_out, without)
    whole = number({}, by, False)
    crossed = results.crossed(Selection(metric, surveys, since, until), by, across) if across else {}
    largest = sorted(whole.groups, key=lambda each: -each.n)[:MOST_ROWS]
    rows = []
    for group in largest:
        cells = []
        for _, segments in columns:
            counts = crossed.get(segments[across], {}).get(group.key) if across and segments else None
            same = group if not segments else results.brief(metric, counts) if counts else None
            query = IN_NONE.get(by) if group.key is None else {by: group.key}
            query = None if query is None else {**segments, **query}
            cells.append(_cell(same, query))
        rows.append(Row(group.name or group.key, cells))
    left_out = whole.groups_left_out + len(whole.groups) - len(largest)
    return Table(names, rows, left_out, columns_left_out, without)


# ------------------------------------------------------------------------------------------------------


def _by_time(found: list[Number], segments: list[dict[str, str]], interval: schedule.Interval) -> list[Row]:
    points: list[dict[date, Brief]] = [{point.start: point for point in one.series} for one in found]
    rows = []
    for point in found[0].series:
        period = {
            "since": point.start.isoformat(),
            "until": schedule.next_first_day(point.start, interval).isoformat(),
        }
        cells = [
            _cell(each.get(point.start), {**more, **period})
            for each, more in zip(points, segments, strict=True)
        ]
        rows.append(Row(point.start.isoformat(), cells, point.start))
    return rows


def _asked(
    selection: Selection, start: date | None, interval: schedule.Interval, zone: ZoneInfo, now: datetime
) -> Asked | None:
    """Who was asked in the part of a bucket that lies in the period of the selection."""
    if start is None:
        return None
    first = schedule.starts_at(start, zone)
    last = schedule.starts_at(schedule.next_first_day(start, interval), zone)
    since = max(first, selection.since) if selection.since else first
    until = min(last, selection.until) if selection.until else last
    # Of one survey after the other: the asks of days that are over are counted for each by itself.
    found = [
        results.asked(replace(selection, surveys=[survey], since=since, until=until), now)
        for survey in selection.surveys
    ]
    parts = [each for each in found if each]
    return Asked(
        sum(each.sent for each in parts),
        sum(each.answered for each in parts),
        sum(each.still_open for each in parts),
        sum(each.open_answered for each in parts),
    )


def _cell(found: Brief | None, query: Mapping[str, Any] | None) -> Cell:
    return Cell(found.n, found.value, found.interval, query) if found else Cell(0, None, None, query)
