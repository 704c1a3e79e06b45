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

from surveys import brands, invitations, links, wording
from surveys import texts as the_texts
from surveys.base import delivery, jobs
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown, Message, address, clean
from surveys.domain import names, pictures
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.models import Invitation, Person, Survey
from surveys.widget import colours, script

#: What a survey's own subject and text may name; each is empty where it is not known.
PLACEHOLDERS = ("name", "first_name", "product", "agent", "team", "ticket_number", "ticket_subject")

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
    own, said, texts = survey.mail or {}, _said(survey, invitation, language), the_texts.of(survey, language)
    words = _words(survey, said, texts)
    values = (
        words
        | look(survey, language)
        | _scale(invitation, texts, METRICS[survey.metric])
        | _foot(survey, invitation, texts.voice)
    )
    unsubscribe = links.unsubscribe(invitation.id)
    return Message(
        to=invitation.email or "",
        name=said["name"] or None,
        from_name=unlinked(own.get("from_name") or "") or None,
        reply_to=reply_to(survey),
        subject=_reminding(words["subject"], texts.voice) if reminder else words["subject"],
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


def _words(survey: Survey, said: Mapping[str, str], texts: the_texts.Texts) -> dict[str, Any]:
    """What the mail says, above the scale and in its subject: what it asks."""
    own, language, voice = survey.mail or {}, texts.language, texts.voice
    subject, text = (_own(own.get(part), language, said) for part in ("subject", "text"))
    question = unlinked(texts.question)
    intro = unlinked(text or wording.text(voice, "mail.intro"))
    # A text of their own says itself what it is about, with a greeting of its own.
    # What was asked of the company's service is no matter of a question to its staff.
    facts = [] if text or survey.metric == "enps" else _facts(said, voice)
    called = said["first_name"] if _by_first_name(voice) else said["name"]
    return {
        "language": language,
        "direction": texts.direction,
        "colon": wording.colon(language),
        "subject": unlinked(subject) if subject else question,
        "greeting": wording.text(voice, "mail.greeting", name=called),
        "intro": intro,
        "paragraphs": [part for part in intro.split("\n") if part.strip()],
        "facts": facts,
        "question": question,
        "regards": wording.text(voice, "mail.regards"),
        # What a mailbox shows behind the subject.
        "preheader": " · ".join([*(value for _, value in facts[:1]), wording.text(voice, "mail.preheader")]),
        "has_own_text": bool(text),
    }


#: Languages in which a company calls its customers by their first names, as their standard words do.
_BY_FIRST_NAME = frozenset(("da", "en", "fi", "he", "nb", "pt-BR", "sv"))


def _by_first_name(voice: str) -> bool:
    return voice in _BY_FIRST_NAME or voice.endswith("-x-informal")


def _facts(said: Mapping[str, str], voice: str) -> list[tuple[str, str]]:
    """What happened that the mail asks about, as far as the trigger said: the ticket, and who took care of it."""
    subject, number = said["ticket_subject"], said["ticket_number"]
    found = {
        "ticket": f"{subject} ({number})" if subject and number else subject or number,
        "agent": ", ".join(filter(None, (said["agent"], said["team"]))),
    }
    return [(wording.text(voice, f"mail.{name}"), text) for name, text in found.items() if text]


def _reminding(subject: str, voice: str) -> str:
    return wording.text(voice, "mail.reminder", subject=subject)


def _said(survey: Survey, invitation: Invitation, language: str) -> dict[str, str]:
    """What stands for each placeholder; foreign texts made harmless."""
    ticket = invitation.ticket or {}
    person = invitation.person
    foreign = {
        "name": person.name if person else None,
        "first_name": names.first(person.name, wording.family_first(language))
        if person and person.name
        else None,
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


def look(survey: Survey, language: str) -> dict[str, Any]:
    """The company as mail shows it: who it is, its colours, corners and fonts."""
    brand = brands.of(survey)
    company = (survey.mail or {}).get("from_name") or survey.product or ""
    return look_of(brand, brand.options(survey.widget), company, language)


def look_of(brand: brands.Look, options: Mapping[str, Any], company: str, language: str) -> dict[str, Any]:
    """The same of a brand; `company` is what it is called where the brand does not say."""
    colour = script.colour_of(options)
    is_rtl = wording.direction(language) == "rtl"
    logo, night_logo = (_logo(brand, scheme) for scheme in brands.SCHEMES)
    return {
        "company": unlinked(brand.name or company),
        "address": [unlinked(line) for line in (brand.address or "").splitlines() if line.strip()],
        "logo": logo or night_logo,
        "night_logo": night_logo if logo and logo != night_logo else None,
        "colour": colour,
        "edges": {name: colours.readable(colour, paper) for name, paper in script.PAPERS.items()},
        "corner": 14 if brand.corner is None else brand.corner,
        # In style attributes, which stand in double quotes.
        "font": ", ".join(filter(None, ((brand.font or "").replace('"', "'"), _FONTS))),
        "start": "right" if is_rtl else "left",
        "end": "left" if is_rtl else "right",
        # Keeps what follows out of what a mailbox shows behind the subject: spaces of which nothing is seen.
        "filling": "\u2007\u034f " * 60,
    }


_FONTS = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"


def _logo(brand: brands.Look, scheme: str) -> dict[str, Any] | None:
    """The logo on light or dark paper; None where mail programs would not show it."""
    shown = brand.logo(scheme)
    if shown is None or shown.type not in pictures.MAILED:
        return None
    width, height = shown.fitted(220, 48)
    return {"url": shown.url, "width": width, "height": height}


#: Of each number of points in one row how wide a key is; at 360 pixels as wide as a finger still.
_KEYS = {2: 150, 3: 110, 5: 76, 7: 60}

#: How wide one of eleven keys is, and the gap between any two side by side: all of them just fit into a mail.
_NARROW, _GAP = 46, 3

#: Mail programs show no SVG. These are letters of Unicode 6, which the fonts of older systems have too.
_GLYPHS = {"faces": "😞😕😐😊😄", "stars": "☆☆☆☆☆", "thumbs": "👎👍"}


def _scale(invitation: Invitation, texts: the_texts.Texts, metric: Metric) -> dict[str, Any]:
    """The keys, from low to high, each with its link: in one row, eleven of them in two where one is too narrow."""
    labels = {score: unlinked(label) for score, label in texts.labels.items()}
    scores = [_key(invitation, texts, labels.get(score), score, at) for at, score in enumerate(metric.scores)]
    count = len(scores)
    wide = _KEYS.get(count, _NARROW)
    half = count if count in _KEYS else -(-count // 2)
    parts = [part for part in (scores[:half], scores[half:]) if part]
    # The gap between two rows ends the first of them, so that side by side they are one row.
    rows = [
        {"scores": part, "width": len(part) * (wide + _GAP) - (_GAP if part is parts[-1] else 0)}
        for part in parts
    ]
    ends = [labels.get(score, "") for score in (metric.minimum, metric.maximum)]
    if texts.scale == "numbers":
        ends = [
            f"{score} – {text}" if text else ""
            for score, text in zip((metric.minimum, metric.maximum), ends, strict=True)
        ]
    return {
        "scale": texts.scale,
        "scores": scores,
        "rows": rows,
        "gap": _GAP,
        "width": sum(row["width"] for row in rows),
        "ends": ends if any(ends) and texts.scale != "thumbs" else None,
    }


def _key(
    invitation: Invitation, texts: the_texts.Texts, label: str | None, score: int, at: int
) -> dict[str, Any]:
    scale = texts.scale
    is_said = scale in ("words", "thumbs") and bool(label)
    parts = [*([] if is_said else [str(score)]), *([label] if label else [])]
    return {
        "url": links.invitation(invitation.id, score),
        "glyph": _GLYPHS[scale][at] if scale in _GLYPHS else None,
        "text": label if is_said else str(score),
        "name": f"{score}, {label}" if label and not is_said else None,
        "line": " – ".join(parts) + wording.colon(texts.language).rstrip(),
    }


def _foot(survey: Survey, invitation: Invitation, voice: str) -> dict[str, Any]:
    """Why somebody got the mail, and where they go from it."""
    mine = links.my_token(invitation.person_id, invitation.send_at) if invitation.person_id else None
    found = [("mail.unsubscribe", links.unsubscribe(invitation.id, me=mine))]
    if invitation.person_id:
        found.append(("me.title", links.me(invitation.person_id, invitation.send_at)))
    return {
        # Staff need no reason to be asked by the company they work for.
        "why": None if survey.metric == "enps" else wording.text(voice, "mail.why"),
        "links": [(wording.text(voice, name), url) for name, url in [*found, *privacy(survey)]],
        "decoy_url": links.decoy(invitation.id),
    }


def privacy(survey: Survey) -> list[tuple[str, str]]:
    """Where the survey's privacy page is, behind the key of its words; nothing where there is none."""
    brand = brands.of(survey)
    return [("brand.privacy", links.privacy(brand.privacy_of))] if brand.privacy_url else []


#: Where the templates of this house lie.
_TEMPLATES = Path(__file__).parents[1] / "templates"


@cache
def template(name: str, folder: Path = _TEMPLATES) -> jinja2.Template:
    """One part of a mail, which may build on those of this house; what stands in it is escaped in one that is HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader((folder, _TEMPLATES)),
        autoescape=name.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
