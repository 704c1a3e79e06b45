"""The feed: a list and one answer beside it, with everything that a team does to answers."""

from collections.abc import Iterable, Mapping
from typing import Any

import marshmallow as ma
from flask import Response as Reply
from flask import request

from feedback import corrections, exports, filters, labels, saved_feeds, team_tags, triage, workbook
from feedback import feed as the_feed
from feedback.dashboard import flash, forms, layout, registry, words
from feedback.domain import marks
from feedback.domain.topics import UNDERSTOOD
from feedback.follow_ups import cases
from feedback.item import Item
from feedback.models import Placement, SavedFeed, Theme, Topic
from feedback.schemas.filters import GROUPS
from feedback.schemas.kinds import CHANNELS
from feedback.schemas.team import BULK, TRIAGE, FeedForm, TeamFeedQuery
from feedback.segments import PROPERTY
from surveys import links, responses, visible
from surveys.base import clock, db
from surveys.base.accounts import makers
from surveys.base.errors import Refused
from surveys.base.http import audited, bodies, lists
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.models import Person, Response, Survey

say = words.say

#: Answers of one page: a form of a browser holds as many boxes, and a person as many lines.
PAGE = 40

#: What in the address is no filter.
_NO_FILTERS = ("cursor", "delimiter", "did", "many")

#: Segments whose values are offered as filters, where answers lately had any.
LATELY = ("agent", "team", "touchpoint")

#: The field of a form that picks an answer.
PICK = "pick-"
TOPIC = "topic-"

#: Newest answers among which the derived id of a public view's entry is looked for.
LOOKED_THROUGH = 20_000


@registry.page(
    title=say("feed"),
    address="/team/feed",
    scope="read",
    nav="listen",
    icon="feed",
    place=2,
    forms=True,
    form_scope="write",
)
def feed() -> Any:
    """The list, with what can be done to all of it beside it."""
    return _page(None)


@registry.page(
    title=say("answer"), address="/team/feed/<response_id>", scope="read", forms=True, form_scope="write"
)
def answer(response_id: str) -> Any:
    """One answer beside the list; its id may be the derived one of a public view's entry."""
    row = responses.find(response_id.lower())
    if row is None or not registry.sees(row.survey_id):
        row = _derived(response_id)
    if row is None:
        raise registry.not_found()
    return _page(row)


@registry.page(title=say("export"), address="/team/feed/export.<any(csv, ndjson, xlsx):kind>", scope="read")
def export(kind: str) -> Any:
    """Exactly this view as a file, streamed. The password is asked for first: it holds people and their words."""
    if (again := forms.asked_again()) is not None:
        return again
    asked = _asked()
    if "delimiter" in asked and kind != "csv":
        raise Refused(say("export.no_delimiter"), "delimiter")
    filters, seen = _narrowed(asked), registry.seen()
    found, named = exports.items(filters, seen), exports.properties(filters, seen)
    pieces, mimetype = {
        "csv": lambda: (exports.pieces(exports.table(found, asked.get("delimiter", ","), named)), "text/csv"),
        "ndjson": lambda: (exports.pieces(exports.ndjson(found)), "application/x-ndjson"),
        "xlsx": lambda: (exports.workbook_of(found, named), workbook.KIND),
    }[kind]()
    reply = Reply(pieces, mimetype=mimetype)
    reply.headers["Content-Disposition"] = f'attachment; filename="responses.{kind}"'
    reply.headers["Cache-Control"] = "no-store"
    return reply


# ------------------------------------------------------------------------------------------------------


