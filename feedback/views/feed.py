"""The feed over the API, and saved views of it as Atom, JSON Feed and CSV."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import marshmallow as ma
from flask import Response, g, jsonify

from feedback import columns, saved_feeds, workbook
from feedback import feed as the_feed
from feedback import filters as the_filters
from feedback.domain.cells import xml_text
from feedback.domain.headings import first_words
from feedback.item import Item
from feedback.models import SavedFeed
from feedback.schemas.feed import (
    FeedOut,
    FeedQuery,
    SavedFeedBody,
    SavedFeedCreated,
    SavedFeedList,
    SavedFeedOut,
    ViewQuery,
)
from feedback.schemas.filters import ViewFilters
from surveys import links, responses, visible
from surveys.base import clock, errors
from surveys.base.accounts import makers
from surveys.base.accounts.makers import Sight
from surveys.base.http import context, lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent_secret

routes = Routes("feed", __name__, description="What customers say, as soon as they said it.")
saved = Routes("feeds", __name__, url_prefix="/api/feeds", description="Saved views of the feed.")
public = Routes("public feeds", __name__, description="Saved views of the feed.")

ENTRIES = 100
CSV_ROWS = 10_000
_ATOM = "http://www.w3.org/2005/Atom"

#: What whoever reads a view is told while it shows nothing.
_PAUSED = (
    "This view is paused: whoever made it may not see what it shows any more. Ask who gave you its address."
)


@routes.route("/api/feed", methods=["GET"])
@needs("read")
@routes.arguments(FeedQuery, location="query", unknown=ma.INCLUDE)
@routes.response(200, FeedOut)
def feed(query: dict[str, Any]) -> Any:
    """The feed, newest first.

    `order=asc` with a kept `cursor` follows first recordings, `order=changed` every change; both never skip and
    never repeat, and their `next` is never null. With `order=changed` a deleted item comes as its `id`,
    `deleted` and `version`, and one that changed and does not fit the filters as its `id`, `left` and `version`.
    """
    order = query.pop("order")
    limit = query.pop("limit")
    cursor = query.pop("cursor", None)
    like = query.pop("like", None)
    narrowed = narrow(query)
    if like:
        row = responses.find(like.lower())
        if row is None or not visible.sees(row, g.caller):
            raise errors.Refused("There is no such response.", "like")
        if cursor or order != "desc":
            raise errors.Refused(
                "Does not go with like: the nearest come first.", "cursor" if cursor else "order"
            )
        return {"items": the_feed.like([row.key], narrowed, limit, visible.only(g.caller)), "next": None}
    position = None
    if cursor:
        kind, tick, key = lists.decode_cursor(cursor, str, int, int)
        if kind != order:
            raise errors.Refused(f"Is a cursor of order={kind}.", "cursor")
        position = (tick, key)
    seen = visible.only(g.caller)
    page: the_feed.Page[Any]
    if order == "changed":
        page = the_feed.changes(narrowed, limit, position, seen)
    else:
        page = the_feed.page(narrowed, limit, order, position, seen)
    following = lists.encode_cursor(order, *page.position) if page.position else None
    return {"items": page.items, "next": following}


@saved.route("", methods=["GET"])
@needs("write")
@saved.arguments(lists.PageArgs, location="query")
@saved.response(200, SavedFeedList)
def index(query: dict[str, Any]) -> Any:
    """Saved views, newest first, without their tokens."""
    found = visible.narrowed(SavedFeed.select(), g.caller)
    rows, following = lists.newest_first(
        found, SavedFeed.created_at, SavedFeed.id, query.get("cursor"), query["limit"]
    )
    makers.sights(rows)
    return {"items": rows, "next": following}


@saved.route("", methods=["POST"])
@needs("write")
@idempotent_secret
@saved.arguments(SavedFeedBody)
@saved.response(201, SavedFeedCreated)
def create(body: dict[str, Any]) -> Any:
    """Save a view. The token, which is the secret in its addresses, is shown this once."""
    filters = {name: value for name, value in body["filters"].items() if value is not None}
    try:
        loaded = ViewFilters().load(filters, unknown=ma.INCLUDE)
    except ma.ValidationError as error:
        raise ma.ValidationError({"filters": error.messages}) from None
    narrow(loaded, "filters.")
    row, token = saved_feeds.save(body["name"], filters, g.caller, clock.now())
    urls = {kind: links.to(f"/feed/{token}.{kind}") for kind in ("atom", "json", "csv", "xlsx")}
    shown = {name: getattr(row, name) for name in ("id", "name", "filters", "paused")}
    return {**shown, "token": token, "urls": urls}


@saved.route("/<feed_id>/take-over", methods=["POST"])
@needs("write")
@saved.response(200, SavedFeedOut)
def take_over(feed_id: str) -> Any:
    """Answer for a view that is paused because its maker may not see any more what it shows; 409 if it is not."""
    saved_feeds.take_over(visible.own(SavedFeed, feed_id, g.caller), g.caller)
    row = visible.own(SavedFeed, feed_id, g.caller)
    makers.sight(row)
    return row


@saved.route("/<feed_id>", methods=["DELETE"])
@needs("write")
@saved.response(204)
def delete(feed_id: str) -> Any:
    """Revoke a saved view; its addresses stop working at once."""
    saved_feeds.forget(visible.own(SavedFeed, feed_id, g.caller).id)


@public.route("/feed/<token>.<any(atom, json, csv, xlsx):kind>", methods=["GET"])
@public.arguments(ViewQuery, location="query", unknown=ma.EXCLUDE)
@public.doc(
    responses={
        "200": {
            "description": "The saved view.",
            "content": {
                "application/atom+xml": {},
                "application/feed+json": {},
                "text/csv": {},
                workbook.KIND: {},
            },
        }
    }
)
def view(query: dict[str, Any], token: str, kind: str) -> Response:
    """A saved view of the feed as Atom 1.0 (RFC 4287), JSON Feed 1.1 or CSV (RFC 4180).

    It is empty while whoever made it may see nothing that it shows.
    """
    row = saved_feeds.opened_by(token)
    if row is None:
        raise errors.Missing
    seen = makers.sight(row)
    address = links.to(f"/feed/{token}.{kind}")
    if query and kind != "csv":
        raise errors.Refused("Only CSV has one.", "delimiter")
    answer = (
        _csv(row, seen, **query)
        if kind == "csv"
        else {"atom": _atom, "json": _json, "xlsx": _xlsx}[kind](row, seen, address)
    )
    answer.headers["Cache-Control"] = "private, max-age=60"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def narrow(filters: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Filters as the queries want them. Raises Refused for one that names what is not there or not to be seen."""
    the_filters.check(filters, g.caller, prefix)
    return the_filters.moments(filters, context.settings().time_zone)


