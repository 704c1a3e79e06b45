"""A review of all topics, in the background: it finds new topics, brings quality back, and moves little
of what stands.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np

from feedback.analysis import cleaning
from feedback.analysis.topics import clues, clusters, matters, naming, phrases, placing, spoken, themes
from feedback.analysis.topics.representations import Representation
from feedback.analysis.topics.spoken import Spoken
from feedback.analysis.topics.vectors import number, unit
from feedback.domain.themes import Theme, arrange
from feedback.domain.topics import Change, Kind, Place, Reconciled, State, Topic, reconcile

MANY = 12  # topics; more are shown under themes
_READ_AT_ONCE = 2048  # comments
# How likely a comment speaks of the matter whose group it joins, out of one that has nothing in common and of another.
_LIKELY, _SURELY = 0.5, 0.8
_PLAINLY = 0.1  # by how much nearer to its own group than to any other a comment is that surely belongs there (cosine)
_KIND = 0.55  # how well a matter's name names a comment on another one that is the same or a kind of it
_OWN_GROUP = 5  # comments on one matter that leave a group which has nothing in common
_OF_THEME = 300  # comments of a theme, evenly out of all, that are asked what they speak of
_EDGES_AT_ONCE = 65_536
_LEADS = (
    0.2,
    0.4,
)  # share of the comments from which English, and another language, makes the topics for all


@dataclass(frozen=True)
class _Meanings:
    """The vectors of comments: `rows` that are all different, and which of them is each comment's (`of`)."""

    rows: np.ndarray
    of: np.ndarray

    def __getitem__(self, at: Any) -> Any:
        return self.rows[self.of[at]]


@dataclass(frozen=True)
class Review:
    """What a review brings: the new state, an index for placing, how many placed comments it moved, and the vectors
    that were asked for.
    """

    state: State
    index: placing.Index
    moved: int
    vectors: Mapping[str, np.ndarray]


def review(
    state: State,
    comments: Mapping[str, str],
    vectors: Representation,
    now: datetime,
    never: Collection[str] = (),
    wanted: Collection[str] = (),
    progress: Callable[[str, float], None] = lambda step, share: None,
) -> Review:
    """Group all `comments` (id → text) anew and bring that into `state`. At most 5 % of the placed comments move.

    What people did stands: their labels, merges, taught topics and the comments they moved. `never`: words that stand
    in no label (the brand's name). `wanted`: the comments whose vectors the caller wants, since those of 100,000 take
    100 MB. `progress` is told each step and the share that is done (0 to 1). Equal input gives equal output, ids too.
    """
    ids = list(comments)
    progress("reading", 0.0)
    cleaned = [cleaning.strip(comments[id_]) for id_ in ids]
    meanings = _read(cleaned, vectors, lambda share: progress("reading", 0.2 * share))
    progress("grouping", 0.2)
    drawn = clues.draw(meanings.rows, _texts(cleaned, meanings), vectors)
    fresh = clusters.group(drawn, np.bincount(meanings.of), *_languages(cleaned, meanings, vectors))
    del drawn
    taught = means_taught(state, ids, meanings, vectors)
    groups = _of_one_matter(fresh.group, meanings, cleaned, vectors)
    groups, owners = _claim(meanings.rows, groups, taught, vectors.taught_near_enough)
    progress("deciding", 0.7)
    found = dict(zip(ids, groups[meanings.of].tolist(), strict=True))
    gain = _gains([_topic(state, id_) for id_ in ids], meanings.of, groups, fresh.edges)
    around = fresh.around
    del fresh  # and with it the edges
    decided = reconcile(state, found, gain, clusters.SMALLEST, owners)
    del found, gain
    reviewed = _applied(state, decided, now)
    members: dict[str, list[int]] = defaultdict(list)
    for at, id_ in enumerate(ids):
        topic = _topic(reviewed, id_)
        if topic is not None:
            members[topic].append(at)
    index = _index(meanings, around, [_topic(reviewed, id_) for id_ in ids], taught)
    said = {topic: _said(np.array(own), meanings, cleaned) for topic, own in members.items()}
    kept = {id_: meanings[at].copy() for at, id_ in enumerate(ids) if id_ in wanted}
    del meanings, around  # before naming, which counts every phrase of every topic
    progress("naming", 0.8)
    reviewed = _themed(_named(reviewed, said, vectors, never), said, index, vectors, never)
    progress("done", 1.0)
    return Review(reviewed, index, decided.moved, kept)


