"""What a metric is: a scale of whole scores, its groups, and how counts become one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Group:
    """A run of neighbouring scores with one name; `low` and `high` both belong to it."""

    key: str
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One way of asking for a score. Metrics differ in their data alone, never in code.

    `rule` says what the metric comes to over many responses: "share" is 100 times the share of the
    `positive` group (0 to 100), "net" is that less 100 times the share of the `negative` group (-100 to 100).
    `scale` is how its points are drawn unless a survey chooses otherwise (surveys/domain/scales.py).
    `wait_after_answer_days` is how long a survey of this metric leaves a person alone who has answered it.
    """

    key: str
    name: str
    minimum: int
    maximum: int
    groups: tuple[Group, ...]
    rule: Literal["net", "share"]
    positive: str
    negative: str | None = None
    scale: Literal["numbers", "words", "faces", "stars", "thumbs"] = "numbers"
    wait_after_answer_days: int = 7
    _group_by_score: dict[int, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A page of numbers asks thousands of times.
        found = {score: group.key for group in self.groups for score in range(group.low, group.high + 1)}
        object.__setattr__(
            self, "_group_by_score", {score: key for score, key in found.items() if self.accepts(score)}
        )

    @property
    def scores(self) -> range:
        """Every score of the scale, from the lowest."""
        return range(self.minimum, self.maximum + 1)

    def accepts(self, score: object) -> bool:
        """Whether `score` is a whole number of this scale; 4.0, "4" and True are not."""
        return type(score) is int and self.minimum <= score <= self.maximum

    def group_of(self, score: int) -> str:
        """The key of the group a score falls into. Raises ValueError off the scale."""
        if type(score) is not int or score not in self._group_by_score:
            raise ValueError(f"{score!r} is not a score of {self.name}")
        return self._group_by_score[score]

    def tone_of(self, group: str) -> Literal["low", "middle", "high"]:
        """Which of the three standard follow-up and thank-you texts suits a group: the lowest group's, the
        highest group's, or the one between. Raises ValueError for a group of another metric."""
        keys = [each.key for each in self.groups]
        if group not in keys:
            raise ValueError(f"{group!r} is not a group of {self.name}")
        if group == keys[0]:
            return "low"
        return "high" if group == keys[-1] else "middle"

    def count_groups(self, counts_by_score: Mapping[int, int]) -> dict[str, int]:
        """Responses per group, groups without any included. Raises ValueError off the scale."""
        counts = {group.key: 0 for group in self.groups}
        for score, count in counts_by_score.items():
            counts[self.group_of(score)] += count
        return counts

    def value(self, counts_by_group: Mapping[str, int]) -> float | None:
        """What the metric comes to, unrounded; None when nobody answered."""
        n = sum(counts_by_group.values())
        if n == 0:
            return None
        counted = counts_by_group.get(self.positive, 0)
        if self.negative is not None:
            counted -= counts_by_group.get(self.negative, 0)
        return 100 * counted / n