def _shown(row: SavedFeed, seen: Sight, limit: int, with_words: bool = False) -> list[Item]:
    """The newest items of a saved view. One whose filters are none any more, or name something gone, has none.

    `with_words`: without those that say nothing, unless the view asks for them.
    """
    try:
        filters = the_filters.moments(
            ViewFilters().load(row.filters, unknown=ma.INCLUDE), context.settings().time_zone
        )
    except ma.ValidationError:
        return []
    if seen.paused:
        return []
    if with_words:
        filters.setdefault("has_comment", "1")
    return the_feed.page(filters, limit, surveys=seen.surveys).items


def _entries(row: SavedFeed, seen: Sight) -> list[tuple[Item, str]]:
    """Items for a reader of news, each with its survey's name."""
    items = _shown(row, seen, ENTRIES, with_words=True)
    names = the_feed.names_of_surveys({item.survey for item in items})
    return [(item, names.get(item.survey, "")) for item in items]


def _title(item: Item) -> str:
    score = "–" if item.score is None else item.score
    return first_words(item.comment or "") or f"{item.metric.upper()} {score} · {item.group or 'no score'}"


def _heading(row: SavedFeed, seen: Sight) -> str:
    """What a view is called, with its survey's name where it shows one alone."""
    shown = seen.surveys if seen.paused or "survey" not in row.filters else [row.filters["survey"]]
    names = the_feed.names_of_surveys(shown) if shown and len(shown) == 1 else {}
    return " · ".join([row.name, *(name for name in names.values() if name not in row.name)])


