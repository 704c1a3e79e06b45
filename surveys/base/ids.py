"""Public identifiers: opaque, with a prefix that says what they name."""

import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford: nothing that is misread


def new(prefix: str) -> str:
    """A fresh id such as `sv_4k2…`: 120 random bits, so that it cannot be guessed."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))
