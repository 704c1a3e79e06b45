"""The OpenAPI document, and Swagger UI to read it and try it, served from here."""

from functools import cache
from importlib import resources
from importlib.metadata import version
from typing import Any

from flask import Response, current_app, jsonify, make_response

from surveys import brands
from surveys.base.errors import Missing
from surveys.base.http.bodies import Routes
from surveys.views import layout

routes = Routes("docs", __name__, url_prefix="/api", description="This document.")

#: What of the package is shown; its own start script is inline, which our policy forbids.
_FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "LICENSE": "text/plain",
}
_PACKAGE = "flask_swagger_ui"

_DOCUMENT = {"type": "object", "additionalProperties": True}


@routes.route("/openapi.json", methods=["GET"])
@routes.doc(
    responses={
        "200": {"description": "OpenAPI 3.1.0.", "content": {"application/json": {"schema": _DOCUMENT}}}
    }
)
def document() -> Response:
    """This document."""
    answer = jsonify(current_app.extensions["openapi"]())
    answer.headers["Cache-Control"] = "no-cache"
    answer.add_etag()
    return answer


@routes.route("/docs", methods=["GET"])
@routes.doc(responses={"200": {"description": "The page.", "content": {"text/html": {}}}})
def pages() -> Response:
    """This document as pages to read and to try."""
    return layout.page("docs.html", "en", brand=brands.NONE, version=_version())


@routes.route(
    "/docs/<release>/<any('swagger-ui.css', 'swagger-ui-bundle.js', LICENSE):name>", methods=["GET"]
)
@routes.doc(responses={"200": {"description": "The file.", "content": {t: {} for t in _FILES.values()}}})
def file(release: str, name: str) -> Response:
    """A file of the pages; its address changes with the release, so browsers keep it for good."""
    if release != _version():
        raise Missing
    answer = make_response(_content(name))
    answer.mimetype = _FILES[name]
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def _version() -> str:
    return version(_PACKAGE.replace("_", "-"))


@cache
def _content(name: str) -> Any:
    return (resources.files(_PACKAGE) / "dist" / name).read_bytes()
