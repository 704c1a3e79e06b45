"""Says to whom a follow-up may be given."""

from surveys.base.accounts import members


def is_member(member_id: str) -> bool:
    """Whether there is somebody of the team with this id."""
    return members.get(member_id) is not None
