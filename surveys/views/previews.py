"""A survey as respondents see it, to be tried in a frame of our own pages: what is done in it is sent nowhere."""

import re
from collections.abc import Callable

from flask import Response, g, make_response, render_template

from surveys.base.http import app, context
from surveys.mail import invitation_mail
from surveys.models import Survey
from surveys.views import forms, pages, widget
from surveys.widget import script

#: Stands before the widget that is tried: a service that takes everything and keeps nothing.
NOWHERE = b'window.fetch=async()=>new Response("{}",{status:201});'

#: The scripts of our own pages; whatever others wrote stands in them escaped.
_SCRIPTS = re.compile(r"<script\b.*?</script>", re.DOTALL)

_BODY = re.compile(r"<body\b[^>]*>")


def page(survey: Survey, language: str) -> Response:
    """The hosted page."""
    g.language, g.frame_ancestors = language, "'self'"
    form = forms.Form(
        survey=survey.id, language=language, channel="link", touchpoint=None, person=None, made_at=0
    )
    answer = pages.ask(survey, form, None)
    # Without scripts and forms: what is tried out records no answer.
    answer.set_data(_SCRIPTS.sub("", answer.get_data(as_text=True)))
    answer.headers["Content-Security-Policy"] += "; sandbox"
    return answer


def widget_alone(survey: Survey, language: str) -> Response:
    """The widget on a page that is nothing but grey lines."""
    # Under a name of its own: what a browser remembers of the survey itself is another matter.
    own = {"id": f"tried-{survey.id}", "wait_after_answer_days": 0, "wait_after_decline_days": 0}
    asked = Survey(**{**survey.__data__, **own})
    asked.widget = {**survey.widget, "show_after_seconds": 0, "pages": []}
    asked.sampling, asked.status = 1.0, "active"
    made = script.files(widget.configuration(asked, language))
    body = render_template(
        "tried_widget.html",
        nonce=context.nonce(),
        widget=(NOWHERE + made.whole).decode(),
    )
    answer = make_response(body)
    answer.headers["Content-Security-Policy"] = app.page_policy("'self'")
    return answer


def mail(survey: Survey, language: str) -> Response:
    """The mail that an invented person would get."""
    message = invitation_mail.example(survey, language, "robin@example.com")
    # A mail is judged by its subject before it is opened.
    head = render_template("tried_mail.html", message=message)
    answer = make_response(_BODY.sub(lambda found: found[0] + head, message.html or "", count=1))
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox; frame-ancestors 'self'"
    )
    return answer


#: What can be tried, by its name.
PARTS: dict[str, Callable[[Survey, str], Response]] = {"page": page, "widget": widget_alone, "mail": mail}


def framed(answer: Response) -> Response:
    """Let our own pages alone show this in a frame, and nobody keep it."""
    policy = answer.headers["Content-Security-Policy"].replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    )
    answer.headers["Content-Security-Policy"] = policy
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
