"""Saved views of the feed: who may read one knows its token; each goes with the key that made it."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from feedback.models import SavedFeed
from surveys import visible
from surveys.base import db, ids, signing
from surveys.base.accounts import keys, makers
from surveys.base.accounts.caller import Caller
from surveys.base.errors import Unauthorized


def save(name: str, filters: dict[str, Any], caller: Caller, now: datetime) -> tuple[SavedFeed, str]:
    """Save a view and return it with its token, which is not kept. It shows no more than the caller may see, whenever
    it is read (see `makers`).

    A member's view stays when a key is taken out of use. Raises Unauthorized when the caller's key was taken out of
    use meanwhile.
    """
    token = secrets.token_urlsafe(24)
    holder = caller.id if caller.member is None else makers.SERVICE

    def verb() -> SavedFeed:
        # Whoever revokes the key waits for this view, or this view for them.
        if holder != makers.SERVICE and not keys.hold(holder):
            raise Unauthorized
        return SavedFeed.create(
            id=ids.new("feed"),
            name=name,
            filters=filters,
            surveys=visible.only(caller),
            api_key=holder,
            digest=signing.keyed_hash("feed", token),
            created_at=now,
            made_by=caller.id,
        )

    return db.write(verb), token


def opened_by(token: str) -> SavedFeed | None:
    """The saved view that a token opens."""
    return SavedFeed.get_or_none(SavedFeed.digest == signing.keyed_hash("feed", token))


def derived_id(item_id: str) -> str:
    """The id an entry of a public view carries: stable, and no key to the response itself."""
    return signing.keyed_hash("feed entry", item_id)


def page_of(item_id: str) -> str:
    """The path of a response's page, for whoever may read of it and must not have the key to it."""
    return f"/team/feed/{derived_id(item_id)}"


def made_by(member_id: str) -> list[SavedFeed]:
    """The views that a member made, oldest first."""
    found = SavedFeed.select().where(SavedFeed.made_by == member_id)
    return list(found.order_by(SavedFeed.created_at, SavedFeed.id))


def take_over(row: SavedFeed, caller: Caller) -> None:
    """Somebody else answers for a view that is paused; it goes with their key, if they have one.

    Raises Missing and Clash (see `makers`).
    """
    makers.take_over(row, caller, api_key=caller.id if caller.member is None else makers.SERVICE)


def forget(feed_id: str) -> bool:
    """Revoke a saved view; False when there is none."""
    return db.write(SavedFeed.delete().where(SavedFeed.id == feed_id).execute) == 1


class OfMakers:
    """What becomes of saved views when the key or the member goes who made them (see `keys.use_things`)."""

    def made_with(self, maker_ids: Sequence[str]) -> Mapping[str, list[SavedFeed]]:
        """The views that each key or member made, oldest first."""
        found: dict[str, list[SavedFeed]] = {}
        theirs = SavedFeed.api_key.in_(maker_ids) | SavedFeed.made_by.in_(maker_ids)
        views = SavedFeed.select().where(theirs)
        for view in views.order_by(SavedFeed.created_at, SavedFeed.id):
            found.setdefault(view.api_key or str(view.made_by), []).append(view)
        return found

    def revoke(self, maker_id: str) -> None:
        """The views go with their maker."""
        theirs = (SavedFeed.api_key == maker_id) | (SavedFeed.made_by == maker_id)
        SavedFeed.delete().where(theirs).execute()

    def hand_over(self, maker_id: str) -> None:
        """The views stay, and are the service's."""
        for row in self.made_with([maker_id]).get(maker_id, []):
            values = {
                "api_key": makers.SERVICE,
                "made_by": makers.SERVICE,
                "surveys": makers.handed_over(row),
            }
            SavedFeed.update(values).where(SavedFeed.id == row.id).execute()

    def narrow(self, maker_id: str) -> None:
        """The views are paused, and kept to what their maker saw."""
        for row in self.made_with([maker_id]).get(maker_id, []):
            SavedFeed.update(surveys=makers.narrowed(row)).where(SavedFeed.id == row.id).execute()
