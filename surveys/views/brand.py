"""The company that asks: its brand over the API, its logos and its privacy page for everybody."""

from typing import Any

from flask import Response, g, make_response, redirect, request

from surveys import brands, catalogue, visible
from surveys.base import clock, errors
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.domain import pictures
from surveys.models import Survey
from surveys.schemas.brand import BrandOut, ServiceBrand

routes = Routes("brand", __name__, description="The company that asks, as customers see it.")

_PICTURE = {"schema": {"type": "string", "format": "binary"}}

#: A picture is shown as one and does nothing, also when it is opened by itself.
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "public, max-age=31536000, immutable",
    # Mail is read on other sites.
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@routes.route("/api/brand", methods=["GET"])
@needs("read")
@routes.response(200, BrandOut)
def show() -> Any:
    """The brand of the service; a survey's own `brand` stands over it."""
    return _shown(brands.stored())


@routes.route("/api/brand", methods=["PUT"])
@needs("write")
@routes.arguments(ServiceBrand)
@routes.response(200, BrandOut)
def replace(body: dict[str, Any]) -> Any:
    """Put another brand in its place; what is left out is no longer said."""
    visible.demand_all(g.caller, "The brand is shared by all surveys, and you see only some of them.")
    return _shown(catalogue.rebrand(body, clock.now()))


@routes.route("/brand/<hash>", methods=["GET"])
@routes.doc(
    responses={
        "200": {"description": "The picture.", "content": {kind: _PICTURE for kind in pictures.KINDS}},
        "404": {"description": "No such logo."},
    }
)
def logo(hash: str) -> Response:
    """A logo, the same for everybody. The hash is of its bytes, so it may be kept for ever."""
    found = brands.picture(hash)
    if found is None:
        raise errors.Missing
    answer = make_response(found[1])
    answer.mimetype = found[0]
    answer.headers.update(_HEADERS)
    answer.set_etag(hash)
    answer.make_conditional(request)
    return answer


@routes.route("/privacy", methods=["GET"])
@routes.doc(
    parameters=[
        {
            "in": "query",
            "name": "survey",
            "schema": {"type": "string"},
            "description": "Whose own privacy page to prefer.",
        }
    ],
    responses={
        "302": {"description": "To the privacy page of the company that asks."},
        "404": {"description": "There is none."},
    },
)
def privacy() -> Any:
    """Lead to the privacy page of the company that asks. Every link in a mail begins with BASE_URL: this one too."""
    asked = request.args.get("survey")
    survey = Survey.get_or_none(Survey.id == asked) if asked else None
    look = brands.of(survey) if survey else brands.service()
    if look.privacy_url is None:
        raise errors.Missing
    return redirect(look.privacy_url, 302)


def _shown(said: dict[str, Any]) -> dict[str, Any]:
    logos = {}
    for scheme, kept in said.get("logo", {}).items():
        found = brands.picture(kept["hash"])
        logos[scheme] = pictures.data_url(*found) if found else None
    empty = dict.fromkeys(brands.FIELDS)
    return empty | said | {"logo": logos or None, "notes": brands.notes(said)}
