"""Topics: what people do to them, and how they and a review's decisions are kept."""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from feedback.analysis.topics import matters
from feedback.domain import redaction
from feedback.domain import themes as domain_themes
from feedback.domain import topics as domain
from feedback.domain.topics import Change, Kind, State
from feedback.models import Meaning, Placement, Theme, ThemeChange, Topic, TopicChange, TopicStatus
from surveys import responses
from surveys.base import db, versions
from surveys.base.errors import Clash, Missing, Refused
from surveys.domain import folding
from surveys.models import Response
from surveys.webhooks import telling
from surveys.webhooks.telling import Told

T = TypeVar("T")

#: How many rows of a long list go into one statement.
AT_ONCE = 500

#: What a webhook hears when a person gave a topic another status.
STATUS_CHANGED = "topic.status_changed"

#: What it hears when a topic is talked about more than before, and when one that was dealt with is again.
SURGING, CAME_BACK = "topic.surging", "topic.came_back"

#: Hears, in the transaction, which status a person gave a topic by hand: its id, the status, who, when.
ByHand = Callable[[str, str, str, datetime], None]

_by_hand: list[ByHand] = []

_UNNAMED, _UNNAMED_THEME = "Unnamed topic", "Unnamed theme"
_LONGEST_NAME = 80  # characters


class Taken(Clash):
    """Another topic, or theme, is called so already: the one with the id `by`."""

    def __init__(self, message: str, by: str) -> None:
        super().__init__(message)
        self.by = by


def use_by_hand(heard: ByHand) -> None:
    """Say who hears of statuses that people give by hand."""
    _by_hand[:] = [heard]


def state() -> State:
    """All live topics and themes, merges and the lineage; no places of comments."""
    rows, above = list(Topic.select()), list(Theme.select())
    return State(
        topics={row.id: _value(row) for row in rows if row.merged_into is None},
        merged={row.id: row.merged_into for row in rows if row.merged_into is not None},
        lineage=tuple(
            Change(
                Kind(row.kind),
                row.topic_id,
                row.at,
                row.other,
                row.by_person,
                row.label,
                row.other_label,
                row.former_label,
            )
            for row in TopicChange.select().order_by(TopicChange.id)
        ),
        themes={
            row.id: domain_themes.Theme(row.id, row.label, row.named, row.settled, row.names)
            for row in above
            if row.merged_into is None
        },
        merged_themes={row.id: row.merged_into for row in above if row.merged_into is not None},
    )


def teach(label: str, examples: Sequence[str], now: datetime) -> Topic:
    """A new topic that a person describes; from now on comments like it are put into it.

    Raises Refused for a label with personal data, Clash for one that is taken. Personal data in examples is not kept.
    """
    check_label(label)
    kept = [redaction.redact(example) for example in examples]

    def verb() -> Topic:
        db.serialise("topics")
        before = state()
        _check_free(before, label)
        after, made = domain.teach(before, label, kept, now)
        record(before, after, now)
        return Topic.get_by_id(made)

    return db.write(verb)


def change(
    topic_id: str,
    values: Mapping[str, Any],
    now: datetime,
    made_by: str | None = None,
    known: str | None = None,
    follows: bool = False,
) -> Topic:
    """Give a topic another `label`, `theme` (id, or None), `status`, `owner` or `issue_url`; a label and a theme that a
    person gave stay for good. With what is shipped goes when (`shipped_at`, by itself now), and what people are told
    (`note`, by language).

    `made_by`: who stands in the history of its status; `known`: the `version` that the change was made from; `follows`:
    a tracker proposed it. Any other change of the status by a person is one by hand (`use_by_hand`). A name that it has
    already, in whatever language it was read, is no other one.

    Raises Missing, Refused for a label with personal data, a theme that is not there and a moment to come, Clash for a
    label that is taken, for a merged topic, and for one that changed since.
    """
    if values.get("shipped_at") is not None and values["shipped_at"] > now:
        raise Refused("Must not be in the future.", "shipped_at")
    if "label" in values:
        check_label(values["label"])

    def verb() -> Topic:
        db.serialise("topics")
        before = state()
        _check_live(before, topic_id)
        current = Topic.get_by_id(topic_id)
        if known is not None and known != version(current):
            raise Clash("Somebody changed the topic meanwhile.")
        if "label" in values and not is_called(before.topics[topic_id], values["label"]):
            _check_free(before, values["label"], topic_id)
            record(before, domain.rename(before, topic_id, values["label"], now), now)
            _touch(topic_id, now)
        if "theme" in values:
            _put_under(topic_id, values["theme"], now)
        rest = {name: value for name, value in values.items() if name not in ("label", "theme")}
        if "status" in rest and rest["status"] != current.status:
            TopicStatus.insert(
                topic=topic_id, status=rest["status"], former=current.status, made_by=made_by, at=now
            ).execute()
            telling.tell(Told(STATUS_CHANGED, topic_id), now)
            if rest["status"] == "shipped":
                rest = {"shipped_at": now, **rest}
            if made_by is not None and not follows:
                for heard in _by_hand:
                    heard(topic_id, rest["status"], made_by, now)
        if rest:
            Topic.update(**rest).where(Topic.id == topic_id).execute()
        return Topic.get_by_id(topic_id)

    return db.write(verb)


