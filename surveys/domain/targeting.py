"""Does this page or origin belong to the survey?"""

import re
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

MAX_PATTERN = 256
MAX_URL = 2048

_ORIGIN = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[^\x00-\x20\x7f/?#@:\[\]\\*,]+)(?::([0-9]{1,5}))?/?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PIECE = re.compile(r"\*\*|\*|.", re.DOTALL)


def page_matches(patterns: Collection[str], url: str) -> bool:
    """Whether a page is one of those meant; no patterns mean every page.

    A pattern that begins with "/" is compared with the path, any other with host and path, after its scheme,
    if it has one, has been compared too. "*" stands for anything but a slash, "**" for anything at all, and
    "/**" at the end also for nothing; a host alone means its first page. Query and fragment do not count.

    Time is bounded by the product of both lengths, whatever the pattern; what is longer than MAX_PATTERN or
    MAX_URL never matches.
    """
    if not patterns:
        return True
    if len(url) > MAX_URL:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    path = parts.path or "/"
    place = parts.netloc.rpartition("@")[2].lower() + path
    return any(_matches_one(pattern, parts.scheme, place, path) for pattern in patterns)


def normalise_origin(text: str) -> str:
    """An origin as browsers send it: scheme://host[:port] in lower case, without the scheme's default port.

    A slash at the end is dropped; international host names are kept as given. Raises ValueError for anything
    that is not one http or https origin: a path, a user, a wildcard, "null" (RFC 6454, section 6.2).
    """
    found = _ORIGIN.fullmatch(text.strip().lower())
    if found is None or (found[3] and not 0 < int(found[3]) < 65536):
        raise ValueError(f"{text!r} is not an origin such as https://shop.example")
    scheme, host, port = found[1], found[2], found[3]
    if port is None or int(port) == _DEFAULT_PORTS[scheme]:
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{int(port)}"


def origin_allowed(origin: str, allowed: Iterable[str]) -> bool:
    """Whether an Origin header is, character by character, one of the normalised `allowed` ones."""
    return origin in set(allowed)


def _matches_one(pattern: str, scheme: str, place: str, path: str) -> bool:
    if len(pattern) > MAX_PATTERN:
        return False
    if pattern.startswith("/"):
        return _glob(pattern, path)
    wanted_scheme, separator, rest = pattern.partition("://")
    if separator:
        if wanted_scheme.lower() not in (scheme, "*"):
            return False
        pattern = rest
    host, slash, rest = pattern.partition("/")
    if not slash and not host.endswith("**"):
        slash = "/"
    return _glob(host.lower() + slash + rest, place)


def _glob(pattern: str, text: str) -> bool:
    """Follow all readings of the pattern at once, so that no pattern can make it go back and try again."""
    if pattern.endswith("/**") and _glob(pattern.removesuffix("/**"), text):
        return True
    pieces = _PIECE.findall(pattern)
    reached = _skip_empty(pieces, {0})
    for character in text:
        stepped = set()
        for at in reached - {len(pieces)}:
            piece = pieces[at]
            if piece == "**" or (piece == "*" and character != "/"):
                stepped.add(at)
            elif piece == character:
                stepped.add(at + 1)
        reached = _skip_empty(pieces, stepped)
    return len(pieces) in reached


def _skip_empty(pieces: list[str], reached: set[int]) -> set[int]:
    """Also the places behind pieces that may stand for nothing."""
    skipped = set(reached)
    for at in reached:
        while at < len(pieces) and pieces[at] in ("*", "**"):
            at += 1
            skipped.add(at)
    return skipped
