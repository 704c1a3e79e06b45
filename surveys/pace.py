"""The pace of asking: how large a part is asked, so that about as many answer a week as the survey wants."""

from datetime import datetime, timedelta

from surveys.base import db
from surveys.domain import pacing
from surveys.models import Invitation, Survey, Trigger

#: What the pace of the last weeks is measured over.
PACE = timedelta(days=28)


def set_pace(now: datetime) -> None:
    """Adapt the sampling of each survey that wants about so many answers a week."""
    for survey in list(Survey.select().where(Survey.status == "active")):
        paced = (
            pacing.share(survey.responses_per_week, _past(survey, now)) if survey.responses_per_week else None
        )
        if paced != survey.paced_sampling:
            query = Survey.update(paced_sampling=paced).where(Survey.id == survey.id)
            db.write(query.execute)


# ------------------------------------------------------------------------------------------------------


def _past(survey: Survey, now: datetime) -> pacing.Past:
    since = max(now - PACE, survey.created_at)
    mine = (Trigger.survey == survey.id) & (Trigger.created_at >= since) & ~Trigger.dry_run
    asked = (Invitation.survey == survey.id) & (Invitation.sent_at >= since) & (Invitation.sent_at <= now)
    return pacing.Past(
        days=max((now - since) / timedelta(days=1), 1.0),
        eligible=Trigger.select().where(mine & Trigger.decision.in_(["scheduled", "sampled_out"])).count(),
        asked=Invitation.select().where(asked).count(),
        answered=Invitation.select().where(asked & Invitation.answered_at.is_null(False)).count(),
    )
