"""What a topic is and how it may change: found by the engine, taught, renamed, merged and moved by people."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from feedback.domain.themes import Theme

#: Languages of comments that can be put into topics.
UNDERSTOOD = tuple("ar cs da de en es fi fr he hi hu it ja ko nb nl pl pt ro ru sv tr zh".split())

MOST_MOVED = 0.048  # of the placed comments a review may move: people look for them where they were


class Kind(StrEnum):
    """What happened to a topic."""

    FOUND = "found"
    TAUGHT = "taught"
    SPLIT = "split"
    MERGED = "merged"
    RENAMED = "renamed"


@dataclass(frozen=True)
class Topic:
    """A subject that comments share.

    `label` is how it is called, `candidates` what else it might be called, `terms` the phrases that mark it, and
    `examples` what people gave when they taught it. `named`: a person chose the label; `taught`: a person made the
    topic. A review undoes neither. `theme` is the id of what stands above the topic, where there are many, and
    `theme_by_person` says that a person put it there, or under none. `names`: what it is called in each language of its
    comments, where no person chose the label.
    """

    id: str
    label: str
    candidates: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    named: bool = False
    taught: bool = False
    theme: str | None = None
    theme_by_person: bool = False
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where a comment is: its topic, or None while it waits, and whether a person put it there."""

    topic: str | None
    by_person: bool = False


@dataclass(frozen=True)
class Change:
    """One line of lineage: what happened to `topic`, into which `other`, when, and whether a person did it.

    `label` and `other_label`: what the two were called from then on; `former_label`: what a renamed one was called
    until then. None where that is not known.
    """

    kind: Kind
    topic: str
    at: datetime
    other: str | None = None
    by_person: bool = False
    label: str | None = None
    other_label: str | None = None
    former_label: str | None = None


@dataclass(frozen=True)
class State:
    """All topics by id, the place of each comment by comment id, the merges (old id → new id) and the lineage; and the
    same of themes."""

    topics: Mapping[str, Topic] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    merged: Mapping[str, str] = field(default_factory=dict)
    lineage: tuple[Change, ...] = ()
    themes: Mapping[str, Theme] = field(default_factory=dict)
    merged_themes: Mapping[str, str] = field(default_factory=dict)


class UnknownTopic(LookupError):
    """There is no topic with this id."""


class LabelTaken(ValueError):
    """Another topic is called so already."""


def taken_by(state: State, label: str, owner: str | None = None) -> str | None:
    """The topic other than `owner` that is called `label`, in whatever case; None: the name is free."""
    folded = label.casefold()
    return next((t.id for t in state.topics.values() if t.id != owner and t.label.casefold() == folded), None)


def rename(state: State, topic: str, label: str, now: datetime) -> State:
    """`state` in which `topic` is called `label`, for good. Raises UnknownTopic and LabelTaken."""
    _known(state, topic)
    _free(state, label, topic)
    renamed = replace(state.topics[topic], label=label, named=True, names={})
    return _with(state, {topic: renamed}, Change(Kind.RENAMED, topic, now, by_person=True))


def teach(state: State, label: str, examples: Sequence[str], now: datetime) -> tuple[State, str]:
    """`state` with a new topic that a person describes by `label` and `examples`; and the topic's id. Raises
    LabelTaken for a label that a topic has.
    """
    _free(state, label, None)
    topic = new_id(state, "taught", label)
    made = Topic(topic, label, examples=tuple(examples), named=True, taught=True)
    return _with(state, {topic: made}, Change(Kind.TAUGHT, topic, now, by_person=True)), topic


def merge(state: State, topic: str, into: str, now: datetime) -> State:
    """`state` in which all that was in `topic` is in `into`, now and after every review. Raises UnknownTopic for
    either of the two.
    """
    _known(state, topic)
    _known(state, into)
    if topic == into:
        return state
    kept, gone = state.topics[into], state.topics[topic]
    topics = {id_: each for id_, each in state.topics.items() if id_ != topic}
    topics[into] = replace(kept, examples=kept.examples + gone.examples, taught=kept.taught or gone.taught)
    merged = {old: into if new == topic else new for old, new in state.merged.items()} | {topic: into}
    places = {id_: replace(p, topic=into) if p.topic == topic else p for id_, p in state.places.items()}
    change = Change(Kind.MERGED, topic, now, into, by_person=True)
    return replace(state, topics=topics, places=places, merged=merged, lineage=(*state.lineage, change))


