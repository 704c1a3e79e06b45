"""POST /w/{survey}/ask and /event: may the widget ask this person now, and what became of it."""

from typing import Any

from surveys import asks, invitations, links, people
from surveys.base import clock, errors
from surveys.base.http.bodies import Routes
from surveys.models import Invitation
from surveys.schemas.asks import AskBody, AskOut, EventBody
from surveys.views import public

routes = Routes("asks", __name__, description="For respondents: no key needed.")
public.share(routes)


@routes.route("/w/<survey_id>/ask", methods=["OPTIONS"])
@routes.route("/w/<survey_id>/event", methods=["OPTIONS"])
@routes.doc(responses={"204": {"description": "A survey allows the origin."}})
def preflight(survey_id: str) -> Any:
    """CORS preflight."""
    return public.preflight()


@routes.route("/w/<survey_id>/ask", methods=["POST"])
@routes.arguments(AskBody())
@routes.response(200, AskOut)
def ask(body: dict[str, Any], survey_id: str) -> Any:
    """May this person be asked now? Whoever is, counts as asked in every channel.

    Without a valid signature only what this survey was told under the same claim is consulted, so that nobody
    learns whom else we asked.
    """
    public.limit()
    survey = public.survey(survey_id)
    public.admit(survey)
    who, now = people.identity(survey, body["person"]), clock.now()
    if who is not None and who.verified:
        decision, invitation = asks.in_page(survey, who, body["touchpoint"], now)
    else:
        decision, invitation = asks.of_claim(survey, who or people.Identity(), now), None
    return {
        "ask": decision.allowed,
        "rule": decision.rule,
        "next_eligible_at": decision.next_eligible_at,
        "invitation": links.invitation_token(invitation.id) if invitation else None,
    }


@routes.route("/w/<survey_id>/event", methods=["POST"])
@routes.arguments(EventBody())
@routes.response(204)
def event(body: dict[str, Any], survey_id: str) -> None:
    """The survey was shown or dismissed. Without an invitation nobody is known, and there is nothing to note."""
    public.limit()
    survey = public.survey(survey_id)
    public.admit(survey)
    if body["invitation"] is None:
        return
    now = clock.now()
    try:
        found = Invitation.get_or_none(Invitation.id == links.invitation_id(body["invitation"], now))
    except links.BadToken:
        found = None
    if found is None or found.survey_id != survey.id:
        raise errors.Refused("Is not an invitation to this survey.", "invitation")
    if body["event"] == "shown":
        invitations.shown(found, now)
    else:
        invitations.decline(found, now)