def _read(cleaned: Sequence[str], vectors: Representation, progress: Callable[[float], None]) -> _Meanings:
    """The vectors of comments, some at a time and equal texts once: a strong representation takes minutes for
    100,000, and what it gives for a text depends in its last digits on those beside it."""
    rows = np.empty((len(cleaned), vectors.dimensions), np.float32)
    of = np.empty(len(cleaned), np.int64)
    of_text: dict[str, int] = {}
    known: dict[bytes, int] = {}
    for start in range(0, len(cleaned), _READ_AT_ONCE):
        progress(start / len(cleaned))
        texts = [cleaning.one_line(text) for text in cleaned[start : start + _READ_AT_ONCE]]
        new = [text for text in dict.fromkeys(texts) if text not in of_text]
        read = vectors.encode(new)
        numbers = number(read, known)
        rows[numbers] = read
        of_text.update(zip(new, numbers.tolist(), strict=True))
        of[start : start + _READ_AT_ONCE] = [of_text[text] for text in texts]
    return _Meanings(rows[: len(known)], of)


def _texts(cleaned: Sequence[str], meanings: _Meanings) -> list[str]:
    """For each row a text that means it."""
    return [cleaned[at] for at in np.unique(meanings.of, return_index=True)[1].tolist()]


def _languages(
    cleaned: Sequence[str], meanings: _Meanings, vectors: Representation
) -> tuple[np.ndarray | None, int | None, np.ndarray | None, bool]:
    """A number for the language of each row, that of the language that topics are made of, which rows are in one
    that is compared by its own words alone, and whether that language is another one than English.

    Topics are made of English, or of the language of most; None: of all, where none leads.
    """
    told = [vectors.language_of(text) for text in cleaned]
    often = Counter(told)
    numbers = {language: at for at, language in enumerate(sorted(often))}
    others = Counter({language: n for language, n in often.items() if language not in vectors.apart})
    most, n = others.most_common(1)[0] if others else ("en", 0)
    if others["en"] >= _LEADS[0] * others.total():
        most, n = "en", others["en"]
    leads = bool(n) and n >= _LEADS[0 if most == "en" else 1] * others.total() and n < others.total()
    if not leads and others.total() == len(cleaned):
        return None, None, None, False
    found = np.zeros(len(meanings.rows), np.int16)
    # Of comments that mean one row and are in two languages, those in the leading one decide.
    for leading in (False, True):
        at = [at for at, language in enumerate(told) if (language == most) == leading]
        found[meanings.of[at]] = [numbers[told[each]] for each in at]
    strange = [numbers[language] for language in often if language in vectors.apart]
    apart = np.isin(found, strange) if strange else None
    return found, numbers[most] if leads else None, apart, most != "en"


def _of_one_matter(
    groups: np.ndarray, meanings: _Meanings, cleaned: Sequence[str], vectors: Representation
) -> np.ndarray:
    """`groups` of rows by what is known of feedback: rows that speak of what another group speaks of go into that one,
    groups that tell one feeling and nothing else, or have nothing in common, become one, and so do groups that plainly
    speak of one matter, if they are hardly apart or nothing tells them apart."""
    first = np.unique(meanings.of, return_index=True)[1]
    copies = np.bincount(meanings.of)
    order = np.argsort(groups, kind="stable")
    begins = np.searchsorted(groups[order], np.arange(int(groups.max(initial=-1)) + 2))
    said, texts, sizes = {}, {}, {}
    for group, (begin, end) in enumerate(pairwise(begins)):
        own = order[begin:end]
        some = [cleaned[first[row]] for row in own[spoken.evenly(len(own), naming.READ_ON)]]
        # Comments that are compared by their own words are as far from one matter as from any other.
        strange = sum(vectors.language_of(text) in vectors.apart for text in some) if vectors.apart else 0
        if 2 * strange <= len(some):
            texts[group], sizes[group] = some, int(copies[own].sum())
            said[group] = spoken.read(some)
    if not said:
        return groups
    plain = naming.plain_matters(said, texts, sizes, vectors)
    groups = _sent_home(groups, plain, [cleaned[at] for at in first.tolist()], meanings.rows, copies)
    into = np.arange(max(int(groups.max()) + 1, len(begins)))
    for group, one in plain.joined.items():
        into[group] = one
    groups = np.where(groups >= 0, into[groups], -1)
    left = set(groups.tolist())
    kinds = {group: kind for group, kind in plain.kinds.items() if group in left}
    return clusters.by_size(clusters.together(meanings.rows, groups, kinds), copies)


