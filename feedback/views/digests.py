"""Digests over the API, and the page at which whoever gets one, or notices, confirms and stops them."""

from typing import Any

from flask import Response, g

from feedback import digests, readers
from feedback import filters as the_filters
from feedback.models import Digest, Reader
from feedback.schemas.digests import DigestBody, DigestForm, DigestList, DigestOut, state
from surveys import visible
from surveys.base import clock
from surveys.base.accounts import makers
from surveys.base.errors import Missing
from surveys.base.http import bodies, lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent
from surveys.domain import addresses
from surveys.views import layout, public

routes = Routes(
    "digests",
    __name__,
    url_prefix="/api/digests",
    description="A view of the feed by mail, every day, week or month.",
)
public_pages = Routes("digest page", __name__, description="For readers of digests: no key needed.")
layout.errors_as_pages(public_pages)
layout.keep_private(public_pages)


@routes.route("", methods=["GET"])
@needs("write")
@routes.arguments(lists.PageArgs, location="query")
@routes.response(200, DigestList)
def index(query: dict[str, Any]) -> Any:
    """Digests, newest first."""
    found = visible.narrowed(digests.there(Digest.select()), g.caller)
    rows, following = lists.newest_first(
        found, Digest.created_at, Digest.id, query.get("cursor"), query["limit"]
    )
    makers.sights(rows)
    return {"items": rows, "next": following}


@routes.route("", methods=["POST"])
@needs("write")
@idempotent
@routes.arguments(DigestBody)
@routes.response(201, DigestOut)
def create(body: dict[str, Any]) -> Any:
    """Have a digest sent. Who has no account here gets a mail first, and nothing else until they click in it."""
    the_filters.check(body["filters"], g.caller, "filters.")
    return digests.create(body, g.caller, clock.now())


@routes.route("/<digest_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def delete(digest_id: str) -> Any:
    """End a digest."""
    row = visible.own(Digest, digest_id, g.caller)
    if row.outcome == digests.DELETED:
        raise Missing
    digests.delete(row)


@public_pages.route("/d/<token>", methods=["GET"])
@public_pages.doc(responses={"200": layout.HTML})
def show(token: str) -> Response:
    """Where a digest, or notices, are confirmed and stopped. Opening it changes nothing: machines open every link."""
    return _page(_opened(token), token)


@public_pages.route("/d/<token>", methods=["POST"])
@public_pages.doc(
    # Where no parameter may be left out, openapi-python-client 0.29 makes a client that cannot be imported.
    parameters=[
        {
            "in": "header",
            "name": "Accept-Language",
            "schema": {"type": "string"},
            "description": "The language of a page that tells of an error.",
        }
    ],
    requestBody={
        "required": True,
        "content": {kind: {"schema": DigestForm} for kind in DigestForm.types},
    },
    responses={"200": layout.HTML, "422": {**layout.HTML, "description": "Asks again."}},
)
def take(token: str) -> Response:
    """Confirm a digest or notices (`do=confirm`, by the page's own form) or stop them.

    Stopping needs no token, cookie or redirect and has no limit (RFC 8058, 3.1).
    """
    given = DigestForm().load(bodies.form_fields(DigestForm.body_limit))
    row = _opened(token)
    confirms = given["do"] == "confirm" and given["one_click"] is None
    if confirms and not public.is_of_page(given, token):
        return _page(row, token, 422)
    what: Any = digests if isinstance(row, Digest) else readers
    (what.confirm if confirms else what.stop)(row, clock.now())
    return _page(_opened(token), token)


# ------------------------------------------------------------------------------------------------------


def _opened(token: str) -> Digest | Reader:
    """What the address is of. Raises Missing."""
    now = clock.now()
    try:
        return digests.opened_by(token, now)
    except Missing:
        return readers.opened_by(token, now)


def _page(row: Digest | Reader, token: str, status: int = 200) -> Response:
    said: dict[str, Any] = {"state": "", "name": "these notices", "when": None}
    if isinstance(row, Reader):
        said["state"] = readers.state(row)
    else:
        rhythm = {"daily": "day", "weekly": "week", "monthly": "month"}[row.when]
        said = {"state": state(row), "name": "this digest", "when": rhythm}
    return layout.page(
        "digest.html",
        "en",
        status,
        token=public.form_token(token),
        refused=status != 200,
        **said,
        email=addresses.readable(row.email),
    )
