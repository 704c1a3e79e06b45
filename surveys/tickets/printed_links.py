"""Rating links that a helpdesk prints itself, in agents' signatures and closing mails.

A macro language cannot compute a signature, so ours covers all that is fixed (connection, survey, score, key) and
the names of what the helpdesk fills in. The values are claims, and nobody knows who follows the link: what is
answered through it stays unverified, out of the value and beside whatever the customer answers when asked.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from surveys import links, ticket_resolutions, triggers
from surveys import texts as the_texts
from surveys.base import db, ids, signing
from surveys.base.errors import Missing
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.models import Connection, Invitation, Resolution, Survey

#: What each helpdesk prints for the ticket and for the agent, from the vendors' own lists of placeholders. Front:
#: help.front.com/en/articles/2306; Chatwoot: chatwoot.com/docs/user-guide/features/template-variables.
PLACEHOLDERS: dict[str, dict[str, str]] = {
    "zendesk": {"t": "{{ticket.id}}", "a": "{{ticket.assignee.name}}"},
    "freshdesk": {"t": "{{ticket.id}}", "a": "{{ticket.agent.name}}"},
    "front": {"t": "{{conversation.public_id}}", "a": "{{user.name}}"},
    "chatwoot": {"t": "{{conversation.id}}", "a": "{{agent.name}}"},
    "zammad": {"t": "#{ticket.id}", "a": "#{ticket.owner.fullname}"},
}

#: The names that a link may leave to the helpdesk: ticket and agent.
NAMES = ("t", "a")


@dataclass(frozen=True)
class Snippet:
    """What to paste: as HTML, and each score's link alone."""

    html: str
    score_urls: dict[str, str]


def make(connection: Connection, language: str, placeholders: Mapping[str, str]) -> Snippet:
    """One link for each score of the connection's survey. `placeholders`: what the helpdesk prints for NAMES."""
    survey: Survey = connection.own_survey
    texts = the_texts.of(survey, language)
    urls = {
        str(score): _address(connection, survey, score, placeholders)
        for score in METRICS[survey.metric].scores
    }
    cells = " ".join(
        f'<a href="{html.escape(url)}" title="{html.escape(texts.labels.get(int(score)) or score)}">{score}</a>'
        for score, url in urls.items()
    )
    direction = f' dir="{texts.direction}" lang="{texts.language}"'
    return Snippet(f"<p{direction}>{html.escape(texts.question)}<br>{cells}</p>", urls)


def check(connection: Connection, survey_id: str, score: str, key: str, names: str, mac: str) -> None:
    """Raise Missing unless we signed a link of this connection for just that."""
    expected = _mac(connection, survey_id, score, str(connection.snippet_generation), names)
    known = key == str(connection.snippet_generation) and survey_id == connection.survey_id
    if not (signing.same(expected, mac) and known and set(names.split(",")) <= {*NAMES, ""}):
        raise Missing


def land(connection: Connection, ticket_id: str, agent: str | None, now: datetime) -> Invitation:
    """The invitation that answers through a link for this ticket belong to; there is one a resolution.

    Nobody counts as asked by it, and whether somebody is asked is decided as if it did not exist. Agent and team are
    those of the helpdesk's proven call, where there was one.
    """

    def verb() -> Invitation:
        db.serialise(ticket_resolutions.ticket_name(connection.id, ticket_id))
        told = triggers.told_of(connection.id, ticket_id)
        name = ticket_resolutions.claimed(triggers.resolution_of(told.get("ticket") or {}) if told else None)
        mark = Resolution.get_or_none(
            (Resolution.source == connection.id)
            & (Resolution.ticket_id == ticket_id)
            & (Resolution.resolution == name)
        )
        if mark is not None and mark.invitation is not None:
            return mark.invitation
        claimed = {"ticket": {"id": ticket_id}, "agent": {"name": agent}}
        invitation = Invitation.create(
            id=ids.new("inv"),
            survey=connection.survey_id,
            channel="link",
            status="sent",
            send_at=now,
            expires_at=schedule.expires_at(now, connection.own_survey.answer_window_days),
            unverified=True,
            created_at=now,
            **triggers.frozen_without_customer(told or claimed, connection.id),
        )
        Resolution.insert(
            source=connection.id,
            ticket_id=ticket_id,
            resolution=name,
            invitation=invitation.id,
            created_at=now,
        ).on_conflict(
            conflict_target=[Resolution.source, Resolution.ticket_id, Resolution.resolution],
            update={Resolution.invitation: invitation.id},
        ).execute()
        return invitation

    return db.write(verb)


def _address(connection: Connection, survey: Survey, score: int, placeholders: Mapping[str, str]) -> str:
    names = ",".join(name for name in NAMES if placeholders.get(name))
    key = str(connection.snippet_generation)
    # A placeholder must reach the helpdesk as it is: escaping it would hide it from its macro language.
    dynamic = "".join(
        f"{name}={quote(placeholders[name], safe='{}#%|:. _')}&" for name in names.split(",") if name
    )
    mac = _mac(connection, survey.id, str(score), key, names)
    fixed = f"k={key}&n={quote(names, safe=',')}&m={mac}"
    return links.to(f"/l/{connection.id}/{survey.id}/{score}") + f"?{dynamic}{fixed}"


def _mac(connection: Connection, survey_id: str, score: str, key: str, names: str) -> str:
    return signing.keyed_hash("snippet", "\0".join((connection.id, survey_id, score, key, names)))
