"""Recorded calls and short ways to make variants of them."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

from surveys.helpdesks import HELPDESKS
from surveys.helpdesks.helpdesk import Call, Connection, Event, Ignored, WriteBack

FOLDER = Path(__file__).parents[2] / "fixtures" / "helpdesks"
NAMES = sorted(path.name.removesuffix(".headers.json") for path in FOLDER.glob("*.headers.json"))
NOW = datetime(2026, 9, 14, 10, 15, 30, tzinfo=UTC)
# Freshdesk signs nothing: its rule carries this key as the Basic user.
UNSIGNED_SECRET = "sv_live_key_for_freshdesk"
BACK = WriteBack("https://desk.example.com/", "7", "token-1")


def source(name: str) -> str:
    return name.partition("-")[0]


def recorded(name: str) -> tuple[Call, dict, dict]:
    """The call byte for byte, what is written about it, and what must be understood."""
    about = json.loads((FOLDER / f"{name}.headers.json").read_text("utf-8"))
    expected = json.loads((FOLDER / f"{name}.expected.json").read_text("utf-8"))
    body = (FOLDER / f"{name}.json").read_bytes()
    return Call.of(about["method"], about["headers"], body), about, expected


def secret_of(about: dict) -> str:
    return about["signature"].get("secret") or UNSIGNED_SECRET


def connection(kind: str, **more) -> Connection:
    return Connection(kind, more.pop("secret", "a secret"), **more)


def payload(name: str) -> dict:
    """A fresh copy of a recorded body to change."""
    return copy.deepcopy(json.loads((FOLDER / f"{name}.json").read_bytes()))


def told(kind: str, body: object, headers: dict | None = None, **more) -> Event | Ignored:
    """What the adapter understands of a body (bytes as they are, anything else as JSON)."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HELPDESKS[kind].read(Call.of("POST", headers or {}, raw), connection(kind, **more))


def put(data: dict, path: str, value: object) -> dict:
    """The data with the value at a dotted path changed."""
    *steps, last = path.split(".")
    inner = data
    for step in steps:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    inner[int(last) if isinstance(inner, list) else last] = value
    return data
