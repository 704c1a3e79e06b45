"""README's tables of routes and settings, made from the code: `python -m tests.tables` writes them anew."""

import re
import tempfile
from pathlib import Path

from flask import Flask

from surveys.base import settings
from tests.servers import ROOT

README = ROOT / "README.md"


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
    written = put("routes", routes(app), README.read_text())
    README.write_text(put("settings", setting_rows(), written))