def version(row: Topic) -> str:
    """What a topic is, in a few letters: it changes with whatever `change` changes."""
    return versions.of(
        row.label, row.theme, row.status, row.owner, row.issue_url, row.shipped_at, row.note or {}
    )


def merge(topic_id: str, into: str, now: datetime) -> Topic:
    """Put all of a topic into another one, now and after every review. Raises Missing, and Clash for a merged one."""

    def verb() -> Topic:
        db.serialise("topics")
        before = state()
        _check_live(before, topic_id)
        _check_live(before, into)
        if topic_id != into:
            record(before, domain.merge(before, topic_id, into, now), now)
        return Topic.get_by_id(into)

    return db.write(verb)


def split(
    topic_id: str, label: str, comments: Mapping[str, int | None], examples: Sequence[str], now: datetime
) -> Topic:
    """A new topic of some of a topic's `comments`, which leave it, and of `examples`.

    `comments`: the keys of responses by what the caller calls them, None where there is none. Raises as `change`
    does, and Refused when some are not in the topic.
    """
    check_label(label)
    kept = tuple(redaction.redact(example) for example in examples)
    keys = sorted({key for key in comments.values() if key is not None})

    def verb() -> Topic:
        db.serialise("topics")
        before = state()
        _check_live(before, topic_id)
        placed: Any = Placement.select(Placement.response).where(Placement.topic == topic_id)
        here = {key for (key,) in placed.where(Placement.response.in_(keys)).tuples()}
        if strange := [name for name, key in comments.items() if key not in here]:
            raise Refused(f"Not in this topic: {', '.join(strange)}.", "responses")
        _check_free(before, label)
        after, made = domain.split(before, topic_id, label, now)
        taught = replace(after.topics[made], examples=kept)
        record(before, replace(after, topics={**after.topics, made: taught}), now)
        Placement.delete().where(Placement.topic == topic_id, Placement.response.in_(keys)).execute()
        for key in keys:
            settle(key, [made, *_others(key)], now)
        return Topic.get_by_id(made)

    return db.write(verb)


def settle(key: int, topic_ids: Sequence[str], now: datetime) -> None:
    """Put a comment into just these topics, the first being its main one, because a person says so.

    Call it in a transaction.
    """
    known = {row.topic_id: row.evidence for row in Placement.select().where(Placement.response == key)}
    Placement.delete().where(Placement.response == key).execute()
    rows = [
        {
            "topic": topic_id,
            "response": key,
            "evidence": known.get(topic_id, []),
            "by_person": True,
            "main": at == 0,
            "closeness": 1.0,
        }
        for at, topic_id in enumerate(topic_ids)
    ]
    if rows:
        Placement.insert_many(rows).execute()
    Topic.update(settled_at=now).where(Topic.id.in_([*known, *topic_ids]), Topic.taught).execute()
    Meaning.insert(key=key, by_person=True).on_conflict(
        conflict_target=[Meaning.key], update={"by_person": True}
    ).execute()
    responses.touch(key, now)


def keep(before: State, after: State, now: datetime) -> None:
    """Write what a review made of `before`; what people did meanwhile stands. Call it in a transaction."""
    db.serialise("topics")
    current = state()
    labels = {topic.label.casefold() for topic in current.topics.values()}
    topics = dict(current.topics)
    for id_, made in after.topics.items():
        named = _cleared(made)
        if id_ in topics:
            topics[id_] = replace(
                topics[id_],
                candidates=named.candidates,
                terms=named.terms,
                names=_names(topics[id_], named),
            )
        elif id_ not in current.merged and id_ not in before.topics:
            label = _free(named, labels)
            labels.add(label.casefold())
            topics[id_] = replace(named, label=label, names=named.names if label == named.label else {})
    gone = {
        id_: into
        for id_ in before.topics
        if id_ not in after.topics
        and (into := after.merged.get(id_)) in topics
        and id_ in topics
        and not (topics[id_].named or topics[id_].taught)
    }
    for id_ in gone:
        del topics[id_]
    changes = [
        change
        for change in after.lineage[len(before.lineage) :]
        if change.kind is not Kind.MERGED or change.topic in gone
    ]
    under = _arranged(before, after, replace(current, topics=topics))
    record(
        current,
        replace(under, merged={**current.merged, **gone}, lineage=(*current.lineage, *changes)),
        now,
        by_person=False,
    )


