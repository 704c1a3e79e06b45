"""Who reads: the languages in which the API and the team's pages tell names that the service made."""

from flask import Flask, Response, g, has_request_context, request

from feedback import labels
from surveys.base.http import signed_in
from surveys.views import layout

#: What is read by the team and its programs. What respondents and strangers see has a language of its own.
READ = ("/api/", "/team")


def install(app: Flask) -> None:
    """Have names told in the reader's language, and caches know that they are."""
    labels.use_reader(languages)
    app.after_request(_vary)


def languages() -> list[str]:
    """The languages that this call asks for, the best first: `lang` in the address, then what the member who is signed
    in chose, then Accept-Language."""
    if not has_request_context() or not request.path.startswith(READ):
        return []
    if "reads" not in g:
        asked, member = request.args.get("lang"), signed_in.member()
        chosen = [asked, member.language if member else None]
        g.reads = [*filter(None, chosen), *layout.wishes()]
    found: list[str] = g.reads
    return found


def _vary(answer: Response) -> Response:
    if "reads" in g:
        answer.vary.add("Accept-Language")
    return answer
