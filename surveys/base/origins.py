"""Origins as browsers write them (URL standard, 4.1 and 6.1; HTML standard, 7.1.1): what is compared to the letter."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

import idna

#: Ports that a browser leaves out.
DEFAULT_PORTS = {"http": 80, "https": 443}

#: Apps whose pages come from themselves: Capacitor and Cordova, Ionic, Tauri, Wails, Electron and the like, extensions.
APPS = (
    *("capacitor", "ionic", "tauri", "wails", "app"),
    *("chrome-extension", "moz-extension", "safari-web-extension"),
)

_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")
_OF_APP = re.compile(r"[a-z0-9._-]+")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


def normal(text: str) -> str:
    """An origin in the spelling that browsers send: lower case, IDNA, without the scheme's own port and a last slash.

    Raises ValueError, which says what is wrong, for what is no origin of a page on the web or of an app of APPS.
    """
    given = text.strip()
    if given.lower() in ("null", "*"):
        raise ValueError(f"Must be one origin; {given} would stand for any page.")
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        raise ValueError(
            "Must be an origin such as https://shop.example; its port or address is none."
        ) from None
    if parts.scheme == "file":
        raise ValueError("A page from a file has no origin that could be told from any other's.")
    if parts.scheme not in (*DEFAULT_PORTS, *APPS) or not given[len(parts.scheme) :].startswith("://"):
        schemes = ", ".join(f"{scheme}://" for scheme in (*DEFAULT_PORTS, *APPS))
        raise ValueError(f"Must be an origin such as https://shop.example; it begins with one of {schemes}.")
    if "@" in parts.netloc or "\\" in given:
        raise ValueError("Must be an origin such as https://shop.example, without a user's name.")
    if parts.path not in ("", "/") or "?" in given or "#" in given:
        raise ValueError(f"Must be an origin without a path, such as {_bare(parts)}.")
    if port == DEFAULT_PORTS.get(parts.scheme):
        port = None
    return f"{parts.scheme}://{_host(parts)}" + ("" if port is None else f":{port}")


def _bare(parts: SplitResult) -> str:
    """The origin of a page's address, for whoever pasted that."""
    try:
        return normal(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return "https://shop.example"


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        return f"[{_v6(host)}]"
    if parts.scheme in APPS:
        if _OF_APP.fullmatch(host):
            return host
        raise ValueError("Must name the app, such as app://localhost.")
    try:
        name = ".".join(map(_label, idna.uts46_remap(host, std3_rules=False).split(".")))
    except (idna.IDNAError, UnicodeError):
        name = ""
    if len(name) > 253 or not _HOST.fullmatch(name):
        raise ValueError("Must be one exact origin such as https://shop.example; this is no name of a host.")
    return _v4(name) if _NUMBER.fullmatch(name.rstrip(".").rpartition(".")[2]) else name


def _label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode()


def _v4(name: str) -> str:
    """Browsers write out what `127.1` and `0x7f000001` are short for (URL standard, 3.5)."""
    *first, last = map(_number, name.rstrip(".").split("."))
    if (
        len(first) > 3
        or any(not 0 <= number < 256 for number in first)
        or not 0 <= last < 256 ** (4 - len(first))
    ):
        raise ValueError("Must be an origin such as https://shop.example; this is no IPv4 address.")
    return str(ipaddress.IPv4Address(sum(n << 24 - 8 * i for i, n in enumerate(first)) + last))


def _number(text: str) -> int:
    """Decimal, octal or hexadecimal; -1 for no number."""
    base = 16 if text.startswith("0x") else 8 if text.startswith("0") and len(text) > 1 else 10
    try:
        return int(text.removeprefix("0x") or "0", base) if _NUMBER.fullmatch(text) else -1
    except ValueError:
        return -1


def _v6(host: str) -> str:
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        raise ValueError(
            "Must be an origin such as https://[2001:db8::1]; this is no IPv6 address."
        ) from None
    if address.scope_id:
        raise ValueError("Must be an origin without a network's zone.")
    if address.ipv4_mapped:
        # In pieces of sixteen bits; Python 3.13 writes four numbers.
        return f"::ffff:{int(address) >> 16 & 0xFFFF:x}:{int(address) & 0xFFFF:x}"
    return address.compressed
