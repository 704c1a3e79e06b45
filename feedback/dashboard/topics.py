"""Topics: a table of all, and one with what to read of it, who speaks of it, and what a team does to it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response as Reply
from flask import request

from feedback import feed, labels, loops, proofs
from feedback.dashboard import forms, issues, layout, measures, registry, words
from feedback.dashboard.charts import number
from feedback.domain import cards, marks
from feedback.domain.topics import Change, Kind
from feedback.models import Theme, Topic
from feedback.schemas.team import TOPIC_ORDERS, OneTopicQuery, TeamTopicsQuery, TopicForm
from feedback.schemas.topics import TopicBody, TopicPatch
from feedback.topics import reading_plan, rehearsals, reports, reviews, topics
from feedback.topics.report import Given, TopicReport
from feedback.topics.reports import Scope
from feedback.topics.topics import Taken
from surveys import links, responses, visible
from surveys.base import clock
from surveys.base.errors import Clash, Forbidden, Refused
from surveys.base.http import audited, lists
from surveys.models import Response, Survey

say = words.say

LIST = "/team/topics"

#: Comments that the form for a split shows.
MOST_PARTED = 40

#: Comments near to those in meaning that the form offers as well.
NEAR = 12

#: The field of a form that picks a comment.
PICK = "pick-"

#: What a topic may be changed in, as the API takes it; what is empty is taken off.
_CHANGED = ("label", "theme", "status", "owner", "issue_url")


@registry.page(
    title=say("topics"),
    address=LIST,
    scope="read",
    nav="listen",
    icon="topics",
    place=4,
    forms=True,
    form_scope="write",
)
def index() -> Any:
    """All topics with their numbers; its form teaches one, or has all of them reviewed."""
    if request.method == "POST":
        _demand_all()
        given = forms.fields()
        form = TopicForm().load(given)
        if form["do"] == "review":
            reviews.ask(clock.now())
            return layout.led(layout.here(did="review"))
        if form["do"] != "teach":
            raise Refused(say("topic.here_not"), "do")
        values, wrong = forms.load(
            TopicBody(), {"label": form["label"], "examples": _lines(form["examples"])}
        )
        if not wrong:
            try:
                row = topics.teach(values["label"], values["examples"], clock.now())
                audited.about(row.id)
                return layout.led(layout.at(f"{LIST}/{row.id}", did="teach"))
            except (Refused, Clash) as refused:
                wrong = {"label": [refused.message]}
        return _list(form, wrong, 422)
    return _list({}, {})


@registry.page(title=say("topic"), address=LIST + "/<topic_id>", scope="read", forms=True, form_scope="write")
def one(topic_id: str) -> Any:
    """One topic; its forms change, merge and split it, and keep what a member has read."""
    row = visible.own(Topic, topic_id, registry.caller())
    if request.method == "POST":
        given = TopicForm().load(forms.fields())
        return _done(row, given)
    return _page(row, {}, {})


@registry.form(LIST + "/<topic_id>/read", scope="read")
def read(topic_id: str) -> Reply:
    """Keep which comments a member has read; that is one's own, also for who may change no topic."""
    row, caller = visible.own(Topic, topic_id, registry.caller()), registry.caller()
    if caller.member is None:
        raise Forbidden(say("topic.no_member"))
    audited.unchanged()
    reading_plan.read(caller.member, [each.key for each in _picked(forms.fields())], clock.now())
    return layout.led(layout.at(f"{LIST}/{row.id}", request.args.to_dict(), did="read"))


# ------------------------------------------------------------------------------------------------------


