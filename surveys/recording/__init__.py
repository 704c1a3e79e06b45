"""Recording: an answer arrives, and is stored or merged into what is stored. What others call is listed here."""

from surveys.recording.amending import editable_until
from surveys.recording.arrivals import ARCHIVED_GRACE, Answer, Changed, survey_of
from surveys.recording.bearers import Answered, to_invitation
from surveys.recording.taking import record

__all__ = [
    "ARCHIVED_GRACE",
    "Answer",
    "Answered",
    "Changed",
    "editable_until",
    "record",
    "survey_of",
    "to_invitation",
]
