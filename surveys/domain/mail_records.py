"""What the records of a domain say about mail that is sent in its name: SPF, DKIM, DMARC."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

SHORTEST_KEY, ADVISED_KEY = 1024, 2048  # bits (RFC 8301)


class Finding(NamedTuple):
    """Whether receivers can use a record, and what it says or what is to be done."""

    ok: bool
    says: str


def spf(records: Sequence[str]) -> Finding:
    """Which servers may send (RFC 7208), from the TXT records of the envelope's domain."""
    found = [each for each in records if re.match(r"v=spf1(\s|\Z)", each, re.IGNORECASE)]
    if not found:
        return Finding(False, 'missing; your mail service names the record, such as "v=spf1 include:… -all"')
    if len(found) > 1:
        return Finding(False, f"{len(found)} records, of which receivers take none: make one of them")
    if re.search(r"\s\+?all(\s|\Z)", found[0], re.IGNORECASE):
        return Finding(False, f"lets everybody send, which counts as none: {found[0]}")
    if not re.search(r"\s([~?-]all|redirect=\S+)(\s|\Z)", found[0], re.IGNORECASE):
        return Finding(False, f"does not say what others may do; end it with -all or ~all: {found[0]}")
    return Finding(True, found[0])


def dkim(records: Sequence[str]) -> Finding:
    """The key that signatures are checked with (RFC 6376, 8463), from the TXT records of selector and domain."""
    tags = [_tags(each) for each in records]
    keys = [each for each in tags if "p" in each and each.get("v", "DKIM1") == "DKIM1"]
    if not keys:
        return Finding(False, "missing; your mail service or server names the record")
    if len(keys) > 1:
        return Finding(False, f"{len(keys)} records, of which receivers take any: leave one")
    kind, written = keys[0].get("k", "rsa"), "".join(keys[0]["p"].split())
    if not written:
        return Finding(False, "the key was revoked: p= is empty")
    try:
        raw = base64.b64decode(written, validate=True)
        if kind == "ed25519":
            return Finding(len(raw) == 32, "Ed25519" if len(raw) == 32 else "the key is damaged")
        key = load_der_public_key(raw)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return Finding(False, "the key is damaged")
    if not isinstance(key, rsa.RSAPublicKey):
        return Finding(False, f"the key is none of RSA, as k={kind} says")
    if key.key_size < SHORTEST_KEY:
        return Finding(False, f"RSA, {key.key_size} bits: receivers refuse it; make one of {ADVISED_KEY}")
    more = "" if key.key_size >= ADVISED_KEY else f"; {ADVISED_KEY} are advised"
    return Finding(True, f"RSA, {key.key_size} bits{more}")


def dmarc(records: Sequence[str]) -> Finding | None:
    """What receivers do with mail that fails (RFC 7489), from the TXT records below `_dmarc`; None without one."""
    found = [each for each in records if re.match(r"v=DMARC1\s*(;|\Z)", each)]
    if not found:
        return None
    if len(found) > 1:
        return Finding(False, f"{len(found)} records, of which receivers take none: leave one")
    policy = _tags(found[0]).get("p", "").lower()
    if policy not in ("none", "quarantine", "reject"):
        return Finding(False, f"names no policy that is known (p=): {found[0]}")
    more = (
        " (p=none only watches; quarantine or reject once the reports are clean)" if policy == "none" else ""
    )
    return Finding(True, found[0] + more)


def dmarc_names(domain: str) -> Iterator[str]:
    """Where the policy of a domain may stand, in the order in which it is looked for: at the domain, then above it."""
    labels = domain.split(".")
    for at in range(max(1, len(labels) - 1)):
        yield "_dmarc." + ".".join(labels[at:])


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip(): value.strip() for name, sign, value in pairs if sign}
