"""Public addresses and the tokens in them; every link starts with BASE_URL."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from surveys.base import signing

_base_url = "http://127.0.0.1:8000"

BadToken, Expired = signing.BadToken, signing.Expired

#: How long a link to a respondent's own page is good: it shows and deletes all that they ever answered.
ME_FOR = timedelta(days=90)


def use_base_url(url: str) -> None:
    """Where the service is reached from outside."""
    global _base_url
    _base_url = url


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


def unsubscribe(invitation_id: str) -> str:
    """Where whoever got an invitation says that it was the last; the link never runs out."""
    return to(f"/u/{signing.sign('unsubscribe', invitation_id)}")


def unsubscribed_invitation_id(token: str, now: datetime) -> str:
    """By which invitation somebody unsubscribes. Raises BadToken."""
    return signing.read("unsubscribe", token, now)


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


def survey_page(survey_id: str, **query: str | int | None) -> str:
    """The hosted page of a survey, for links and QR codes."""
    return to(f"/s/{survey_id}", **query)


def widget_script(survey_id: str) -> str:
    """The script a website embeds."""
    return to(f"/w/{survey_id}.js")
