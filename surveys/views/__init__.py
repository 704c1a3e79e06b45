"""One blueprint a resource; `BLUEPRINTS` is the contents page."""

from surveys.views import (
    answers,
    docs,
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
    widget.routes,
    pages.routes,
    welcome.routes,
    triggers.routes,
    invitations.routes,
    surveys.routes,
    people.routes,
    keys.routes,
    docs.routes,
    operators.routes,
)
