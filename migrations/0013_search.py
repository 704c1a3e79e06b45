"""What is searched for is written anew where comments hold pictures, Arabic or Hebrew: each picture is a word now, and
words stand there once more without what is written together with them."""

import json
import re
import unicodedata

import structlog
from peewee import SqliteDatabase

log = structlog.get_logger()

#: Rows that are read together.
BATCH = 1000

READ = "SELECT key, comment, answers, search_text FROM response WHERE key > ? ORDER BY key LIMIT ?"
WRITE = "UPDATE response SET search_text = ? WHERE key = ?"


def up(migrator, db):
    on_sqlite = isinstance(db, SqliteDatabase)
    read, write = (sql if on_sqlite else sql.replace("?", "%s") for sql in (READ, WRITE))
    last, changed = -1, 0
    while rows := db.execute_sql(read, (last, BATCH)).fetchall():
        last = rows[-1][0]
        for key, comment, answers, before in rows:
            given = json.loads(answers) if isinstance(answers, str) else answers
            text = " ".join([comment or "", *_texts(given)])
            if not _AFFECTED.search(text):
                continue
            now = searchable(text) or None
            if now != before:
                db.execute_sql(write, (now, key))
                changed += 1
    if changed:
        log.info("comments made searchable anew", responses=changed)


def down(migrator, db):
    """Nothing to take back: what earlier versions search for stands there too."""


# ------------------------------------------------------------------------ what is searched, as it was then


_PICTURES = (
    "\xa9\xae\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d"
    "\U0001f000-\U0001f3fa\U0001f400-\U0001fbff"
)
_PICTURE = re.compile(f"[{_PICTURES}]")
_HEBREW = "\u05d5\u05e9\u05d4\u05d1\u05db\u05dc\u05de"
_ARABIC = (("\u0648", "\u0641"), ("\u0628", "\u0643", "\u0644"), ("\u0627\u0644",))
_WITH_PREFIX = re.compile(f"(?:[\u0648\u0641\u0628\u0643\u0644\u0627]|[{_HEBREW}])")
#: Pictures, and all of Hebrew and Arabic, presentation forms included.
_AFFECTED = re.compile(f"[{_PICTURES}\u0590-\u06ff\ufb1d-\ufdff\ufe70-\ufeff]")
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff])"
)


def _texts(value):
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    return [text for item in value for text in _texts(item)] if hasattr(value, "__iter__") else []


def searchable(text):
    words = fold(_PICTURE.sub(lambda found: f" emoji{ord(found[0]):x} ", text.replace("\u0640", "")))
    bare = [each for word in words.split() if _WITH_PREFIX.match(word) for each in _bare(word)]
    return " ".join([words, "emoji0", *bare]) if bare else words


def _bare(word):
    found = []
    if word[0] in _HEBREW:
        while len(found) < 3 and word[0] in _HEBREW and len(word) > 3:
            word = word[1:]
            found.append(word)
        return found
    for prefixes in _ARABIC:
        if word.startswith("\u0644\u0644"):
            word = word[:1] + "\u0627" + word[1:]
        prefix = next((each for each in prefixes if word.startswith(each)), "")
        if prefix and len(word) - len(prefix) >= 3:
            word = word[len(prefix) :]
            found.append(word)
    return found


def fold(text):
    kept, run = [], 0
    for character in text.casefold():
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= 30:
            kept.append(character)
    decomposed = unicodedata.normalize("NFKD", "".join(kept))
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    spaced = _UNSPACED.sub(r" \1 ", unicodedata.normalize("NFC", plain).casefold())
    words = re.findall(r"(?:[^\W_]|[\u0300-\u036f]|(?<=\w)[\u0900-\u0dff\u0e31-\u0e4e])+", spaced)
    return " ".join(word[:64] for word in words)
