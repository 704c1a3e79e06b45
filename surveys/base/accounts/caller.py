"""Who is at the door."""

from dataclasses import dataclass

#: A scope and the scopes it includes.
SCOPES = {
    "trigger": {"trigger"},
    "read": {"read"},
    "write": {"read", "write"},
    "admin": {"trigger", "read", "write", "admin"},
}

#: What a member alone may: the pages about oneself. No key has it.
OWN = "own"


@dataclass(frozen=True)
class Caller:
    """Who calls, however they proved it: by a key, or signed in. What they may see is asked of `surveys.visible`.

    `id`: of the key or the member, so that what one caller made can be told from what another made. `name`: for
    people to read. `surveys`: the only ones that the caller may see, None for all. `member`: the id of a person of the
    team, None for a machine.
    """

    id: str
    name: str
    scopes: frozenset[str]
    surveys: frozenset[str] | None = None
    member: str | None = None

    def may(self, scope: str) -> bool:
        """Whether one of the caller's scopes is `scope` or includes it; `OWN` is every member's."""
        if scope == OWN:
            return self.member is not None
        return any(scope in SCOPES[own] for own in self.scopes)

    def lacking(self, scope: str) -> str:
        """What the caller is told where `scope` is missing: a member has a role, a key has scopes."""
        if self.member is not None:
            return "Your role does not open this. An administrator can change that."
        return f"This key lacks the scope '{scope}'."
