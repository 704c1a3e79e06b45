"""Forms of the team's pages: read once, taken from our own pages alone, shown again with what is wrong.

A form that edits what is stored brings back what stood in it (`BEGUN`) and the version that it was made from. Whoever
is second is told, and what they changed stands in the form over all that the other saved.
"""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import marshmallow as ma
from flask import Response, g, request

from feedback.dashboard import layout, words
from surveys.base import clock
from surveys.base.accounts import attempts, passwords, sessions
from surveys.base.accounts.members import Member
from surveys.base.http import audited, bodies, callers, csrf, limits, problems, signed_in
from surveys.domain import pictures

View = Callable[..., Any]

#: The page that asks for the password before a file is handed out.
CONFIRM = "/team/confirm"

#: The field that says what stood in the form when it was shown.
BEGUN = "before"

#: Fields that say how a form works: none of them changes what is stored.
_FORMAL = frozenset({"token", "version", BEGUN, "do", "ticks"})


def fields() -> dict[str, str]:
    """What this form sent, the first of each name; a file as its `data:` address."""
    if "form" not in g:
        limit = bodies.PUBLIC_BODY if g.get("on_token_page") else bodies.API_BODY
        files = bodies.form_files(limit)
        g.form = bodies.form_fields(limit) | {name: pictures.uploaded(file) for name, file in files.items()}
        old = before(g.form)
        if old:
            # Of a form that says what stood in it, the log tells what is another now.
            audited.changed(_others(old, g.form))
    return g.form


def ours_alone(view: View, token_page: bool = False) -> View:
    """Take forms of `view` from our own pages alone. Whoever sends a key proves by it that no browser was tricked.

    `token_page`: its address is a secret, so browsers tell no Origin, and its forms are small.
    """

    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        g.on_token_page = token_page
        if request.method == "POST":
            caller = g.get("caller")
            given = fields()
            if caller is None or caller.member is not None:
                csrf.check(given.get("token"), takes_null=token_page)
        return view(*args, **kwargs)

    return wrapper


def password_asked(view: View) -> View:
    """Ask a member for the password before a form of `view` is taken, unless it was given a moment ago."""

    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        asked = asked_again() if request.method == "POST" else None
        return view(*args, **kwargs) if asked is None else asked

    return wrapper


def asked_again() -> Response | None:
    """The page that asks for the password before this call does anything; None where it was given a moment ago.

    What was typed stays in the form that asks, and a caller who asked for a file is led on to it. A key has no
    password, so it is not asked for one.
    """
    session, now = signed_in.session(), clock.now()
    if session is None or session.is_trusted(now):
        return None
    if request.method == "GET":
        return layout.led(layout.at(CONFIRM, next=request.full_path.rstrip("?")))
    given, wrong = fields(), None
    if "confirm_password" in given:
        wrong = confirm(session.member, given["confirm_password"])
        if wrong is None:
            sessions.trust(session, now)
            return None
    typed = {name: value for name, value in given.items() if name not in ("token", "confirm_password")}
    return ask(typed, layout.at(request.full_path.rstrip("?")), wrong)


def ask(typed: Mapping[str, str], address: str, wrong: str | None, status: int = 403) -> Response:
    """The page that asks for the password; its form sends what was `typed` to `address`."""
    audited.unchanged()
    session = signed_in.session()
    has_none = session is not None and session.member.password_hash is None
    provider = layout.provider_name() if has_none else None
    return layout.page(
        "confirm.html",
        words.say("oidc.confirm" if provider else "confirm"),
        status,
        typed=typed,
        wrong=wrong,
        address=address,
        provider=provider,
        back=typed.get("next") or request.full_path.rstrip("?"),
    )


def confirm(member: Member, password: str) -> str | None:
    """What is wrong with the password that somebody who is signed in gave again; None where it is right."""
    counted = attempts.counts("confirm", member.id, limits.network(callers.client_address(), 32, 64))
    if wait := attempts.begin(counted, clock.now()):
        return words.say("slowed", wait=words.duration(wait))
    if not passwords.fits(member.password_hash, password):
        return words.say("confirm.wrong")
    attempts.succeeded(counted)
    return None


def load(schema: ma.Schema, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What a schema makes of a form, and what is wrong with it by the name of the field."""
    names = {field.data_key or name for name, field in schema.fields.items()}
    try:
        return schema.load({name: value for name, value in given.items() if name in names}), {}
    except ma.ValidationError as error:
        return {}, problems.flatten(error.messages_dict)


def begun(values: Mapping[str, str]) -> str:
    """What stands in a form when it is shown, for the form to bring back."""
    return json.dumps(values, ensure_ascii=False)


def before(given: Mapping[str, Any]) -> dict[str, Any]:
    """What stood in the form that was sent; nothing where it does not say so."""
    try:
        found = json.loads(given.get(BEGUN, ""))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def joined(stored: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
    """The form after somebody else has saved: all of theirs, and over it what was changed in this one.

    `stored`: what the form holds now, by the name of the field. One that was not sent is empty, as a box without tick.
    """
    old = before(given)
    typed = {name: str(given.get(name, "")).replace("\r\n", "\n") for name in {**stored, **old}}
    return {**stored, **{name: text for name, text in typed.items() if text != old.get(name, "")}}


# ------------------------------------------------------------------------------------------------------


def _others(old: Mapping[str, Any], sent: Mapping[str, str]) -> list[str]:
    """The fields of a form that hold something else than when it was shown.

    What a form never shows, such as a secret, is not among the `old`: whoever sends something in it changes it.
    """
    of_lists = tuple(f"{name.removesuffix('s')}:" for name in old if name not in sent)
    unshown = [
        name
        for name, text in sent.items()
        if text.strip() and name not in old and name not in _FORMAL and not name.startswith(of_lists)
    ]
    return [name for name, was in old.items() if _is_another(name, str(was), sent)] + unshown


def _is_another(name: str, was: str, sent: Mapping[str, str]) -> bool:
    """Whether a field holds something else than when its form was shown.

    A box without its tick is not sent, nor is a file that nobody chose; a list of boxes sends one field for each tick.
    """
    if name in sent:
        return sent[name].replace("\r\n", "\n").strip() != was.strip()
    of_each = f"{name.removesuffix('s')}:"
    ticked = {each.removeprefix(of_each) for each in sent if each.startswith(of_each)}
    return ticked != set(was.split()) if ticked else was == "1"
