"""Tokens that cannot be forged: each has one purpose and is worthless for any other."""

import hashlib
import hmac
from datetime import datetime

from itsdangerous import BadSignature, Signer

_secret = b""


class BadToken(Exception):
    """The token is not ours, was made for another purpose, or has run out."""


def use_secret(secret: str) -> None:
    """Set the key that all tokens of this process are made with."""
    global _secret
    _secret = secret.encode()


def sign(purpose: str, value: str, expires: datetime | None = None) -> str:
    """A token that carries `value` for `purpose`, good until `expires` (for ever when None)."""
    end = int(expires.timestamp()) if expires else 0
    return _signer(purpose).sign(f"{value}.{end:x}").decode()


def read(purpose: str, token: str, now: datetime) -> str:
    """The value in `token`. Raises BadToken."""
    try:
        value, _, end = _signer(purpose).unsign(token.encode("utf-8", "replace")).decode().rpartition(".")
    except (BadSignature, UnicodeDecodeError):
        raise BadToken from None
    if int(end, 16) and now.timestamp() > int(end, 16):
        raise BadToken
    return value


def derive(purpose: str, *parts: str) -> str:
    """64 hex digits that belong to `purpose` and `parts`: secrets that need not be stored."""
    return hmac.digest(_secret, "\0".join((purpose, *parts)).encode(), "sha256").hex()


def keyed_hash(purpose: str, value: str) -> str:
    """32 hex digits that tell equal values apart from others without giving the value away."""
    return derive("hash:" + purpose, value)[:32]


def hmac_sha256_hex(secret: str, message: str) -> str:
    """HMAC-SHA256 (RFC 2104) in hex: how a website signs the identity of its visitor."""
    return hmac.new(secret.encode(), message.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


def _signer(purpose: str) -> Signer:
    return Signer(_secret, salt="earshot." + purpose, key_derivation="hmac", digest_method=hashlib.sha256)
