"""One blueprint a resource; `BLUEPRINTS` is the contents page."""

from surveys.views import answers, docs, keys, operators, pages, people, surveys, welcome, widget

BLUEPRINTS = (
    answers.routes,
    widget.routes,
    pages.routes,
    welcome.routes,
    surveys.routes,
    people.routes,
    keys.routes,
    docs.routes,
    operators.routes,
)
