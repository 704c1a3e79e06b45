"""Connections: the helpdesks that tell us of solved tickets, what each said last, and one with what it needs."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Response as Reply
from flask import request

from feedback.dashboard import flash, forms, layout, registry, words
from surveys import links, standing, visible
from surveys.base import clock
from surveys.base.errors import Clash, Refused
from surveys.base.http import audited, problems
from surveys.helpdesks import HELPDESKS
from surveys.mailreports import REPORTERS
from surveys.models import Connection, Survey
from surveys.schemas.connections import SHARED, ConnectionBody, ConnectionPatch, check_connection
from surveys.tickets import connections, printed_links
from surveys.views.connections import check

say = words.say

LIST = "/team/connections"


@registry.page(
    title=say("connections"), address=LIST, scope="write", nav="ask", icon="ticket", place=2, forms=True
)
def index() -> Any:
    """All connections; the form makes one. Its secret, when we made it, is shown once."""
    if request.method == "GET":
        return _list({}, {})
    given = forms.fields()
    body = {name: given[name] for name in ("name", "kind", "survey", "secret", "proof") if given.get(name)}
    if body.get("kind") in REPORTERS:
        visible.demand_all(registry.caller(), say("connections.reports"))
        body.pop("survey", None)
    values, wrong = forms.load(ConnectionBody(), body)
    if not wrong:
        try:
            check(values)
        except Refused as refused:
            wrong = {key: [refused.message] for key in refused.fields}
    if wrong:
        return _list(given, wrong, 422)
    made, secret = connections.create(values, clock.now())
    audited.about(made.id)
    answer = layout.led(layout.at(f"{LIST}/{made.id}", did="made"))
    if secret:
        flash.put(answer, {"secret": secret})
    return answer


@registry.page(title=say("connection"), address=LIST + "/<connection_id>", scope="write", forms=True)
def one(connection_id: str) -> Any:
    """One connection: what to paste, what it said last, a trial run, other settings, the end of it."""
    row = visible.own(Connection, connection_id, registry.caller())
    if request.method == "GET":
        return _page(row, {}, {})
    given, now = forms.fields(), clock.now()
    do = given.get("do")
    if do == "try":
        if row.survey_id is None:
            raise Refused(say("connection.no_trial"), "do")
        connections.try_out(row, now)
        return layout.led(layout.at("/team/triggers", connection=row.id, did="tried"))
    if do == "remove":
        connections.delete(row)
        return layout.led(layout.at(LIST, did="removed"))
    if do != "change":
        raise Refused("Must be change, remove or try.", "do")
    values, wrong = _changed(row, given)
    if wrong:
        return _page(row, given, wrong, 422)
    try:
        connections.change(row, values, given.get("version"))
    except Clash as clash:
        found = Connection.get_by_id(row.id)
        shown = {**given, **forms.joined(_fields(found), given)}
        return _page(found, shown, {}, 409, f"{clash.message} {say('typed')}")
    return layout.led(layout.at(f"{LIST}/{row.id}", did="change"))


# ------------------------------------------------------------------------------------------------------


def _fields(row: Connection) -> dict[str, str]:
    """What stands in the form of a connection, but for what is never shown again."""
    return {
        "name": row.name,
        "survey": row.survey_id or "",
        "skip_tags": "\n".join(row.skip_tags),
    }


def _changed(row: Connection, given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What the form changes; a secret and credentials that are left empty stay as they are."""
    body: dict[str, Any] = {"name": given.get("name", "")}
    if given.get("secret"):
        body["secret"] = given["secret"]
    if row.kind in HELPDESKS:
        body["survey"] = given.get("survey") or row.survey_id
        body["skip_tags"] = [line.strip() for line in given.get("skip_tags", "").splitlines() if line.strip()]
        back = {
            name: given[f"write_back.{name}"]
            for name in ("url", "user", "token")
            if given.get(f"write_back.{name}")
        }
        if "token" in back:
            body["write_back"] = back
    values, wrong = forms.load(ConnectionPatch(), body)
    if wrong:
        return {}, wrong
    known = {"kind": row.kind, "survey": row.survey_id, "secret": row.secret, "proof": row.proof}
    try:
        check_connection(known | values)
        check(values)
    except ma.ValidationError as error:
        return {}, problems.flatten(error.messages_dict)
    except Refused as refused:
        return {}, {key: [refused.message] for key in refused.fields}
    return values, {}


def _list(typed: Mapping[str, str], wrong: dict[str, list[str]], status: int = 200) -> Reply:
    if wrong:
        audited.unchanged()
    rows = list(
        visible.narrowed(Connection.select(), registry.caller()).order_by(
            Connection.created_at.desc(), Connection.id
        )
    )
    surveys = _surveys()
    return layout.page(
        "connections.html",
        say("connections"),
        status,
        connections=rows,
        calls=standing.last_calls(rows, clock.now()),
        days=standing.LATELY.days,
        names={survey.id: survey.name for survey in surveys},
        surveys=surveys,
        kinds=(*HELPDESKS, *([] if registry.seen() is not None else REPORTERS)),
        limited=registry.seen() is not None,
        typed=typed,
        errors=wrong,
        did=_did(),
    )


def _page(
    row: Connection,
    typed: Mapping[str, str],
    wrong: dict[str, list[str]],
    status: int = 200,
    told: str | None = None,
) -> Reply:
    if wrong or told:
        audited.unchanged()
    shown = flash.taken() if request.method == "GET" else None
    printed = None
    if row.survey_id is not None:
        known = printed_links.PLACEHOLDERS.get(row.kind, {})
        language = row.own_survey.languages[0]
        printed = printed_links.make(row, language, {"t": known.get("t", ""), "a": known.get("a", "")}).html
    sender: Any = HELPDESKS.get(row.kind) or REPORTERS[row.kind]
    return layout.page(
        "connection.html",
        row.name,
        status,
        connection=row,
        url=links.connection(row.id),
        proof=row.proof or sender.PROOF,
        shared=SHARED,
        pasted=connections.template(row.kind),
        printed=printed,
        readable=bool(row.secret),
        is_helpdesk=row.kind in HELPDESKS,
        writes_back=row.write_back,
        last=standing.last_calls([row], clock.now()).get(row.id),
        days=standing.LATELY.days,
        surveys=_surveys(),
        secret=shown.get("secret") if isinstance(shown, dict) else None,
        # A form that is shown as it was sent is still about what it began with.
        version=(typed.get("version") if wrong else None) or connections.version(row),
        before=(typed.get(forms.BEGUN) if wrong else None) or forms.begun(_fields(row)),
        told=told,
        typed=typed,
        errors=wrong,
        did=_did(),
    )


def _surveys() -> list[Survey]:
    return list(visible.surveys(registry.caller()).order_by(Survey.created_at, Survey.id))


def _did() -> str | None:
    did = request.args.get("did")
    return did if did in ("made", "change", "removed") else None
