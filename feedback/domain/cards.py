"""What a topic's cards say, and how they are drawn: numbers alone, in words that claim no cause."""

import math
from collections.abc import Sequence
from html import escape

from feedback.domain import effects, headings
from feedback.domain.drivers import Impact
from feedback.domain.effects import Effect

#: A strip's changes from a fourth to four times are drawn; what lies beyond stands at its end.
WIDEST = 4.0

WIDTH, HEIGHT, MARGIN = 640, 172, 24

#: The width of a chart that stands in a page.
CHART = 360

_SCALE = ((-0.75, "−75 %"), (-0.5, "−50 %"), (0.0, "as the rest"), (1.0, "+100 %"), (3.0, "+300 %"))

_INK, _FAINT, _OWN = "#1d2129", "#6b7280", "#7a3ff2"


def sentence(effect: Effect) -> str:
    """What may be said of an effect."""
    if effect.verdict == effects.EARLY:
        if effect.weeks_after < effects.AFTER:
            return f"Too early: {effects.AFTER} weeks are needed, and {effect.weeks_after} are over."
        return f"Not enough past: {effects.BEFORE} weeks before it are needed, and {effect.weeks_before} are known."
    if effect.verdict == effects.FEW:
        return (
            f"Not enough untouched topics: {effects.UNTOUCHED} are needed to compare with, "
            f"and there are {effect.untouched}."
        )
    if effect.verdict == effects.SAME or effect.change is None or effect.interval is None:
        return "No effect can be told apart."
    word = "fell" if effect.verdict == effects.FELL else "rose"
    low, high = sorted(abs(each) for each in effect.interval)
    return (
        f"Its share {word} by {abs(effect.change):.0%} ({100 * low:.0f} to {100 * high:.0f}) more than the rest."
    ).replace("%", " %")


def placed(effect: Effect) -> str | None:
    """How many untouched topics it moved more than; None where nothing was compared."""
    if effect.rank is None or effect.change is None:
        return None
    if effect.change > 0:
        return f"It rose more than {effect.rank - 1} of {effect.untouched} untouched topics."
    return f"It fell more than {effect.untouched - effect.rank + 1} of {effect.untouched} untouched topics."


def shares(effect: Effect) -> str:
    """Its share of all comments before and after."""

    def share(value: float | None) -> str:
        return f"{100 * value:.1f} %" if value is not None else "–"

    return (
        f"Share of comments: {share(effect.share_before)} in {effect.weeks_before} weeks before, "
        f"{share(effect.share_after)} in {effect.weeks_after} weeks after."
    )


def cost(before: Impact | None, after: Impact | None) -> str | None:
    """What the topic did to the value before and after, in words; None where neither is known."""
    said = [_points(each) for each in (before, after)]
    if said == [None, None]:
        return None
    known = [each or "too few answers to tell" for each in said]
    return f"What it does to the value: {known[0]} before, {known[1]} after."


def own_value(before: Impact | None, after: Impact | None) -> str | None:
    """The value of those who speak of the topic. It stands last, because it says the least."""
    values = [each.value if each is not None else None for each in (before, after)]
    if None in values:
        return None
    return (
        f"Its own value: {values[0]:.0f} before, {values[1]:.0f} after. When a fix works, the few who still speak of "
        "it are the angriest, so this may fall all the same."
    )


def in_short(effect: Effect) -> str | None:
    """The effect in some words, for a line of evidence; None where there is nothing to compare with."""
    if effect.verdict == effects.EARLY:
        return "too early to tell"
    if effect.verdict == effects.SAME:
        return "no effect can be told apart"
    if effect.change is None or effect.interval is None:
        return None
    word = "fell" if effect.verdict == effects.FELL else "rose"
    low, high = sorted(abs(each) for each in effect.interval)
    return (
        f"{word} by {100 * abs(effect.change):.0f} % ({100 * low:.0f} to {100 * high:.0f}) more than the rest"
    )


