"""Feed and numbers over HTTP; `BLUEPRINTS` is the contents page."""

from feedback.views import feed, results

BLUEPRINTS = (feed.routes, feed.saved, feed.public, results.routes)
