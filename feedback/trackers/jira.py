"""Jira Cloud: REST API 3, descriptions as Atlassian Documents, webhooks of administrators with X-Hub-Signature.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/ and
https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks, read in November 2026.
"""

import json
import math
import re
from base64 import b64encode
from datetime import datetime
from typing import Any

from feedback.trackers import written
from feedback.trackers.tracker import (
    CLOSED,
    DONE,
    DROPPED,
    MOST_PAGES,
    OPEN,
    SLACK,
    STARTED,
    Account,
    Ask,
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

NAME, NEEDS_USER, OWN_SECRET = "Jira", True, False

FIELDS = (
    Field("url", r"https?://\S{1,500}", "https://acme.atlassian.net"),
    Field("project", r"[A-Z][A-Z0-9_]{1,98}", "SHOP"),
    Field("issue_type", r"[^\x00-\x1f\"\\]{1,100}", "Task", required=False, default="Task", is_place=False),
)

_FIELDS = ("status", "resolution")
_PAGE = 50

#: Names of statuses and resolutions are the site's own; these are the names that Jira gives resolutions itself.
_DROPPED = ("won't do", "won't fix", "declined")
_CLOSED = ("duplicate", "cannot reproduce", "incomplete")


def ready(account: Account, ask: Ask) -> Account:
    """Nothing more is needed."""
    return account


def create(account: Account, draft: Draft, ask: Ask) -> Issue:
    """`POST /rest/api/3/issue`; a new issue is open, whatever the project calls that."""
    fields = {
        "project": {"key": account.settings["project"]},
        "issuetype": {"name": account.settings.get("issue_type") or "Task"},
        "summary": written.title(draft.title),
        "description": written.document(draft),
    }
    made = ask(_request(account, "POST", "/issue", {"fields": fields}))
    return _issue(account, made, OPEN)


def find(account: Account, marker: str, since: datetime, now: datetime, ask: Ask) -> Issue | None:
    """Among the project's newest issues; Jira shows a new one there after a moment, not at once."""
    minutes = math.ceil((now - since + SLACK).total_seconds() / 60)
    jql = f'project = "{account.settings["project"]}" AND created >= "-{minutes}m" ORDER BY created DESC'
    query: dict[str, Any] = {"jql": jql, "fields": [*_FIELDS, "description"], "maxResults": _PAGE}
    for _ in range(MOST_PAGES):
        found = ask(_request(account, "POST", "/search/jql", query))
        for each in rows(found, "issues"):
            if marker in json.dumps(each):
                return _issue(account, each)
        following = text(found, "nextPageToken")
        if not following:
            return None
        query["nextPageToken"] = following
    raise Unclear("too many new issues to look through")


def fetch(account: Account, ref: str, ask: Ask) -> Issue:
    """`GET /rest/api/3/issue/{id or key}`."""
    return _issue(account, ask(_request(account, "GET", f"/issue/{ref}?fields={','.join(_FIELDS)}")))


def check(account: Account, ask: Ask) -> Reached:
    """Whether the token sees the project, and the project has the type of issue."""
    found = ask(_request(account, "GET", f"/project/{account.settings['project']}"))
    wanted = account.settings.get("issue_type") or "Task"
    types = [text(each, "name") for each in rows(found, "issueTypes")]
    problem = (
        None if wanted in types else f"There is no type of issue {wanted}. There are: {', '.join(types)}."
    )
    return Reached(known(found, "name"), problem)


def named(account: Account, url: str) -> str | None:
    """The key in the address of an issue of the project."""
    home, place = re.escape(_home(account).casefold()), re.escape(account.settings["project"].casefold())
    plain = url.partition("#")[0].partition("?")[0].casefold()
    found = re.fullmatch(rf"{home}/browse/({place}-[1-9][0-9]{{0,8}})/?", plain)
    return found[1].upper() if found else None


def proved(secret: str, call: Call, now: datetime) -> bool:
    """`X-Hub-Signature: sha256=<hex HMAC of the body>`, which only webhooks of administrators carry."""
    given = call.header("x-hub-signature").startswith("sha256=")
    return given and proofs.hex_signature(call, "x-hub-signature", secret, "sha256", "sha256=")


def heard(account: Account, call: Call) -> Heard | Ignored:
    """An event about an issue."""
    said = call.json
    event = text(said, "webhookEvent")
    if not event.startswith("jira:issue_"):
        return Ignored(f"the event {event[:40] or 'has no name'}")
    return Heard(text(said, "issue", "id"), text(said, "user", "displayName")[:100] or None)


# ------------------------------------------------------------------------------------------------------


def _home(account: Account) -> str:
    return account.settings["url"].rstrip("/")


def _request(account: Account, method: str, path: str, body: Any = None) -> Request:
    credentials = b64encode(f"{account.user}:{account.token}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json"}
    return Request(method, f"{_home(account)}/rest/api/3{path}", headers, json=body)


def _issue(account: Account, said: Any, state: str | None = None) -> Issue:
    ref, key = known(said, "id"), known(said, "key")
    if not ref.isdecimal() or not re.fullmatch(r"[A-Z][A-Z0-9_]*-[0-9]+", key):
        raise Unclear("an issue without id and key")
    return Issue(ref, key, f"{_home(account)}/browse/{key}", state or _state(said))


def _state(said: Any) -> str:
    """By the category of the status, which is one of three whatever the status is called; then by the resolution."""
    category = known(said, "fields", "status", "statusCategory", "key")
    if category != "done":
        return STARTED if category == "indeterminate" else OPEN
    resolution = text(said, "fields", "resolution", "name").casefold().replace("’", "'")
    return DROPPED if resolution in _DROPPED else CLOSED if resolution in _CLOSED else DONE
