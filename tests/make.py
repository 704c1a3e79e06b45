"""Makes what a test is not about: say only what matters, the rest is believable."""

import itertools
import uuid
from datetime import datetime
from typing import Any

from surveys import catalogue, recording
from surveys.base import clock
from surveys.base.accounts import keys
from surveys.models import Response, Survey

EDIT_KEY = "00112233445566778899aabbccddeeff"


class Make:
    """A factory bound to one world."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self._counter = itertools.count(1)

    def survey(self, metric: str = "nps", **values: Any) -> Survey:
        """A survey, by default NPS and active."""
        given = {"name": f"Survey {next(self._counter)}", "metric": metric, **values}
        return catalogue.create(given, clock.now())

    def key(self, *scopes: str, surveys: list[str] | None = None) -> str:
        """A key's secret."""
        return keys.issue("a test's", scopes or ("admin",), surveys, clock.now())[1]

    def answer(self, survey: Survey | str, **values: Any) -> dict[str, Any]:
        """The body of a `POST /r`."""
        return {"id": str(uuid.uuid4()), "survey": getattr(survey, "id", survey), **values}

    def response(
        self, survey: Survey, score: int | None = 9, at: datetime | None = None, **values: Any
    ) -> Response:
        """A stored response; `at`: when it was recorded."""
        answer = recording.Answer(
            id=values.pop("id", None) or str(uuid.uuid4()),
            revision=values.pop("revision", 1),
            person=values.pop("person", None),
            invitation=values.pop("invitation", None),
            flags=values.pop("flags", []),
            created_at=at,
            values={"score": score, **values},
        )
        return recording.record(survey, answer, at or clock.now())[0]
