"""Linear: its GraphQL API, and webhooks with Linear-Signature and a time inside.

https://linear.app/developers/graphql and https://linear.app/developers/webhooks, read in November 2026.
"""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from feedback.trackers import written
from feedback.trackers.tracker import (
    CLOSED,
    DONE,
    DROPPED,
    OPEN,
    STARTED,
    Absent,
    Account,
    Ask,
    Declined,
    Draft,
    Field,
    Heard,
    Issue,
    Reached,
    Unclear,
    known,
    rows,
    text,
)
from surveys.helpdesks import proofs
from surveys.helpdesks.helpdesk import Call, Ignored, Request

NAME, NEEDS_USER, OWN_SECRET = "Linear", False, True

API, WEB = "https://api.linear.app", "https://linear.app/"

FIELDS = (
    Field("team", r"[A-Z0-9]{1,20}", "ENG"),
    Field("url", r"https?://\S{1,500}", API, required=False, default=API),
)

#: A call is good for so long after its own time, as Linear asks for.
_MINUTE = 60

#: What of a team is asked for before an issue is made in it.
_TEAM = "team id"

_STATES = {"started": STARTED, "completed": DONE, "canceled": DROPPED, "duplicate": CLOSED}

_SHOWN = "id identifier url state { type }"
_TEAMS = "query Team($key: String!) { teams(filter: {key: {eq: $key}}, first: 1) { nodes { id name } } }"
_MAKE = f"mutation Make($input: IssueCreateInput!) {{ issueCreate(input: $input) {{ success issue {{ {_SHOWN} }} }} }}"
_FIND = (
    "query Find($id: ID!) { issues(filter: {id: {eq: $id}}, includeArchived: true, first: 1) "
    f"{{ nodes {{ {_SHOWN} }} }} }}"
)
_FETCH = f"query Fetch($id: String!) {{ issue(id: $id) {{ {_SHOWN} }} }}"


def ready(account: Account, ask: Ask) -> Account:
    """Add the id of the team in which issues are made."""
    return replace(account, settings={**account.settings, _TEAM: known(_team(account, ask), "id")})


def create(account: Account, draft: Draft, ask: Ask) -> Issue:
    """`issueCreate` with an id of our own: the same again makes no second one."""
    given = {
        "id": draft.marker,
        "teamId": account.settings[_TEAM],
        "title": written.title(draft.title),
        "description": written.markdown(draft),
    }
    made = _asked(account, ask, _MAKE, {"input": given})
    return _issue((made.get("issueCreate") or {}).get("issue"))


def find(account: Account, marker: str, since: datetime, now: datetime, ask: Ask) -> Issue | None:
    """Find an issue by its id, which is the marker."""
    found = rows(_asked(account, ask, _FIND, {"id": marker}), "issues", "nodes")
    return _issue(found[0]) if found else None


def fetch(account: Account, ref: str, ask: Ask) -> Issue:
    """Fetch an issue by its id, or by what people call it."""
    found = _asked(account, ask, _FETCH, {"id": ref}).get("issue")
    if found is None:
        raise Absent
    return _issue(found)


def check(account: Account, ask: Ask) -> Reached:
    """Whether the key sees the team."""
    return Reached(known(_team(account, ask), "name"))


def named(account: Account, url: str) -> str | None:
    """The key in the address of an issue of the team."""
    team = re.escape(account.settings["team"].casefold())
    plain = url.partition("#")[0].partition("?")[0].casefold()
    found = re.fullmatch(rf"https://linear\.app/[^/]+/issue/({team}-[1-9][0-9]{{0,8}})(?:/[^/]*)?/?", plain)
    return found[1].upper() if found else None


def proved(secret: str, call: Call, now: datetime) -> bool:
    """`Linear-Signature: <hex HMAC of the body>`, and `webhookTimestamp` (ms) in the body at most a minute away."""
    if not proofs.hex_signature(call, "linear-signature", secret, "sha256", ""):
        return False
    return proofs.fresh(text(call.json, "webhookTimestamp"), now, _MINUTE, 0.001)


def heard(account: Account, call: Call) -> Heard | Ignored:
    """An event about an issue."""
    kind = text(call.json, "type")
    if kind != "Issue":
        return Ignored(f"the event {kind[:40] or 'has no name'}")
    return Heard(text(call.json, "data", "id"), text(call.json, "actor", "name")[:100] or None)


# ------------------------------------------------------------------------------------------------------


def _team(account: Account, ask: Ask) -> Any:
    found = rows(_asked(account, ask, _TEAMS, {"key": account.settings["team"]}), "teams", "nodes")
    if not found:
        raise Declined(f"There is no team {account.settings['team']}, or the key does not see it.")
    return found[0]


def _asked(account: Account, ask: Ask, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """What GraphQL answers. A personal key stands in the header as it is, without Bearer."""
    url = (account.settings.get("url") or API).rstrip("/") + "/graphql"
    request = Request(
        "POST", url, {"Authorization": account.token}, json={"query": query, "variables": variables}
    )
    try:
        said = ask(request)
    except Declined as declined:
        # Errors come with status 400 too, the one of too many calls among them.
        _raise_errors(declined.said)
        raise
    _raise_errors(said)
    data = said.get("data") if isinstance(said, dict) else None
    if not isinstance(data, dict):
        raise Unclear("an answer without data")
    return data


def _raise_errors(said: Any) -> None:
    errors = said.get("errors") if isinstance(said, dict) else None
    if not isinstance(errors, list) or not errors:
        return
    message = text(errors[0], "message")
    if message.startswith("Entity not found"):
        raise Absent
    reason = text(errors[0], "extensions", "userPresentableMessage") or message or "an error"
    raise Declined(reason[:200], again=text(errors[0], "extensions", "code") == "RATELIMITED", said=said)


def _issue(said: Any) -> Issue:
    ref, key, url = known(said, "id"), known(said, "identifier"), known(said, "url")
    if not url.startswith(WEB):
        raise Unclear("an issue with an address elsewhere")
    return Issue(ref, key, url, _STATES.get(known(said, "state", "type"), OPEN))
