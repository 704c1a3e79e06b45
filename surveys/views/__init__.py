"""One blueprint a resource; `BLUEPRINTS` is the contents page."""

from surveys.views import (
    answers,
    asks,
    connections,
    docs,
    inbox,
    invitations,
    keys,
    operators,
    pages,
    people,
    surveys,
    triggers,
    welcome,
    widget,
)

BLUEPRINTS = (
    answers.routes,
    asks.routes,
    widget.routes,
    pages.routes,
    welcome.routes,
    triggers.routes,
    invitations.routes,
    connections.routes,
    inbox.routes,
    surveys.routes,
    people.routes,
    keys.routes,
    docs.routes,
    operators.routes,
)
