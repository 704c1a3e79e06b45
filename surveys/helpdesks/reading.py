"""Reads single values out of a helpdesk's payload: takes much, lets only clean text through."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import itertools
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from surveys.base import clock
from surveys.domain import addresses, folding
from surveys.wording import names

LONGEST_LINE = 500
LONGEST_ID = 200
LONGEST_URL = 2000
LONGEST_TAG = 200
MOST_TAGS = 100
MOST_ITEMS = 500
MOST_PROPERTIES = 50

# Zendesk, Freshdesk, Chatwoot · Liquid tags · Zammad · Ruby formats · osTicket and others.
PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}|\{%[^{}%]*%\}|#\{[^{}]*\}|%\{[^{}]*\}|##[\w.\- ]+?##")
# What template engines print for nothing. Lower case only: Null is a surname.
NOTHING_SAID = frozenset({"-", "--", "- -", "null", "nil", "none", "undefined"})
# Embeddings, overrides and isolates: they make a name or subject read as something else.
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Not characters at all, or halves of one: XML and PostgreSQL refuse them.
UNSTORABLE = re.compile("[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bqBQ])\?([^?\s]*)\?=")
#: Letters that an encoded word of 75 signs (RFC 2047, 2) holds of any script; each word takes Python a while.
LEAST_IN_A_WORD = 15
# What Python takes for charsets and no mail is written in; the first two take time that grows with the square.
NO_CHARSETS = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape"})
# What separates words, and the other control characters.
SPACING = re.compile("[\t-\r\x1c-\x1f\x85]")
CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
MARKUP = re.compile(r"<[^<>]*>")
EMAIL = re.compile(
    r"[^\s@<>()\[\]\",;:\\\x00-\x1f\x7f]{1,64}@(?=.{4,253}\Z)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]"
)
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
SPOKEN_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?) ?(?:UTC|GMT|Z)?", re.IGNORECASE
)

CHANNELS = {
    **dict.fromkeys(
        ("email", "mail", "e-mail", "courriel", "correo", "correo electrónico", "outbound email"), "email"
    ),
    **dict.fromkeys(("channel::email", "incoming_email", "email_channel"), "email"),
    **dict.fromkeys(
        ("chat", "conversation", "messaging", "native_messaging", "live_chat", "live chat"), "chat"
    ),
    **dict.fromkeys(("channel::webwidget", "web widget", "web_widget", "widget", "beacon"), "chat"),
    **dict.fromkeys(("phone", "phone_call", "voice", "call", "telefon", "channel::voice"), "phone"),
    **dict.fromkeys(
        ("web", "web form", "web service", "portal", "website", "feedback widget", "formulaire web"), "web"
    ),
    **dict.fromkeys(("sms", "channel::sms", "channel::twiliosms", "text"), "sms"),
    **dict.fromkeys(("whatsapp", "channel::whatsapp", "whatsapp message"), "whatsapp"),
    **dict.fromkeys(
        ("facebook", "channel::facebookpage", "facebook feed post", "facebook feed comment"), "facebook"
    ),
    **dict.fromkeys(
        ("twitter", "channel::twitterprofile", "twitter status", "twitter direct-message", "x"), "twitter"
    ),
    **dict.fromkeys(("instagram", "channel::instagram"), "instagram"),
    **dict.fromkeys(("telegram", "channel::telegram", "telegram personal-message"), "telegram"),
    **dict.fromkeys(("api", "channel::api"), "api"),
}


def at(data: Any, *path: str | int) -> Any:
    """The value at a path of keys and positions, or None when any step of it is not there."""
    for step in path:
        if isinstance(step, str) and isinstance(data, dict):
            data = data.get(step)
        elif isinstance(step, int) and isinstance(data, list) and -len(data) <= step < len(data):
            data = data[step]
        else:
            return None
    return data


def first(*values: Any) -> Any:
    """The first value that is neither None nor empty, else None."""
    return next((value for value in values if value not in (None, "", [], {})), None)


def items(value: Any) -> list[dict[str, Any]]:
    """The objects among the last `MOST_ITEMS` of a list; [] when it is no list."""
    last = value[-MOST_ITEMS:] if isinstance(value, list) else ()
    return [each for each in last if isinstance(each, dict)]


def line(value: Any, longest: int = LONGEST_LINE) -> str | None:
    """One clean line of text, or None when nothing is said.

    Numbers are written out; an unrendered placeholder and a template's "nil" are nothing; RFC 2047 words
    are decoded; line breaks become blanks; control characters, NUL, bidirectional overrides and lone
    surrogates go; the rest is NFC and cut at `longest` characters.
    """
    text = _text(value)
    if text is None:
        return None
    # Escapes make a text longer than what they stand for; beyond this nothing can reach the result.
    text = _unfolded(text.lstrip()[: longest * 20], 1 + longest // LEAST_IN_A_WORD)
    text = BIDI.sub("", UNSTORABLE.sub("", text))
    text = " ".join(CONTROL.sub("", SPACING.sub(" ", text)).split())
    # A letter may be put together out of three.
    text = folding.normal(text[: longest * 4], "NFC")
    if text in NOTHING_SAID or _only_placeholders(text):
        return None
    return text[:longest].rstrip() or None


def plain(value: Any, longest: int = LONGEST_LINE) -> str | None:
    """The text of a piece of HTML as one clean line: first tags go, then references are resolved."""
    text = _text(value)
    return None if text is None else line(html.unescape(MARKUP.sub(" ", text[: longest * 20])), longest)


def ident(value: Any) -> str | None:
    """An id as text, or None. 0, "0" and placeholders mean there is none."""
    text = line(value, LONGEST_ID + 1)
    if text is None or text == "0" or len(text) > LONGEST_ID or PLACEHOLDER.search(text):
        return None
    return text


def name(*parts: Any) -> str | None:
    """A person's name from its parts, or None."""
    return line(" ".join(part for part in map(line, parts) if part))


