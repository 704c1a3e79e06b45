"""What the benchmarks ask of a running Earshot, with the key they gave it."""

import json
import secrets
import urllib.request
from collections.abc import Mapping
from typing import Any

ADMIN_KEY = secrets.token_urlsafe(32)

# For a service under load from one address: it knows our key and does not limit us.
SETTINGS = {"ADMIN_KEY": ADMIN_KEY, "PUBLIC_LIMIT": "0"}


def ask(url: str, body: Mapping[str, Any] | None = None) -> Any:
    """The JSON that a GET gives, or a POST when there is a body; urllib's HTTPError for 4xx and 5xx."""
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def make_survey(url: str) -> str:
    """Make an NPS survey and return its id."""
    return ask(f"{url}/api/surveys", {"name": "Benchmark", "metric": "nps"})["id"]
