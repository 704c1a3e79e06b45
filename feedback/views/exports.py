"""All responses as a file, streamed."""

from typing import Any

import marshmallow as ma
from flask import Response, g

from feedback import exports
from feedback.schemas.responses import ExportQuery
from feedback.views.feed import narrow
from surveys import visible
from surveys.base.errors import Refused
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs

routes = Routes("exports", __name__, url_prefix="/api/export", description="Everything, to take away.")


@routes.route("/responses.<any(csv, ndjson):kind>", methods=["GET"])
@needs("read")
@routes.arguments(ExportQuery, location="query", unknown=ma.INCLUDE)
@routes.doc(
    responses={
        "200": {
            "description": "All responses, newest first.",
            "content": {"text/csv": {}, "application/x-ndjson": {}},
        }
    }
)
def responses(query: dict[str, Any], kind: str) -> Response:
    """All responses that fit the filters of the feed, newest first, as CSV or as one JSON object a line."""
    delimiter = query.pop("delimiter", None)
    filters, seen = narrow(query), visible.only(g.caller)
    found = exports.items(filters, seen)
    if kind == "csv":
        lines = exports.table(found, delimiter or ",", exports.properties(filters, seen))
        mimetype = "text/csv"
    elif delimiter:
        raise Refused("Only CSV has one.", "delimiter")
    else:
        lines, mimetype = exports.ndjson(found), "application/x-ndjson"
    answer = Response(exports.pieces(lines), mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="responses.{kind}"'
    return answer
