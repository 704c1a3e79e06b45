"""What all pages of the team share: frame, policy, addresses, times; and errors as pages."""

import functools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

import marshmallow as ma
from flask import Response, g, make_response, redirect, render_template, request
from markupsafe import Markup

from feedback import labels
from feedback.dashboard import assets, words
from feedback.domain import headings
from feedback.item import Item
from surveys import links
from surveys.base import clock
from surveys.base.errors import Refused
from surveys.base.http import app, bodies, context, lists, signed_in
from surveys.base.http.problems import Problem
from surveys.domain import schedule
from surveys.domain.metrics import METRICS

#: Keys of answers are moments in microseconds; places in a list are smaller.
FIRST_KEY = 10**12

#: A scale with at most so many scores is shown by the names of its groups.
NAMED = 3

SIGN_IN, SECOND_FACTOR = "/team/sign-in", "/team/profile/second-factor"


def page(template: str, title: str, status: int = 200, **values: Any) -> Response:
    """A page of the team under `title`; `values` go to the template, which extends layout.html or card.html."""
    body = render_template(
        f"dashboard/{template}",
        title=title,
        nonce=context.nonce(),
        so_far=so_far(),
        say=words.say,
        duration=words.duration,
        at=at,
        here=here,
        asset=assets.address,
        stamp=clock.stamp,
        moment=moment,
        day=day,
        counted_day=counted_day,
        zone_of_days=zone_of_days,
        may=may,
        tone=tone,
        most=most,
        web=web,
        first_words=headings.first_words,
        name_of=labels.of,
        caller=g.get("caller"),
        **values,
    )
    answer = make_response(body, status)
    answer.headers["Content-Security-Policy"] = app.page_policy()
    answer.headers["Cache-Control"] = "private, no-cache" if status < 400 else "no-store"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def so_far() -> Markup:
    """What a template puts after a part of a page: the browser lays out what it has read so far.

    Nothing is shown before the whole page is there, so a browser would lay all of it out in one task, and answer
    nobody meanwhile. Without scripts it does, and the page is the same.
    """
    return Markup('<script nonce="{}">document.body.offsetHeight</script>').format(context.nonce())


def at(address: str, query: Any = None, **more: Any) -> str:
    """The address of a page of ours, under the path of BASE_URL; `query` and `more` without what is None or empty."""
    pairs = [(name, value) for name, value in {**(query or {}), **more}.items() if value not in (None, "")]
    return f"{_root(links.to(''))}{address}" + (f"?{urlencode(pairs)}" if pairs else "")


@functools.lru_cache(maxsize=8)
def _root(base: str) -> str:
    """The path that all addresses begin with."""
    return urlsplit(base).path.rstrip("/")


def here(**changed: Any) -> str:
    """This page with other values in its query; None takes a name out."""
    return at(request.path, request.args.to_dict(), **changed)


def query(schema: ma.Schema) -> dict[str, Any]:
    """What the address asks for, by `schema`. Raises a 422 that names what it does not take."""
    for name, value in request.args.items(multi=True):
        bodies.check_text(name)
        bodies.check_text(value, name)
    loaded: dict[str, Any] = schema.load({name: value for name, value in request.args.items() if value})
    return loaded


def web(address: str | None) -> str | None:
    """An address that is safe to lead to: of the web, with a host."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.netloc else None


def place(asked: Mapping[str, Any], many: int) -> int:
    """Where the page of a list of `many` begins. Raises a 422 for the cursor of another list."""
    at_ = lists.decode_cursor(asked["cursor"], int)[0] if "cursor" in asked else 0
    if not 0 <= at_ <= many:
        raise Refused(words.say("cursor.other"), "cursor")
    return int(at_)


def position(asked: Mapping[str, Any]) -> tuple[int, int] | None:
    """Where the page of a list of answers begins. Raises a 422 for the cursor of another list."""
    if "cursor" not in asked:
        return None
    key = lists.decode_cursor(asked["cursor"], int)[0]
    if key < FIRST_KEY:
        raise Refused(words.say("cursor.other"), "cursor")
    return 0, key


def led(address: str) -> Response:
    """After a form: a 303 to what it led to (`at` made the address)."""
    return redirect(address, 303)  # type: ignore[return-value]


def may(scope: str | None) -> bool:
    """Whether the caller has `scope`."""
    caller = g.get("caller")
    return scope is None or (caller is not None and caller.may(scope))


def tone(item: Item) -> str:
    """Whether a response's group is the lowest, the highest or between; "" without a score."""
    return METRICS[item.metric].tone_of(item.group) if item.group else ""


