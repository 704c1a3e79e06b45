"""GitHub, and GitHub Enterprise Server: REST API of 2022-11-28, webhooks with X-Hub-Signature-256.

https://docs.github.com/en/rest/issues/issues and
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries, read in November 2026.
"""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from feedback.trackers import written
from feedback.trackers.tracker import (
    CLOSED,
    DONE,
    DROPPED,
    MOST_PAGES,
    OPEN,
    SLACK,
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
from surveys.helpdesks.helpdesk import Call, Ignored, Request, bearer

NAME, NEEDS_USER, OWN_SECRET = "GitHub", False, False

HOME = "https://github.com"

FIELDS = (
    Field("repository", r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}", "acme/shop"),
    Field("url", r"https?://\S{1,500}", HOME, required=False, default=HOME),
)

#: Issues of one page: small enough to be read whole, however much stands in them.
_PAGE = 30

#: Why an issue was closed; what else it may be means that it is done.
_CLOSED = {"not_planned": DROPPED, "duplicate": CLOSED}


def ready(account: Account, ask: Ask) -> Account:
    """Nothing more is needed."""
    return account


def create(account: Account, draft: Draft, ask: Ask) -> Issue:
    """`POST /repos/{owner}/{repo}/issues`."""
    body = {"title": written.title(draft.title), "body": written.markdown(draft)}
    return _issue(account, ask(_request(account, "POST", "/issues", body)))


def find(account: Account, marker: str, since: datetime, now: datetime, ask: Ask) -> Issue | None:
    """Among the newest issues by their list, which is up to date at once; the search's index is not."""
    first = (since - SLACK).astimezone(UTC)
    query = {"state": "all", "sort": "created", "direction": "desc", "per_page": _PAGE}
    for page in range(1, MOST_PAGES + 1):
        found = rows(ask(_request(account, "GET", f"/issues?{urlencode({**query, 'page': page})}")))
        for each in found:
            if marker in text(each, "body"):
                return _issue(account, each)
            if _moment(known(each, "created_at")) < first:
                return None
        if len(found) < _PAGE:
            return None
    raise Unclear("too many new issues to look through")


def fetch(account: Account, ref: str, ask: Ask) -> Issue:
    """`GET /repos/{owner}/{repo}/issues/{number}`."""
    return _issue(account, ask(_request(account, "GET", f"/issues/{int(ref)}")))


def check(account: Account, ask: Ask) -> Reached:
    """Whether the token sees the repository, and it takes issues."""
    found = ask(_request(account, "GET", ""))
    takes = not isinstance(found, dict) or found.get("has_issues", True)
    return Reached(
        known(found, "full_name"), None if takes else "Issues are switched off in this repository."
    )


def named(account: Account, url: str) -> str | None:
    """The number in the address of an issue of the repository."""
    home = re.escape(_home(account).casefold())
    place = re.escape(account.settings["repository"].casefold())
    found = re.fullmatch(
        rf"{home}/{place}/issues/([1-9][0-9]{{0,8}})/?", url.partition("#")[0].partition("?")[0].casefold()
    )
    return found[1] if found else None


def proved(secret: str, call: Call, now: datetime) -> bool:
    """`X-Hub-Signature-256: sha256=<hex HMAC of the body>`. GitHub signs no time."""
    given = call.header("x-hub-signature-256").startswith("sha256=")
    return given and proofs.hex_signature(call, "x-hub-signature-256", secret, "sha256", "sha256=")


def heard(account: Account, call: Call) -> Heard | Ignored:
    """An event `issues` of this repository."""
    event, said = call.header("x-github-event"), call.json
    if event != "issues":
        return Ignored(f"the event {event[:40] or 'has no name'}")
    if not isinstance(said, dict):
        return Ignored("no JSON: choose application/json as the content type")
    if text(said, "repository", "full_name").casefold() != account.settings["repository"].casefold():
        return Ignored("another repository")
    return Heard(text(said, "issue", "number"), text(said, "sender", "login")[:100] or None)


# ------------------------------------------------------------------------------------------------------


def _home(account: Account) -> str:
    return (account.settings.get("url") or HOME).rstrip("/")


def _request(account: Account, method: str, path: str, body: Any = None) -> Request:
    home = _home(account)
    api = "https://api.github.com" if urlsplit(home).hostname == "github.com" else f"{home}/api/v3"
    headers = {
        **bearer(account.token),
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    return Request(method, f"{api}/repos/{account.settings['repository']}{path}", headers, json=body)


def _issue(account: Account, said: Any) -> Issue:
    if isinstance(said, dict) and "pull_request" in said:
        raise Declined("That is a pull request, not an issue.")
    number = known(said, "number")
    if not number.isdecimal():
        raise Unclear("an issue without a number")
    state = OPEN
    if known(said, "state") == "closed":
        state = _CLOSED.get(text(said, "state_reason"), DONE)
    place = account.settings["repository"]
    return Issue(number, f"{place}#{number}", f"{_home(account)}/{place}/issues/{number}", state)


def _moment(value: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise Unclear("an issue without a time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
