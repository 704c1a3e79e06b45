"""The one place that writes the audit log: every change that a caller made, by API or page, after it was made."""

import re
from collections.abc import Collection
from typing import Any

import structlog
from flask import Flask, Response, g, request

from surveys.base import clock, db
from surveys.base.accounts import audit
from surveys.base.accounts.caller import Caller
from surveys.base.http.context import request_id

log = structlog.get_logger()

_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

#: Routes whose every call has a lasting record of its own, with more in it: receipts.
_RECORDED = frozenset({"/api/triggers", "/api/triggers/backtest"})

#: A parameter in a route, with or without its kind.
_PARAMETER = re.compile(r"<(?:[^<>]*:)?(\w+)>")

_BRACED = r"{\1}"

#: What a name of a field says of its kind.
_NAMED = re.compile(r"[A-Za-z_]{1,40}")

#: What a button of a form does, as the form's field `do` says it: a word of ours, and no words of anybody.
_DOES = re.compile(r"[a-z_]{1,20}")

#: Fields of forms that say nothing about what was changed.
_FORMAL = frozenset({"token", "next", "confirm_password"})


def install(app: Flask) -> None:
    """Write down what callers change."""
    app.after_request(_note)


def by(caller: Caller) -> None:
    """Say who made this change, where no scope was asked for: who signs in is known only afterwards.

    It is written down for a GET too: a provider of sign-ins leads back by one.
    """
    g.caller, g.audited_change = caller, True


def about(thing: str) -> None:
    """Say what was changed, where the address does not: the id of what was made."""
    g.audited_thing = thing


def handed_out(thing: str) -> None:
    """Say what was handed out: all that is kept of somebody is written down like a change."""
    g.audited_change, g.audited_thing = True, thing


def changed(names: Collection[str]) -> None:
    """Say which fields of a form are others than when it was shown: the rest was sent, and changed nothing."""
    g.fields_sent = tuple(names)


def unchanged() -> None:
    """Say that this call changed nothing: a form that was shown again."""
    g.audited = False


def _note(answer: Response) -> Response:
    caller: Caller | None = g.get("caller")
    rule = request.url_rule
    if (
        caller is None
        or rule is None
        or not (request.method in _CHANGES or g.get("audited_change"))
        or answer.status_code >= 400
        or rule.rule in _RECORDED
        or "Idempotent-Replayed" in answer.headers
        or not g.get("audited", True)
    ):
        return answer
    things = [str(value) for name, value in (request.view_args or {}).items() if name != "token"]
    try:
        audit.note(
            caller.name,
            caller.id,
            f"{request.method} {_PARAMETER.sub(_BRACED, rule.rule)}",
            g.get("audited_thing") or (things[0] if things else _made(answer)),
            _fields(),
            request_id(),
            clock.now(),
        )
    except db.FAILURES:
        # It is done, and the answer must say so.
        db.forget_connection()
        log.error("a change is missing in the audit log", route=rule.rule, caller=caller.id)
    return answer


def _made(answer: Response) -> str | None:
    """The id that a call of the API answers with: of what it made, or found to be there already."""
    given = answer.get_json(silent=True) if answer.is_json else None
    found = given.get("id") if isinstance(given, dict) else None
    return found if isinstance(found, str) else None


def _fields() -> list[str]:
    """The names of what was sent, as far as somebody read it.

    A form names a box after the thing it stands for ("pick-" and an answer's id): the thing is not written down, for
    an answer that is erased must be named nowhere.
    """
    given: Any = g.get("fields_sent") or ()
    kinds = (_NAMED.match(name) for name in given if name not in _FORMAL)
    found = {kind.group() for kind in kinds if kind is not None}
    # What one of several buttons of a page does tells one deed from the other.
    does = g.get("form_does")
    if isinstance(does, str) and _DOES.fullmatch(does):
        found.add(f"do:{does}")
    return sorted(found)