def _list(typed: Mapping[str, Any], wrong: dict[str, list[str]], status: int = 200) -> Any:
    if wrong:
        audited.unchanged()
    asked = layout.query(TeamTopicsQuery())
    if request.method == "GET" and not all(request.args.values()):
        return layout.led(layout.here())
    caller, (scope, now) = registry.caller(), measures.scope_of(asked)
    found = reports.listed(scope, measures.everybody(scope, asked), layout.zone(), now)
    items = [
        item
        for item in found.items
        if asked.get("status") in (None, item.status)
        and asked.get("theme") in (None, item.theme.id if item.theme else None)
    ]
    items = _ordered(items, asked["order"])
    start = layout.place(asked, len(items))
    end = start + asked["limit"]
    query = measures.query(asked)
    proposed = {} if scope.limited else issues.proposals()
    return layout.page(
        "topics.html",
        say("topics"),
        status,
        topics=[
            {
                **measures.shown(item, found.comments, scope.metric, query, now),
                "proposed": proposed.get(item.id),
                "href": layout.at(f"{LIST}/{item.id}", query),
            }
            for item in items[start:end]
        ],
        n=len(items),
        seasoned=measures.are_seasoned(now),
        comments=found.comments,
        unplaced={"n": found.unplaced, "share": found.share_unplaced},
        waiting=[(language, n, _waiting(query, language)) for language, n in reports.waiting(scope)],
        all_waiting=_waiting(query, None),
        review=found.review,
        reading=measures.reading(scope),
        metric=scope.metric,
        surveys=list(visible.surveys(caller).order_by(Survey.created_at, Survey.id)),
        asked=asked,
        query=request.args,
        statuses=Topic.STATUSES,
        themes=measures.standing(Theme) if not scope.limited else [],
        orders=TOPIC_ORDERS,
        narrowed=bool({*measures.SCOPE, "status", "theme"} & set(asked)),
        following=layout.here(cursor=lists.encode_cursor(end)) if end < len(items) else None,
        typed=typed,
        errors=wrong,
        did=asked.get("did"),
        writes=layout.may("write") and not scope.limited,
    )


def _ordered(items: list[TopicReport], order: str) -> list[TopicReport]:
    """`items` come by size; the sort keeps that order among equals."""

    def impact(item: TopicReport) -> tuple[bool, float]:
        found = measures.measured(item).impact
        return (True, 0.0) if found is None or found.impact is None else (False, -abs(found.impact))

    def surge(item: TopicReport) -> float:
        found = measures.measured(item).surge
        return found.p if found else 1.0

    keys: dict[str, Callable[[TopicReport], Any]] = {
        "complaints": lambda item: -measures.measured(item).sentiment["negative"],
        "impact": impact,
        "surge": surge,
        "newest": lambda item: -item.created_at.timestamp(),
    }
    return sorted(items, key=keys[order]) if order in keys else items


def _waiting(query: dict[str, Any], language: str | None) -> str:
    more = {"placed": "0", "has_comment": "1", "excluded": "0", "language": language}
    return layout.at("/team/feed", {**query, **more})


# ------------------------------------------------------------------------------------------------------


def _page(
    row: Topic,
    typed: Mapping[str, Any],
    wrong: dict[str, list[str]],
    status: int = 200,
    told: str | None = None,
    taken: str | None = None,
) -> Any:
    if wrong or told:
        audited.unchanged()
    asked = layout.query(OneTopicQuery())
    caller, (scope, now) = registry.caller(), measures.scope_of(asked)
    if row.merged_into is not None:
        return layout.page("topic_gone.html", labels.of(row), topic=row, into=measures.into(row))
    item = reports.measured(row, scope, layout.zone(), now)
    query = measures.query(asked)
    writes = layout.may("write") and not scope.limited
    return layout.page(
        "topic.html",
        labels.of(row),
        status,
        topic=measures.shown(item, reports.comments(scope), scope.metric, query, now),
        surveys=list(visible.surveys(caller).order_by(Survey.created_at, Survey.id)),
        reading=measures.reading(scope),
        metric=scope.metric,
        seasoned=measures.are_seasoned(now),
        plan=_plan(row, scope, caller.member),
        phrases=[
            (phrase, layout.at("/team/feed", {**query, "topic": row.id, "q": _quoted(phrase)}))
            for phrase, _ in reports.evidence(row.id, scope)
        ],
        people=measures.people([row.id], scope, {**query, "topic": row.id}),
        lineage=[_told(line, row.id) for line in ([] if scope.limited else reports.lineage(row.id))],
        pins=measures.pinned(item, scope),
        came=_came(row, scope, asked, now),
        issue=None if scope.limited else issues.shown(row, writes),
        past=[] if scope.limited else _past(row, reports.history(row.id)),
        others=measures.standing(Topic, but=row.id) if writes else [],
        themes=measures.standing(Theme) if writes else [],
        merging=_merging(row, asked, scope) if writes else None,
        parting=_parting(row, asked, scope, typed) if writes else None,
        # A form that is shown as it was sent is still about what it began with.
        version=(typed.get("version") if wrong else None) or topics.version(row),
        before=(typed.get(forms.BEGUN) if wrong else None) or forms.begun(_fields(row)),
        statuses=[name for name in Topic.STATUSES if name != "came_back"],
        typed=typed,
        errors=wrong,
        wrong=told,
        taken=Topic.get_or_none(Topic.id == taken) if taken else None,
        did=asked.get("did"),
        asked=asked,
        query=query,
        writes=writes,
        reads=caller.member is not None,
    )


