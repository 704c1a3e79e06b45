"""What a rule can be about, how what it found reads, and when it speaks too often."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

SCORE, VALUE, ANSWER, SURGE, CAME_BACK, OVERDUE = "score", "value", "answer", "surge", "came_back", "overdue"
KINDS = (SCORE, VALUE, ANSWER, SURGE, CAME_BACK, OVERDUE)

#: What is looked for among single answers.
OF_ANSWERS = (SCORE, ANSWER)

#: Kinds that last: they are told once when they begin and once when they are over. The other kinds only happen.
LASTING = (VALUE, SURGE, CAME_BACK, OVERDUE)

#: The ways in which a notice can leave the house.
CARRIERS = ("mail", "slack", "teams", "discord", "webhook")

#: Steps by which a rule of a value can be made less strict (see `alarms.spells`).
MOST_MARGIN = 3

#: So many notices that somebody called nothing, since the rule was last changed, are a reason to change it.
NOTHINGS = 3

#: A rule that spoke so often within that time speaks too often to be heard.
FLAPPING: dict[bool, tuple[int, timedelta]] = {
    True: (4, timedelta(weeks=8)),
    False: (20, timedelta(days=1)),
}


def flaps(kind: str, spoken: Sequence[datetime], now: datetime) -> bool:
    """Whether a rule that spoke at these moments does so too often."""
    most, within = FLAPPING[kind in (VALUE, SURGE)]
    return sum(at > now - within for at in spoken) >= most


def less_strict(when: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same rule, one step less strict, so that it speaks less often; None where it has no step left."""
    if when["kind"] == VALUE and when["margin"] < MOST_MARGIN:
        return {**when, "margin": when["margin"] + 1}
    if when["kind"] == SCORE and when["at_or_below"] > 0:
        return {**when, "at_or_below": when["at_or_below"] - 1}
    return None


def sentence(kind: str, why: Mapping[str, Any]) -> str:
    """What a rule of this kind found, in words. `why` holds its numbers, as they are kept with a notice."""
    return _SENTENCES[kind](why)


def point(value: float) -> str:
    """A number of points for people."""
    return f"{value:.0f}".replace("-0", "0") if round(value) == 0 else f"{value:.0f}".replace("-", "\u2212")


def day(iso: str) -> str:
    """A day for people."""
    found = date.fromisoformat(iso)
    return f"{found.day} {found:%b %Y}"


# ------------------------------------------------------------------------------------------------------


def _score(why: Mapping[str, Any]) -> str:
    return f"Somebody gave {why['score']}; the rule speaks at {why['at_or_below']} and below."


def _answer(why: Mapping[str, Any]) -> str:
    return "A new answer fits the rule" + (
        "." if why["score"] is None else f", with the score {why['score']}."
    )


def _value(why: Mapping[str, Any]) -> str:
    whose = f" of {why['key']}" if why.get("key") is not None else ""
    direction = "fell" if why["now"] < why["before"] else "rose"
    how = "in a single week" if why["at_once"] else f"since the week of {day(why['since'])}"
    text = (
        f"{why['name']}{whose} {direction} from {point(why['before'])} to {point(why['now'])} {how}, "
        f"by {why['n']} answers."
    )
    return text + (f" It is one of {why['looked_at']} that were looked at." if why["looked_at"] > 1 else "")


def _surge(why: Mapping[str, Any]) -> str:
    return f"{why['n']} comments of seven days speak of {why['label']}; {why['expected']:.0f} were to be expected."


def _came_back(why: Mapping[str, Any]) -> str:
    return f"{why['label']} was dealt with, and customers speak of it again."


def _overdue(why: Mapping[str, Any]) -> str:
    owed = "An answer" if why["owed"] == "answer" else "A solution"
    return f"{owed} to a customer was due: {why['why']}."


_SENTENCES = {
    SCORE: _score,
    ANSWER: _answer,
    VALUE: _value,
    SURGE: _surge,
    CAME_BACK: _came_back,
    OVERDUE: _overdue,
}
