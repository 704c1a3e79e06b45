"""Links that lead visitors away from us."""

import re
from urllib.parse import urlsplit

#: Browsers cut some of these out of an address and take a backslash for a slash: it would lead elsewhere than it says.
_MISLEADING = re.compile(r"[\s\\\x00-\x20\x7f-\x9f]")


def leads_where_it_says(url: str, *schemes: str) -> bool:
    """True for an address of one of these schemes with a host, without user-info, and with a port that there is."""
    if _MISLEADING.search(url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc and port != 0