def _sent_home(
    groups: np.ndarray, plain: naming.Plain, texts: Sequence[str], rows: np.ndarray, copies: np.ndarray
) -> np.ndarray:
    """`groups` of rows, given as texts too. Those that surely speak of what another group speaks of, and of nothing
    like their own, go into that one, and so does what stands in a group that has nothing in common, or into one of its
    own with others that speak of the same. What is plainly nearer to its own group than to any other is not asked.
    `copies`: how many comments mean each row.
    """
    vague = np.isin(groups, plain.vague)
    apart = clusters.margins(rows, groups)
    asked = np.flatnonzero(vague | np.isin(groups, list(plain.best)) & (apart < _PLAINLY))
    if not len(asked):
        return groups
    about = spoken.read([texts[at] for at in asked.tolist()])
    matter, likely = spoken.likeliest(about, plain.among)
    home = np.array([plain.home.get(each, -1) for each in matter.tolist()])
    lost = vague[asked] | ~plain.akin(groups[asked], matter)
    surely = (home >= 0) & lost & (likely >= np.where(vague[asked], _LIKELY, _SURELY))
    found = groups.copy()
    found[asked[surely]] = home[surely]
    left = vague[asked] & ~surely & (likely >= _LIKELY)
    some = asked[left]
    found[some] = _of_matters(
        matter[left], found[some], copies[some], len(plain.vague), int(groups.max()) + 1
    )
    return found


def _of_matters(
    matter: np.ndarray, groups: np.ndarray, copies: np.ndarray, most: int, first: int
) -> np.ndarray:
    """`groups` of rows that have nothing in common, those that speak of one matter or its kinds each in a group of
    their own, not more than `most` of these, numbered from `first` on. Given are the number of the matter that each row
    most likely speaks of, and how many comments mean it."""
    found, same = groups.copy(), spoken.same() >= _KIND
    left = np.flatnonzero(matter < len(same))
    for group in range(first, first + most):
        told = same[:, matter[left]] @ copies[left]
        if not len(left) or told.max() < _OWN_GROUP:
            break
        here = same[told.argmax(), matter[left]]
        found[left[here]] = group
        left = left[~here]
    return found


def _topic(state: State, comment: str) -> str | None:
    place = state.places.get(comment)
    return place.topic if place else None


def means_taught(
    state: State, ids: Sequence[str], rows: placing.Rows, vectors: Representation
) -> dict[str, np.ndarray]:
    """For each topic that a person taught: the mean of its label, its examples and the comments that
    people put there.
    """
    given = {topic.id: [topic.label, *topic.examples] for topic in state.topics.values() if topic.taught}
    total = {topic: vectors.encode(texts).sum(0) for topic, texts in given.items()}
    for at, id_ in enumerate(ids):
        place = state.places.get(id_)
        if place and place.by_person and place.topic in total:
            total[place.topic] += rows[at]
    return {topic: unit(vector[None, :])[0] for topic, vector in total.items()}


def most_typical(own: np.ndarray, rows: placing.Rows) -> list[int]:
    """The rows of a topic, those nearest to its centre first, as many as naming reads."""
    close = rows[own] @ rows[own].sum(0)
    return own[np.argsort(-close, kind="stable")][: phrases.READ_PER_TOPIC].tolist()


