"""One blueprint a resource; `BLUEPRINTS` is the contents page."""

from surveys.views import answers, keys, operators, pages, people, surveys, widget

BLUEPRINTS = (
    answers.routes,
    widget.routes,
    pages.routes,
    surveys.routes,
    people.routes,
    keys.routes,
    operators.routes,
)
