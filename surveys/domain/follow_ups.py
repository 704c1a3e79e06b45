"""What a survey says about follow-ups, and what a respondent allows; who follows up is another room's business."""

from typing import Any

#: Which answers open a case by themselves: none, unless a survey says so.
OFF: dict[str, Any] = {"at_or_below": None, "negative": False, "contact": False, "falling": False}

#: What a respondent may allow: to be answered, to be told what came of it, or both.
REPLY, NEWS, BOTH = CONTACTS = ("reply", "news", "both")


def allowed(reply: object, news: object) -> str | None:
    """What a respondent allows who ticked these of the two boxes; None for neither."""
    return BOTH if reply and news else REPLY if reply else NEWS if news else None