def _atom(row: SavedFeed, seen: Sight, address: str) -> Response:
    ElementTree.register_namespace("", _ATOM)

    def child(
        parent: ElementTree.Element, tag: str, text: str | None = None, **attributes: str
    ) -> ElementTree.Element:
        element = ElementTree.SubElement(parent, f"{{{_ATOM}}}{tag}", attributes)
        element.text = xml_text(text) if text is not None else None
        return element

    entries = _entries(row, seen)
    root = ElementTree.Element(f"{{{_ATOM}}}feed")
    child(root, "id", f"urn:earshot:{row.id}")
    child(root, "title", _heading(row, seen))
    if seen.paused:
        child(root, "subtitle", _PAUSED)
    changed = max((item.updated_at for item, _ in entries), default=row.created_at)
    child(root, "updated", clock.stamp(changed))
    child(root, "link", rel="self", href=address, type="application/atom+xml")
    child(child(root, "author"), "name", "Earshot")
    for item, survey_name in entries:
        entry = child(root, "entry")
        child(entry, "id", f"urn:earshot:{saved_feeds.derived_id(item.id)}")
        child(entry, "title", _title(item))
        child(entry, "link", rel="alternate", href=_team_page(item), type="text/html")
        # Readers show an author beside the title; who answered is nobody's business here.
        child(child(entry, "author"), "name", survey_name)
        child(entry, "published", clock.stamp(item.created_at))
        child(entry, "updated", clock.stamp(item.updated_at))
        child(entry, "content", item.comment or "", type="text")
        for term in _terms(item):
            child(entry, "category", term=xml_text(term))
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(body, mimetype="application/atom+xml")


def _json(row: SavedFeed, seen: Sight, address: str) -> Response:
    answer = jsonify(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": _heading(row, seen),
            **({"description": _PAUSED} if seen.paused else {}),
            "feed_url": address,
            "items": [_news(item, survey_name) for item, survey_name in _entries(row, seen)],
        }
    )
    answer.mimetype = "application/feed+json"
    return answer


def _news(item: Item, survey_name: str) -> dict[str, Any]:
    """An item of JSON Feed; what it has no names for stands in `_earshot`."""
    of_item = ("survey", "metric", "score", "group", "sentiment", "channel", "touchpoint")
    known = columns.whole(item)
    return {
        "id": saved_feeds.derived_id(item.id),
        "url": _team_page(item),
        "title": _title(item),
        "content_text": item.comment or "",
        "date_published": known["created_at"],
        "date_modified": known["updated_at"],
        "authors": [{"name": survey_name}],
        **({"language": item.language} if item.language else {}),
        "tags": _terms(item),
        "_earshot": {"survey_name": survey_name, **{name: known[name] for name in of_item}},
    }


def _team_page(item: Item) -> str:
    """Where the team reads an entry; whoever only has the view is asked to sign in."""
    return links.to(saved_feeds.page_of(item.id))


def _rows(row: SavedFeed, seen: Sight) -> Iterator[list[Any]]:
    """A saved view as the rows of a table, beneath their names."""
    items = (replace(item, id=saved_feeds.derived_id(item.id)) for item in _shown(row, seen, CSV_ROWS))
    return columns.rows(items, columns.OF_VIEWS)


def _csv(row: SavedFeed, seen: Sight, delimiter: str = ",") -> Response:
    answer = Response("".join(columns.lines(_rows(row, seen), delimiter)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="feed.csv"'
    return answer


def _xlsx(row: SavedFeed, seen: Sight, address: str) -> Response:
    answer = Response(b"".join(workbook.pieces(_rows(row, seen))), mimetype=workbook.KIND)
    answer.headers["Content-Disposition"] = 'attachment; filename="feed.xlsx"'
    return answer


def _terms(item: Item) -> list[str]:
    feeling = item.sentiment.label if item.sentiment else None
    terms = [item.group, feeling, *(topic.label for topic in item.topics), *item.tags]
    return [term for term in terms if term]
