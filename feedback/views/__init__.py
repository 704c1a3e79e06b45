"""Feed and numbers over HTTP; `BLUEPRINTS` is the contents page."""

from feedback.views import exports, feed, responses, results

BLUEPRINTS = (feed.routes, feed.saved, feed.public, responses.routes, exports.routes, results.routes)
