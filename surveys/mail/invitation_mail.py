"""The mail that asks: its words, its headers, and that it leaves at most once (docs/promises.md, P3)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import css_inline
import jinja2

from surveys import invitations, links, wording
from surveys import texts as the_texts
from surveys.base import delivery, jobs
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown, Message, address, clean
from surveys.domain.metrics import METRICS
from surveys.models import Invitation, Person, Survey
from surveys.widget import colours, script

#: What a survey's own subject and text may name; each is empty where it is not known.
PLACEHOLDERS = ("name", "product", "agent", "team", "ticket_number", "ticket_subject")

#: The invitation of a preview; no real one has this id.
NOBODYS = "inv_" + "0" * 24

#: When it is sent: long ago, so that a link in it that runs out has done so.
EXAMPLE = datetime(2020, 1, 1, tzinfo=UTC)


@jobs.on(invitations.DUE, lane=jobs.MAIL)
def send(payload: dict[str, Any], now: datetime) -> None:
    """Send one invitation, unless it was sent, was being sent when a process died, or must not be sent any more."""
    invitation = invitations.start_sending(payload["invitation"], now)
    if invitation is None:
        return
    try:
        message = compose(invitation.survey, invitation)
    except Exception as error:
        invitations.not_sent(invitation, f"the mail could not be made ({type(error).__name__})")
        raise
    try:
        _hand_over(message, now)
    except DeliveryUnknown as error:
        invitations.unknown(invitation, f"the server fell silent after it had the mail ({error})")
    except DeliveryFailed as error:
        if error.again:
            invitations.not_sent(invitation, f"not sent: {error}")
            raise
        invitations.failed(invitation, f"not sent: {error}", now)
    else:
        invitations.sent(invitation, now)


@jobs.on_death(invitations.DUE)
def give_up(payload: dict[str, Any], error: str, now: datetime) -> None:
    """Show that an invitation will not be sent by itself any more."""
    invitations.give_up(payload["invitation"], error, now)


@jobs.on_release(invitations.DUE)
def take_up(payload: dict[str, Any], now: datetime) -> None:
    """Let it be sent after all."""
    invitations.take_up(payload["invitation"], now)


@jobs.on(invitations.REMINDER_DUE, lane=jobs.MAIL)
def remind(payload: dict[str, Any], now: datetime) -> None:
    """Send the one reminder. It is marked before it leaves and not tried again: a lost reminder hurts nobody."""
    invitation = invitations.start_reminding(payload["invitation"], now)
    if invitation is not None:
        _hand_over(compose(invitation.survey, invitation, reminder=True), now)


def compose(survey: Survey, invitation: Invitation, reminder: bool = False) -> Message:
    """The mail of an invitation, in its person's language; or its reminder, which says so and is shown with the first.

    Every link in it starts with BASE_URL: what others said (names, subjects), and what the survey's team wrote, is kept
    from becoming a link.
    """
    language = the_texts.language_for(survey, _wishes(invitation))
    own, said = survey.mail or {}, _said(survey, invitation)
    words = _words(survey, said, language)
    values = words | _values(survey, invitation, words, language)
    unsubscribe = links.unsubscribe(invitation.id)
    return Message(
        to=invitation.email or "",
        name=said["name"] or None,
        from_name=unlinked(own.get("from_name") or "") or None,
        reply_to=reply_to(survey),
        subject=_reminding(words["subject"], language) if reminder else words["subject"],
        text=template("mail.txt").render(values),
        html=css_inline.inline(
            template("mail.html").render(values), keep_at_rules=True, load_remote_stylesheets=False
        ),
        id=f"{invitation.id}.reminder" if reminder else invitation.id,
        answers=invitation.id if reminder else None,
        bounces_to=links.bounce(invitation.id),
        headers={
            # What a mail service that makes Message-IDs of its own still shows in its reports.
            "X-Earshot-Invitation": invitation.id,
            # RFC 8058: one click, without a page in between.
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": f"<{survey.id}.{host()}>",
            # RFC 3834, and what Exchange understands: no out-of-office replies.
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            # support.google.com/a/answer/6254652: campaign, customer, kind of mail, sender
            "Feedback-ID": f"{survey.id}:{survey.metric}:invitation:earshot",
        },
    )


def example(survey: Survey, language: str | None, to: str, reminder: bool = False) -> Message:
    """The mail that an invented person would get, or its reminder; its links lead to no invitation."""
    invitation = Invitation(
        id=NOBODYS,
        survey=survey.id,
        person=Person(id="per_" + "0" * 24, name="Robin Vale"),
        email=to,
        send_at=EXAMPLE,
        language=language,
        agent_name="Sam Ortiz",
        team_name="Support",
        ticket={"id": "35436", "number": "35436", "subject": "Refund for order 1042"},
    )
    return compose(survey, invitation, reminder)


# ------------------------------------------------------------------------------------------------------


def _hand_over(message: Message, now: datetime) -> None:
    delivery.transport("mail").send(message, now)


def _wishes(invitation: Invitation) -> list[str]:
    person = invitation.person
    return [tag for tag in (invitation.language, person.language if person else None) if tag]


def _words(survey: Survey, said: Mapping[str, str], language: str) -> dict[str, Any]:
    own = survey.mail or {}
    subject, text = (_own(own.get(part), language, said) for part in ("subject", "text"))
    return {
        "subject": unlinked(subject or wording.text(language, "mail.subject", product=survey.product)),
        "greeting": wording.text(language, "mail.greeting", name=said["name"]),
        "intro": unlinked(text or wording.text(language, "mail.intro")),
        "why": wording.text(language, "mail.why"),
        "unsubscribe": wording.text(language, "mail.unsubscribe"),
        "me": wording.text(language, "me.title"),
        # A text of their own brings its own greeting.
        "has_own_text": bool(text),
    }


def _reminding(subject: str, language: str) -> str:
    return wording.text(language, "mail.reminder", subject=subject)


def _said(survey: Survey, invitation: Invitation) -> dict[str, str]:
    """What stands for each placeholder; foreign texts made harmless."""
    ticket = invitation.ticket or {}
    person = invitation.person
    foreign = {
        "name": person.name if person else None,
        "agent": invitation.agent_name,
        "team": invitation.team_name,
        "ticket_number": ticket.get("number") or ticket.get("id"),
        "ticket_subject": ticket.get("subject"),
    }
    return {"product": survey.product or survey.name} | {name: safe(text) for name, text in foreign.items()}


def _own(by_language: Mapping[str, str] | None, language: str, said: Mapping[str, str]) -> str | None:
    if not by_language:
        return None
    tag = wording.choose([language], list(by_language), "")
    return wording.fill(by_language[tag], **said).strip() if tag else None


# Mail programs make a link of whatever looks like one: an address with its scheme, a host with or without `www.`, a
# mailbox, a shared folder. A blank after the first sign of it is enough to keep them from it.
_SCHEME = re.compile(
    r"(?<=\w):(?=//)|\b(?:https?|ftp|file|data|mailto|tel|sms|sips?|callto|skype|news|webcal|magnet):(?=\S)",
    re.IGNORECASE,
)
_WWW = re.compile(r"(?<![^\W_])(www\d{0,3})[.。．｡](?=\S)", re.IGNORECASE)
# The end of a host has two letters or more, in any script. What cannot be seen may stand between.
_UNSEEN = "[\u00ad\u034f\u061c\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]*"
_MORE = "[^\\s!-,./:-@[-`{-\u00bf\u2000-\u206f\u3000-\u303f\uff00-\uff0f]"
_HOST = re.compile(rf"(?<=[^\s.])\.(?={_UNSEEN}[^\W\d_]{_UNSEEN}{_MORE})")
_WIDE_HOST = re.compile(rf"(?<=[A-Za-z0-9-])[。．｡](?={_UNSEEN}[A-Za-z]{_UNSEEN}[A-Za-z-])")
_FOLDER = re.compile(r"\\\\(?=\w)")


def unlinked(text: str) -> str:
    """`text` with nothing in it that a mail program would make a link of."""
    for pattern in (_SCHEME, _WWW, _HOST, _WIDE_HOST, _FOLDER):
        text = pattern.sub(r"\g<0> ", text)
    return text


def safe(text: str | None) -> str:
    """A foreign text on one line, without anything that a mail program would make a link of."""
    return unlinked(clean(text or ""))


def reply_to(survey: Survey) -> str | None:
    """Where answers to the mail go; nowhere in particular if what earlier versions stored is no address for a mail."""
    given = (survey.mail or {}).get("reply_to")
    try:
        return address(given, None).addr_spec if given else None
    except DeliveryFailed:
        return None


def host() -> str:
    """The host of BASE_URL in the letters of a List-Id (RFC 2919, 3)."""
    return re.sub("[^a-z0-9.-]", "-", urlsplit(links.to("/")).hostname or "localhost")


def _values(
    survey: Survey, invitation: Invitation, words: Mapping[str, Any], language: str
) -> dict[str, Any]:
    texts, metric = the_texts.of(survey, language), METRICS[survey.metric]
    labels = {score: unlinked(label) for score, label in texts.labels.items()}
    colour = script.colour_of(survey.widget)
    return {
        "language": language,
        "direction": wording.direction(language),
        "question": unlinked(texts.question),
        "scores": [
            (score, labels.get(score), links.invitation(invitation.id, score)) for score in metric.scores
        ],
        # As on the page: few points that each have a name are a list of names.
        "listed": len(metric.scores) < 6 and len(labels) == len(metric.scores),
        "ends": [(score, labels.get(score)) for score in (metric.minimum, metric.maximum)],
        "page_url": links.invitation(invitation.id),
        "decoy_url": links.decoy(invitation.id),
        "unsubscribe_url": links.unsubscribe(invitation.id),
        "me_url": links.me(invitation.person_id, invitation.send_at) if invitation.person_id else None,
        "paragraphs": [part for part in words["intro"].split("\n") if part.strip()],
        "schemes": {
            name: {"accent": accent, "on": colours.text_on(accent)}
            for name, paper in (("light", "#ffffff"), ("dark", "#1b1e25"))
            for accent in (colours.readable(colour, paper),)
        },
    }


@cache
def template(name: str) -> jinja2.Template:
    """One part of a mail; what stands in a page is escaped in one that is HTML."""
    folder = Path(__file__).parents[1] / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=name.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
