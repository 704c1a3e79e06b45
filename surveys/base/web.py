"""The edge: reading bodies, proving keys, pages of lists, one shape for every error, security headers."""

import base64
import binascii
import functools
import hashlib
import io
import json
import math
import re
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
import structlog
from flask import Flask, Request, Response, current_app, g, jsonify, make_response, request
from flask_smorest import Blueprint
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser

from surveys.base import clock, db, sealing, signing
from surveys.base.accounts import keys
from surveys.base.http import forwarded, idempotency, openapi
from surveys.base.settings import Settings
from surveys.base.version import VERSION

log = structlog.get_logger()

PUBLIC_BODY = 32 * 1024
API_BODY = 1024 * 1024
DEPTH = 16
FORM_PARTS = 50
PAGE_DEFAULT, PAGE_MOST = 50, 200
RETRY_AWAY_SECONDS = 2

#: No script but ours, no frame around us, nothing from elsewhere.
POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"


#: On every answer that does not say otherwise.
_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", POLICY),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
)


class Problem(Exception):
    """An answer other than the good one, in the contract's error shape."""

    def __init__(
        self,
        status: int,
        message: str,
        fields: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.fields, self.headers = status, message, fields or {}, headers or {}


def not_found() -> Problem:
    """The one 404: what is not there and what is not yours look alike."""
    return Problem(404, "There is nothing here.")


def unknown_key() -> Problem:
    """The 401 of whoever sends no key, or one that is not in use."""
    return Problem(
        401,
        "Send a valid key: Authorization: Bearer <key>.",
        headers={"WWW-Authenticate": 'Bearer realm="earshot"'},
    )


def invalid(field: str, message: str) -> Problem:
    """A 422 about one field."""
    return Problem(422, "The request is well-formed but not valid.", {field: [message]})


def problem_answer(problem: Problem) -> Response:
    """The error shape as an answer."""
    error = {
        "code": openapi.ERRORS.get(problem.status, ("error",))[0],
        "message": problem.message,
        "fields": problem.fields,
        "request_id": request_id(),
    }
    answer = jsonify({"error": error})
    answer.status_code = problem.status
    answer.headers.extend(problem.headers)
    return answer


# ---------------------------------------------------------------------------------------------- set-up


class Application(Flask):
    """Flask without the question, at each of ten steps of a request, whether a function is a coroutine."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """`func`: no view and no hook of ours is asynchronous."""
        return func


def install(app: Flask, settings: Settings) -> None:
    """Give `app` request ids, headers, one error shape and strict bodies."""
    app.extensions["earshot"] = settings
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    # Comments are text wherever they are shown: no template is exempt, whatever its ending.
    app.jinja_env.autoescape = True
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(Exception, lambda error: problem_answer(problem_of(error)))


def settings() -> Settings:
    """The settings of the running app."""
    return current_app.extensions["earshot"]


def request_id() -> str:
    """This request's id, also in the header X-Request-Id and in the log."""
    found = g.get("request_id")
    if found is None:
        found = g.request_id = secrets.token_hex(8)
    return found


def nonce() -> str:
    """This answer's CSP nonce."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return g.nonce


def page_policy(frame_ancestors: str = "'none'", connect: str = "'self'") -> str:
    """The Content-Security-Policy of a page with our own nonce-marked script and style."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce()}'; style-src 'nonce-{nonce()}'; img-src 'self' data:; "
        f"connect-src {connect}; form-action 'self'; base-uri 'none'; frame-ancestors {frame_ancestors}"
    )


def _begin() -> None:
    request_id()
    if "\x00" in request.path:
        raise not_found()
    encoding = request.content_encoding
    if encoding and encoding.lower() != "identity":
        raise Problem(415, "Compressed bodies are not accepted.")


def _finish(answer: Response) -> Response:
    headers = answer.headers
    given = {name.lower() for name, _ in headers}
    headers.add("X-Request-Id", request_id())
    for name, value in _HEADERS:
        if name.lower() not in given:
            headers.add(name, value)
    for_the_team = request.path.startswith("/api/")
    if for_the_team:
        # Never where anybody may look: a version tells which faults to try.
        headers.add("Earshot-Version", VERSION)
    if for_the_team or answer.status_code >= 400:
        headers.setdefault("Cache-Control", "no-store")
    return answer