@dataclass(frozen=True)
class _Said:
    """What naming reads of a topic: its most typical comments; the unit vectors of what these, and all its comments,
    mean together; how many `comments` it has; and which matters some of them speak of (`about`)."""

    typical: Sequence[str]
    meaning: np.ndarray
    centre: np.ndarray
    comments: int
    about: Spoken


def _said(own: np.ndarray, rows: placing.Rows, cleaned: Sequence[str]) -> _Said:
    chosen = most_typical(own, rows)
    some = own[spoken.evenly(len(own), naming.READ_ON)]
    return _Said(
        [cleaned[at] for at in chosen],
        mean_direction(rows[chosen]),
        mean_direction(rows[own]),
        len(own),
        spoken.read([cleaned[at] for at in some]),
    )


def mean_direction(rows: np.ndarray) -> np.ndarray:
    """The unit vector of what `rows` mean together."""
    return unit(rows.sum(0, keepdims=True))[0]


def _claim(
    rows: np.ndarray, fresh: np.ndarray, taught: Mapping[str, np.ndarray], near_enough: float
) -> tuple[np.ndarray, dict[int, str]]:
    """The fresh groups with one more for each taught topic, of the rows nearer to it than to their
    group; and which topic each of these belongs to."""
    groups = fresh.copy()
    names, nearest, close = placing.claimed(rows, taught)
    if not names:
        return groups, {}
    centres = clusters.centres(rows, fresh)
    own = np.zeros(len(groups))
    inside = np.flatnonzero(groups >= 0)
    own[inside] = np.einsum("nd,nd->n", rows[inside], centres[groups[inside]])
    first = int(groups.max(initial=-1)) + 1
    mine = (close >= near_enough) & (close > own)
    groups[mine] = first + nearest[mine]
    return groups, {first + at: name for at, name in enumerate(names)}


