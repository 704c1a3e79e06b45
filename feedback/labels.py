"""What topics and themes are called, in the language of who reads where comments of that language are in them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from peewee import Case, fn

from feedback.models import Reading, Theme, Topic
from surveys.base import db

#: Gives the languages that the reader of the answer in hand wants, the best first (tags such as "de-AT"); none where
#: nobody reads it at once, as in a mail.
Reader = Callable[[], Sequence[str]]

#: Languages of a reader that are looked for; nobody reads more.
MOST = 5

_reader: Reader = tuple

#: The languages that names are told in, whoever reads; None: those of the reader.
_given: ContextVar[Sequence[str] | None] = ContextVar("languages of names", default=None)


def use_reader(languages: Reader) -> None:
    """Have names told in what `languages` gives."""
    global _reader
    _reader = languages


@contextmanager
def told_in(wanted: Sequence[str]) -> Iterator[None]:
    """Have names told in these languages: what is told is made when nobody asks any more, or for a mail."""
    token = _given.set(_plain(wanted))
    try:
        yield
    finally:
        _given.reset(token)


def languages() -> list[str]:
    """The languages that the reader wants, without regions, the best first."""
    given = _given.get()
    if given is not None:
        return list(given)
    return _plain(_reader())


def of(row: Topic | Theme) -> str:
    """What a topic or theme is called."""
    names = row.names or {}
    found: str = next((names[language] for language in languages() if language in names), row.label)
    return found


def column(table: type[Topic] | type[Theme]) -> Any:
    """The same as a part of a statement."""
    wanted = languages()
    if not wanted:
        return table.label
    told = [_told(table, language) for language in wanted]
    return fn.COALESCE(*told, table.label).coerce(False)


def readable_first() -> list[Any]:
    """How rows joined with `Reading` are ordered so that comments the reader can read come first; empty: as they do."""
    wanted = languages()
    return (
        [Case(Reading.language, tuple(zip(wanted, range(len(wanted)), strict=True)), len(wanted))]
        if wanted
        else []
    )


def _plain(tags: Sequence[str]) -> list[str]:
    wanted = (tag.replace("_", "-").partition("-")[0].lower() for tag in tags)
    known = ("nb" if tag in ("no", "nn") else tag for tag in wanted if tag.isascii() and tag.isalpha())
    return list(dict.fromkeys(known))[:MOST]


def _told(table: type[Topic] | type[Theme], language: str) -> Any:
    if db.on_sqlite():
        return fn.json_extract(table.names, f'$."{language}"').coerce(False)
    return fn.jsonb_extract_path_text(table.names, language).coerce(False)
