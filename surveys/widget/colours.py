"""Colours that can be read, by the contrast of WCAG 2.2."""

import re

WHITE, BLACK = "#ffffff", "#000000"

_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def is_one(text: object) -> bool:
    """Whether `text` is a colour `#rrggbb`."""
    return isinstance(text, str) and _HEX.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours `#rrggbb`, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def text_on(colour: str) -> str:
    """White or black, whichever reads better on `colour`; one of them always reaches 4.5."""
    return WHITE if contrast(colour, WHITE) >= contrast(colour, BLACK) else BLACK


def readable(colour: str, paper: str, least: float = 3.0) -> str:
    """`colour`, moved away from `paper` step by step until the two differ by `least`; unchanged when they do.

    3 is what WCAG 2.2 asks of controls (1.4.11). `least` may be at most 4.5, which every paper allows.
    Raises ValueError for anything but `#rrggbb`.
    """
    away = _parts(text_on(paper))
    while contrast(colour, paper) < least:
        colour = "#" + "".join(
            f"{_step(part, end):02x}" for part, end in zip(_parts(colour), away, strict=True)
        )
    return colour


def _step(part: int, end: int) -> int:
    """A tenth of the way from `part` to `end`, and at least 1, so that the walk always arrives."""
    way = abs(end - part)
    step = min(way, max(1, way // 10))
    return part + step if end > part else part - step


def _parts(colour: str) -> list[int]:
    if not is_one(colour):
        raise ValueError(f"{colour!r} is not a colour like #2f5bea")
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    shares = [part / 255 for part in _parts(colour)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