def _arranged(before: State, after: State, current: State) -> State:
    """`current` under the themes that a review gave; a person who spoke meanwhile has the last word."""
    went = current.merged_themes
    known = dict(current.themes)
    labels = {theme.label.casefold() for theme in known.values()}
    for id_, theme in after.themes.items():
        if id_ not in before.themes and id_ not in went:
            label = free_label(theme.label, labels)
            labels.add(label.casefold())
            known[id_] = replace(theme, label=label, names=theme.names if label == theme.label else {})
        elif id_ in known:
            known[id_] = replace(known[id_], names=_names(known[id_], theme))
    topics = dict(current.topics)
    for id_, topic in topics.items():
        earlier, made = before.topics.get(id_), after.topics.get(id_)
        untouched = earlier is None or earlier.theme == topic.theme
        if made is not None and untouched and not topic.theme_by_person:
            above = went.get(made.theme or "", made.theme)
            topics[id_] = replace(topic, theme=above if above in known else None)
    inhabited = {topic.theme for topic in topics.values()}
    gone = {
        id_: into
        for id_, into in after.merged_themes.items()
        if id_ in known and id_ not in inhabited and not (known[id_].named or known[id_].settled)
        if into in known
    }
    themes = {id_: theme for id_, theme in known.items() if id_ not in gone}
    return replace(current, topics=topics, themes=themes, merged_themes={**went, **gone})


def final(topic_id: str, merged: Mapping[str, str]) -> str:
    """The topic that `topic_id` has gone into, itself when it stands."""
    seen = set()
    while topic_id in merged and topic_id not in seen:
        seen.add(topic_id)
        topic_id = merged[topic_id]
    return topic_id


def forget_words(stands: Callable[[str], bool], now: datetime) -> None:
    """After an erasure: drop what names, named or marks topics and is said by nobody any more.

    `stands(word)`: whether somebody says it. What a person called a topic stays.
    """
    said = functools.cache(stands)
    for row in Topic.select().order_by(Topic.id):
        if _said_of(row, said) != (row.candidates, row.terms, row.names) or not _is_said(row, said):
            db.write(functools.partial(_forget_words, row.id, said, now))
    for theme in Theme.select().where(~Theme.named).order_by(Theme.id):
        if not all(_says(name, said) for name in (theme.label, *theme.names.values())):
            db.write(functools.partial(_forget_label, theme.id, said))
    chosen = _chosen()
    for table in (TopicChange, ThemeChange):
        for line in table.select().order_by(table.id):
            gone = [
                column
                for column in (table.label, table.other_label, table.former_label)
                if (name := getattr(line, column.name)) and name not in chosen and not _says(name, said)
            ]
            if gone:
                forgotten = table.update({column: None for column in gone})
                db.write(forgotten.where(table.id == line.id).execute)


# ------------------------------------------------------------------------------------------------------


def _value(row: Topic) -> domain.Topic:
    return domain.Topic(
        row.id,
        row.label,
        tuple(row.candidates),
        tuple(row.terms),
        tuple(row.examples),
        row.named,
        row.taught,
        row.theme,
        row.theme_by_person,
        row.names,
    )


