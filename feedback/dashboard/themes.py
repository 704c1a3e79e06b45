"""Themes: a table of all, and one with its topics, what is said in it, who speaks of it, and what a team does to it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response as Reply
from flask import request

from feedback import feed, labels
from feedback.dashboard import forms, layout, measures, registry, words
from feedback.domain import marks
from feedback.models import Theme, Topic
from feedback.schemas.team import OneThemeQuery, TeamThemesQuery, ThemeForm
from feedback.schemas.topics import ThemeBody, ThemePatch
from feedback.topics import rehearsals, reports, themes, topics
from feedback.topics.report import ThemeLine, ThemeReport, Typical
from feedback.topics.reports import Scope
from feedback.topics.topics import Taken
from surveys import visible
from surveys.base import clock
from surveys.base.errors import Clash, Refused
from surveys.base.http import audited, lists
from surveys.models import Response, Survey

say = words.say

LIST = "/team/themes"

#: The field of a form that ticks a topic.
PICK = "topic-"

#: Comments that are quoted, and topics that they are taken from: the largest.
QUOTES, QUOTED, OF_EACH = 8, 6, 2

#: Comments of each topic whose people are counted, the newest.
SPEAKING = 1_000

_CHANGED = ("label", "status", "owner")


@registry.page(
    title=say("themes"),
    address=LIST,
    scope="read",
    nav="listen",
    icon="themes",
    place=5,
    forms=True,
    form_scope="write",
)
def index() -> Any:
    """All themes with their numbers; its form makes one."""
    if request.method == "POST":
        _demand_all()
        given = forms.fields()
        form = ThemeForm().load(given)
        if form["do"] != "make":
            raise Refused(say("topic.here_not"), "do")
        picked = [name.removeprefix(PICK) for name in given if name.startswith(PICK)]
        values, wrong = forms.load(
            ThemeBody(), {"label": form["label"], "owner": form["owner"] or None, "topics": picked}
        )
        if not wrong:
            try:
                row = themes.make(values["label"], values["topics"], values["owner"], clock.now())
                audited.about(row.id)
                return layout.led(layout.at(f"{LIST}/{row.id}", did="make"))
            except Refused as refused:
                wrong = {name: [refused.message] for name in refused.fields}
            except Clash as clash:
                wrong = {"label": [clash.message]}
        return _list(given, wrong, 422)
    return _list({}, {})


@registry.page(title=say("theme"), address=LIST + "/<theme_id>", scope="read", forms=True, form_scope="write")
def one(theme_id: str) -> Any:
    """One theme; its forms change and merge it, and put topics under it."""
    row = visible.own(Theme, theme_id, registry.caller())
    if request.method == "POST":
        return _done(row, ThemeForm().load(forms.fields()))
    return _page(row, {}, {})


# ------------------------------------------------------------------------------------------------------


def _list(typed: Mapping[str, Any], wrong: dict[str, list[str]], status: int = 200) -> Any:
    if wrong:
        audited.unchanged()
    asked = layout.query(TeamThemesQuery())
    if request.method == "GET" and not all(request.args.values()):
        return layout.led(layout.here())
    caller, (scope, now) = registry.caller(), measures.scope_of(asked)
    found = reports.measured_themes(scope, measures.everybody(scope, asked), layout.zone(), now)
    start = layout.place(asked, len(found))
    end = start + asked["limit"]
    query, comments = measures.query(asked), reports.comments(scope)
    writes = layout.may("write") and not scope.limited
    return layout.page(
        "themes.html",
        say("themes"),
        status,
        themes=[_line(item, comments, scope, query, now) for item in found[start:end]],
        n=len(found),
        comments=comments,
        reading=measures.reading(scope),
        metric=scope.metric,
        surveys=list(visible.surveys(caller).order_by(Survey.created_at, Survey.id)),
        query=request.args,
        narrowed=bool(set(measures.SCOPE) & set(asked)),
        following=layout.here(cursor=lists.encode_cursor(end)) if end < len(found) else None,
        topics=_topics() if writes else [],
        typed=typed,
        errors=wrong,
        writes=writes,
    )


def _line(
    item: ThemeReport, comments: int, scope: Scope, query: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """A theme's numbers as the table shows them."""
    return {
        **measures.shown(item, comments, scope.metric, query, now, "theme"),
        "href": layout.at(f"{LIST}/{item.id}", query),
        "under": layout.at("/team/topics", query, theme=item.id),
    }


