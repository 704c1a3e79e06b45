"""The team's pages; `BLUEPRINT` holds them all, `registry.PAGES` lists them in the order of the navigation."""

from feedback.dashboard import assets, feed, overview, registry, tags

__all__ = ["BLUEPRINT", "feed", "overview", "tags"]

assets.install(registry.blueprint)

BLUEPRINT = registry.blueprint