def problem_of(error: Exception) -> Problem:
    """What the caller is told of any error; the unforeseen is logged and says nothing of itself."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ma.ValidationError):
        messages = error.messages if isinstance(error.messages, dict) else {"_": error.messages}
        return Problem(422, "The request is well-formed but not valid.", flatten(messages))
    if isinstance(error, HTTPException):
        return _http_problem(error)
    if db.away(error) or db.no_room(error):
        db.forget_connection()
        log.error("database away", error=db.reason(error))
        return Problem(
            503,
            "The database cannot be reached or takes no more. Try again in a moment.",
            headers={"Retry-After": str(RETRY_AWAY_SECONDS)},
        )
    if db.lost_parent(error):
        log.warning("deleted meanwhile", error=type(error).__name__)
        return not_found()
    log.error("fault", exc_info=error)
    return Problem(500, "Something went wrong on our side; it has been written down.")


def _http_problem(error: HTTPException) -> Problem:
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    messages = {
        404: "There is nothing here.",
        405: "This address does not take that method.",
        413: "The body is too large.",
    }
    return Problem(status, messages.get(status, error.name + "."), headers=headers)


def flatten(messages: Mapping[Any, Any], prefix: str = "") -> dict[str, list[str]]:
    """marshmallow's nested messages as `{"person.email": ["…"]}`."""
    flat: dict[str, list[str]] = {}
    for name, value in messages.items():
        if name in ("json", "query", "form") and not prefix and isinstance(value, Mapping):
            flat.update(flatten(value))
            continue
        path = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(value, Mapping):
            flat.update(flatten(value, path.removesuffix("._schema")))
        else:
            flat[path] = [str(line) for line in (value if isinstance(value, list) else [value])]
    return flat


# ---------------------------------------------------------------------------------------------- bodies


def form_fields(limit: int) -> dict[str, str]:
    """The fields of an HTML form, the first of each name; files are not read.

    Raises 413, 415 (neither of the two forms that browsers send) or 422 (text that cannot be stored).
    """
    if request.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise Problem(415, "Send the body as multipart/form-data or application/x-www-form-urlencoded.")
    raw = body_bytes(limit)
    parser = FormDataParser(max_form_memory_size=limit, max_form_parts=FORM_PARTS)
    _, form, _ = parser.parse(io.BytesIO(raw), request.mimetype, len(raw), request.mimetype_params)
    # A part of a multipart form may come without a name; no browser sends one.
    fields = {name: value for name, value in form.to_dict().items() if name is not None}
    check_text(fields)
    return fields


def body_bytes(limit: int) -> bytes:
    """The raw body. Raises a 413 over `limit` bytes, whether a length was announced or not."""
    raw = g.get("body")
    if raw is not None:
        return raw
    if (request.content_length or 0) > limit:
        raise Problem(413, f"The body is larger than {limit} bytes.")
    # One byte more than allowed, read by ourselves: Werkzeug cuts a chunked body at its limit silently.
    request.max_content_length = None
    raw = request.stream.read(limit + 1)
    if len(raw) > limit:
        raise Problem(413, f"The body is larger than {limit} bytes.")
    g.body = raw
    return raw


def read_json(limit: int, types: Iterable[str] = ("application/json",)) -> Any:
    """The body as JSON: UTF-8, no NaN, no duplicate names, no NUL or lone surrogate, at most 16 deep.

    Raises 413, 415, 400 (not JSON) or 422 (JSON that cannot be stored faithfully).
    """
    mimetype = request.mimetype
    if mimetype not in types and not (mimetype.endswith("+json") and "application/json" in types):
        raise Problem(415, f"Send the body as {' or '.join(types)}.")
    return parse_json(body_bytes(limit))