def _page(row: Response | None) -> Any:
    asked = _asked()
    if request.method == "POST":
        return _done(asked, row)
    if not all(request.args.values()):
        # A form sends its empty fields too; the address that is kept and passed on is without.
        return layout.led(layout.here())
    narrowed, seen = _narrowed(asked), registry.seen()
    position = layout.position(asked)
    page = the_feed.page(narrowed, PAGE, "desc", position, seen)
    n = the_feed.count(narrowed, seen)
    query = _query()
    surveys = _surveys()
    ids = [item.id for item in page.items]
    place = ids.index(row.id) if row is not None and row.id in ids else None
    chosen = the_feed.one(row.key) if row is not None else None
    if row is not None and chosen is None:
        raise registry.not_found()
    live, above = _topics(), _themes()
    shown = [*page.items, *([chosen] if chosen else [])]
    people = _people({item.person.id for item in shown if item.person})
    return layout.page(
        "feed.html",
        say("answer.title", score=chosen.score if chosen.score is not None else say("none"))
        if chosen
        else say("feed"),
        items=page.items,
        n=n,
        is_all=n < the_feed.MOST_COUNTED,
        query=query,
        asked=asked,
        chips=_chips(query, surveys, live, above, people, page.items),
        names={survey.id: survey.name for survey in surveys},
        people=people,
        called={id_: person.name or person.shown_email for id_, person in people.items()},
        topics=live,
        surveys_named=[(survey.id, survey.name) for survey in surveys],
        topics_named=[(topic.id, labels.of(topic)) for topic in live],
        themes_named=[(theme.id, labels.of(theme)) for theme in above],
        groups_named=_groups(surveys, query.get("group")),
        several=len(surveys) > 1 and not query.get("survey"),
        channels=CHANNELS,
        languages_named=_languages(query.get("language")),
        lately=_lately(query, surveys),
        tags=team_tags.listed(),
        older=layout.at("/team/feed", query, cursor=lists.encode_cursor(page.position[1]))
        if page.position
        else None,
        chosen=chosen,
        beside=_beside(chosen, row, ids, place) if chosen and row is not None else {},
        views=_views(),
        told=_told(asked),
        fresh=flash.taken(),
        writes=layout.may("write"),
        limited=seen is not None,
        anything=Response.select().exists() if not page.items else True,
    )


def _lately(query: Mapping[str, str], surveys: list[Survey]) -> dict[str, list[tuple[str, str]]]:
    """The values of segments that can be chosen, by name; the one that was chosen is always among them."""
    today = schedule.day_of(clock.now(), layout.zone())
    found = filters.lately(LATELY, [survey.id for survey in surveys], today)
    for name, values in found.items():
        if query.get(name) and query[name] not in dict(values):
            values.insert(0, (query[name], query[name]))
    return found


def _asked() -> dict[str, Any]:
    return layout.query(TeamFeedQuery(unknown=ma.INCLUDE))


def _query() -> dict[str, str]:
    """The filters as the address has them."""
    return {name: value for name, value in request.args.items() if name not in _NO_FILTERS and value}


