"""E-mail addresses: the one form in which they are kept and compared.

The domain stands in A-labels by IDNA 2008 (RFC 5891) after the mapping of UTS #46, non-transitional: ß stays ß and
is not ss. The part before the @ is lower-cased and in NFC (RFC 6532, 3.1), never case-folded: straße@ and strasse@
name two mailboxes.
"""

import functools
import unicodedata

import idna


def bare(text: str) -> str:
    """An address without what a template or the clipboard left around it: blanks, and marks that nobody sees."""
    return text.strip().strip("\ufeff\u200b\u200e\u200f\u2060").strip()


def as_typed(address: str | None) -> str | None:
    """An address as websites sign it: trimmed and lower-cased. None for nothing."""
    return address.strip().lower() or None if address else None


def normal(address: str | None) -> str | None:
    """An address as it is kept and compared, whichever way it was typed. None for nothing."""
    typed = as_typed(address)
    if typed is None or typed.isascii():
        return typed.rstrip(".") or None if typed else None
    local, at, domain = typed.rpartition("@")
    # A text without @ is no address; it is compared as one word.
    return _lower(local) + at + normal_domain(domain) if at else _lower(typed)


def normal_domain(domain: str) -> str:
    """A domain in A-labels and lower case, without the dot of the root."""
    if domain.isascii():
        return domain.strip().lower().rstrip(".")
    return _encoded(domain.strip())


def readable(address: str) -> str:
    """An address as its owner writes it: the domain in the letters that the A-labels stand for."""
    local, at, domain = address.rpartition("@")
    shown = ".".join(_decoded(label) for label in domain.split("."))
    # What would not lead back is no spelling of this domain.
    return local + at + shown if normal_domain(shown) == normal_domain(domain) else address


def spellings(address: str) -> tuple[str, ...]:
    """The forms in which an address may have been kept before there was one: A-labels, and letters."""
    kept = normal(address) or ""
    return tuple(dict.fromkeys((kept, readable(kept))))


def domain_of(address: str | None) -> str | None:
    """The domain of an address in its normal form: whose mail server takes it. None where there is none."""
    return normal_domain(address.rpartition("@")[2]) or None if address else None


def named_in(text: str, address: str) -> bool:
    """Whether a text names the address, in any spelling: as a whole, not as a part of a longer one."""
    local, _, domain = (normal(address) or "").rpartition("@")
    text, needle = _lower(text), local + "@"
    at = text.find(needle) if local else -1
    while at >= 0:
        if not _is_longer(text, at) and normal_domain(_domain_at(text, at + len(needle))) == domain:
            return True
        at = text.find(needle, at + 1)
    return False


# ------------------------------------------------------------------------------------------------------

#: What RFC 3490, 3.1 takes for a dot between labels.
_DOTS = ".\u3002\uff0e\uff61"

#: No domain has more letters than an address.
_LONGEST = 254


def _lower(text: str) -> str:
    # Lower-casing may compose or decompose letters, so the form comes last.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


@functools.lru_cache(maxsize=4096)
def _encoded(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode().rstrip(".")
    except idna.IDNAError:
        pass
    # Emoji and the like, which IDNA 2008 forbids and some registries sell: spelled by the mapping alone.
    try:
        mapped = idna.uts46_remap(domain, std3_rules=False)
    except idna.IDNAError:
        return _lower(domain).rstrip(".")
    return ".".join(_label(label) for label in mapped.split(".")).rstrip(".")


def _label(label: str) -> str:
    # A hyphen at an end would be hidden; no domain has one there.
    plain = label.isascii() or label[0] == "-" or label[-1] == "-"
    return label if plain else "xn--" + label.encode("punycode").decode()


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode().decode("punycode")
    except UnicodeError:
        return label


def _is_longer(text: str, at: int) -> bool:
    """Whether the name that stands at `at` goes on to the left: jim.bob@, o'bob@."""
    last, earlier = text[at - 1 : at], text[max(0, at - 2) : at - 1]
    return last.isalnum() or (last != "" and last in "_.+-") or (last == "'" and earlier.isalnum())


def _domain_at(text: str, start: int) -> str:
    """The letters from `start` on that can be a domain; dots at the end belong to the sentence."""
    end = start
    while end < min(len(text), start + _LONGEST) and (
        text[end] in "-_" + _DOTS or unicodedata.category(text[end])[0] in "LMN"
    ):
        end += 1
    return text[start:end].rstrip(_DOTS)
