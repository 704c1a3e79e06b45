"""Passwords: kept as Argon2id (RFC 9106), refused when they can be guessed, compared in the same time whoever asks."""

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: Characters a password has at least, and at most (a longer one would only cost time).
SHORTEST, LONGEST = 12, 1000

#: How many different characters it has at least.
_DIFFERENT = 5

#: What OWASP's cheat sheet asks for at least: 19 MiB, two passes, one lane. Each costs a core about 20 ms.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

#: How many are computed at once in one process: each holds 19 MiB, and callers may come by the hundred.
_AT_ONCE = threading.BoundedSemaphore(4)

#: Belongs to no password that anybody has; whoever has no account is compared with it.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$1QUJoskM3h4vUdIvCScZjw$U6/kLgAajFA0gX5wnugjmg99KIVaO/GFm/x2Lo09W7c"


def hashed(password: str) -> str:
    """The password as it is kept, with its salt and its costs (PHC string)."""
    with _AT_ONCE:
        return _HASHER.hash(_normal(password))


def fits(kept: str | None, password: str) -> bool:
    """Whether a password is the one that was kept. Takes as long where none was kept, so that nobody can tell."""
    with _AT_ONCE:
        try:
            found: bool = _HASHER.verify(kept or _NOBODYS, _normal(password)[:LONGEST])
        except (VerificationError, InvalidHashError):
            found = False
    return found and kept is not None


def is_cheap(kept: str) -> bool:
    """Whether it was kept with other costs than those in force, and should be kept anew."""
    return _HASHER.check_needs_rehash(kept)


def fault(password: str, email: str) -> str | None:
    """What is wrong with a new password of whoever has this address; None where nothing is.

    Length is what counts (NIST SP 800-63B, 3.1.1.2): no kinds of characters are asked for.
    """
    text = _normal(password)
    if len(text) < SHORTEST:
        return f"Must have {SHORTEST} characters or more."
    if len(text) > LONGEST:
        return f"Must have at most {LONGEST} characters."
    if len(set(text.casefold())) < _DIFFERENT:
        return f"Must have {_DIFFERENT} different characters or more."
    name, _, domain = email.casefold().partition("@")
    rest = text.casefold()
    for known in (name, domain):
        rest = rest.replace(known, "") if len(known) > 3 else rest
    if len(rest) < SHORTEST // 2:
        return "Must not be made of your e-mail address."
    return None


def _normal(password: str) -> str:
    """One spelling for what looks the same: keyboards differ on how they send an umlaut."""
    return unicodedata.normalize("NFKC", password)
