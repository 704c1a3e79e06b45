"""Mail that a person of the team writes to one customer: its words and headers. Who sends it sends it once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import css_inline

from surveys import brands, links, wording
from surveys.base.delivery.message import Message, clean
from surveys.domain import addresses
from surveys.mail import invitation_mail
from surveys.mail.invitation_mail import safe, template, unlinked
from surveys.models import Person, Survey

#: Letters of a customer's own sentence that are quoted.
QUOTED = 400


@dataclass(frozen=True)
class Letter:
    """One mail. `text`: what the team says. `quote`: the customer's own sentence, and nobody else's.

    `asks`: it asks whether it is solved, by links to a page that counts nothing when it is opened.
    `by_hand`: a member wrote `text` to this one person, so that web addresses in it stay as they were typed.
    """

    id: str
    to: str
    language: str
    subject: str
    text: str = ""
    quote: str | None = None
    asks: bool = False
    by_hand: bool = False


@dataclass(frozen=True)
class Sent:
    """A letter that left: where it went, to whom; `bounced` hears why it came back for good, and when."""

    address: str
    person: Person | None
    bounced: Callable[[str, datetime], None]


_find: Callable[[str], Sent | None] | None = None


def use_letters(find: Callable[[str], Sent | None]) -> None:
    """Say how a letter is found by its id."""
    global _find
    _find = find


def sent(letter_id: str) -> Sent | None:
    """The letter with this id; None where none left that is still known."""
    return _find(letter_id) if _find is not None else None


def compose(letter: Letter, person: Person, survey: Survey, reply_to: str | None) -> Message:
    """The mail to a person. `reply_to`: the member who looks after it; None: where the survey's answers go.

    Every link in it starts with BASE_URL. An address in the team's words is kept from becoming one, unless a member
    wrote them by hand: then it stands there as text.
    """
    text = letter.text if letter.by_hand else unlinked(letter.text)
    say = _Words(wording.voice(letter.language, brands.of(survey).formality))
    own, around = survey.mail or {}, frame(letter.language, person, survey, letter.quote)
    unsubscribe = links.unsubscribe_from_letters(person.id, letter.to)
    values = {
        "language": letter.language,
        "direction": wording.direction(letter.language),
        "colon": wording.colon(letter.language),
        "subject": letter.subject,
        "greeting": around.greeting,
        "paragraphs": [part for part in text.splitlines() if part.strip()],
        "text": text,
        "quoted": around.quoted,
        "quote": around.quote,
        "question": say("letter.question") if letter.asks else None,
        "choices": [
            (say(f"letter.{answer}"), links.letter(letter.id, answer)) for answer in ("fixed", "not_yet")
        ]
        if letter.asks
        else [],
        "regards": around.regards,
        # What a mailbox shows behind the subject.
        "preheader": clean(text[:100]) or letter.subject,
        "why": say("letter.why"),
        "links": [
            (say(name), url)
            for name, url in [("mail.unsubscribe", unsubscribe), *invitation_mail.privacy(survey)]
        ],
    } | invitation_mail.look(survey, letter.language)
    return Message(
        to=letter.to,
        name=safe(person.name) or None,
        from_name=unlinked(own.get("from_name") or "") or None,
        reply_to=reply_to or around.reply_to,
        subject=letter.subject,
        text=template("letter.txt").render(values),
        html=css_inline.inline(
            template("letter.html").render(values), keep_at_rules=True, load_remote_stylesheets=False
        ),
        id=letter.id,
        bounces_to=links.bounce(letter.id),
        headers={
            # RFC 8058: one click, without a page in between.
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )


@dataclass(frozen=True)
class Frame:
    """What a letter says around the words of the team. `reply_to`: where the survey's answers go."""

    greeting: str
    quoted: str
    quote: str | None
    regards: str
    company: str
    reply_to: str | None


def frame(language: str, person: Person, survey: Survey, quote: str | None) -> Frame:
    """What `compose` puts around the words of the team, so that they need not say it again."""
    say = _Words(wording.voice(language, brands.of(survey).formality))
    return Frame(
        greeting=say("mail.greeting", name=safe(person.name)),
        quoted=say("letter.quoted"),
        quote=safe(quote)[:QUOTED] if quote else None,
        regards=say("mail.regards"),
        company=invitation_mail.look(survey, language)["company"],
        reply_to=invitation_mail.reply_to(survey),
    )


def subject(key: str, language: str, survey: Survey) -> str:
    """A standard subject ("letter.told") in the tone that the survey speaks."""
    return wording.text(wording.voice(language, brands.of(survey).formality), key)


def language_for(*wishes: str | None) -> str:
    """The language of a letter: the first wish that we have words in."""
    return wording.choose([each for each in wishes if each], list(wording.LANGUAGES), wording.FALLBACK)


def address_of(rows: list[Person]) -> str | None:
    """Where a letter to somebody with these rows may go: an address that somebody vouches for, never a mere claim."""
    known = [each for row in rows if row.verified for each in (row.email, row.known_email) if each]
    return next((each for each in known if addresses.normal(each)), None)


class _Words:
    """The standard texts in a language and tone."""

    def __init__(self, voice: str) -> None:
        self._voice = voice

    def __call__(self, key: str, **placeholders: object) -> str:
        return wording.text(self._voice, key, **placeholders)