def _gains(
    topic: Sequence[str | None],
    of: np.ndarray,
    group: np.ndarray,
    edges: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> dict[tuple[str, int], float]:
    """For each flow (topic, fresh group): how much closer its comments are tied to the group than they are
    to the topic.

    `topic` is of each comment, `of` the row it means, `group` of each row, `edges` between rows. Comments that mean
    one row may be in several topics: each is tied to the others, which are in its group, and to a neighbouring row as
    far as those who mean that are in its topic.
    """
    names = sorted({name for name in topic if name is not None})
    place_of = {name: at for at, name in enumerate(names)}
    place = np.array([-1 if name is None else place_of[name] for name in topic], np.int64)
    groups = int(group.max(initial=-1)) + 1
    # The topics that each row's comments are in, one after the other, and how many of them are in each.
    stand, many = np.unique((of * len(names) + place)[place >= 0], return_counts=True)
    row, here = np.divmod(stand, max(1, len(names)))
    begins = np.searchsorted(row, np.arange(len(group) + 1))
    comments = np.bincount(of, minlength=len(group))
    share = many / comments[row]
    key = here * groups + group[row]

    def flows() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        told = (comments[row] > 1) & (group[row] >= 0)
        yield key[told], many[told].astype(float)
        # Some at a time: as Python objects the edges of 100,000 comments would take 80 MB.
        for begin in range(0, len(edges[0]), _EDGES_AT_ONCE):
            start, end, weight = (edge[begin : begin + _EDGES_AT_ONCE] for edge in edges)
            one, other = np.stack([start, end], 1).ravel(), np.stack([end, start], 1).ravel()
            topics = begins[one + 1] - begins[one]
            at = np.repeat(begins[one] - np.cumsum(topics) + topics, topics) + np.arange(topics.sum())
            other, weight = np.repeat(other, topics), np.repeat(np.repeat(weight, 2), topics)
            wanted = other.astype(np.int64) * len(names) + here[at]
            also = np.minimum(np.searchsorted(stand, wanted), len(stand) - 1)
            back = np.where(stand[also] == wanted, share[also], 0.0)
            to = group[row[at]] == group[other]
            told = (group[row[at]] >= 0) & (to | (back > 0))
            tie = np.where(to, 1.0, -back) * weight * many[at]
            yield key[at][told], tie[told]

    keys = np.unique(np.concatenate([np.unique(each) for each, _ in flows()]))
    gain = np.zeros(len(keys))
    for each, tie in flows():
        np.add.at(gain, np.searchsorted(keys, each), tie)
    return {
        (names[each // groups], each % groups): worth
        for each, worth in zip(keys.tolist(), gain.tolist(), strict=True)
    }


def _index(
    meanings: _Meanings,
    around: tuple[np.ndarray, np.ndarray],
    topics: Sequence[str | None],
    taught: Mapping[str, np.ndarray],
) -> placing.Index:
    near, cosine = around

    def blurred(at: np.ndarray) -> np.ndarray:
        own = meanings.of[at]
        return clusters.blur(meanings[at], meanings.rows, near[own], cosine[own])

    return placing.index(meanings, blurred, topics, taught)


def _applied(state: State, decided: Reconciled, now: datetime) -> State:
    """`state` after what was decided: new topics, topics that nobody is in any more gone, and the lineage
    of both."""
    places = dict(state.places)
    went: dict[str, Counter] = defaultdict(Counter)
    for comment, topic in decided.topics.items():
        before = places.get(comment, Place(None))
        if before.topic and topic and before.topic != topic:
            went[before.topic][topic] += 1
        places[comment] = before if before.topic == topic else replace(before, topic=topic)
    inhabited = {place.topic for place in places.values()}
    topics = {
        id_: topic
        for id_, topic in state.topics.items()
        if id_ in inhabited or topic.taught or topic.named or not went[id_]
    }
    topics |= {made: Topic(made, "") for made in decided.born}
    changes = [
        Change(Kind.SPLIT, origin, now, made)
        if (origin := decided.parent[made])
        else Change(Kind.FOUND, made, now)
        for made in decided.born
    ]
    gone = [id_ for id_ in state.topics if id_ not in topics]
    changes += [Change(Kind.MERGED, id_, now, went[id_].most_common(1)[0][0]) for id_ in gone]
    merged = dict(state.merged) | {id_: went[id_].most_common(1)[0][0] for id_ in gone}
    lines = (*state.lineage, *changes)
    return replace(state, topics=topics, places=places, merged=merged, lineage=lines)


def _named(state: State, said: Mapping[str, _Said], vectors: Representation, never: Collection[str]) -> State:
    """`state` with a label for each topic that has none, and fresh candidates for all."""
    kept = {id_: topic.label for id_, topic in state.topics.items() if topic.label}
    names = naming.name(
        {topic: one.typical for topic, one in said.items()},
        {topic: one.meaning for topic, one in said.items()},
        vectors, never, kept, {topic: one.about for topic, one in said.items()},
    )  # fmt: skip
    topics = {}
    for id_, topic in state.topics.items():
        name = names.get(id_)
        if name is not None:
            label = topic.label or name.label
            topic = replace(
                topic,
                label=label,
                candidates=name.candidates,
                terms=name.terms,
                names={} if topic.named else _in_languages(label, name, topic.names),
            )
        topics[id_] = topic
    return replace(state, topics=topics)


def _in_languages(label: str, fresh: naming.Name, standing: Mapping[str, str]) -> Mapping[str, str]:
    """The names of `label` in each language of its comments: the name of the matter that the label names, else the
    name it had before, else its `fresh` name."""
    if label == fresh.label:
        return fresh.names
    matter = matters.of(label)
    told = {language: matters.translated(matter, language) for language in fresh.names} if matter else {}
    known = {language: own for language, own in told.items() if own}
    return {**fresh.names, **standing, **known, fresh.language: label}


def _themed(
    state: State,
    said: Mapping[str, _Said],
    among: placing.Index,
    vectors: Representation,
    never: Collection[str],
) -> State:
    """`state` with each topic under a theme, if topics are many or there are themes already."""
    if not said or not (state.themes or len(said) > MANY):
        return state
    order = sorted(said)
    # What the voters mean among their neighbours tells topics of one theme better than what each says by itself.
    names, of = among.numbered
    blurred = dict(zip(names, clusters.centres(among.blurred, of), strict=True))
    gathered = themes.gather(np.stack([blurred.get(topic, said[topic].centre) for topic in order]))
    sizes = {topic: said[topic].comments for topic in order}
    above = _centres_of_themes(state, said, vectors)
    close = {
        (topic, theme): float(said[topic].centre @ centre)
        for topic in order
        for theme, centre in above.items()
    }
    decided = arrange(
        {topic: state.topics[topic].theme for topic in state.topics},
        dict(zip(order, gathered.tolist(), strict=True)),
        sizes,
        close,
        {topic.id for topic in state.topics.values() if topic.theme_by_person},
        {theme.id for theme in state.themes.values() if theme.settled},
    )
    topics = {id_: replace(topic, theme=decided.themes.get(id_)) for id_, topic in state.topics.items()}
    known = {
        id_: theme
        for id_, theme in state.themes.items()
        if id_ not in decided.gone or theme.named or theme.settled
    }
    gone = {id_: into for id_, into in decided.gone.items() if id_ not in known}
    named = _names_of_themes(
        decided.born, topics, said, vectors, never, {id_: theme.label for id_, theme in known.items()}
    )
    for id_, name in named.items():
        standing = known.get(id_)
        if standing is None:
            known[id_] = Theme(id_, name.label, names=name.names)
        elif not standing.named:
            known[id_] = replace(standing, names=_in_languages(standing.label, name, standing.names))
    return replace(state, topics=topics, themes=known, merged_themes={**state.merged_themes, **gone})


def _centres_of_themes(
    state: State, said: Mapping[str, _Said], vectors: Representation
) -> dict[str, np.ndarray]:
    """What each theme means: what its topics do, each weighing as many comments as it has; else its label."""
    found = dict(
        zip(state.themes, vectors.encode([each.label for each in state.themes.values()]), strict=True)
    )
    sums: dict[str, np.ndarray] = {}
    for id_, topic in state.topics.items():
        if topic.theme in found and id_ in said:
            sums[topic.theme] = sums.get(topic.theme, 0.0) + said[id_].centre * said[id_].comments
    return found | {theme: unit(total[None, :])[0] for theme, total in sums.items()}


def _names_of_themes(
    made: Collection[str],
    topics: Mapping[str, Topic],
    said: Mapping[str, _Said],
    vectors: Representation,
    never: Collection[str],
    kept: Mapping[str, str],
) -> dict[str, naming.Name]:
    """Names for the themes that are `made` and for those that are called as `kept` says, each out of the most typical
    comments of its topics, the largest first."""
    under: dict[str, list[str]] = defaultdict(list)
    for id_ in sorted(said, key=lambda id_: (-said[id_].comments, id_)):
        if topics[id_].theme in made or topics[id_].theme in kept:
            under[str(topics[id_].theme)].append(id_)
    texts = {
        theme: [
            text for id_ in own for text in said[id_].typical[: max(1, phrases.READ_PER_TOPIC // len(own))]
        ]
        for theme, own in under.items()
    }
    centres = {
        theme: mean_direction(np.stack([said[id_].centre * said[id_].comments for id_ in own]))
        for theme, own in under.items()
    }
    about = {
        theme: spoken.together([said[id_].about for id_ in own]).some(_OF_THEME)
        for theme, own in under.items()
    }
    names = naming.name(texts, centres, vectors, never, kept, about)
    taken = {
        *kept.values(),
        *(name.label for id_, name in names.items() if id_ in made and matters.of(name.label)),
    }
    for theme, own in under.items():
        if theme in made and not matters.of(names[theme].label):
            # No matter fits all of it. The largest topic with one says more than a phrase that some comments share.
            with_one = [id_ for id_ in own if matters.of(topics[id_].label)]
            free = [id_ for id_ in (*with_one, *own[:1]) if topics[id_].label not in taken]
            for id_ in free[:1]:
                names[theme] = _called_as(topics[id_], names[theme])
                taken.add(topics[id_].label)
    return names


def _called_as(topic: Topic, fresh: naming.Name) -> naming.Name:
    """The name of a theme that is called as one of its topics is."""
    return replace(fresh, candidates=(topic.label,), names=dict(topic.names))
