"""Issue trackers: where topics are worked on, what each of them said last, and one with what it needs."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response as Reply
from flask import request

from feedback import issues
from feedback.dashboard import flash, forms, layout, registry, words
from feedback.models import Tracker
from feedback.schemas.trackers import PLACE, TrackerBody, TrackerPatch, check_tracker
from feedback.trackers import TRACKERS
from feedback.trackers.tracker import Tracker as Adapter
from surveys import links, visible
from surveys.base import clock
from surveys.base.errors import Clash, Refused
from surveys.base.http import audited, problems

say = words.say

LIST = "/team/trackers"

#: The token's own field: forms have one called `token`, which proves that they are ours.
TOKEN = "api_token"  # noqa: S105

_GIVEN = ("name", *PLACE, "user", "secret")

_DONE = ("made", "change", "removed")


@registry.page(
    title=say("trackers"),
    address=LIST,
    scope="write",
    nav="act",
    icon="out",
    place=30,
    forms=True,
    shared=True,
)
def index() -> Any:
    """All trackers; the form connects one. The secret of its webhook, when we made it, is shown once."""
    visible.demand_all(registry.caller(), say("topic.shared"))
    if request.method == "GET":
        return _list({}, {})
    given = forms.fields()
    if given.get("kind") not in TRACKERS:
        raise Refused(say("tracker.kind_not"), "kind")
    values, wrong = _loaded(TrackerBody(), {**_filled(given), "kind": given["kind"]})
    if wrong:
        return _list(given, wrong, 422)
    made, secret = issues.connect(values, clock.now())
    audited.about(made.id)
    answer = layout.led(layout.at(f"{LIST}/{made.id}", did="made"))
    if secret:
        flash.put(answer, {"secret": secret})
    return answer


@registry.page(title=say("tracker"), address=LIST + "/<tracker_id>", scope="write", forms=True)
def one(tracker_id: str) -> Any:
    """One tracker: what to paste into it, a trial, other settings, the end of it."""
    visible.demand_all(registry.caller(), say("topic.shared"))
    row = visible.own(Tracker, tracker_id, registry.caller())
    if request.method == "GET":
        return _page(row, {}, {})
    given = forms.fields()
    do = given.get("do")
    if do == "try":
        found = issues.try_out(row, clock.now())
        answer = layout.led(layout.at(f"{LIST}/{row.id}"))
        flash.put(answer, {"reached": found.name, "problem": found.problem})
        return answer
    if do == "remove":
        issues.disconnect(row)
        return layout.led(layout.at(LIST, did="removed"))
    if do != "change":
        raise Refused("Must be change, remove or try.", "do")
    values, wrong = _loaded(TrackerPatch(), _filled(given))
    if not wrong:
        try:
            known = {**row.settings, "user": (row.credentials or {}).get("user")}
            check_tracker({**known, **values, "kind": row.kind})
            issues.change(row, values)
        except ma.ValidationError as error:
            wrong = problems.flatten(error.messages_dict)
        except (Clash, Refused) as error:
            wrong = {TOKEN if name == "token" else name: [error.message] for name in error.fields}
    if wrong:
        return _page(row, given, wrong, 422)
    return layout.led(layout.at(f"{LIST}/{row.id}", did="change"))


# ------------------------------------------------------------------------------------------------------


def _filled(given: Mapping[str, str]) -> dict[str, str]:
    """What stands in the form; a token and a secret that are left empty stay as they are."""
    token = {"token": given[TOKEN]} if given.get(TOKEN) else {}
    return {name: given[name] for name in _GIVEN if given.get(name)} | token


def _loaded(schema: ma.Schema, body: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    values, wrong = forms.load(schema, body)
    if not wrong:
        try:
            issues.check_address(values.get("url"))
        except Refused as refused:
            wrong = {"url": [refused.message]}
    if "token" in wrong:
        wrong = {**wrong, TOKEN: wrong["token"]}
    return values, wrong


def _list(typed: Mapping[str, str], wrong: dict[str, list[str]], status: int = 200) -> Reply:
    if wrong:
        audited.unchanged()
    return layout.page(
        "trackers.html",
        say("trackers"),
        status,
        trackers=list(Tracker.select().order_by(Tracker.created_at.desc(), Tracker.id)),
        kinds=TRACKERS,
        place=place,
        fields_of=_fields,
        typed=typed,
        errors=wrong,
        did=_did(),
    )


def _page(row: Tracker, typed: Mapping[str, str], wrong: dict[str, list[str]], status: int = 200) -> Reply:
    if wrong:
        audited.unchanged()
    shown = flash.taken() if request.method == "GET" else None
    told = shown if isinstance(shown, dict) else {}
    return layout.page(
        "tracker.html",
        row.name,
        status,
        tracker=row,
        kind=TRACKERS[row.kind],
        url=links.tracker(row.id),
        secret=told.get("secret"),
        trial=told if "reached" in told else None,
        fields_of=_fields,
        typed=typed,
        errors=wrong,
        did=_did(),
    )


def _fields(kind: Adapter) -> list[tuple[str, str, str | None, bool]]:
    """What the form of a tracker asks for: name, label, hint, and whether it must be filled when it is new."""
    asked = [
        (
            field.name,
            say(f"tracker.field.{field.name}"),
            say("tracker.such_as", example=field.example),
            field.required,
        )
        for field in kind.FIELDS
    ]
    user = [("user", say("tracker.field.user"), None, True)] if kind.NEEDS_USER else []
    hint = say("tracker.secret.theirs" if kind.OWN_SECRET else "tracker.secret.ours")
    return [
        *asked,
        *user,
        (TOKEN, say("tracker.field.token"), None, True),
        ("secret", say("tracker.field.secret"), hint, False),
    ]


def place(row: Tracker) -> str:
    """What names the place in a tracker, for people to read."""
    first = next(field.name for field in TRACKERS[row.kind].FIELDS if field.name != "url")
    return str(row.settings.get(first, ""))


def _did() -> str | None:
    did = request.args.get("did")
    return did if did in _DONE else None