def email(value: Any) -> str | None:
    """A plausible e-mail address, or None; `Robin <robin@example.com>` and `mailto:` are understood.

    Plausible means: one that can be written to a header safely and whose domain has a dot. Whether it
    exists is for the mail server to say.
    """
    text = line(value, 400)
    if text is None:
        return None
    text = _alone(text)
    if text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1]
    text = text[7:] if text[:7].lower() == "mailto:" else text
    text = _alone(text)
    local, _, domain = text.rpartition("@")
    if len(text) > 254 or ".." in text or local.startswith(".") or local.endswith("."):
        return None
    # In A-labels: the letters of many scripts have marks, which no pattern here knows.
    spelled = text if domain.isascii() else f"{local}@{addresses.normal_domain(domain)}"
    return text if EMAIL.fullmatch(spelled) and not PLACEHOLDER.search(text) else None


def url(value: Any) -> str | None:
    """An http(s) address that is safe to link to, or None. A bare `host.example/path` is taken as https."""
    text = line(value, LONGEST_URL + 1)
    if text is None or len(text) > LONGEST_URL or re.search(r"[\s\"'<>\\^`{|}]", text):
        return None
    if "://" not in text and re.match(r"[\w-]+(\.[\w-]+)+(/|\Z)", text):
        text = "https://" + text
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and host and "@" not in parts.netloc else None


def tags(value: Any) -> tuple[str, ...]:
    """Tags from a list of words, a list of objects with `name`, `tag` or `title`, or one text.

    A text is split at commas when it has any, else at blanks.
    """
    if isinstance(value, str):
        value = None if _only_placeholders(value) else (value.split(",") if "," in value else value.split())
    if not isinstance(value, list):
        return ()
    value = value[: MOST_TAGS * 3]
    words = (
        line(first(*map(each.get, ("name", "tag", "title"))) if isinstance(each, dict) else each, LONGEST_TAG)
        for each in value
    )
    return tuple(dict.fromkeys(word for word in words if word))[:MOST_TAGS]