def parse_json(raw: bytes) -> Any:
    """`read_json` for bytes that are already here."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(400, "The body is not UTF-8.") from None
    # json.loads would need a Python frame a level; deep nesting is refused by a scan that needs none.
    if (text.count("[") + text.count("{")) > DEPTH and _depth(text) > DEPTH:
        raise Problem(422, f"The body is nested more than {DEPTH} deep.")
    try:
        value = json.loads(
            text,
            parse_constant=_no_constant,
            object_pairs_hook=_no_duplicates,
            parse_int=_no_giant,
            parse_float=_finite,
        )
    except RecursionError:
        raise Problem(422, f"The body is nested more than {DEPTH} deep.") from None
    except ValueError as error:
        raise Problem(400, f"The body is not JSON: {str(error)[:120]}") from None
    # A NUL or half a surrogate pair can only come out of an escape; most bodies have none.
    if "\\u" in text or "\x00" in text:
        check_text(value)
    return value


def check_text(value: Any, path: str = "") -> None:
    """Raise a 422 when a text in `value` holds NUL or a lone surrogate: databases differ on them."""
    if isinstance(value, str):
        if "\x00" in value or _SURROGATE.search(value):
            raise invalid(path or "_", "Must not contain NUL or half of a surrogate pair.")
    elif isinstance(value, dict):
        for name, item in value.items():
            check_text(name, path or "_")
            check_text(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_text(item, f"{path}.{index}" if path else str(index))


_SURROGATE = re.compile("[\ud800-\udfff]")
# Possessive, and content with a string that never ends: otherwise 32 KiB of escaped quotes take ten seconds.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        token = match.group()
        if token in "[{":  # noqa: S105
            depth += 1
            deepest = max(deepest, depth)
        elif token in "]}":  # noqa: S105
            depth -= 1
    return deepest


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        check_text(twice)
        raise invalid(twice[:100], "Is given twice.")
    return value


def _no_giant(digits: str) -> int:
    if len(digits) > 20:
        raise Problem(422, "The body holds a number that is too large.")
    return int(digits)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Problem(422, "The body holds a number that is too large.")
    return value


class StrictParser(FlaskParser):
    """webargs reading bodies our way, refusing every field that no schema names."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": ma.RAISE, "query": ma.RAISE}

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        value = read_json(
            getattr(schema, "body_limit", API_BODY), getattr(schema, "types", ("application/json",))
        )
        if not isinstance(value, dict):
            raise Problem(422, "The body must be a JSON object.", {"_": ["Must be an object."]})
        return value

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        for name, value in req.args.items(multi=True):
            if "\x00" in name or "\x00" in value:
                raise invalid(name.replace("\x00", "") or "_", "Must not contain NUL.")
            check_text(value, name)
        return super().load_querystring(req, schema)

    def handle_error(self, error: ma.ValidationError, *_: Any, **__: Any) -> Any:
        raise error


class Routes(openapi.Described):
    """A flask-smorest blueprint with strict bodies."""

    ARGUMENTS_PARSER = StrictParser()


def route(app: Flask, blueprints: Sequence[Blueprint]) -> None:
    """Register all routes; `app.extensions["openapi"]()` is the document that describes them.

    It is put together when it is first asked for: that takes several times as long as the rest of a start.
    """
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    base_url = app.extensions["earshot"].base_url
    app.extensions["openapi"] = functools.cache(lambda: openapi.describe(blueprints, base_url))


# ------------------------------------------------------------------------------------------------ keys