def record(before: State, after: State, now: datetime, by_person: bool = True) -> None:
    """Write how `after` differs from `before`, which is what is stored; `by_person`: a person did it, and no review."""
    for id_, topic in after.topics.items():
        if topic == before.topics.get(id_):
            continue
        values = {
            "label": topic.label,
            "candidates": list(topic.candidates),
            "terms": list(topic.terms),
            "examples": list(topic.examples),
            "named": topic.named,
            "taught": topic.taught,
            "theme": topic.theme,
            "theme_by_person": topic.theme_by_person,
            "names": dict(topic.names),
        }
        if id_ in before.topics:
            Topic.update(values).where(Topic.id == id_).execute()
            left = before.topics[id_].theme
            # Of a theme that is just made, nobody has a list yet that could be out of date.
            if topic.theme != left and (left or topic.theme in before.themes):
                _touch(id_, now)
        else:
            Topic.insert(id=id_, created_at=now, **values).execute()
    for id_, theme in after.themes.items():
        values = {
            "label": theme.label,
            "named": theme.named,
            "settled": theme.settled,
            "names": dict(theme.names),
        }
        if id_ not in before.themes:
            Theme.insert(id=id_, created_at=now, **values).execute()
        elif theme != before.themes[id_]:
            Theme.update(values).where(Theme.id == id_).execute()
    for id_ in after.merged_themes:
        into = final(id_, after.merged_themes)
        if before.merged_themes.get(id_) != into:
            Theme.update(merged_into=into).where(Theme.id == id_).execute()
    _note_themes(before, after, now, by_person)
    for id_ in after.merged:
        into = final(id_, after.merged)
        if before.merged.get(id_) != into:
            Topic.update(merged_into=into).where(Topic.id == id_).execute()
            _pour(id_, into, now)
    for line in after.lineage[len(before.lineage) :]:
        told = domain.named(line, before, after)
        TopicChange.insert(
            kind=told.kind.value,
            topic=told.topic,
            other=told.other,
            by_person=told.by_person,
            at=told.at,
            label=told.label,
            other_label=told.other_label,
            former_label=told.former_label,
        ).execute()


def _note_themes(before: State, after: State, now: datetime, by_person: bool) -> None:
    """Write down what happened to themes."""
    left = {
        made: {
            str(before.topics[id_].theme)
            for id_, topic in after.topics.items()
            if topic.theme == made and id_ in before.topics and before.topics[id_].theme
        }
        for made in after.themes.keys() - before.themes.keys()
    }
    went = {
        id_: final(id_, after.merged_themes) for id_ in after.merged_themes if id_ not in before.merged_themes
    }
    for line in domain_themes.changes(before.themes, after.themes, went, left, by_person):
        ThemeChange.insert(
            kind=line.kind,
            theme=line.theme,
            other=line.other,
            by_person=by_person,
            at=now,
            label=line.label,
            other_label=line.other_label,
            former_label=line.former,
        ).execute()


def _pour(topic_id: str, into: str, now: datetime) -> None:
    """Move all comments of a topic into another."""
    _touch(topic_id, now)
    both = Placement.alias()
    there = both.select(both.response).where(both.topic == into)
    here = Placement.topic == topic_id
    main: Any = Placement.select(Placement.response).where(here, Placement.main).tuples()
    for keys in chunks([row[0] for row in main]):
        Placement.update(main=True).where(Placement.topic == into, Placement.response.in_(keys)).execute()
    Placement.delete().where(here, Placement.response.in_(there)).execute()
    Placement.update(topic=into).where(here).execute()


def _forget_words(topic_id: str, said: Callable[[str], bool], now: datetime) -> None:
    db.serialise("topics")
    row = Topic.get_by_id(topic_id)
    row.candidates, row.terms, row.names = _said_of(row, said)
    is_called_so = _is_said(row, said)
    if not is_called_so:
        others = Topic.select(Topic.label).where(Topic.merged_into.is_null(), Topic.id != topic_id)
        row.label = _free(_value(row), {other.label.casefold() for other in others})
        row.names = {}
    row.save(only=[Topic.candidates, Topic.terms, Topic.label, Topic.names])
    if not is_called_so:
        _touch(topic_id, now)
    db.count(db.TAKEN_BACK)


def _forget_label(theme_id: str, said: Callable[[str], bool]) -> None:
    """Forget a theme's names; where the label is one, call it by a topic of its, whose names were forgotten before."""
    db.serialise("topics")
    row = Theme.get_by_id(theme_id)
    if _says(row.label, said):
        Theme.update(names=_said_names(row, said)).where(Theme.id == theme_id).execute()
        return
    others = Theme.select(Theme.label).where(Theme.merged_into.is_null(), Theme.id != theme_id)
    taken = {other.label.casefold() for other in others}
    topics = Topic.select(Topic.label).where(Topic.theme == theme_id, Topic.merged_into.is_null())
    names = [row.label for row in topics.order_by(Topic.id) if row.label.casefold() not in taken]
    label = names[0] if names else free_label("", taken)
    Theme.update(label=label, names={}).where(Theme.id == theme_id).execute()


def _said_of(row: Topic, said: Callable[[str], bool]) -> tuple[list[str], list[str], dict[str, str]]:
    """Candidates, terms and names of a topic; a phrase stays as long as somebody says all of its words."""

    def kept(phrases: Sequence[str]) -> list[str]:
        return [phrase for phrase in phrases if _says(phrase, said)]

    return kept(row.candidates), kept(row.terms), _said_names(row, said)


def _said_names(row: Topic | Theme, said: Callable[[str], bool]) -> dict[str, str]:
    return {language: name for language, name in row.names.items() if _says(name, said)}


