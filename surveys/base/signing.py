"""Tokens that cannot be forged: each has one purpose and is worthless for any other."""

import functools
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

from itsdangerous import Signer

#: Gives the key in force; then those that were in force before.
_secret: Callable[[], str] = str
_before: tuple[bytes, ...] = ()


class BadToken(Exception):
    """The token is not ours, was made for another purpose, or has run out."""


class Expired(BadToken):
    """It is ours and for this purpose, and has run out."""


def use_secret(secret: str | Callable[[], str], before: Sequence[str] = ()) -> None:
    """Set the key that all tokens of this process are made with; those made with a key `before` it are taken too.

    What gives the key is asked only once a token is made or read: a key that nobody needs is not made.
    """
    global _secret, _before
    _secret = secret if callable(secret) else lambda: secret
    _before = tuple(each.encode() for each in before)


def sign(purpose: str, value: str, expires: datetime | None = None) -> str:
    """A token that carries `value` for `purpose`, good until `expires` (for ever when None)."""
    end = int(expires.timestamp()) if expires else 0
    return _signer(purpose, _secrets()[0]).sign(f"{value}.{end:x}").decode()


def read(purpose: str, token: str, now: datetime) -> str:
    """The value in `token`. Raises BadToken, Expired when that is all that is wrong.

    Only the very letters that we issued are the token: base64 can be spelt in many ways, and a second spelling of one
    link is another link to every log, cache and block list.
    """
    content = token.rpartition(".")[0]
    try:
        ours = any(same(_signer(purpose, secret).sign(content).decode(), token) for secret in _secrets())
    except UnicodeEncodeError:
        ours = False
    if not ours:
        raise BadToken
    value, _, end = content.rpartition(".")
    if int(end, 16) and now.timestamp() > int(end, 16):
        raise Expired
    return value


def derive(purpose: str, *parts: str) -> str:
    """64 hex digits that belong to `purpose` and `parts`: secrets that need not be stored."""
    # hmac.digest lets other threads go first, which takes longer than the digest where many answer at once.
    mac = _begun(_secrets()[0]).copy()
    mac.update("\0".join((purpose, *parts)).encode())
    return mac.hexdigest()


def derived_keys(purpose: str) -> tuple[bytes, ...]:
    """32 bytes that belong to `purpose`, by the key in force and by each one before it."""
    return tuple(hmac.digest(secret, b"key:" + purpose.encode(), "sha256") for secret in _secrets())


def keyed_hash(purpose: str, value: str) -> str:
    """32 hex digits that tell equal values apart from others without giving the value away."""
    return derive("hash:" + purpose, value)[:32]


def hmac_sha256_hex(secret: str, message: str) -> str:
    """HMAC-SHA256 (RFC 2104) in hex: how a website signs the identity of its visitor."""
    return hmac.new(secret.encode(), message.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


@functools.lru_cache(maxsize=8)
def _begun(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod="sha256")


def _secrets() -> tuple[bytes, ...]:
    return (_secret().encode(), *_before)


def _signer(purpose: str, secret: bytes) -> Signer:
    return Signer(secret, salt="earshot." + purpose, key_derivation="hmac", digest_method=hashlib.sha256)
