"""What is searched for is written anew where people type it in another way than it was said: Korean, Arabic and Hebrew
words beside Latin letters, hyphens and apostrophes, thousands, letters without a key of their own, vowel signs of India
and Thailand, the voiced sounds of kana."""

import json
import re
import unicodedata

import structlog
from peewee import SqliteDatabase

log = structlog.get_logger()

#: Rows that are read and written together.
BATCH = 1000

READ = "SELECT key, comment, answers, search_text FROM response WHERE key > ? ORDER BY key LIMIT ?"
WRITE = "UPDATE response SET search_text = ? WHERE key = ?"
# SQLite lets nobody else write meanwhile. On PostgreSQL an older process may: what it amends stays as it wrote it.
WRITE_MANY = (
    "UPDATE response SET search_text = now.text "
    "FROM (SELECT UNNEST(%s::bigint[]) AS key, UNNEST(%s::text[]) AS text, UNNEST(%s::text[]) AS before) AS now "
    "WHERE response.key = now.key AND response.search_text IS NOT DISTINCT FROM now.before"
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
    """Nothing to take back: what earlier versions search for they find in most comments, and a later `up` ends it."""


def _anew(row):
    """The key of a response, what is searched of it now, and what was."""
    key, comment, answers, before = row
    given = json.loads(answers) if isinstance(answers, str) else answers
    text = " ".join([comment or "", *_texts(given)])
    # Of other texts the words are what they were.
    if text.isascii() and not _PARTED.search(text):
        return key, before, before
    return key, searchable(text) or None, before


def _texts(value):
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    return [text for item in value for text in _texts(item)] if hasattr(value, "__iter__") else []


# ------------------------------------------------------------------------ what is searched, as it was then


_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_MOST_MARKS = 30
_PICTURE = re.compile(
    "[\xa9\xae\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\U0001f000-\U0001f3fa\U0001f400-\U0001fbff]"
)
_PICTURE_WORD = "emoji{:x}"
_BEHIND = _PICTURE_WORD.format(0)

_TYPED = str.maketrans(
    dict(
        each.split("=")
        for each in (
            "ı=i ł=l ø=o đ=d ð=d ħ=h ŧ=t æ=ae œ=oe þ=th "
            "\u0649=\u064a \u06cc=\u064a \u06a9=\u0643 \u0629=\u0647 \u0671=\u0627 \u0640="
        ).split()
    )
)
_DIGIT = re.compile(r"(?![0-9])\d")
_UNSEEN = re.compile(
    "[\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_SYMBOL = re.compile("[\u2100-\u214f\u3200-\u33ff]")
_KEPT_MARKS = frozenset("\u3099\u309a") | {chr(each) for each in range(0x0E00, 0x0F00)}
_VOWEL_SIGNS = {
    each: shift + each
    for shift, first, last in ((0xA000 - 0x900, 0x900, 0xD80), (0xA500 - 0xE00, 0xE00, 0xF00))
    for each in range(first, last)
    if unicodedata.category(chr(each)).startswith("M")
}
_UNSPACED_CHARACTER = re.compile(f"([{_UNSPACED}][\ua500-\ua5ff]*)")
_ASCII_WORD = re.compile("[a-z0-9]+")
_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f]|(?<=\w)[\u0d80-\u0dff])+")
_LETTERED = "\u0400-\u052f\u0590-\u06ff\u0900-\u0dff\uac00-\ud7a3"
_BETWEEN_SCRIPTS = re.compile(f"(?<=[a-z0-9])(?=[{_LETTERED}])|(?<=[{_LETTERED}])(?=[a-z0-9])")
_PARTING = re.compile("[-'\"`.,\xb4\u02bc\u05be\u05f3\u05f4\u2010\u2011\u2018\u2019\u2032]")
_THOUSANDS = str.maketrans("", "", ".,")
_PARTED = re.compile(
    r"(?<![^\W_])[^\W_]++(?:[-'`\xb4\u02bc\u05be\u05f3\u05f4\u2010\u2011\u2018\u2019\u2032][^\W_]++)+"
    r"|(?<![^\W_])[\u05d0-\u05ea]++[\"'][\u05d0-\u05ea]+|(?<!\d)\d{1,3}(?:[.,]\d{3})+(?!\d)"
)
_ARABIC = (("\u0648", "\u0641"), ("\u0628", "\u0643", "\u0644"), ("\u0627\u0644",))
_HEBREW = "\u05d5\u05e9\u05d4\u05d1\u05db\u05dc\u05de"
_WITH_PREFIX = re.compile(f"^(?:[\u0648\u0641\u0628\u0643\u0644\u0627]|[{_HEBREW}])")
_SHORTEST_BARE = 3


def searchable(text):
    plain = _plain(_with_pictures(text))
    words = _cut(plain)
    behind = [each for found in _PARTED.finditer(plain) for each in _as_one(found[0])]
    if not text.isascii():
        behind = [each for word in words.split() if _WITH_PREFIX.match(word) for each in _bare(word)] + behind
    return " ".join([words, _BEHIND, *behind]) if behind else words


def _as_one(parted):
    parts = _PARTING.split(parted)
    ends = 1 if parted.translate(_THOUSANDS).isdecimal() else min(len(parts) - 1, 3)
    return [_cut("".join(parts[at:])) for at in range(ends)]


def _with_pictures(text):
    if text.isascii():
        return text
    return _PICTURE.sub(lambda found: f" {_PICTURE_WORD.format(ord(found[0]))} ", text)


def _bare(word):
    found = []
    if word[0] in _HEBREW:
        while len(found) < 3 and word[0] in _HEBREW and len(word) > _SHORTEST_BARE:
            word = word[1:]
            found.append(word)
        return found
    for prefixes in _ARABIC:
        if word.startswith("\u0644\u0644"):
            # "for the" drops the first letter of "the".
            word = word[:1] + "\u0627" + word[1:]
        prefix = next((each for each in prefixes if word.startswith(each)), "")
        if prefix and len(word) - len(prefix) >= _SHORTEST_BARE:
            word = word[len(prefix) :]
            found.append(word)
    return found


def _plain(text):
    if text.isascii():
        return text.lower()
    text = _SYMBOL.sub(lambda found: f" {found[0]} ", _UNSEEN.sub("", text.casefold()))
    # Marks go (é → e), but not those that are vowels of their script (class 0), those of Thai and Lao, and what makes
    # another sound of a kana (バス is a bus, パス a pass).
    plain = "".join(c for c in normal(text, "NFKD") if not unicodedata.combining(c) or c in _KEPT_MARKS)
    plain = unicodedata.normalize("NFC", plain).casefold().translate(_TYPED)
    return _DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), plain)


def _cut(plain):
    if plain.isascii():
        words = _ASCII_WORD.findall(plain)
    else:
        spaced = _BETWEEN_SCRIPTS.sub(" ", plain).translate(_VOWEL_SIGNS)
        words = _WORD.findall(_UNSPACED_CHARACTER.sub(r" \1 ", spaced))
    return " ".join(word[:64] for word in words)


def normal(text, form):
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MOST_MARKS:
            kept.append(character)
    return unicodedata.normalize(form, "".join(kept))