def _past(row: Topic, statuses: Sequence[Given]) -> list[tuple[datetime, str, str | None]]:
    """What was done with a topic, the latest first: when, what, and by whom (None: by Earshot)."""
    given = [
        (
            line.at,
            say("topic.history.line", former=_status(line.former), status=_status(line.status)),
            line.by or say("topic.history.upgrade"),
        )
        for line in statuses
    ]
    return sorted([*given, *issues.told(row)], key=lambda line: line[0], reverse=True)


def _status(name: str) -> str:
    """A status in words; one of an earlier version as it is."""
    return say(f"status.{name}") if name in Topic.STATUSES else name


def _came(row: Topic, scope: Scope, asked: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What came of a topic by `now`: its cards for others, and, where that is asked for, what its fix did."""
    shipped = proofs.shipped_at(row)
    if shipped is not None and shipped > now:
        shipped = None
    found = proofs.prove(row, shipped, scope, layout.zone(), now) if shipped and asked.get("came") else None
    effect = found.effect if found else None
    said: list[str | None] = []
    if found is not None and effect is not None:
        said = [
            cards.sentence(effect),
            cards.placed(effect),
            cards.shares(effect),
            cards.cost(*found.impacts),
        ]
    published = {} if scope.limited else proofs.cards_of(row)
    return {
        "shipped_at": shipped,
        "proof": found,
        "said": [each for each in said if each],
        "chart": cards.chart(effect, row.label) if effect else "",
        "own_value": cards.own_value(*found.impacts) if found else None,
        "cards": {
            kind: (links.card(kind, card.id), proofs.markdown(card)) for kind, card in published.items()
        },
        "to_tell": row.status in loops.TELLABLE and not scope.limited,
    }


def _plan(row: Topic, scope: Scope, member: str | None) -> dict[str, Any]:
    """The reading plan with its comments, each with its words marked."""
    found = reading_plan.plan(row.id, scope, member)
    items = {item.id: item for item in feed.some([step.key for step in found.steps])}
    ids = {key: id_ for id_, key in _keys(items).items()}
    quotes = []
    for step in found.steps:
        item = items.get(ids.get(step.key, ""))
        if item is None:
            continue
        said = {topic.label: topic.evidence or [] for topic in item.topics if topic.id == row.id}
        quotes.append(
            {"item": item, "runs": marks.runs(item.comment or "", [], said), "stands_for": step.stands_for}
        )

    def percent(n: int) -> str:
        return number(100 * n / found.comments) if found.comments else "0"

    return {
        "quotes": quotes,
        "comments": found.comments,
        "read": found.read,
        "known": percent(found.known),
        "stood_for": percent(found.stood_for),
        "is_all": found.comments < reading_plan.LOOKED_THROUGH,
        "fresh": found.read > 0,
    }


def _keys(items: Mapping[str, Any]) -> dict[str, int]:
    rows: Any = Response.select(Response.id, Response.key).where(Response.id.in_(list(items))).tuples()
    return dict(rows)


def _told(line: Change, topic_id: str) -> dict[str, Any]:
    """A line of lineage in words, with the names of that time."""
    kind = Kind.FOUND if line.kind is Kind.SPLIT and line.other is None else line.kind
    href = layout.at(f"{LIST}/{line.topic}") if line.topic != topic_id else None
    return measures.lineage(line, f"lineage.{kind.value}", "topic", href)


def _merging(row: Topic, asked: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
    if not asked.get("into"):
        return None
    into = Topic.get_or_none(Topic.id == asked["into"], Topic.merged_into.is_null())
    if into is None or into.id == row.id:
        raise Refused(say("topic.no_other"), "into")
    return {"into": into, **measures.rehearsed(rehearsals.merge(row, into, scope), scope.metric)}


def _parting(
    row: Topic, asked: Mapping[str, Any], scope: Scope, typed: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The comments with some words, to be made a topic of their own, and what that would do."""
    if not asked.get("parts"):
        return None
    filters = {"topic": row.id, "q": asked["parts"], "excluded": "0"}
    items = feed.page(filters, MOST_PARTED, surveys=visible.only(registry.caller())).items
    keys = list(_keys({item.id: item for item in items}).values())
    label = typed.get("label") or asked["parts"]
    among = {"topic": row.id, "excluded": "0"}
    near = feed.like(keys, among, NEAR, visible.only(registry.caller())) if keys else []
    if len(items) == MOST_PARTED:
        # More of the topic has the words than the form shows.
        near_keys = _keys({item.id: item for item in near})
        near = [item for item in near if not feed.fits(near_keys[item.id], filters)]
    # What was ticked in a form that is shown as it was sent stays so; before, what has the words is.
    sent = typed.get("do") == "split"
    return {
        "items": [(item, f"{PICK}{item.id}" in typed if sent else True) for item in items],
        "near": [(item, sent and f"{PICK}{item.id}" in typed) for item in near],
        "label": label,
        **measures.rehearsed(rehearsals.split(row, label, keys, scope), scope.metric),
    }


def _quoted(phrase: str) -> str:
    return '"' + phrase.replace('"', " ") + '"'


# ------------------------------------------------------------------------------------------------------


def _done(row: Topic, given: Mapping[str, Any]) -> Reply:
    """Do what a form on a topic's page says, and lead back."""
    now, do = clock.now(), given["do"]
    _demand_all()
    if do == "change":
        return _changed(row, given, now)
    if do in issues.DEEDS:
        wrong = issues.done(row, do, given, now)
        return _page(row, given, wrong, 422) if wrong else layout.led(layout.at(f"{LIST}/{row.id}", did=do))
    if do in ("publish", "revoke"):
        if given["kind"] not in proofs.KINDS:
            raise Refused(say("topic.here_not"), "kind")
        if do == "publish":
            proofs.publish(row, given["kind"], registry.caller().name, now)
        else:
            proofs.revoke(row, given["kind"])
        return layout.led(layout.at(f"{LIST}/{row.id}", did=do))
    if do == "merge":
        into = Topic.get_or_none(Topic.id == given["into"])
        if into is None or into.id == row.id:
            raise Refused(say("topic.no_other"), "into")
        kept = topics.merge(row.id, into.id, now)
        return layout.led(layout.at(f"{LIST}/{kept.id}", did="merge"))
    if do == "split":
        picked = {each.id: each.key for each in _picked(given)}
        if not picked:
            return _page(row, given, {}, 422, say("topic.none_picked"))
        values, wrong = forms.load(TopicBody(), {"label": given["label"]})
        if not wrong:
            try:
                made = topics.split(row.id, values["label"], dict(picked), [], now)
                audited.about(made.id)
                return layout.led(layout.at(f"{LIST}/{made.id}", did="split"))
            except (Refused, Clash) as refused:
                wrong = {"label": [refused.message]}
        return _page(row, given, wrong, 422)
    raise Refused(say("topic.here_not"), "do")


def _changed(row: Topic, given: Mapping[str, Any], now: datetime) -> Reply:
    wanted = {name: given[name] or None for name in _CHANGED}
    wanted["label"] = given["label"]
    # The name that stood in the form is one that nobody chose; by now a review, or another language, may tell another.
    shown = forms.before(given).get("label", labels.of(row))
    standing = {"status": row.status, "theme": row.theme, "label": shown}
    for name, value in standing.items():
        # The service's own word may stay, and nobody can give it; a theme that a person gives stays for good.
        if wanted[name] == value:
            del wanted[name]
    values, wrong = forms.load(TopicPatch(), wanted)
    if wrong:
        return _page(row, given, wrong, 422)
    try:
        topics.change(row.id, values, now, registry.caller().name, given["version"])
    except Refused as refused:
        return _page(row, given, {name: [refused.message] for name in refused.fields}, 422)
    except Taken as taken:
        return _page(row, given, {"label": [taken.message]}, 409, taken=taken.by)
    except Clash as clash:
        found = Topic.get_by_id(row.id)
        shown = {**given, **forms.joined(_fields(found), given)}
        return _page(found, shown, {}, 409, f"{clash.message} {say('typed')}")
    return layout.led(layout.here(did="change"))


def _fields(row: Topic) -> dict[str, str]:
    """What stands in the form of a topic."""
    return {**{name: getattr(row, name) or "" for name in _CHANGED}, "label": labels.of(row)}


def _picked(given: Mapping[str, Any]) -> list[Response]:
    """The picked responses; one that is gone meanwhile, or not the caller's, is left out."""
    ids = [name.removeprefix(PICK) for name in given if name.startswith(PICK)][: MOST_PARTED + NEAR]
    found = [responses.find(each.lower()) for each in ids]
    return [row for row in found if row is not None and registry.sees(row.survey_id)]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _demand_all() -> None:
    visible.demand_all(registry.caller(), say("topic.shared"))
