"""Issue trackers over the API, the issue of a topic, and the door for what trackers tell."""

from types import SimpleNamespace
from typing import Any

from flask import Response, g, jsonify, request

from feedback import issues
from feedback.models import Topic, TopicIssue, Tracker
from feedback.schemas.trackers import (
    IssueBody,
    IssueOut,
    IssuePatch,
    ReachedOut,
    TrackerBody,
    TrackerCreated,
    TrackerList,
    TrackerOut,
    TrackerPatch,
    TrackerReceipt,
    check_tracker,
)
from surveys import visible
from surveys.base import clock, errors
from surveys.base.http import bodies, lists
from surveys.base.http.bodies import Routes
from surveys.base.http.callers import needs
from surveys.base.http.replays import idempotent, idempotent_secret
from surveys.helpdesks.helpdesk import Call

routes = Routes(
    "trackers",
    __name__,
    url_prefix="/api/trackers",
    description="GitHub, Jira, Linear: where topics are worked on.",
)
of_topics = Routes(
    "topic issues", __name__, url_prefix="/api/topics", description="A topic's issue in a tracker."
)
inbox = Routes(
    "tracker calls",
    __name__,
    description="For issue trackers: each call proves itself, and no key is needed.",
)

SHARED = "Topics are shared by all surveys, and you see only some of them."


@routes.route("", methods=["GET"])
@needs("write")
@routes.arguments(lists.PageArgs, location="query")
@routes.response(200, TrackerList)
def index(query: dict[str, Any]) -> Any:
    """Trackers, newest first, without their tokens and secrets."""
    visible.demand_all(g.caller, SHARED)
    rows, following = lists.newest_first(
        Tracker.select(), Tracker.created_at, Tracker.id, query.get("cursor"), query["limit"]
    )
    return {"items": rows, "next": following}


@routes.route("", methods=["POST"])
@needs("write")
@idempotent_secret
@routes.arguments(TrackerBody)
@routes.response(201, TrackerCreated)
def create(body: dict[str, Any]) -> Any:
    """Connect an issue tracker. A secret that was left out is made, and shown this once."""
    visible.demand_all(g.caller, SHARED)
    issues.check_address(body.get("url"))
    row, secret = issues.connect(body, clock.now())
    # The row's own secret is never shown, only one that was made here.
    made = {"made_secret": secret} if secret else {}
    return SimpleNamespace(**row.__data__, **made)


@routes.route("/<tracker_id>", methods=["GET"])
@needs("write")
@routes.response(200, TrackerOut)
def show(tracker_id: str) -> Any:
    """One tracker."""
    return _tracker(tracker_id)


@routes.route("/<tracker_id>", methods=["PATCH"])
@needs("write")
@routes.arguments(TrackerPatch)
@routes.response(200, TrackerOut)
def change(body: dict[str, Any], tracker_id: str) -> Any:
    """Change a tracker; its kind stays. A 409 for another place while topics have issues in this one; a 422 for a `url`
    at another host without its `token`, for the one that is kept is not sent there.
    """
    row = _tracker(tracker_id)
    check_tracker({**row.settings, "user": (row.credentials or {}).get("user"), **body, "kind": row.kind})
    issues.check_address(body.get("url"))
    return issues.change(row, body)


@routes.route("/<tracker_id>", methods=["DELETE"])
@needs("write")
@routes.response(204)
def delete(tracker_id: str) -> Any:
    """Forget a tracker, and which issues topics have in it. The issues stay."""
    issues.disconnect(_tracker(tracker_id))


@routes.route("/<tracker_id>/test", methods=["POST"])
@needs("write")
@routes.response(200, ReachedOut)
def test(tracker_id: str) -> Any:
    """Call the tracker now, and say what is reached. Nothing is made."""
    found = issues.try_out(_tracker(tracker_id), clock.now())
    return {"reached": found.name or None, "problem": found.problem}