def split(state: State, topic: str, label: str, now: datetime) -> tuple[State, str]:
    """`state` with a new topic called `label` that a person takes out of `topic`, and its id.

    It is taught by the comments that are put into it. Raises UnknownTopic and LabelTaken.
    """
    _known(state, topic)
    _free(state, label, None)
    made = new_id(state, topic, label)
    change = Change(Kind.SPLIT, topic, now, made, by_person=True)
    new = Topic(made, label, named=True, taught=True, theme=state.topics[topic].theme)
    return _with(state, {made: new}, change), made


def lineage(state: State, topic: str) -> tuple[Change, ...]:
    """What happened to `topic` and to those it came from or went into, oldest first."""
    family = {topic}
    while True:
        wider = family | {
            name
            for change in state.lineage
            if change.topic in family or change.other in family
            for name in (change.topic, change.other)
            if name
        }
        if wider == family:
            return tuple(change for change in state.lineage if change.topic in family)
        family = wider


def named(change: Change, before: State, after: State) -> Change:
    """`change`, which leads from `before` to `after`, with the names of that time."""

    def label(topic: str | None) -> str | None:
        found = after.topics.get(topic or "") or before.topics.get(topic or "")
        return found.label if found else None

    former = before.topics.get(change.topic) if change.kind is Kind.RENAMED else None
    return replace(
        change,
        label=label(change.topic),
        other_label=label(change.other),
        former_label=former.label if former else None,
    )


def unplaced_share(state: State) -> float:
    """The share of comments, 0–1, that are not yet in a topic."""
    waiting = sum(place.topic is None for place in state.places.values())
    return waiting / len(state.places) if state.places else 0.0


def new_id(state: State, *origin: str) -> str:
    """An id for a topic that is new in `state`; equal states and origins give equal ids."""
    used = set(state.topics) | set(state.merged) | {change.topic for change in state.lineage}
    for attempt in range(len(used) + 1):
        text = "\x1f".join((*origin, str(attempt)))
        made = "top_" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
        if made not in used:
            return made
    raise AssertionError("more ids than topics are taken")


@dataclass(frozen=True)
class Reconciled:
    """A review's decision: the topic of each comment (None: it waits), and the fresh groups that became new topics.

    `born` maps the id of a new topic to its fresh group, and `parent` to the topic that most of it came from.
    """

    topics: Mapping[str, str | None]
    born: Mapping[str, int]
    parent: Mapping[str, str | None]
    moved: int


