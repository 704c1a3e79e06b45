"""Tells which topics are talked about more than before, knowing how many topics were looked at."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FALSE_DISCOVERIES = 0.05  # of the topics called a surge, the share that may be chance


@dataclass(frozen=True)
class Surge:
    """A topic that `now` comments name where its earlier share led to expect `expected`; `p` is one-sided
    and exact."""

    topic: str
    now: int
    expected: float
    p: float


def surges(
    now: Mapping[str, int],
    before: Mapping[str, int],
    totals: tuple[int, int],
    rate: float = FALSE_DISCOVERIES,
) -> list[Surge]:
    """The topics whose share of comments rose from the counts `before` to the counts `now`; the most certain
    ones come first.

    `totals`: how many comments there were now and before. A comment counts once there, also when it is in
    several topics or in none. Fisher's exact test (hypergeometric, one-sided) compares a topic's shares of
    both periods. Of all tests, those are kept that hold the false discovery rate at `rate` (Benjamini,
    Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x).
    """
    # Counts of two moments may not add up; no topic is larger than all.
    total_now, total_before = (
        max(total, *each.values(), 0) for total, each in zip(totals, (now, before), strict=True)
    )
    if not total_now or not total_before:
        return []
    share = total_now / (total_now + total_before)
    tested = []
    for topic in sorted(set(now) | set(before)):
        here, both = now.get(topic, 0), now.get(topic, 0) + before.get(topic, 0)
        if both:
            p = at_least(here, both, total_now, total_now + total_before)
            tested.append(Surge(topic, here, both * share, p))
    kept = discoveries([surge.p for surge in tested], rate)
    found = [surge for surge, real in zip(tested, kept, strict=True) if real]
    return sorted(found, key=lambda surge: (surge.p, surge.topic))


def discoveries(p: Sequence[float], rate: float) -> list[bool]:
    """Which of the tests with these p-values are discoveries at this false discovery rate, by
    Benjamini and Hochberg.
    """
    order = sorted(range(len(p)), key=lambda at: p[at])
    last = max((rank for rank, at in enumerate(order, 1) if p[at] <= rate * rank / len(p)), default=0)
    real = set(order[:last])
    return [at in real for at in range(len(p))]


#: A term this small, relative to the sum, no longer changes it in floating point, however often it is added.
_UNSEEN = 1e-20


def at_least(drawn: int, marked: int, draws: int, total: int) -> float:
    """The chance (hypergeometric) that `draws` out of `total`, of which `marked` are marked, hold `drawn` marked
    ones or more.
    """
    highest = min(marked, draws)
    lowest = max(drawn, 0, draws - (total - marked))
    if lowest > highest:
        return 0.0
    # From the likeliest on, up and down, each is less likely than the one before, by a factor that is known.
    likeliest = min(max(lowest, (marked + 1) * (draws + 1) // (total + 2)), highest)
    others = total - marked - draws
    first = math.exp(
        _log_ways(marked, likeliest) + _log_ways(total - marked, draws - likeliest) - _log_ways(total, draws)
    )
    found = more = first
    for at in range(likeliest, highest):
        more *= (marked - at) * (draws - at) / ((at + 1) * (others + at + 1))
        found += more
        if more <= found * _UNSEEN:
            break
    more = first
    for at in range(likeliest, lowest, -1):
        more *= at * (others + at) / ((marked - at + 1) * (draws - at + 1))
        found += more
        if more <= found * _UNSEEN:
            break
    return min(1.0, found)


def _log_ways(total: int, chosen: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)
