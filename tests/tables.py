"""Tables in docs/ of routes, settings and what is kept; `python -m tests.tables` writes them anew from the code."""

import re
import tempfile
from pathlib import Path

from flask import Flask

from surveys.base import db, settings
from tests.servers import ROOT

ROUTES = ROOT / "docs" / "routes.md"
SETTINGS = ROOT / "docs" / "settings.md"
PRIVACY = ROOT / "docs" / "privacy.md"


def routes(app: Flask) -> str:
    """Every documented route with the scope its key needs ("–" for none) and what it does."""
    lines = ["| route | scope | what it does |", "|---|---|---|"]
    for path, operations in app.extensions["openapi"]()["paths"].items():
        for method in ("get", "post", "patch", "put", "delete", "options"):
            if operation := operations.get(method):
                needed = [scope for rule in operation.get("security", []) for scope in rule.get("key", [])]
                summary = _cell(operation.get("summary", ""))
                lines.append(f"| `{method.upper()} {path}` | {', '.join(needed) or '–'} | {summary} |")
    return "\n".join(lines)


def setting_rows() -> str:
    """Every setting with its meaning and its default."""
    lines = ["| name | meaning | default |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {_cell(meaning)} | {_cell(default)} |" for name, meaning, default in settings.table()
    ]
    return "\n".join(lines)


#: How long the rows of a table about people stay, for docs/privacy.md.
KEPT = {
    "audit_entry": "`KEEP_RECEIPTS_DAYS` (400): who of the team changed what",
    "member": "until removed: a person of the team",
    "person": "until erased; by itself after `KEEP_PEOPLE_DAYS`",
    "invitation": "with the person",
    "response": "until deleted, or with the person; `abuse_key` 48 hours",
    "alias": "with the response",
    "follow_up": "with the person, or with its last response",
    "follow_up_response": "with the response",
    "digest": "until its reader stops it, or it is deleted; 30 days when nobody confirms it",
    "erased": "for good: an id, so that whoever follows the feed deletes a copy",
    "telling": "with the person, or with the response that it quotes",
    "listed": "with the person, or with the response that they would be told of; a day",
    "lost_sign": "with the person, or with the response that it was seen in; 180 days",
    "own_word": "with the response",
    "letter": "with the person, or with its follow-up: a mail that somebody of the team wrote",
    "idempotent_call": "a day; at once when a person in it is erased",
    "job": "a day after it is done, 90 days when it failed for good; at once when a person in it is erased",
    "notice": "with the response or the follow-up that it is about, or with its rule",
    "placement": "with the response",
    "reader": "while a rule leads there, and 30 days; for good when somebody without an account refused",
    "reading": "with the response",
    "resolution": "`KEEP_RECEIPTS_DAYS` (400), or with the invitation's person",
    "response_tag": "with the response",
    "segment_count": "until a response in it is deleted, at once; of what changes otherwise until the next full hour",
    "tombstone": "for good: a keyed hash, so that a restore erases again",
    "trigger": "`KEEP_RECEIPTS_DAYS` (400), 30 days when nobody was asked, or with the person",
    "webhook_event": "30 days, or with the response; of a deleted response its id",
}


def privacy_rows() -> str:
    """Every table that holds something of people: what, in which columns, and for how long."""
    lines = ["| table | what a row is | columns | kept |", "|---|---|---|---|"]
    for table in sorted(db.registered(), key=lambda each: each._meta.table_name):
        held: dict[str, list[str]] = {}
        for column, kind in db.holds(table).items():
            if kind != db.TECHNICAL:
                held.setdefault(kind, []).append(f"`{column}`")
        if held:
            name = table._meta.table_name
            if name not in KEPT:
                raise KeyError(f"Say in tests/tables.py how long rows of {name} are kept.")
            # The first sentence, which may be longer than a line.
            row = _cell(re.split(r"(?<=\.)\s", " ".join((table.__doc__ or "").split()))[0])
            columns = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in held.items())
            lines.append(f"| `{name}` | {row} | {columns} | {KEPT[name]} |")
    return "\n".join(lines)


def between(mark: str, text: str) -> str:
    """What stands between `<!-- mark -->` and `<!-- /mark -->`."""
    return _marked(mark).search(text).group(2).strip("\n")


def put(mark: str, table: str, text: str) -> str:
    """`text` with `table` between the two marks."""
    return _marked(mark).sub(lambda found: f"{found[1]}\n{table}\n{found[3]}", text)


def _marked(mark: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {mark} -->)(.*?)(<!-- /{mark} -->)", re.DOTALL)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    from wsgi import create_app

    with tempfile.TemporaryDirectory() as directory:
        app = create_app({"DATA_DIR": str(Path(directory)), "SECRET_KEY": "9f2c4be1a07d36580e1b4c7f93a2d860"})
    ROUTES.write_text(put("routes", routes(app), ROUTES.read_text()))
    SETTINGS.write_text(put("settings", setting_rows(), SETTINGS.read_text()))
    PRIVACY.write_text(put("privacy", privacy_rows(), PRIVACY.read_text()))