def _narrowed(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Filters as the queries want them. Raises a 422 for one that names what is not there or not to be seen."""
    given = {name: value for name, value in asked.items() if name not in (*_NO_FILTERS, "as_of")}
    filters.check(given, registry.caller())
    narrowed = filters.moments(given, layout.zone())
    until = layout.as_of(asked)
    if until is not None and (narrowed.get("until") is None or until < narrowed["until"]):
        narrowed["until"] = until
    return narrowed


def _surveys() -> list[Survey]:
    return list(visible.surveys(registry.caller()).order_by(Survey.created_at, Survey.id))


def _topics() -> list[Topic]:
    """The live topics that the caller may know of, by name."""
    found = visible.narrowed(Topic.select(Topic.id, Topic.label, Topic.names), registry.caller())
    return sorted(found.where(Topic.merged_into.is_null()), key=lambda topic: labels.of(topic).casefold())


def _themes() -> list[Theme]:
    """The live themes that the caller may know of, by name."""
    found = visible.narrowed(Theme.select(Theme.id, Theme.label, Theme.names), registry.caller())
    return sorted(found.where(Theme.merged_into.is_null()), key=lambda theme: labels.of(theme).casefold())


def _people(ids: set[str]) -> dict[str, Person]:
    """The people behind answers, for those who may see people; others read the names that answers carry."""
    if not layout.may("write"):
        return {}
    return {
        row.id: row
        for row in visible.narrowed(Person.select(), registry.caller()).where(Person.id.in_(sorted(ids)))
    }


def _groups(surveys: list[Survey], chosen: str | None) -> list[tuple[str, str]]:
    """The groups that answers to these surveys can be in, by name, and the one that is `chosen`."""
    metrics = {survey.metric for survey in surveys}
    used = {group.key for metric in metrics for group in METRICS[metric].groups}
    return [(group, say(f"group.{group}")) for group in GROUPS if group in used or group == chosen]


def _languages(chosen: str | None = None) -> list[tuple[str, str]]:
    """The languages that comments are told by, each with its English name, and the one that is `chosen`."""
    named = sorted(((tag, say(f"language.{tag}")) for tag in UNDERSTOOD), key=lambda each: each[1])
    return named if not chosen or chosen in UNDERSTOOD else [*named, (chosen, chosen)]


def _chips(
    query: Mapping[str, str],
    surveys: list[Survey],
    live: list[Topic],
    above: list[Theme],
    people: Mapping[str, Person],
    items: list[Item],
) -> list[dict[str, str]]:
    """Each filter in words, with the address that is without it."""
    named = {
        "survey": {survey.id: survey.name for survey in surveys},
        "topic": {topic.id: labels.of(topic) for topic in live},
        "theme": {theme.id: labels.of(theme) for theme in above},
        # All on the page are theirs; of others' answers nobody learns a name.
        "agent": {item.agent.id: item.agent.name or item.agent.id for item in items if item.agent},
        "team": {item.team.id: item.team.name or item.team.id for item in items if item.team},
        "group": {group: say(f"group.{group}") for group in GROUPS},
        "language": dict(_languages()),
        "person": {id_: row.name or row.shown_email or id_ for id_, row in people.items()},
        "excluded": {value: say(f"filter.excluded.{value}") for value in "01"},
        "placed": {value: say(f"filter.placed.{value}") for value in "01"},
        "has_comment": {
            "1": say("filter.with_words"),
            "0": say("filter.without_words"),
            "any": say("filter.any"),
        },
    }
    found = []
    for name, value in query.items():
        key = f"filter.{name}"
        label = say(key) if key in words.WORDS else name.removeprefix("property:")
        shown = named.get(name, {}).get(value, value)
        is_flag = name in ("counted", "mismatch", "has_comment", "excluded", "placed")
        found.append(
            {
                "label": label if name in ("counted", "mismatch") else shown,
                "name": "" if is_flag else label,
                "off": layout.at("/team/feed", {**query, name: None}),
            }
        )
    return found


def _beside(item: Item, row: Response, ids: list[str], place: int | None) -> dict[str, Any]:
    """What the page shows of an item that is not in it: its words marked, its neighbours, a link that is safe."""
    said = {topic.label: topic.evidence or [] for topic in item.topics}
    return {
        "runs": marks.runs(item.comment or "", the_feed.words(row.key), said),
        "placed": forms.begun(_ticks(topic.id for topic in item.topics)),
        "feeling": item.sentiment.label if item.sentiment else None,
        "before": ids[place - 1] if place else None,
        "after": ids[place + 1] if place is not None and place + 1 < len(ids) else None,
        "ticket_url": layout.web(item.ticket.url) if item.ticket else None,
        "narrow": {
            name: layout.at("/team/feed", {f"{PROPERTY}{name}": _as_text(value)})
            for name, value in item.properties.items()
            if isinstance(value, str | bool | int) and value != ""
        },
    }


def _as_text(value: str | bool | int) -> str:
    """A property's value as a filter has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _derived(derived_id: str) -> Response | None:
    """The response behind the id of a public view's entry, among the newest that the caller sees."""
    found = Response.select(Response.key, Response.id)
    seen = registry.seen()
    if seen is not None:
        found = found.where(Response.survey.in_(seen))
    for row in found.order_by(Response.key.desc()).limit(LOOKED_THROUGH).namedtuples():
        if saved_feeds.derived_id(row.id) == derived_id:
            return responses.find(row.id)
    return None


def _views() -> list[dict[str, Any]]:
    """The saved views that the caller may see, each with the feed that shows the same."""
    rows = list(
        visible.narrowed(SavedFeed.select(), registry.caller()).order_by(SavedFeed.created_at, SavedFeed.id)
    )
    if layout.may("write"):
        makers.sights(rows)
    return [
        {
            "id": row.id,
            "name": row.name,
            "href": layout.at("/team/feed", _flat(row.filters)),
            "paused": row.paused,
        }
        for row in rows
    ]


def _flat(given: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(int(value)) if isinstance(value, bool) else str(value) for name, value in given.items()}


def _told(asked: Mapping[str, Any]) -> str | None:
    if "did" not in asked:
        return None
    many = asked.get("many")
    return say(f"did.{asked['did']}", n=many) if many else say(f"did.{asked['did']}.one")


# ------------------------------------------------------------------------------------------------------


def _done(asked: Mapping[str, Any], row: Response | None) -> Reply:
    """Do what the form says, to one answer or to those picked, and lead back."""
    given = FeedForm().load(bodies.form_fields(bodies.PUBLIC_BODY))
    do = given["do"]
    # Whoever knows the addresses of a view reads it for good, as with a key.
    if do in ("save", "take") and (again := forms.asked_again()) is not None:
        return again
    if do == "save":
        return _save(asked, given["name"].strip())
    if do == "take":
        saved_feeds.take_over(visible.own(SavedFeed, given["id"], registry.caller()), registry.caller())
        return layout.led(layout.at("/team/feed", _query(), did="take"))
    if do == "forget":
        saved_feeds.forget(visible.own(SavedFeed, given["id"], registry.caller()).id)
        return layout.led(layout.at("/team/feed", _query(), did="forget"))
    if row is None:
        picked = _picked(given)
        if do not in BULK:
            raise Refused(say("feed.one_only"), "do")
        _act(do, picked, given)
        what = do if picked else "nothing"
        return layout.led(
            layout.at("/team/feed", _query(), cursor=asked.get("cursor"), did=what, many=len(picked) or None)
        )
    if do == "follow_up":
        case, _ = cases.open_by_hand(row, registry.caller(), clock.now())
        audited.about(case.id)
        return layout.led(layout.at(f"/team/follow-ups/{case.id}") + ("#reply" if row.person_id else ""))
    _act(do, [row], given)
    following = given["next"] if do in TRIAGE and given["next"] else row.id
    return layout.led(layout.at(f"/team/feed/{following}", _query(), cursor=asked.get("cursor"), did=do))


def _picked(given: Mapping[str, Any]) -> list[Response]:
    """The picked answers; one that is gone meanwhile, or not the caller's, is left out."""
    ids = [name.removeprefix(PICK) for name in given if name.startswith(PICK)][:PAGE]
    found = [responses.find(each.lower()) for each in ids]
    return [row for row in found if row is not None and registry.sees(row.survey_id)]


def _act(do: str, rows: list[Response], given: Mapping[str, Any]) -> None:
    # The database's writer works in a thread of its own, which knows no request.
    now, caller = clock.now(), registry.caller()

    def verb() -> None:
        if do in TRIAGE:
            triage.put([row.key for row in rows], TRIAGE[do], caller.name, now)
        for row in rows:
            if do in ("tag", "untag"):
                responses.set_tags(
                    row, _tags(responses.by_key(row.key) or row, given["tag"].strip(), do == "tag"), now
                )
            elif do in ("exclude", "restore"):
                responses.exclude(row, do == "exclude", now)
            elif do == "topics":
                corrections.set_topics(row, _wanted(row, given), now, caller)
            elif do == "sentiment":
                if given.get("sentiment") in (None, "engine"):
                    corrections.withdraw_sentiment(row, now)
                else:
                    corrections.set_sentiment(row, given["sentiment"], now)

    if do in ("tag", "untag") and not given["tag"].strip():
        raise Refused(say("feed.no_tag"), "tag")
    db.write(verb)


def _wanted(row: Response, given: Mapping[str, Any]) -> list[str]:
    """The topics that an answer is to be in: what was ticked or not since the form was shown, over what is so now."""
    ticked = given
    if forms.BEGUN in given:
        ticked = forms.joined(_ticks(_placed(row)), given)
    wanted = [name.removeprefix(TOPIC) for name, value in ticked.items() if name.startswith(TOPIC) and value]
    return [*wanted, *([given["topic"]] if given["topic"] else [])]


def _ticks(topics: Iterable[str]) -> dict[str, str]:
    """The ticked boxes of a form: one for each topic that an answer is in."""
    return {TOPIC + id_: "1" for id_ in topics}


def _placed(row: Response) -> list[str]:
    found = Placement.select(Placement.topic).where(Placement.response == row.key)
    return [each.topic_id for each in found.order_by(Placement.main.desc(), Placement.topic)]


def _tags(row: Response, tag: str, on: bool) -> list[str]:
    rest = [each for each in row.tags or [] if each != tag]
    return [*rest, tag] if on else rest


def _save(asked: Mapping[str, Any], name: str) -> Reply:
    if not name:
        raise Refused(say("views.no_name"), "name")
    given = _query()
    until = _narrowed(asked).get("until")
    if given.pop("as_of", None):
        # A view that is kept says the moment itself.
        given["until"] = str(clock.stamp(until))
    kept = {key: int(value) if key.startswith("score_") else value for key, value in given.items()}
    row, token = saved_feeds.save(name, kept, registry.caller(), clock.now())
    reply = layout.led(layout.at("/team/feed", given, did="save"))
    flash.put(
        reply,
        {
            "name": row.name,
            "urls": {kind: links.to(f"/feed/{token}.{kind}") for kind in ("atom", "json", "csv", "xlsx")},
        },
    )
    return reply