def reconcile(
    state: State,
    fresh: Mapping[str, int],
    gain: Mapping[tuple[str, int], float],
    smallest: int,
    owners: Mapping[int, str] | None = None,
    most_moved: float = MOST_MOVED,
) -> Reconciled:
    """Bring a fresh grouping of the comments into what stands, moving as few as promised.

    `fresh` gives each comment's group in a grouping made anew (-1: none). `owners` says which groups belong to a topic
    from the start. A group carries on the topic that it shares most comments with, each topic in one group; but topics
    that people taught or merged are never parted, and keep every group that is mostly theirs.

    Placed comments follow their group flow by flow (a flow: all that would go from one topic to one group). The flows
    with the highest `gain` for each comment come first, until `most_moved` (0 to 1) of the placed comments have moved.
    What a topic of `owners` claims has as much again, for a person asked for it. Of a flow into a topic that stands,
    the part that fits moves now and the rest at later reviews; comments that wait follow at once. A group without a
    topic becomes one if at least `smallest` comments go there and at most as many stay where they are. What people
    placed never moves.
    """
    places = {comment: state.places.get(comment, Place(None)) for comment in fresh}
    held: dict[int, Counter] = defaultdict(Counter)
    flows: dict[tuple[str, int], list[str]] = defaultdict(list)
    waiting: dict[int, list[str]] = defaultdict(list)
    for comment, group in fresh.items():
        if group >= 0 and places[comment].topic is not None:
            held[group][places[comment].topic] += 1
    owner = _owners(held, _whole(state)) | dict(owners or {})
    for comment, group in fresh.items():
        place = places[comment]
        if group < 0 or place.by_person:
            continue
        if place.topic is None:
            waiting[group].append(comment)
        elif owner.get(group) != place.topic:
            flows[place.topic, group].append(comment)
    budget = int(most_moved * sum(place.topic is not None for place in places.values()))
    accepted = _accepted(flows, gain, budget, owner, owners or {})
    topics = {comment: place.topic for comment, place in places.items()}
    born: dict[str, int] = {}
    parent: dict[str, str | None] = {}
    moved = 0
    for group in sorted(set(accepted) | set(waiting)):
        coming = [comment for part in accepted[group].values() for comment in part]
        going = coming + waiting[group]
        stay = held[group].total() - len(coming)
        if group in owner:
            target = owner[group]
        elif len(going) >= max(smallest, stay):
            target = new_id(state, min(going), str(len(born)))
            born[target] = group
            parts = accepted[group]
            parent[target] = max(parts, key=lambda topic: len(parts[topic])) if coming else None
        elif stay:
            going, coming = waiting[group], []
            target = held[group].most_common(1)[0][0]
        else:
            continue
        topics.update(dict.fromkeys(going, target))
        moved += len(coming)
    return Reconciled(topics, born, parent, moved)


def _accepted(
    flows: Mapping[tuple[str, int], Sequence[str]],
    gain: Mapping[tuple[str, int], float],
    budget: int,
    owned: Collection[int],
    claiming: Collection[int],
) -> dict[int, dict[str, Sequence[str]]]:
    """The comments that move into each group from each topic: flows that are worth it, up to the budget (comments).

    A part of a flow may go into a group that a topic owns (`owned`). Groups that are `claiming` have a budget of their
    own, and what they claim is nearer to what a person taught, whatever it is tied to.
    """
    accepted: dict[int, dict[str, Sequence[str]]] = defaultdict(dict)
    left = {True: budget, False: budget}
    for flow in sorted(flows, key=lambda flow: (-gain.get(flow, 0.0) / len(flows[flow]), flow)):
        topic, group = flow
        claimed = group in claiming
        if not claimed and gain.get(flow, 0.0) <= 0.0:
            continue
        fits = len(flows[flow]) <= left[claimed]
        part = flows[flow][: left[claimed]] if fits or group in owned else []
        if part:
            left[claimed] -= len(part)
            accepted[group][topic] = part
    return accepted


def _whole(state: State) -> set[str]:
    """Topics that a review may not part, for a person said what belongs together."""
    joined = {c.other for c in state.lineage if c.kind is Kind.MERGED and c.by_person and c.other}
    return {topic.id for topic in state.topics.values() if topic.taught} | joined


def _owners(held: Mapping[int, Counter], whole: Collection[str]) -> dict[int, str]:
    """Which fresh group carries on which topic: the largest overlaps first, each group and topic once."""
    overlaps = sorted(
        ((count, topic, group) for group, counts in held.items() for topic, count in counts.items()),
        key=lambda overlap: (-overlap[0], overlap[1], overlap[2]),
    )
    owner: dict[int, str] = {}
    carried: set[str] = set()
    for count, topic, group in overlaps:
        mostly = topic in whole and count * 2 > held[group].total()
        if group not in owner and (topic not in carried or mostly):
            owner[group] = topic
            carried.add(topic)
    return owner


def _with(state: State, topics: Mapping[str, Topic], change: Change) -> State:
    return replace(state, topics={**state.topics, **topics}, lineage=(*state.lineage, change))


def _known(state: State, topic: str) -> None:
    if topic not in state.topics:
        raise UnknownTopic(topic)


def _free(state: State, label: str, owner: str | None) -> None:
    if taken_by(state, label, owner) is not None:
        raise LabelTaken(label)