@of_topics.route("/<topic_id>/issue", methods=["GET"])
@needs("read")
@of_topics.response(200, IssueOut)
def issue(topic_id: str) -> Any:
    """The issue of a topic, what its tracker proposes, and what happened to it. A 404 where it has none."""
    topic = _topic(topic_id)
    return _shown(topic, _issue(topic))


@of_topics.route("/<topic_id>/issue", methods=["POST"])
@needs("write")
@idempotent
@of_topics.arguments(IssueBody)
@of_topics.response(202, IssueOut)
def make(body: dict[str, Any], topic_id: str) -> Any:
    """Make an issue of a topic in a tracker, at most once, or link one that is there. The worker does either in a
    moment. A 409 where the topic has one. Of a topic whose issue is made, anybody may open the badge: it gets an
    address of its own.
    """
    topic, now = _topic(topic_id), clock.now()
    tracker = visible.own(Tracker, body["tracker"], g.caller, "tracker")
    if body.get("url"):
        row = issues.link(topic, tracker, body["url"], g.caller.name, now)
    else:
        row = issues.make(topic, tracker, body.get("title"), body.get("text"), g.caller.name, now)
    return _shown(topic, row)


@of_topics.route("/<topic_id>/issue", methods=["PATCH"])
@needs("write")
@of_topics.arguments(IssuePatch)
@of_topics.response(200, IssueOut)
def steer(body: dict[str, Any], topic_id: str) -> Any:
    """Pause or resume the sync, decide about what the tracker proposes, or try again. A 409 for an older proposal."""
    topic, now, by = _topic(topic_id), clock.now(), g.caller.name
    row = _issue(topic)
    if "decision" in body:
        issues.decide(row, body["proposal"], body["decision"] == "accept", by, now)
    if "paused" in body:
        (issues.pause if body["paused"] else issues.resume)(row, by, now)
    if body.get("again"):
        issues.again(row, by, now)
    return _shown(topic, _issue(topic))


@of_topics.route("/<topic_id>/issue", methods=["DELETE"])
@needs("write")
@of_topics.response(204)
def unlink(topic_id: str) -> Any:
    """Let the topic have no issue any more. The tracker keeps it."""
    issues.unlink(_issue(_topic(topic_id)), g.caller.name, clock.now())


@inbox.route("/trackers/<tracker_id>", methods=["POST"])
@inbox.doc(
    responses={
        "200": {
            "description": "Understood.",
            "content": {"application/json": {"schema": TrackerReceipt}},
        },
        "401": {"description": "Not proved to come from this tracker. No body."},
    }
)
def receive(tracker_id: str) -> Any:
    """A webhook of an issue tracker. The raw bytes are proved before they are read; what they say is asked for again,
    and leads to a proposal at most.
    """
    row = Tracker.get_or_none(Tracker.id == tracker_id)
    if row is None:
        raise errors.Missing
    body = bodies.body_bytes(bodies.API_BODY)
    call = Call.of(request.method, dict(request.headers), body, {})
    try:
        decision, reason = issues.receive(row, call, clock.now())
    except issues.Unproven:
        answer = Response(b"", 401)
        del answer.headers["Content-Type"]
        return answer
    return jsonify({"decision": decision, "reason": reason})


# ------------------------------------------------------------------------------------------------------


def _tracker(tracker_id: str) -> Tracker:
    visible.demand_all(g.caller, SHARED)
    return visible.own(Tracker, tracker_id, g.caller)


def _topic(topic_id: str) -> Topic:
    visible.demand_all(g.caller, SHARED)
    return visible.own(Topic, topic_id, g.caller)


def _issue(topic: Topic) -> TopicIssue:
    row = issues.of(topic)
    if row is None:
        raise errors.Missing
    return row


def _shown(topic: Topic, row: TopicIssue) -> dict[str, Any]:
    return IssueOut.of(row, issues.history(topic))
