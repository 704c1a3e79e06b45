"""One blueprint a resource; `BLUEPRINTS` is the contents page."""

from surveys.views import answers, keys, operators, pages, surveys, widget

BLUEPRINTS = (answers.routes, widget.routes, pages.routes, surveys.routes, keys.routes, operators.routes)
