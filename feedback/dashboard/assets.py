"""The style sheet, the script and the icons of the team's pages, each under an address that holds its hash."""

import functools
import gzip
import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from surveys import links
from surveys.base.errors import Missing

FOLDER = Path(__file__).with_name("static")

KINDS = {"team.css": "text/css", "team.js": "text/javascript", "icons.svg": "image/svg+xml"}


@functools.cache
def _read(name: str) -> tuple[str, bytes, bytes]:
    """Hash, bytes and compressed bytes of a file."""
    plain = (FOLDER / name).read_bytes()
    return hashlib.sha256(plain).hexdigest()[:16], plain, gzip.compress(plain, 9, mtime=0)


def address(name: str) -> str:
    """Where a file is served; the address changes with its bytes."""
    root = urlsplit(links.to("")).path.rstrip("/")
    return f"{root}/team/static/{_read(name)[0]}/{name}"


def install(blueprint: Blueprint) -> None:
    """Serve the files. They hold nothing of anybody, so they ask for no key."""
    blueprint.add_url_rule(
        "/team/static/<digest>/<name>", "static", _served, methods=["GET"], provide_automatic_options=False
    )


def _served(digest: str, name: str) -> Response:
    if name not in KINDS or digest != _read(name)[0]:
        raise Missing
    _, plain, packed = _read(name)
    small = bool(request.accept_encodings["gzip"])
    answer = Response(packed if small else plain, mimetype=KINDS[name])
    if small:
        answer.headers["Content-Encoding"] = "gzip"
    answer.vary.add("Accept-Encoding")
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer
