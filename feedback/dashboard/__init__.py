"""The team's pages; `BLUEPRINT` holds them all, `registry.PAGES` lists them in the order of the navigation."""

from feedback.dashboard import (
    admin_audit,
    admin_keys,
    admin_members,
    admin_privacy,
    admin_service,
    assets,
    confirm,
    connections,
    explore,
    feed,
    follow_ups,
    front_door,
    loop,
    mine,
    mismatches,
    openid_connect,
    overview,
    people,
    profile,
    registry,
    surveys,
    tags,
    topics,
    triggers,
)

__all__ = [
    "BLUEPRINT",
    "admin_audit",
    "admin_keys",
    "admin_members",
    "admin_privacy",
    "admin_service",
    "confirm",
    "connections",
    "explore",
    "feed",
    "follow_ups",
    "front_door",
    "loop",
    "mine",
    "mismatches",
    "openid_connect",
    "overview",
    "people",
    "profile",
    "surveys",
    "tags",
    "topics",
    "triggers",
]

assets.install(registry.blueprint)

BLUEPRINT = registry.blueprint
