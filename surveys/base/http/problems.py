"""One shape for every error, and where each error becomes an answer."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
import structlog
from flask import Response, jsonify
from werkzeug.exceptions import HTTPException

from surveys.base import db, errors
from surveys.base.http import openapi
from surveys.base.http.context import request_id

log = structlog.get_logger()


RETRY_AWAY_SECONDS = 2


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


#: The status of each of our errors, and its message where the error brings none or another would tell too much.
_STATUSES: dict[type[errors.Error], tuple[int, str | None]] = {
    errors.Refused: (422, "The request is well-formed but not valid."),
    errors.Clash: (409, None),
    errors.Missing: (404, "There is nothing here."),
    errors.Gone: (410, None),
    errors.Forbidden: (403, None),
    errors.Unauthorized: (401, "Send a valid key: Authorization: Bearer <key>."),
}


def _said(error: errors.Error) -> Problem:
    """One of our errors as an answer; a refusal that names no field is about the whole, `_`."""
    status, message = next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
    names = error.fields or (("_",) if isinstance(error, errors.Refused) else ())
    headers = {"WWW-Authenticate": 'Bearer realm="earshot"'} if status == 401 else {}
    return Problem(
        status, message or error.message, {name: [error.message] for name in names}, headers=headers
    )


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


def problem_of(error: Exception) -> Problem:
    """What the caller is told of any error; the unforeseen is logged and says nothing of itself."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, errors.Error):
        return _said(error)
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
        return _said(errors.Missing())
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
