"""Feed and numbers over HTTP; `BLUEPRINTS` is the contents page."""

from feedback.views import exports, feed, responses, results, topics

BLUEPRINTS = (
    feed.routes,
    feed.saved,
    feed.public,
    responses.routes,
    exports.routes,
    results.routes,
    topics.routes,
    topics.drivers,
    topics.sentiment,
)
