"""What is searched for holds words with an umlaut also as two letters: `Größe` is found by `Groesse`."""

import json
import re
import unicodedata

import structlog
from peewee import SqliteDatabase

log = structlog.get_logger()

#: Rows that are read and written together.
BATCH = 1000

READ = (
    "SELECT key, comment, answers, search_text FROM response "
    "WHERE key > ? AND search_text IS NOT NULL ORDER BY key LIMIT ?"
)
WRITE = "UPDATE response SET search_text = ? WHERE key = ?"
# SQLite lets nobody else write meanwhile. On PostgreSQL an older process may: what it amends stays as it wrote it.
WRITE_MANY = (
    "UPDATE response SET search_text = now.text "
    "FROM (SELECT UNNEST(%s::bigint[]) AS key, UNNEST(%s::text[]) AS text, UNNEST(%s::text[]) AS before) AS now "
    "WHERE response.key = now.key AND response.search_text = now.before"
)


def up(migrator, db):
    on_sqlite = isinstance(db, SqliteDatabase)
    last, changed = -1, 0
    while rows := db.execute_sql(READ if on_sqlite else READ.replace("?", "%s"), (last, BATCH)).fetchall():
        last = rows[-1][0]
        anew = [each for each in map(_anew, rows) if each[1] != each[2]]
        if on_sqlite:
            for key, now, _ in anew:
                db.execute_sql(WRITE, (now, key))
        elif anew:
            db.execute_sql(WRITE_MANY, tuple(map(list, zip(*anew, strict=True))))
        changed += len(anew)
    if changed:
        log.info("comments made searchable anew", responses=changed)


def down(migrator, db):
    """Nothing to take back: an earlier version passes over the words that were added."""


def _anew(row):
    """The key of a response, what is searched of it now, and what was."""
    key, comment, answers, before = row
    given = json.loads(answers) if isinstance(answers, str) else answers
    spelled = _spelled(" ".join([comment or "", *_texts(given)]))
    words = before.split()
    # A younger process may have written it already.
    if not spelled or words[-len(spelled) :] == spelled:
        return key, before, before
    return key, " ".join([*words, *([] if _BEHIND in words else [_BEHIND]), *spelled]), before


def _texts(value):
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    return [text for item in value for text in _texts(item)] if hasattr(value, "__iter__") else []


# ------------------------------------------------------------------------ what is searched, as it was then

_BEHIND = "emoji0"
_AS_TWO = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
_UMLAUT = re.compile(f"[{''.join(_AS_TWO)}]")
_LETTERS = re.compile(r"[^\W_]+")
_PLAIN = str.maketrans(
    {"ı": "i", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th"}
)
_ASCII_WORD = re.compile("[a-z0-9]+")


def _spelled(text):
    if text.isascii():
        return []
    small = _normal(text).casefold()
    found = _LETTERS.findall(small) if _UMLAUT.search(small) else []
    return [
        piece[:64] for word in found if _UMLAUT.search(word) for piece in _ASCII_WORD.findall(_plain(word))
    ]


def _normal(text):
    """In the normal form NFC, without the combining marks beyond the first 30 of a run, which take long to sort."""
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= 30:
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def _plain(word):
    two = _UMLAUT.sub(lambda each: _AS_TWO[each[0]], word)
    letters = "".join(each for each in unicodedata.normalize("NFKD", two) if not unicodedata.combining(each))
    return letters.casefold().translate(_PLAIN)
