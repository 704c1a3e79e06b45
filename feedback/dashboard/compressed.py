"""Pages of the team go out in gzip where no other site asked for them.

How short an answer becomes tells what in it is alike. Whoever has a member's browser ask for pages with words of their
choosing, and sees the lengths of the answers on their way, would guess what else stands on them ("BREACH"). So a page
is compressed where the browser says that the member, or a page of ours, asked for it (`Sec-Fetch-Site`).
"""

import gzip

from flask import Blueprint, Response, request

#: Who asked: a page of ours, or the member by address or bookmark.
OURS = ("same-origin", "none")

#: Shorter pages are sent as they are; higher levels take several times as long for a tenth less.
LEAST, LEVEL = 1_000, 4


def install(blueprint: Blueprint) -> None:
    """Compress the pages of a blueprint."""
    blueprint.after_request(_packed)


def _packed(answer: Response) -> Response:
    if answer.mimetype != "text/html" or answer.is_streamed or "Content-Encoding" in answer.headers:
        return answer
    answer.vary.update(("Accept-Encoding", "Sec-Fetch-Site"))
    asked_by = request.headers.get("Sec-Fetch-Site")
    plain = answer.get_data()
    if asked_by in OURS and request.accept_encodings["gzip"] and len(plain) >= LEAST:
        answer.set_data(gzip.compress(plain, LEVEL, mtime=0))
        answer.headers["Content-Encoding"] = "gzip"
    return answer
