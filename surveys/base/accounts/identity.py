"""Whom a provider of sign-ins vouches for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """A person as the provider knows them. `subject`: issuer and subject together, which nobody else ever has."""

    subject: str
    email: str | None
    email_verified: bool
    name: str | None
