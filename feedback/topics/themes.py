"""Themes: what stands above topics, as people name, merge and fill them; a review undoes none of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from feedback.domain.themes import Theme as Value
from feedback.domain.themes import new_id
from feedback.domain.topics import State
from feedback.models import Theme
from feedback.topics import topics
from surveys.base import db, versions
from surveys.base.errors import Clash, Missing, Refused


def make(label: str, topic_ids: Sequence[str], owner: str | None, now: datetime) -> Theme:
    """A new theme of these topics, which leave the ones they were in.

    Raises Refused for a label with personal data and for topics that are not there, Clash for a label that is taken.
    """
    topics.check_label(label)

    def verb() -> Theme:
        db.serialise("topics")
        before = topics.state()
        _check_free(before, label)
        if strange := [id_ for id_ in topic_ids if id_ not in before.topics]:
            raise Refused(f"There is no topic {strange[0]}.", "topics")
        made = new_id(label, [*before.themes, *before.merged_themes])
        moved = {id_: replace(before.topics[id_], theme=made, theme_by_person=True) for id_ in topic_ids}
        themes = {**before.themes, made: Value(made, label, named=True, settled=True)}
        topics.record(before, replace(before, themes=themes, topics={**before.topics, **moved}), now)
        if owner is not None:
            Theme.update(owner=owner).where(Theme.id == made).execute()
        return Theme.get_by_id(made)

    return db.write(verb)


def change(theme_id: str, values: Mapping[str, Any], now: datetime, known: str | None = None) -> Theme:
    """Give a theme another `label`, which stays for good, `status` or `owner`. A name that it has already, in whatever
    language it was read, is no other one. `known`: the `version` that the change was made from.

    Raises Missing, Refused for a label with personal data, Clash for one that is taken, for a merged theme, and for one
    that changed since.
    """
    if "label" in values:
        topics.check_label(values["label"])

    def verb() -> Theme:
        db.serialise("topics")
        before = topics.state()
        _check_live(before, theme_id)
        if known is not None and known != version(Theme.get_by_id(theme_id)):
            raise Clash("Somebody changed the theme meanwhile.")
        if "label" in values and not topics.is_called(before.themes[theme_id], values["label"]):
            _check_free(before, values["label"], theme_id)
            named = replace(before.themes[theme_id], label=values["label"], named=True, names={})
            topics.record(before, replace(before, themes={**before.themes, theme_id: named}), now)
        rest = {name: value for name, value in values.items() if name != "label"}
        if rest:
            Theme.update(**rest).where(Theme.id == theme_id).execute()
        return Theme.get_by_id(theme_id)

    return db.write(verb)


def version(row: Theme) -> str:
    """What a theme is, in a few letters: it changes with whatever `change` changes."""
    return versions.of(row.label, row.status, row.owner)


def merge(theme_id: str, into: str, now: datetime) -> Theme:
    """Put all topics of a theme under another one, for good. Raises Missing, and Clash for a merged one."""

    def verb() -> Theme:
        db.serialise("topics")
        before = topics.state()
        _check_live(before, theme_id)
        _check_live(before, into)
        if theme_id != into:
            topics.record(before, _merged(before, theme_id, into), now)
        return Theme.get_by_id(into)

    return db.write(verb)


# ------------------------------------------------------------------------------------------------------


def _merged(before: State, theme_id: str, into: str) -> State:
    themes = {id_: theme for id_, theme in before.themes.items() if id_ != theme_id}
    themes[into] = replace(themes[into], settled=True)
    moved = {
        id_: replace(topic, theme=into) if topic.theme == theme_id else topic
        for id_, topic in before.topics.items()
    }
    return replace(
        before, themes=themes, topics=moved, merged_themes={**before.merged_themes, theme_id: into}
    )


def _check_free(standing: State, label: str, owner: str | None = None) -> None:
    for theme in standing.themes.values():
        if theme.id != owner and theme.label.casefold() == label.casefold():
            raise topics.Taken("Another theme is called so already.", theme.id)


def _check_live(standing: State, theme_id: str) -> None:
    if theme_id in standing.merged_themes:
        raise Clash(f"The theme was merged into {topics.final(theme_id, standing.merged_themes)}.")
    if theme_id not in standing.themes:
        raise Missing
