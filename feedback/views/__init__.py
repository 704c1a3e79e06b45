"""Feed and numbers over HTTP; `BLUEPRINTS` is the contents page."""

from feedback.views import (
    digests,
    exports,
    feed,
    follow_ups,
    pins,
    proofs,
    responses,
    results,
    rules,
    tags,
    topics,
)

BLUEPRINTS = (
    feed.routes,
    feed.saved,
    feed.public,
    responses.routes,
    exports.routes,
    results.routes,
    pins.routes,
    rules.routes,
    rules.said,
    digests.routes,
    digests.public_pages,
    tags.routes,
    topics.routes,
    proofs.routes,
    proofs.public,
    topics.above,
    topics.drivers,
    topics.sentiment,
    follow_ups.routes,
    follow_ups.opening,
    follow_ups.public_pages,
)