def needs(scope: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only keys with `scope` in; the key is then `g.key`."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            g.key = _proven_key()
            if not g.key.may(scope):
                raise Problem(403, f"This key lacks the scope '{scope}'.")
            return view(*args, **kwargs)

        wrapper._apidoc = getattr(wrapper, "_apidoc", {})  # type: ignore[attr-defined]
        wrapper._apidoc.setdefault("manual_doc", {})["security"] = [{"key": [scope]}]  # type: ignore[attr-defined]
        return wrapper

    return decorate


def _proven_key() -> keys.ApiKey:
    kind, _, secret = (request.headers.get("Authorization") or "").partition(" ")
    found = keys.look_up(secret.strip()) if kind.lower() == "bearer" and secret.strip() else None
    if found is None:
        raise unknown_key()
    return found


def idempotent(view: Callable[..., Any]) -> Callable[..., Any]:
    """Replay the first answer to a creating call that comes again with the same Idempotency-Key."""
    return _idempotent(view, sealed=False)


def idempotent_secret(view: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a call whose answer shows a secret: it is kept sealed until then."""
    return _idempotent(view, sealed=True)


def _idempotent(view: Callable[..., Any], sealed: bool) -> Callable[..., Any]:
    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        given = request.headers.get("Idempotency-Key")
        if given is None:
            return view(*args, **kwargs)
        if not 1 <= len(given) <= 255:
            raise invalid("Idempotency-Key", "Must have 1 to 255 characters.")
        body = hashlib.sha256(request.full_path.encode() + b"\0" + body_bytes(API_BODY)).hexdigest()
        digest = signing.keyed_hash("idempotency", f"{g.key.id}\0{request.method} {request.path}\0{given}")
        try:
            earlier = idempotency.begin(digest, body, clock.now())
        except idempotency.OtherBody:
            raise invalid("Idempotency-Key", "Was used with another body.") from None
        except idempotency.StillRunning:
            raise Problem(409, "The first call with this Idempotency-Key is still running.") from None
        except idempotency.Unanswered:
            raise Problem(
                409,
                "The first call with this Idempotency-Key was cut off, and may have made what it was to make. "
                "Look for it, and call again with another key only when it is not there.",
            ) from None
        if earlier is not None:
            try:
                kept = idempotency.answer_of(earlier)
            except sealing.Unreadable:
                raise Problem(409, "What was made cannot be shown again.") from None
            answer = current_app.response_class(kept, earlier.status, mimetype="application/json")
            answer.headers["Idempotent-Replayed"] = "true"
            return answer
        try:
            answer = make_response(view(*args, **kwargs))
        except BaseException:
            # Nothing was made: the caller may mend the body and use the same key.
            idempotency.forget(digest)
            raise
        idempotency.finish(digest, answer.status_code, answer.get_data(as_text=True), sealed)
        return answer

    wrapper._apidoc = getattr(wrapper, "_apidoc", {})  # type: ignore[attr-defined]
    manual = wrapper._apidoc.setdefault("manual_doc", {})  # type: ignore[attr-defined]
    manual.setdefault("parameters", []).append(openapi.IDEMPOTENCY_KEY)
    return wrapper


# ----------------------------------------------------------------------------------------------- pages


def encode_cursor(*parts: Any) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(text: str, *kinds: type) -> list[Any]:
    """What `encode_cursor` was given. Raises a 422 when it was not ours or for another kind of list."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        check_text(parts)
    except (binascii.Error, ValueError, RecursionError, Problem):
        parts = None
    bounds = not isinstance(parts, list) or any(type(p) is int and abs(p) >= 2**63 for p in parts)
    if (
        bounds
        or len(parts) != len(kinds)
        or any(type(p) is not kind for p, kind in zip(parts, kinds, strict=True))
    ):
        raise invalid("cursor", "Is not a cursor of this list.")
    return parts


class Digits(ma.fields.Integer):
    """A whole number in a query: plain digits, where int() also takes `1_0`, ` 5` and `٣`."""

    def _validated(self, value: Any) -> Any:
        if not re.fullmatch("-?[0-9]{1,18}", str(value)):
            raise self.make_error("invalid", input=value)
        return int(value)


class PageArgs(ma.Schema):
    """How much of a list."""

    limit = Digits(
        load_default=PAGE_DEFAULT,
        validate=ma.validate.Range(1, PAGE_MOST),
        metadata={"description": "Items a page."},
    )
    cursor = ma.fields.String(
        metadata={"description": "`next` of the page before."}, validate=ma.validate.Length(1, 500)
    )


def newest_first(
    query: Any, created_at: Any, id_: Any, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """One page of `query`, newest first, and the cursor of the next page (None on the last)."""
    if cursor:
        text, last_id = decode_cursor(cursor, str, str)
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError(text)
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise invalid("cursor", "Is not a cursor of this list.") from None
        query = query.where((created_at < moment) | ((created_at == moment) & (id_ < last_id)))
    rows = list(query.order_by(created_at.desc(), id_.desc()).limit(limit + 1))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], encode_cursor(getattr(last, created_at.name).isoformat(), getattr(last, id_.name))


# ---------------------------------------------------------------------------------------------- callers


def client_address() -> str:
    """Who calls: the peer, or as many hops before it as TRUSTED_PROXIES says.

    Where the proxy does not know who called it, the next that is known. `Forwarded` is read where there is no
    `X-Forwarded-For`: a proxy that writes the one lets the other pass as it came.
    """
    hops = settings().trusted_proxies
    peer = request.remote_addr or ""
    if not hops:
        return peer
    told = request.headers.get("X-Forwarded-For")
    chain = [part for part in told.split(",") if part.strip()] if told else _forwarded()
    known = (forwarded.node(entry) for entry in [*chain, peer][max(0, len(chain) - hops) :])
    return next((node for node in known if node), peer)


def _forwarded() -> list[str]:
    """Who called each proxy, by the header Forwarded."""
    return forwarded.nodes(request.headers.get("Forwarded", ""))


def new_uuid(text: str) -> str:
    """A UUID in its usual form. Raises ValueError."""
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        raise ValueError(text)
    return str(uuid.UUID(text))