def _page(
    row: Theme,
    typed: Mapping[str, Any],
    wrong: dict[str, list[str]],
    status: int = 200,
    told: str | None = None,
    taken: str | None = None,
) -> Any:
    if wrong or told:
        audited.unchanged()
    asked = layout.query(OneThemeQuery())
    caller, zone = registry.caller(), layout.zone()
    if row.merged_into is not None:
        return layout.page("theme_gone.html", labels.of(row), theme=row, into=measures.into(row))
    scope, now = measures.scope_of(asked)
    query, comments = measures.query(asked), reports.comments(scope)
    item = reports.one_theme(row, scope, zone, now)
    under = reports.under(row, scope, measures.everybody(scope, asked), zone, now)
    ids = [topic.id for topic in under]
    writes = layout.may("write") and not scope.limited
    return layout.page(
        "theme.html",
        labels.of(row),
        status,
        theme=measures.shown(item, comments, scope.metric, query, now, "theme"),
        topics=[
            {
                **measures.shown(topic, comments, scope.metric, query, now),
                "href": layout.at(f"/team/topics/{topic.id}", query),
            }
            for topic in under
        ],
        surveys=list(visible.surveys(caller).order_by(Survey.created_at, Survey.id)),
        seasoned=measures.are_seasoned(now),
        reading=measures.reading(scope),
        metric=scope.metric,
        pins=measures.pinned(item, scope),
        quotes=_quotes(ids[:QUOTED], scope),
        lineage=[_told(line, row.id) for line in item.lineage or ()],
        people=measures.people(ids, scope, {**query, "theme": row.id}, SPEAKING),
        merging=_merging(row, asked, scope) if writes else None,
        others=measures.standing(Theme, but=row.id) if writes else [],
        elsewhere=[topic for topic in _topics() if topic.theme != row.id] if writes else [],
        # A form that is shown as it was sent is still about what it began with.
        version=(typed.get("version") if wrong else None) or themes.version(row),
        before=(typed.get(forms.BEGUN) if wrong else None) or forms.begun(_fields(row)),
        statuses=[name for name in Topic.STATUSES if name != "came_back"],
        typed=typed,
        errors=wrong,
        wrong=told,
        taken=Theme.get_or_none(Theme.id == taken) if taken else None,
        did=asked.get("did"),
        query=query,
        writes=writes,
    )


def _quotes(ids: list[str], scope: Scope) -> list[dict[str, Any]]:
    """What is typical of the largest topics, each comment once, those that say the same left out."""
    found = reports.typical(ids, scope, OF_EACH)
    said: dict[str, Typical] = {}
    for place in range(OF_EACH):
        for topic_id in ids:
            for quote in found[topic_id][place : place + 1]:
                said.setdefault(quote.id, quote)
    chosen = reports.different(list(said.values()), QUOTES)
    keys: Any = Response.select(Response.id, Response.key)
    keys = dict(keys.where(Response.id.in_([quote.id for quote in chosen])).tuples())
    items = {item.id: item for item in feed.some(list(keys.values()))}
    return [
        {
            "item": items[quote.id],
            "runs": marks.runs(
                items[quote.id].comment or "",
                [],
                {topic.label: topic.evidence or [] for topic in items[quote.id].topics if topic.id in ids},
            ),
        }
        for quote in chosen
        if quote.id in items
    ]


def _told(line: ThemeLine, theme_id: str) -> dict[str, Any]:
    """A line of lineage in words, with the names of that time."""
    key = "theme.made" if line.kind == "taught" else f"lineage.{line.kind}"
    href = layout.at(f"{LIST}/{line.theme}") if line.theme != theme_id else None
    return measures.lineage(line, key, "theme", href)


def _topics() -> list[Topic]:
    """The topics that can be put under a theme, by name."""
    return measures.standing(Topic, Topic.theme)


def _merging(row: Theme, asked: Mapping[str, Any], scope: Scope) -> dict[str, Any] | None:
    if not asked.get("into"):
        return None
    into = Theme.get_or_none(Theme.id == asked["into"], Theme.merged_into.is_null())
    if into is None or into.id == row.id:
        raise Refused(say("theme.no_other"), "into")
    return {"into": into, **measures.rehearsed(rehearsals.merge_themes(row, into, scope), scope.metric)}


# ------------------------------------------------------------------------------------------------------


def _done(row: Theme, given: Mapping[str, Any]) -> Reply:
    """Do what a form on a theme's page says, and lead back."""
    now, do = clock.now(), given["do"]
    _demand_all()
    if do == "change":
        return _changed(row, given)
    if do == "merge":
        into = Theme.get_or_none(Theme.id == given["into"])
        if into is None or into.id == row.id:
            raise Refused(say("theme.no_other"), "into")
        kept = themes.merge(row.id, into.id, now)
        return layout.led(layout.at(f"{LIST}/{kept.id}", did="merge"))
    if do == "put":
        topic = visible.own(Topic, given["topic"], registry.caller(), "topic")
        audited.about(topic.id)
        topics.change(topic.id, {"theme": row.id}, now, registry.caller().name)
        return layout.led(layout.here(did="put"))
    raise Refused(say("topic.here_not"), "do")


def _changed(row: Theme, given: Mapping[str, Any]) -> Reply:
    wanted = {"label": given["label"], "status": given["status"] or None, "owner": given["owner"] or None}
    # The name that stood in the form is one that nobody chose; by now a review, or another language, may tell another.
    shown = forms.before(given).get("label", labels.of(row))
    for name, value in {"label": shown, "status": row.status}.items():
        if wanted[name] == value:
            del wanted[name]
    values, wrong = forms.load(ThemePatch(), wanted)
    if wrong:
        return _page(row, given, wrong, 422)
    try:
        themes.change(row.id, values, clock.now(), given["version"])
    except Refused as refused:
        return _page(row, given, {name: [refused.message] for name in refused.fields}, 422)
    except Taken as taken:
        return _page(row, given, {"label": [taken.message]}, 409, taken=taken.by)
    except Clash as clash:
        found = Theme.get_by_id(row.id)
        again = {**given, **forms.joined(_fields(found), given)}
        return _page(found, again, {}, 409, f"{clash.message} {say('typed')}")
    return layout.led(layout.here(did="change"))


def _fields(row: Theme) -> dict[str, str]:
    """What stands in the form of a theme."""
    return {"label": labels.of(row), "status": row.status, "owner": row.owner or ""}


def _demand_all() -> None:
    visible.demand_all(registry.caller(), say("topic.shared"))
