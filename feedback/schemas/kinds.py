"""Kinds of fields that several resources share."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import marshmallow as ma
from marshmallow import fields, validate

from feedback.domain import cells
from surveys.base import clock
from surveys.schemas import answers

#: The channel of responses that came over POST /api/responses and name no other.
IMPORTED = "import"

CHANNELS = (*answers.CHANNELS, IMPORTED)


def delimiter() -> fields.String:
    """What parts the columns of a table that is handed out."""
    return fields.String(
        validate=validate.OneOf(cells.DELIMITERS),
        metadata={
            "description": "What parts the columns of the CSV, such as `;`; a comma unless it is given."
        },
    )


@dataclass(frozen=True)
class Given:
    """A moment or a day as a caller gave it."""

    value: datetime | date

    def moment(self, zone: ZoneInfo) -> datetime:
        """The moment; of a day, its first one in `zone`."""
        if isinstance(self.value, datetime):
            return self.value
        return datetime.combine(self.value, time(), zone).astimezone(UTC)


class When(fields.String):
    """RFC 3339 with an offset, or a day such as 2026-09-14 (its midnight in TIME_ZONE)."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            if len(text) == 10:
                found: datetime | date = date.fromisoformat(text)
                clock.possible(datetime.combine(found, time(), UTC))
            else:
                # A plus sign that was not percent-encoded arrives as a space.
                said = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
                if said.tzinfo is None:
                    raise ValueError(text)
                found = clock.possible(said)
        except ValueError:
            raise ma.ValidationError(
                "Must be a time such as 2026-09-14T10:00:00Z, or a day such as 2026-09-14."
            ) from None
        return Given(found)
