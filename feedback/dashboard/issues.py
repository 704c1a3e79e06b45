"""The issue of a topic, as the topic's page shows it, and what the page's forms do to it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from feedback import issues, labels
from feedback.dashboard import forms, registry, words
from feedback.dashboard.trackers import place
from feedback.models import IssueEvent, Topic, TopicIssue, Tracker
from feedback.schemas.team import ISSUE_DEEDS
from feedback.schemas.trackers import STATES, IssueBody
from feedback.trackers import TRACKERS
from surveys.base.errors import Clash, Refused

say = words.say

DEEDS = ISSUE_DEEDS

Wrong = dict[str, list[str]]


def shown(row: Topic, writes: bool) -> dict[str, Any]:
    """The issue of a topic with what may be done to it."""
    found = issues.of(row)
    kept = list(Tracker.select().order_by(Tracker.name, Tracker.id)) if writes or found else []
    its = next((each for each in kept if found is not None and each.id == found.tracker_id), None)
    return {
        "row": found,
        "state": STATES[found.state] if found else None,
        "tracker": its,
        "kind": TRACKERS[its.kind].NAME if its else None,
        "proposal": _proposal(found, TRACKERS[its.kind].NAME) if found and its else None,
        "trackers": [(each, TRACKERS[each.kind].NAME, place(each)) for each in kept],
        "label": labels.of(row),
    }


def proposals() -> dict[str, str]:
    """The status that a tracker proposes, by the topic that would get it."""
    return issues.proposals()


def told(row: Topic) -> list[tuple[datetime, str, str | None]]:
    """What happened to the issues of a topic: when, what in words, and who did it."""
    return [(line.at, _line(line), line.made_by) for line in issues.history(row)]


def done(row: Topic, do: str, given: Mapping[str, Any], now: datetime) -> Wrong:
    """Do what a form says; what is wrong with it, by the names of its fields."""
    by = registry.caller().name
    if do in ("issue", "link"):
        return _begun(row, do, given, by, now)
    found = issues.of(row)
    if found is None:
        raise Clash(say("issue.none"))
    if do in ("accept", "decline"):
        issues.decide(found, given["proposal"], do == "accept", by, now)
    elif do == "look":
        issues.look_now(found, now)
    else:
        steps = {
            "again": issues.again,
            "unlink": issues.unlink,
            "pause": issues.pause,
            "resume": issues.resume,
        }
        steps[do](found, by, now)
    return {}


# ------------------------------------------------------------------------------------------------------


def _begun(row: Topic, do: str, given: Mapping[str, Any], by: str, now: datetime) -> Wrong:
    names: Sequence[str] = ("tracker", "url") if do == "link" else ("tracker", "title", "text")
    values, wrong = forms.load(IssueBody(), {name: given[name] for name in names if given[name]})
    if do == "link" and not wrong and not values.get("url"):
        wrong = {"url": [say("issue.link.none")]}
    tracker = Tracker.get_or_none(Tracker.id == values.get("tracker", ""))
    if not wrong and tracker is None:
        wrong = {"tracker": [say("issue.no_tracker")]}
    if wrong or tracker is None:
        return wrong
    try:
        if do == "link":
            issues.link(row, tracker, values["url"], by, now)
        else:
            title = values.get("title")
            issues.make(row, tracker, title if title != row.label else None, values.get("text"), by, now)
    except Refused as refused:
        return {name: [refused.message] for name in refused.fields}
    return {}


def _proposal(row: TopicIssue, kind: str) -> str | None:
    if row.proposal is None:
        return None
    values = {"kind": kind, "issue": row.key, "status": say(f"status.{row.proposal}")}
    if row.proposed_by:
        return say("issue.proposal.by", by=row.proposed_by, **values)
    return say("issue.proposal", **values)


def _line(line: IssueEvent) -> str:
    status = say(f"status.{line.status}") if line.status else ""
    return say(f"issue.event.{line.what}", issue=line.key or say("issue.one"), status=status)
