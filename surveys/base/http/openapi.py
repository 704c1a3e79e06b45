"""What the OpenAPI document says of every route alike: who may call it, its errors, an example."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import marshmallow as ma
from apispec import BasePlugin
from flask import Flask
from flask_smorest import Api, Blueprint

from surveys.base.version import VERSION

#: Every status but the good ones that a route may answer with, its code in the error shape, and when.
ERRORS: dict[int, tuple[str, str]] = {
    400: ("bad_request", "The body is not JSON."),
    401: ("unauthorized", "Send a valid key: Authorization: Bearer <key>."),
    403: ("forbidden", "This key lacks the scope, or this origin may not call."),
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This address does not take that method."),
    409: ("conflict", "It contradicts what is stored."),
    413: ("too_large", "The body is too large."),
    415: ("unsupported_media_type", "The body is of a type that this address does not take."),
    422: ("invalid", "The request is well-formed but not valid."),
    429: ("too_many_requests", "Too many writes from this address; try again in 12 s."),
    500: ("internal", "Something went wrong on our side; it has been written down."),
    503: ("unavailable", "The database cannot be reached or takes no more. Try again in a moment."),
}

SCHEMES = {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}}

IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key with the same body gets the first answer again.",
}


class ErrorDetail(ma.Schema):
    """What went wrong."""

    code = ma.fields.String(required=True)
    message = ma.fields.String(required=True)
    fields = ma.fields.Dict(  # type: ignore[assignment]
        keys=ma.fields.String(), values=ma.fields.List(ma.fields.String())
    )
    request_id = ma.fields.String(required=True)


class ErrorSchema(ma.Schema):
    """One shape for every error."""

    error = ma.fields.Nested(ErrorDetail, required=True)


class Document(Api):
    """The OpenAPI document; errors are ours, not flask-smorest's (it takes HTML pages and drops `Allow`)."""

    ERROR_SCHEMA = ErrorSchema

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        for status in HTTPStatus:
            response: dict[str, Any] = {"description": status.phrase}
            if status in ERRORS:
                response = _error(status)
            self.spec.components.response(status.name, response, lazy=True)
        self.spec.components.response("DEFAULT_ERROR", _error(500, "Any other error."), lazy=True)


class Errors(BasePlugin):
    """Adds to each route the errors that its kind may answer with."""

    def operation_helper(
        self, path: str | None = None, operations: dict[str, Any] | None = None, **_: Any
    ) -> None:
        for operation in (operations or {}).values():
            responses = operation.setdefault("responses", {})
            pages = any("text/html" in answer.get("content", {}) for answer in _inline(responses))
            for status in _possible(path or "", operation):
                named = HTTPStatus(status).name
                responses.setdefault(str(status), _page(status) if pages else named)


def describe(blueprints: Iterable[Blueprint], base_url: str) -> dict[str, Any]:
    """The OpenAPI 3.1.0 document of these routes, served at `base_url`."""
    # An application of its own: flask-smorest describes while it registers, and ours is serving by now.
    app = Flask("openapi", static_folder=None)
    app.config.update(
        API_TITLE="Earshot",
        API_VERSION=VERSION,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "components": {"securitySchemes": SCHEMES},
            "servers": [{"url": base_url}],
            "info": {
                "description": "Ask customers how it went, and hear what they say.",
                "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
            },
        },
    )
    api = Document(app, spec_kwargs={"extra_plugins": [Errors()]})
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    described: dict[str, Any] = _with_patterns_of_json(api.spec.to_dict())
    return described


def _with_patterns_of_json(part: Any) -> Any:
    """The same with the end of each pattern as JSON Schema writes it (ECMA-262), which knows no `\\Z`."""
    if isinstance(part, dict):
        return {
            name: value.replace(r"\Z", "$")
            if name == "pattern" and isinstance(value, str)
            else _with_patterns_of_json(value)
            for name, value in part.items()
        }
    return [_with_patterns_of_json(each) for each in part] if isinstance(part, list) else part


class Described(Blueprint):
    """A blueprint that shows a schema's `example` wherever the schema is taken or given."""

    def arguments(self, schema: Any, *, location: str = "json", **options: Any) -> Any:
        if location == "json":
            options.setdefault("example", _own_example(schema))
        # One for all requests: making a schema costs as much as reading a body with it.
        schema = schema() if isinstance(schema, type) else schema
        return super().arguments(schema, location=location, **options)

    def response(self, status_code: Any, schema: Any = None, **options: Any) -> Any:
        options.setdefault("example", _own_example(schema))
        return super().response(status_code, schema, **options)


def _own_example(schema: Any) -> Any:
    """The schema's own: one that it inherits may lack its fields, or have others."""
    return vars(schema if isinstance(schema, type) else type(schema)).get("example")


def _possible(path: str, operation: dict[str, Any]) -> list[int]:
    statuses = [503]
    if operation.get("security"):
        statuses += [401, 403]
    if "{" in path:
        statuses.append(404)
    if "requestBody" in operation:
        statuses += [400, 409, 413, 415, 422]
        if not operation.get("security"):
            statuses += [403, 404, 429]
    return sorted(set(statuses))


def _inline(responses: dict[str, Any]) -> list[dict[str, Any]]:
    return [answer for answer in responses.values() if isinstance(answer, dict)]


def _error(status: int, description: str | None = None) -> dict[str, Any]:
    code, message = ERRORS[status]
    fields = {"score": ["Must be between 0 and 10."]} if status == 422 else {}
    example = {
        "error": {"code": code, "message": message, "fields": fields, "request_id": "9f2c4be1a07d3658"}
    }
    answer: dict[str, Any] = {
        "description": description or message,
        "content": {"application/json": {"schema": ErrorSchema, "example": example}},
    }
    if status in (429, 503):
        answer["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
        }
    return answer


def _page(status: int) -> dict[str, Any]:
    return {
        "description": f"{ERRORS[status][1]} Said as a page.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
