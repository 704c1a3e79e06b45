"""Charts as numbers: where things stand in a drawing. Templates draw them as SVG, with the real table beside.

Widths are percent of the drawing, heights are pixels: so letters keep their size on every screen, without a script.
What is drawn of each bucket is SVG already: of hundreds of elements a template would take ten times as long.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from markupsafe import Markup, escape

from feedback.dashboard.words import say
from feedback.numbers import Point
from surveys.domain.metrics.metric import Metric

HEIGHT = 190.0
TOP = 22.0

#: How many labels stand under a chart: as many as fit on a phone.
LABELS = 4

#: With more values than these, dots would touch each other. A value that no line leads to keeps its dot all the same.
MOST_DOTS = 60

#: Buckets that are drawn at least, and how wide a bar or an interval may be, in percent.
LEAST_BUCKETS, WIDEST = 7, 9.0


@dataclass(frozen=True)
class Bucket:
    """One bucket of a series. `x`, `left`, `width`: percent; the rest pixels from the top; None without answers."""

    x: float
    left: float
    width: float
    y: float | None
    interval: tuple[float, float] | None
    band: tuple[float, float] | None
    bar: float
    outside: str | None
    dot: bool = True

    def span(self, part: float) -> tuple[float, float]:
        """Where something begins that takes a part (0–1) of the bucket, in its middle, and how wide it is."""
        width = min(self.width * part, WIDEST)
        return round(self.x - width / 2, 3), round(width, 3)


@dataclass(frozen=True)
class Mark:
    """Something at a moment: a pin, or other words."""

    x: float
    number: int
    of: Any


@dataclass(frozen=True)
class Series:
    """A series, ready to be drawn."""

    buckets: list[Bucket]
    segments: list[tuple[float, float, float, float]]
    ticks: list[tuple[float, str]]
    labels: list[tuple[float, str, str]]
    lines: list[tuple[float, Any]] = field(default_factory=list)
    height: float = HEIGHT

    @property
    def bands(self) -> Markup:
        """Where the value of each bucket usually lies."""
        return _joined(
            f'<rect class="band" x="{b.left}%" width="{b.width}%" y="{b.band[0]}" '
            f'height="{round(b.band[1] - b.band[0], 1)}"/>'
            for b in self.buckets
            if b.band
        )

    @property
    def intervals(self) -> Markup:
        """Where the value of each bucket may lie."""
        return _joined(
            f'<rect class="interval" {_across(b.span(0.56))} y="{b.interval[0]}" '
            f'height="{round(max(b.interval[1] - b.interval[0], 1), 1)}" rx="2"/>'
            for b in self.buckets
            if b.interval
        )

    @property
    def values(self) -> Markup:
        """Lines from value to value."""
        return _joined(
            f'<line class="value" x1="{x1}%" y1="{y1}" x2="{x2}%" y2="{y2}"/>'
            for x1, y1, x2, y2 in self.segments
        )

    @property
    def dots(self) -> Markup:
        """The values, those larger that are out of the ordinary."""
        return _joined(
            f'<circle class="{"dot out" if b.outside else "dot"}" cx="{b.x}%" cy="{b.y}" '
            f'r="{5 if b.outside else 2.5}"/>'
            for b in self.buckets
            if b.y is not None and (b.outside or b.dot)
        )

    @property
    def bars(self) -> Markup:
        """How many answered in each bucket, on a floor of their own below."""
        return _joined(
            f'<rect class="count" {_across(b.span(0.7))} y="{round(self.height + 32 - b.bar, 1)}" height="{b.bar}"/>'
            for b in self.buckets
            if b.bar
        )

    def hits(self, rows: Iterable[Mapping[str, Any]]) -> Markup:
        """Links to the answers of the buckets that have some; `rows`: which it is (`at`), `n`, `href` and `tip`."""
        return _joined(
            f'<a href="{escape(row["href"])}" data-n="{row["n"]}" tabindex="-1"><rect x="{b.left}%" width="{b.width}%" '
            f'y="0" height="{self.height + 34}"/><text x="{0 if b.x < 50 else 100}%" y="-4" '
            f'class="tip {"start" if b.x < 50 else "end"}">{escape(row["tip"])}</text></a>'
            for row, b in ((row, self.buckets[row["at"]]) for row in rows if row["n"])
        )


def rows(table: Iterable[Mapping[str, Any]]) -> Markup:
    """The rows of the table beside a series: of each bucket what it is called (`long`), `value`, `range`, `usual`, and
    `n` that lead to the answers (`href`)."""
    return _joined(
        f'<tr><th scope="row">{escape(row["long"])}</th><td class="n">{escape(row["value"])}</td>'
        f'<td class="n">{escape(row["range"])}</td><td class="n">{escape(row["usual"])}</td>'
        f'<td class="n">{_answers(row)}</td></tr>'
        for row in table
    )


def marks(happened: Iterable[tuple[date, Any]], starts: Sequence[date]) -> list[Mark]:
    """Where among buckets that begin on some days things happened, numbered; what was before the first is left out."""
    found: list[Mark] = []
    for day, what in happened:
        place = sum(start <= day for start in starts) - 1
        if place >= 0:
            found.append(Mark(round(100 * (place + 0.5) / len(starts), 3), len(found) + 1, what))
    return found


def begun(points: Sequence[Point]) -> int:
    """Where to begin drawing: at the first answer, and with `LEAST_BUCKETS` of them where there are so many."""
    first = next((at for at, point in enumerate(points) if point.n), 0)
    return max(0, min(first, len(points) - LEAST_BUCKETS))


def series(
    points: Sequence[Point],
    bands: Sequence[tuple[float, float] | None],
    scale: tuple[float, float],
    label: Any,
    extra: Sequence[float] = (),
) -> Series:
    """Where the buckets of a series stand. `scale`: the ends of the metric.

    `label` gives a bucket's words for the axis; `extra`: more values that have to be in the picture.
    """
    ends = [edge for point in points for edge in point.interval or ()] + list(extra)
    ends += [edge for band in bands for edge in band or ()]
    low, high, step = _nice(min(ends, default=scale[0]), max(ends, default=scale[1]), scale)

    def y(value: float) -> float:
        within = min(max(value, low), high)
        return round(TOP + (HEIGHT - TOP) * (high - within) / (high - low), 1)

    many = len(points) or 1
    most = max((point.n for point in points), default=0) or 1
    buckets = []
    values = [None, *(point.value for point in points), None]
    close = sum(value is not None for value in values) > MOST_DOTS
    for at, (point, band) in enumerate(zip(points, bands, strict=True)):
        value = point.value
        outside = None
        if value is not None and band is not None:
            outside = "below" if value < band[0] else "above" if value > band[1] else None
        buckets.append(
            Bucket(
                x=_percent(at + 0.5, many),
                left=_percent(at, many),
                width=round(100 / many, 4),
                y=None if value is None else y(value),
                interval=(y(point.interval[1]), y(point.interval[0])) if point.interval else None,
                band=(y(band[1]), y(band[0])) if band else None,
                bar=round(24 * point.n / most, 1),
                outside=outside,
                dot=not close or (values[at] is None and values[at + 2] is None),
            )
        )
    joined = [
        (before.x, before.y, after.x, after.y)
        for before, after in zip(buckets, buckets[1:], strict=False)
        if before.y is not None and after.y is not None
    ]
    count = math.floor((high - low) / step + 0.5)
    ticks = [(y(low + step * at), number(low + step * at)) for at in range(count + 1)]
    return Series(
        buckets,
        joined,
        ticks,
        _labels(points, label),
        lines=[(y(value), value) for value in extra],
    )


def axis(metric: Metric, edges: Sequence[float]) -> tuple[float, float]:
    """Round ends of a line on which all of some intervals lie."""
    scale = (-100.0 if metric.rule == "net" else 0.0, 100.0)
    low, high, _ = _nice(min(edges, default=scale[0]), max(edges, default=scale[1]), scale)
    return low, high


def strip(found: float | None, interval: tuple[float, float] | None, ends: tuple[float, float]) -> Markup:
    """A value and its interval on a line from one end to the other, to be compared with those above and below."""
    if found is None or interval is None:
        return Markup()
    x, left, right = (_percent(edge - ends[0], ends[1] - ends[0]) for edge in (found, *interval))
    return _joined(
        [
            '<line class="grid" x1="0" x2="100%" y1="7" y2="7"/>'
            f'<rect class="interval" x="{left}%" width="{round(right - left, 3)}%" y="2" height="10" rx="2"/>'
            f'<circle class="dot" cx="{x}%" cy="7" r="3.5"/>'
        ]
    )


def spark(bars: Iterable[Mapping[str, float]], tall: float) -> Markup:
    """Bars of a small chart, each with `left` and `width` in percent and its `height`; all are seen."""
    return _joined(
        f'<rect x="{bar["left"]}%" width="{bar["width"]}%" y="{round(tall - max(bar["height"], 1), 1)}" '
        f'height="{max(bar["height"], 1)}"/>'
        for bar in bars
    )


def number(value: float, digits: int = 0) -> str:
    """A number for people: rounded, with a minus sign that is one."""
    rounded = round(value, digits)
    text = f"{rounded + 0.0:,.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}") if rounded else text.replace("-", "")


def signed(value: float, digits: int = 0) -> str:
    """`number` with its sign, also when that is a plus."""
    text = number(value, digits)
    return f"+{text}" if round(value, digits) > 0 else text


def value(metric: Metric, found: float | None) -> str:
    """A value of a metric for people: points of a net score, percent of a share."""
    if found is None:
        return say("none")
    return number(found) if metric.rule == "net" else say("share", value=number(found))


def interval(metric: Metric, found: tuple[float, float] | None) -> str:
    """An interval of a metric for people; nothing where there is none."""
    if found is None:
        return ""
    low, high = (number(edge) for edge in found)
    return say("range" if metric.rule == "net" else "range.share", low=low, high=high)


# ------------------------------------------------------------------------------------------------------


def _joined(pieces: Iterable[str]) -> Markup:
    return Markup("".join(pieces))  # noqa: S704 (numbers, and what `escape` was asked for)


def _answers(row: Mapping[str, Any]) -> str:
    if not row["n"]:
        return "0"
    return f'<a href="{escape(row["href"])}" data-n="{row["n"]}">{row["n"]:,}</a>'


def _across(span: tuple[float, float]) -> str:
    return f'x="{span[0]}%" width="{span[1]}%"'


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 3)


def _nice(low: float, high: float, scale: tuple[float, float]) -> tuple[float, float, float]:
    """Round numbers below `low` and above `high`, within the scale, and the step between the three to five lines."""
    span = max(high - low, (scale[1] - scale[0]) / 20)
    step = next(each for each in (1, 2, 5, 10, 20, 25, 50, 100) if span / each <= 4)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    low, high = max(low, scale[0]), min(high, scale[1])
    if high - low < step:
        low, high = max(scale[0], high - step), max(high, low + step)
    return low, high, step


def _labels(points: Sequence[Point], label: Any) -> list[tuple[float, str, str]]:
    """Where labels stand, their words and how they hang: the first at its left end, the last at its right."""
    many = len(points)
    if not many:
        return []
    wanted = min(LABELS, many)
    places = sorted({round(at * (many - 1) / max(wanted - 1, 1)) for at in range(wanted)})
    found = []
    for place in places:
        hung = "start" if place == 0 and many > 1 else "end" if place == many - 1 and many > 1 else "middle"
        x = 0.0 if hung == "start" else 100.0 if hung == "end" else _percent(place + 0.5, many)
        found.append((x, label(points[place].start), hung))
    return found