def strip(effect: Effect, label: str) -> str:
    """The card as an image: every untouched topic's change as a dot, ours with its interval (SVG 1.1)."""
    middle = 92
    said = [sentence(effect), placed(effect) or "", shares(effect)]
    parts = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff"/>',
        _text(MARGIN, 30, 16, _INK, headings.first_words(label, 60), bold=True),
        _text(MARGIN, 52, 13, _INK, said[0]),
    ]
    parts += _drawn(effect, WIDTH, middle, 11, _FAINT, _OWN)
    parts += [_text(MARGIN, HEIGHT - 32 + 18 * at, 11, _FAINT, line) for at, line in enumerate(said[1:])]
    return _svg(WIDTH, HEIGHT, f"{label}. {' '.join(said).strip()}", parts)


def chart(effect: Effect, label: str) -> str:
    """The same without its words, for a page that has them: it fits a phone, and takes the colours of the page.

    Empty where there is nothing to compare with.
    """
    parts = _drawn(effect, CHART, 20, 13, "currentColor", "currentColor")
    return _svg(CHART, 60, f"{label}. {sentence(effect)}", parts) if parts else ""


def badge(parts: Sequence[str]) -> str:
    """A line of evidence for an issue tracker (SVG 1.1): numbers, and no words of customers."""
    line = " · ".join(parts)
    width = 62 + math.ceil(5.9 * len(line)) + 16
    return _svg(
        width,
        24,
        f"Earshot: {line}",
        [
            f'<rect width="{width}" height="24" rx="4" fill="#f1f2f4"/>',
            '<rect width="62" height="24" rx="4" fill="#7a3ff2"/>',
            _text(31, 16, 11, "#ffffff", "Earshot", anchor="middle"),
            _text(70, 16, 11, _INK, line),
        ],
    )


# ------------------------------------------------------------------------------------------------------


def _points(found: Impact | None) -> str | None:
    if found is None or found.impact is None or found.interval is None:
        return None
    low, high = found.interval
    return f"{found.impact:+.1f} points ({low:+.1f} to {high:+.1f})"


def _drawn(effect: Effect, width: int, middle: int, size: int, faint: str, own: str) -> list[str]:
    """Every untouched topic's change as a dot, ours with its interval; nothing where nothing was compared."""
    if effect.change is None or effect.interval is None:
        return []
    low, high = (_at(each, width) for each in effect.interval)
    ends = _at(1 / WIDEST - 1, width), _at(WIDEST - 1, width)
    return [
        _line(*ends, middle, 1, faint),
        *(
            _text(_at(change, width), middle + size + 13, size, faint, name, anchor="middle")
            for change, name in _SCALE
        ),
        *(
            f'<circle cx="{_at(each, width):.1f}" cy="{middle}" r="4" fill="{faint}" fill-opacity="0.45"/>'
            for each in effect.strip
        ),
        _line(low, high, middle, 4, own),
        f'<circle cx="{_at(effect.change, width):.1f}" cy="{middle}" r="7" fill="{own}"/>',
    ]


def _at(change: float, width: int) -> float:
    """Where a relative change stands, on a scale of logarithms."""
    moved = math.log(max(1e-9, 1 + change)) / math.log(WIDEST)
    return width / 2 + max(-1.0, min(1.0, moved)) * (width / 2 - 2 * MARGIN)


def _line(begin: float, end: float, at: float, width: int, colour: str) -> str:
    return f'<path d="M{begin:.1f} {at}H{end:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def _text(
    x: float, y: float, size: int, colour: str, text: str, bold: bool = False, anchor: str = "start"
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y}" font-family="system-ui, sans-serif" font-size="{size}" fill="{colour}"'
        f'{weight} text-anchor="{anchor}">{escape(text)}</text>'
    )


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img"><title>{escape(title)}</title>{"".join(parts)}</svg>\n'
    )
