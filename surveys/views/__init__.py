"""One blueprint a resource; `BLUEPRINTS` is the contents page."""

from surveys.views import answers, docs, keys, operators, pages, surveys, welcome, widget

BLUEPRINTS = (
    answers.routes,
    widget.routes,
    pages.routes,
    welcome.routes,
    surveys.routes,
    keys.routes,
    docs.routes,
    operators.routes,
)
