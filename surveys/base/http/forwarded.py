"""Who called a proxy, as it says in X-Forwarded-For or Forwarded (RFC 7239)."""

import ipaddress
import re

#: `for=` of one proxy's words; a quoted value may hold commas and semicolons (RFC 7239, 4).
_FOR = re.compile(r"""(?:^|;)\s*for\s*=\s*("[^"]*"|[^;"\s]*)""", re.IGNORECASE)
#: A name in place of the address (RFC 7239, 6.3).
_NAMED = re.compile(r"(_[A-Za-z0-9._-]{1,63})(?::\S{1,64})?")
_WITH_PORT = re.compile(r"\[([^\[\]]{2,100})\](?::\S{0,64})?|([0-9.]{7,15}):\S{0,64}")


def node(entry: str) -> str | None:
    """The address in one entry, without brackets and port, or the name that stands for it; None for `unknown`."""
    text = entry.strip().strip('"').strip()
    if named := _NAMED.fullmatch(text):
        return named[1]
    if found := _WITH_PORT.fullmatch(text):
        text = found[1] or found[2]
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return None


def nodes(header: str) -> list[str]:
    """The entry of each proxy in Forwarded, the furthest first; "unknown" where one does not say who called."""
    found = (_FOR.search(each) for each in _elements(header))
    return [each[1] if each else "unknown" for each in found]


def _elements(header: str) -> list[str]:
    """What each proxy added. Read from the end: a quotation mark that a caller leaves open changes no later words."""
    found, end, quoted = [], len(header), False
    for at in range(len(header) - 1, -1, -1):
        if header[at] == '"':
            quoted = not quoted
        elif header[at] == "," and not quoted:
            found.append(header[at + 1 : end])
            end = at
    found.append(header[:end])
    return [each for each in reversed(found) if each.strip()]