def _is_said(row: Topic, said: Callable[[str], bool]) -> bool:
    """Whether the label may stand: a person chose it, it says nothing, or somebody says all its words."""
    return row.named or _says(row.label, said)


def _says(label: str, said: Callable[[str], bool]) -> bool:
    listed = label.startswith((_UNNAMED, _UNNAMED_THEME))
    return listed or all(map(said, matters.own_words(label).split()))


def _chosen() -> set[str]:
    """All names that people ever gave to topics and themes."""
    queries: list[Any] = []
    for table, changed in ((Topic, TopicChange), (Theme, ThemeChange)):
        made = changed.select(changed.label).where(
            changed.by_person, changed.kind.in_([Kind.TAUGHT, Kind.RENAMED])
        )
        parted = changed.select(changed.other_label).where(changed.by_person, changed.kind == Kind.SPLIT)
        queries += [made, parted, table.select(table.label).where(table.named)]
    return {name for query in queries for (name,) in query.tuples() if name}


def _put_under(topic_id: str, theme: str | None, now: datetime) -> None:
    before = state()
    if theme is not None and (theme := final(theme, before.merged_themes)) not in before.themes:
        raise Refused("There is no such theme.", "theme")
    moved = replace(before.topics[topic_id], theme=theme, theme_by_person=True)
    record(before, replace(before, topics={**before.topics, topic_id: moved}), now)


def _touch(topic_id: str, now: datetime) -> None:
    placed = Placement.select(Placement.response).where(Placement.topic == topic_id)
    Response.update(version=Response.version + 1, changed_tick=db.tick(), updated_at=now).where(
        Response.key.in_(placed)
    ).execute()
    if telling.wanted(telling.UPDATED):
        telling.note_changes([row.response_key for row in placed], now)


def chunks(keys: Sequence[T]) -> list[Sequence[T]]:
    """`keys` in runs of `AT_ONCE`."""
    return [keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE)]


def _others(key: int) -> list[str]:
    rows = Placement.select(Placement.topic).where(Placement.response == key)
    return [row.topic_id for row in rows]


def check_label(label: str) -> None:
    if redaction.tells(label):
        raise Refused("Must not hold an e-mail address, a telephone, card or account number.", "label")


def is_called(standing: domain.Topic | domain_themes.Theme, label: str) -> bool:
    """Whether a topic or theme is called `label` already, for everybody or for those who read one language."""
    return label == standing.label or label in standing.names.values()


def _check_free(now_standing: State, label: str, owner: str | None = None) -> None:
    if (by := domain.taken_by(now_standing, label, owner)) is not None:
        raise Taken("Another topic is called so already.", by)


def _check_live(now_standing: State, topic_id: str) -> None:
    if topic_id in now_standing.merged:
        raise Clash(f"The topic was merged into {final(topic_id, now_standing.merged)}.")
    if topic_id not in now_standing.topics:
        raise Missing


def _cleared(topic: domain.Topic) -> domain.Topic:
    """`topic` without names that are whole comments or hold personal data.

    A comment must be erasable; so it is shown where it stands (`topic_lists`), and never copied.
    """
    terms = tuple(term for term in topic.terms if not redaction.tells(term))
    folded = {folding.fold(term) for term in terms}
    candidates = tuple(
        name for name in topic.candidates if folding.fold(own := matters.own_words(name)) in folded or not own
    )
    names = {language: name for language, name in topic.names.items() if not redaction.tells(name)}
    return replace(topic, candidates=candidates, terms=terms, names=names)


def _names(
    standing: domain.Topic | domain_themes.Theme, made: domain.Topic | domain_themes.Theme
) -> Mapping[str, str]:
    """The names that a review `made` in other languages, where what is `standing` is still called as it was then."""
    return made.names if made.label == standing.label and not standing.named else standing.names


def free_label(label: str, taken: Collection[str]) -> str:
    """`label`, with a number where another theme is called so; `taken`: their labels, case folded."""
    name = label[:_LONGEST_NAME] or _UNNAMED_THEME
    numbered = (f"{name} {number}" for number in range(2, len(taken) + 3))
    return next(each for each in (name, *numbered) if each.casefold() not in taken)


def _free(topic: domain.Topic, taken: set[str]) -> str:
    """The first name of a found topic that no other has."""
    names = [name[:_LONGEST_NAME] for name in (*topic.candidates, *topic.terms)] or [_UNNAMED]
    numbered = (f"{names[0]} {number}" for number in range(2, len(taken) + 3))
    return next(name for name in (*names, *numbered) if name.casefold() not in taken)
