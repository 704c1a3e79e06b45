"""What the shop's customers write: a file a language in `comments/`, read when a year is made.

A file holds, by matter, the comments by kind. The kind says which scores a comment goes with (`bad`, `mixed`, `good`:
KINDS) or what has to go on for somebody to write so (`year.EVENTS`). Where a matter is spoken of stands in
`year.MATTERS`. A comment more is a line more; two of a file never say the same in nearly the same words.
"""

import json
import random
from pathlib import Path

FOLDER = Path(__file__).with_name("comments")

#: Up to which mood (0 to 1, the place of the score on its scale) a kind goes; the last has no end.
KINDS = {"bad": 0.58, "mixed": 0.76, "good": float("inf")}

#: Comments of a language: matter, kind or event, texts.
Said = dict[str, dict[str, list[str]]]


def read(language: str) -> Said:
    """All comments of a language, such as "de" or "pt-BR"; regions share a file."""
    said: Said = json.loads((FOLDER / f"{language.partition('-')[0]}.json").read_text(encoding="utf-8"))
    return said


def kind_of(mood: float) -> str:
    """The kind of comment that goes with a mood."""
    return next(kind for kind, end in KINDS.items() if mood < end)


class Bag:
    """Draws comments so that each of its kind was drawn once before one comes again."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._said: dict[str, Said] = {}
        self._left: dict[tuple[str, str, str], list[str]] = {}

    def draw(self, language: str, matter: str, kind: str) -> str:
        """A comment on the matter; `kind` is one of KINDS or an event."""
        left = self._left.setdefault((language, matter, kind), [])
        if not left:
            if language not in self._said:
                self._said[language] = read(language)
            left += self._said[language][matter][kind]
            self._dice.shuffle(left)
        return left.pop()
