"""One blueprint a resource; `BLUEPRINTS` is the contents page."""

from surveys.views import answers, invitations, keys, operators, pages, surveys, triggers, widget

BLUEPRINTS = (
    answers.routes,
    widget.routes,
    pages.routes,
    triggers.routes,
    invitations.routes,
    surveys.routes,
    keys.routes,
    operators.routes,
)
