"""What stands above topics, and how a review may arrange topics under it: each in one, and few of them moved."""

import hashlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

FEWEST, MOST = 8, 25  # themes, where there are many topics
MOST_MOVED = 0.048  # of the comments: those of the topics that a review takes to another theme


@dataclass(frozen=True)
class Theme:
    """What several topics have in common.

    `named`: a person chose the label. `settled`: a person made it, or merged another into it, and no review takes
    topics out. `names`: what it is called in each language of its comments, where no person chose the label.
    """

    id: str
    label: str
    named: bool = False
    settled: bool = False
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ThemeChange:
    """One line of a theme's lineage: what happened to it (`found`, `taught`, `split`, `merged`, `renamed`), which
    `other` one it concerns, and what the two were called from then on; `former`: what a renamed one was called."""

    kind: str
    theme: str
    other: str | None = None
    label: str | None = None
    other_label: str | None = None
    former: str | None = None


@dataclass(frozen=True)
class Arranged:
    """A review's decision: the theme of each topic, the fresh gathering that each new theme was made of, and for each
    theme without topics the one that most of it went to."""

    themes: Mapping[str, str]
    born: Mapping[str, int]
    gone: Mapping[str, str]


def arrange(
    standing: Mapping[str, str | None],
    fresh: Mapping[str, int],
    sizes: Mapping[str, int],
    close: Mapping[tuple[str, str], float],
    fixed: Collection[str] = (),
    settled: Collection[str] = (),
) -> Arranged:
    """Bring a fresh gathering of topics into the themes that stand, moving as little as promised.

    `standing` gives each topic's theme, `fresh` the gathering it is in anew, `sizes` its comments, `close` how near it
    is to each theme (-1 to 1). A gathering carries on the theme that it shares most comments with, each theme in one
    gathering. Topics without a theme follow their gathering; one that carries on no theme becomes one, unless it is
    mostly made of what stands elsewhere or there are `MOST` already: then they join the nearest, or the largest where
    all are new.

    Topics that stand move to the theme of their gathering where that is nearer, the farthest off first, until
    `MOST_MOVED` of the comments have. Never those in `fixed`, whom a person placed, nor out of `settled` themes.
    """
    themes = {topic: theme for topic, theme in standing.items() if theme is not None}
    held: dict[int, Counter[str]] = defaultdict(Counter)
    for topic, theme in themes.items():
        if topic in fresh:
            held[fresh[topic]][theme] += sizes.get(topic, 0)
    owner = _owners(held)
    known = {theme for _, theme in close} | set(themes.values())
    waiting: dict[int, list[str]] = defaultdict(list)
    for topic in sorted(fresh):
        if topic not in themes and topic not in fixed:
            waiting[fresh[topic]].append(topic)
    born: dict[str, int] = {}
    for gathering in sorted(waiting, key=lambda each: (-_size(waiting[each], sizes), each)):
        topics = waiting[gathering]
        if gathering in owner:
            themes.update(dict.fromkeys(topics, owner[gathering]))
        elif held[gathering].total() > _size(topics, sizes):
            themes.update(dict.fromkeys(topics, _largest(held[gathering])))
        elif len(known) < MOST:
            made = new_id(min(topics), known)
            known.add(made)
            born[made] = gathering
            themes.update(dict.fromkeys(topics, made))
        else:
            # Of those that begin in this review nobody knows how near they are: the first is the largest.
            for topic in topics:
                themes[topic] = max(
                    sorted(known - set(born)) or list(born)[:1],
                    key=lambda theme: close.get((topic, theme), -1.0),
                )
    left = int(MOST_MOVED * sum(sizes.values()))
    for topic in _worst_placed(standing, fresh, owner, close):
        if topic in fixed or standing[topic] in settled or sizes.get(topic, 0) > left:
            continue
        left -= sizes.get(topic, 0)
        themes[topic] = owner[fresh[topic]]
    return Arranged(themes, born, _gone(standing, themes, sizes))


def changes(
    before: Mapping[str, Theme],
    after: Mapping[str, Theme],
    merged: Mapping[str, str],
    came_from: Mapping[str, Collection[str]],
    by_person: bool,
) -> list[ThemeChange]:
    """What happened to themes between two moments.

    `merged`: those that went since, and into which; `came_from`: of each new theme the themes that its topics left. One
    that a person makes of topics of a single other one is split off it.
    """
    lines = []
    for id_, theme in after.items():
        standing = before.get(id_)
        if standing is None:
            left = sorted(came_from.get(id_, ()))
            if by_person and len(left) == 1 and left[0] in after:
                lines.append(ThemeChange("split", left[0], id_, after[left[0]].label, theme.label))
            else:
                lines.append(ThemeChange("taught" if by_person else "found", id_, label=theme.label))
        elif theme.label != standing.label:
            lines.append(ThemeChange("renamed", id_, label=theme.label, former=standing.label))
    for id_, into in merged.items():
        if id_ in before and into in after:
            lines.append(ThemeChange("merged", id_, into, before[id_].label, after[into].label))
    return lines


def family(theme: str, ties: Sequence[tuple[str, str | None]]) -> set[str]:
    """A theme with those that it came from or went into, given which two each line concerns."""
    found = {theme}
    while True:
        wider = found | {
            name for pair in ties if not found.isdisjoint(pair) for name in pair if name is not None
        }
        if wider == found:
            return found
        found = wider


def new_id(origin: str, used: Collection[str]) -> str:
    """An id that is not `used` yet; equal origins give equal ids."""
    names = (f"{origin}\x1f{attempt}".encode("utf-8", "replace") for attempt in itertools.count())
    made = ("thm_" + hashlib.sha256(name).hexdigest()[:16] for name in names)
    return next(each for each in made if each not in used)


# ------------------------------------------------------------------------------------------------------


def _owners(held: Mapping[int, Counter[str]]) -> dict[int, str]:
    """Which gathering carries on which theme: the largest overlaps first, each once."""
    overlaps = sorted(
        (-n, theme, gathering) for gathering, counts in held.items() for theme, n in counts.items()
    )
    owner: dict[int, str] = {}
    for _, theme, gathering in overlaps:
        if gathering not in owner and theme not in owner.values():
            owner[gathering] = theme
    return owner


def _worst_placed(
    standing: Mapping[str, str | None],
    fresh: Mapping[str, int],
    owner: Mapping[int, str],
    close: Mapping[tuple[str, str], float],
) -> list[str]:
    """The topics that are nearer to their gathering's theme than to their own, those that would gain most first."""
    gains = {}
    for topic, theme in standing.items():
        other = owner.get(fresh.get(topic, -1))
        if theme is not None and other is not None and other != theme:
            gains[topic] = close.get((topic, other), -1.0) - close.get((topic, theme), -1.0)
    return sorted(
        (topic for topic, gain in gains.items() if gain > 0), key=lambda topic: (-gains[topic], topic)
    )


def _gone(
    standing: Mapping[str, str | None], themes: Mapping[str, str], sizes: Mapping[str, int]
) -> dict[str, str]:
    went: dict[str, Counter[str]] = defaultdict(Counter)
    for topic, theme in standing.items():
        if theme is not None:
            went[theme][themes[topic]] += sizes.get(topic, 0) + 1
    inhabited = set(themes.values())
    return {theme: _largest(counts) for theme, counts in went.items() if theme not in inhabited}


def _size(topics: Collection[str], sizes: Mapping[str, int]) -> int:
    return sum(sizes.get(topic, 0) for topic in topics)


def _largest(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))
