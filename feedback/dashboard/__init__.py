"""The team's pages; `BLUEPRINT` holds them all, `registry.PAGES` lists them in the order of the navigation."""

from feedback.dashboard import (
    admin_audit,
    admin_members,
    assets,
    confirm,
    feed,
    follow_ups,
    front_door,
    mine,
    openid_connect,
    overview,
    profile,
    registry,
    surveys,
    tags,
    topics,
)

__all__ = [
    "BLUEPRINT",
    "admin_audit",
    "admin_members",
    "confirm",
    "feed",
    "follow_ups",
    "front_door",
    "mine",
    "openid_connect",
    "overview",
    "profile",
    "surveys",
    "tags",
    "topics",
]

assets.install(registry.blueprint)

BLUEPRINT = registry.blueprint