def moment(value: Any) -> datetime | None:
    """A moment in UTC, or None: ISO 8601, `2026-09-14 10:15:30 UTC`, Unix seconds or milliseconds.

    A time without a zone is UTC: no helpdesk here sends local times. "0001-01-01" and its kind say nothing.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_unix(value)
    text = line(value, 64)
    if text is None:
        return None
    if re.fullmatch(r"\d{9,13}(\.\d+)?", text):
        return _from_unix(float(text))
    spoken = SPOKEN_TIME.fullmatch(text)
    # Nanoseconds are cut: Python knows microseconds.
    iso = re.sub(r"(\.\d{6})\d+", r"\1", f"{spoken[1]}T{spoken[2]}" if spoken else text)
    try:
        parsed = datetime.fromisoformat(iso)
        return clock.possible(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
    except ValueError:
        return None


def resolution(solved_at: datetime | None) -> str:
    """The resolution's mark: its moment to the second, as it may be told with and without fractions."""
    return solved_at.strftime("%Y-%m-%dT%H:%M:%SZ") if solved_at else ""


def language(*values: Any) -> str | None:
    """The language tag (`fr`, `pt-BR`) that the first of the values says which says one; None when none does.

    Helpdesks tell tags, locales of a system (`de_DE.UTF-8`), or names ("Deutsch", "Arabic", "Português (Brasil)").
    """
    return next((found for found in map(_language, values) if found), None)


def channel(value: Any) -> str | None:
    """How the customer wrote, in our words where we have one, else the helpdesk's own in lower case."""
    text = line(value, 60)
    return None if text is None else CHANNELS.get(text.casefold(), text.casefold().removeprefix("channel::"))


def properties(pairs: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Those of the first `MOST_PROPERTIES` pairs whose value says something."""
    cleaned = ((line(key, 100), line(value, 200)) for key, value in itertools.islice(pairs, MOST_PROPERTIES))
    return {key: text for key, text in cleaned if key and text}


def _alone(text: str) -> str:
    """An address without the root's dot, and without what stands between several where there is but one."""
    return addresses.bare(addresses.bare(text).rstrip(".;, "))


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if abs(value) < 10**30 else None


def _only_placeholders(text: str) -> bool:
    rest, found = PLACEHOLDER.subn("", text)
    return found > 0 and not any(c.isalnum() for c in rest)


def _unfolded(text: str, most: int) -> str:
    """The first `most` RFC 2047 words decoded; what else there is of the kind, or comes out of it, is made harmless."""
    if not ENCODED_WORD.search(text):
        return text
    # Blanks between two encoded words belong to neither (RFC 2047, section 6.2).
    text = re.sub(r"(?<=\?=)\s+(?==\?)", "", text)
    decoded = ENCODED_WORD.sub(_decoded_word, text, count=most)
    return decoded.replace("=?", "= ?")


def _decoded_word(word: re.Match[str]) -> str:
    charset, encoding, content = word.groups()
    try:
        if encoding in "bB":
            raw = base64.b64decode(content + "==")
        else:
            raw = binascii.a2b_qp(content, header=True)
        # A language may stand behind the charset (RFC 2231, 5).
        codec = codecs.lookup(charset.partition("*")[0])
        return word[0] if codec.name in NO_CHARSETS else raw.decode(codec.name, "replace")
    except (LookupError, ValueError):
        return word[0]


def _from_unix(value: float) -> datetime | None:
    try:
        seconds = value / 1000 if abs(value) >= 1e11 else value
        return clock.possible(datetime.fromtimestamp(seconds, UTC)) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _language(value: Any) -> str | None:
    text = line(value, names.LONGEST + 1)
    if text is None or len(text) > names.LONGEST:
        return None
    head, *rest = re.split("[-_]", re.split("[.@]", text)[0])
    if LANGUAGE.fullmatch("-".join([head, *rest])):
        return "-".join([head.lower(), *(_subtag(each) for each in rest)])
    return names.tag_of(text)


def _subtag(text: str) -> str:
    return text.upper() if len(text) == 2 else text.title() if len(text) == 4 else text.lower()
