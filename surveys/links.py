"""Public addresses and the tokens in them; every link starts with BASE_URL."""

import re
from datetime import datetime, timedelta
from urllib.parse import urlencode

from surveys.base import signing

_base_url = "http://127.0.0.1:8000"
_bounce_address: str | None = None

#: Hex digits of the signature in an envelope sender: 80 bits, beside the 120 random ones of the id.
_BOUNCE_MAC = 20
_BOUNCED = re.compile(r"\+((?:inv|let)_[0-9a-z]{24})\.([0-9a-f]{20})@", re.IGNORECASE)

BadToken, Expired = signing.BadToken, signing.Expired

#: How long a link to a respondent's own page is good: it shows and deletes all that they ever answered.
ME_FOR = timedelta(days=90)


def use_base_url(url: str) -> None:
    """Where the service is reached from outside."""
    global _base_url
    _base_url = url


def use_bounce_address(address: str | None) -> None:
    """Where reports of undelivered mail go (BOUNCE_ADDRESS)."""
    global _bounce_address
    _bounce_address = address


def to(path: str, **query: str | int | None) -> str:
    """The public address of `path`, with what of `query` is not None."""
    given = {name: value for name, value in query.items() if value is not None}
    return _base_url + path + ("?" + urlencode(given) if given else "")


def invitation_token(invitation_id: str) -> str:
    """The token that lets its bearer answer one invitation, for as long as its row says (`expires_at`)."""
    return signing.sign("invitation", invitation_id)


def invitation_id(token: str, now: datetime) -> str:
    """Whose invitation a token is. Raises BadToken."""
    return signing.read("invitation", token, now)


def invitation(invitation_id: str, score: int | str | None = None) -> str:
    """The page behind an invitation; `score` preselects and never counts by itself."""
    return to(f"/i/{invitation_token(invitation_id)}", score=score)


def decoy(invitation_id: str) -> str:
    """The page behind an invitation by a way that no person sees; it names no score."""
    return to(f"/i/{invitation_token(invitation_id)}", seen=1)


def bounce(mail_id: str) -> str | None:
    """The envelope sender of the mail of an invitation or letter, by which its bounces find back.

    None without BOUNCE_ADDRESS.
    """
    if _bounce_address is None:
        return None
    name, _, domain = _bounce_address.rpartition("@")
    return f"{name}+{mail_id}.{_bounce_mac(mail_id)}@{domain}"


def bounced_mail_id(address: str) -> str | None:
    """The invitation or letter whose envelope sender stands in a text; None when there is none that we signed.

    Upper and lower case do not matter: some servers change it.
    """
    for found in _BOUNCED.finditer(address[:10_000]):
        mail_id, mac = found[1].lower(), found[2].lower()
        if signing.same(_bounce_mac(mail_id), mac):
            return mail_id
    return None


def unsubscribe(invitation_id: str, me: str | None = None) -> str:
    """Where whoever got an invitation says that it was the last; the link never runs out.

    `me`: the token of their own page, which that page then links to. Never in a header, which others read and forward.
    """
    return to(f"/u/{signing.sign('unsubscribe', invitation_id)}", me=me)


def unsubscribed_invitation_id(token: str, now: datetime) -> str:
    """The invitation by which somebody unsubscribes. Raises BadToken."""
    return signing.read("unsubscribe", token, now)


def unsubscribe_from_letters(person_id: str, address: str) -> str:
    """The same for somebody who was written to without an invitation; worthless once they have another address."""
    return to(f"/u/{signing.sign('unsubscribe', f'{person_id}.{_holder(address)}')}")


def letter_reader(unsubscribed: str) -> tuple[str, str] | None:
    """The person of what `unsubscribed_invitation_id` gave, and the mark of the address; None for an invitation's."""
    person_id, dot, mark = unsubscribed.partition(".")
    return (person_id, mark) if dot else None


def is_holder(address: str, mark: str) -> bool:
    """Whether it is the address of this mark."""
    return signing.same(_holder(address), mark)


def letter(letter_id: str, answer: str | None = None) -> str:
    """The page on which whoever was asked says whether it is solved; `answer` preselects and counts nothing."""
    return to(f"/f/{signing.sign('letter', letter_id)}", answer=answer)


def letter_id(token: str, now: datetime) -> str:
    """Which letter a token is of. Raises BadToken."""
    return signing.read("letter", token, now)


def card(kind: str, card_id: str) -> str:
    """Where others see a topic's card, of a kind; for a badge its image."""
    return to(f"/{kind}/{signing.sign(kind, card_id)}" + (".svg" if kind == "badge" else ""))


def card_id(kind: str, token: str, now: datetime) -> str:
    """Which card of a kind a token is of. Raises BadToken."""
    return signing.read(kind, token, now)


def me(person_id: str, made_at: datetime) -> str:
    """A respondent's own page, by a link that is good for ME_FOR."""
    return to(f"/me/{my_token(person_id, made_at)}")


def my_token(person_id: str, made_at: datetime) -> str:
    """The token that opens a respondent's own page until ME_FOR after `made_at`."""
    return signing.sign("me", person_id, made_at + ME_FOR)


def my_person_id(token: str, now: datetime) -> str:
    """Whose own page a token opens. Raises BadToken, Expired when it did once."""
    return signing.read("me", token, now)


def connection(connection_id: str) -> str:
    """Where a helpdesk posts its webhooks."""
    return to(f"/in/{connection_id}")


def tracker(tracker_id: str) -> str:
    """Where an issue tracker posts its webhooks."""
    return to(f"/trackers/{tracker_id}")


def survey_page(survey_id: str, **query: str | int | None) -> str:
    """The hosted page of a survey, for links and QR codes."""
    return to(f"/s/{survey_id}", **query)


def privacy(survey_id: str | None) -> str:
    """The way to the privacy page of the company that asks; of a survey that has its own, to that."""
    return to("/privacy", survey=survey_id)


def widget_script(survey_id: str) -> str:
    """The script a website embeds."""
    return to(f"/w/{survey_id}.js")


def _holder(address: str) -> str:
    return signing.keyed_hash("holder", address)[:_BOUNCE_MAC]


def _bounce_mac(mail_id: str) -> str:
    return signing.keyed_hash("bounce", mail_id)[:_BOUNCE_MAC]