def most(item: Item) -> int | None:
    """The highest score of a response's scale; None where its few scores have names instead."""
    metric = METRICS[item.metric]
    return metric.maximum if len(metric.scores) > NAMED else None


def zone() -> ZoneInfo:
    """The zone in which days are counted, whoever reads."""
    return context.settings().time_zone


def reader_zone() -> ZoneInfo:
    """The zone in which this page tells times: the reader's own, or that of the service."""
    if "reader_zone" not in g:
        member = signed_in.member()
        g.reader_zone = zone() if member is None else member.zone(zone())
    found: ZoneInfo = g.reader_zone
    return found


def zone_of_days() -> str | None:
    """The zone in which days are counted, where this page tells times in another; else None."""
    return None if reader_zone() == zone() else str(zone())


def provider_name() -> str | None:
    """The host of the provider at which members may sign in; None without one."""
    issuer = context.settings().oidc_issuer
    return urlsplit(issuer).hostname if issuer else None


def as_of(asked: Mapping[str, Any]) -> datetime | None:
    """Up to where the page looks, exclusive: the end of the day that `as_of` names, or that moment itself."""
    given = asked.get("as_of")
    if given is None:
        return None
    if isinstance(given.value, datetime):
        found: datetime = given.moment(zone())
        return found
    return schedule.starts_at(given.value + timedelta(days=1), zone())


def moment(at_: datetime | str) -> str:
    """A moment in words: the day and the time, in the reader's zone, which is named where it is not the service's."""
    local = _local(at_)
    told = f"{local.day} {local:%b %Y, %H:%M}"
    return told if reader_zone() == zone() else f"{told} {local:%Z}"


def day(at_: datetime | str) -> str:
    """The day of a moment in words, in the reader's zone."""
    return _in_words(_local(at_))


def counted_day(at_: datetime) -> str:
    """The day with which a moment is counted and drawn, in words."""
    return _in_words(at_.astimezone(zone()))


def refusal(problem: Problem, home: tuple[str, str]) -> Response:
    """An error as a page that leads to `home`, by its address and title; without a session to the sign-in."""
    if problem.status == 401:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return led(at(SIGN_IN, next=wanted))
    title, told = words.refusal(problem.status, problem.message)
    fields = [words.of_field(name, " ".join(lines)) for name, lines in problem.fields.items()]
    answer = page(
        "problem.html",
        title,
        problem.status,
        told=told,
        fields=fields,
        home=home,
        request_id=context.request_id(),
    )
    answer.headers.extend(problem.headers)
    return answer


def send_again(problem: Problem) -> Response:
    """The page for a form with another session's token: what was typed can be sent again, passwords excepted."""
    typed = {name: value for name, value in g.get("form", {}).items() if name != "token"}
    secret = any("password" in name or name == "code" for name in typed)
    return page(
        "stale.html",
        words.say("stale"),
        problem.status,
        told=problem.message,
        typed=None if secret else typed,
        address=at(request.full_path.rstrip("?")),
    )


def _local(at_: datetime | str) -> datetime:
    found = datetime.fromisoformat(at_) if isinstance(at_, str) else at_
    return found.astimezone(reader_zone())


def _in_words(local: datetime) -> str:
    return f"{local.day} {local:%b %Y}"
