"""The words of the team's pages."""

import re

from feedback.dashboard import words

#: Where `n` is never one, or no whole number, or another key says it for one.
NEVER_ONE = {
    *("feed.count.many", "goals.plan.weeks", "notices.chance", "notices.would.picture"),
    *("loop.effect.higher", "loop.effect.lower", "loop.effect.indistinguishable"),
}


def test_nothing_is_counted_as_one_answers():
    counted = re.compile(r"\{n\} (?!is\b|was\b|means\b)[a-z-]+s\b")
    many = {key for key, text in words.WORDS.items() if counted.search(text) and not key.endswith(".one")}
    assert {key for key in many if f"{key}.one" not in words.WORDS} == NEVER_ONE & many
    assert words.say("answered.n", n="1") == words.say("answered.n", n=1) == "1 answer"
    assert words.say("answered.n", n="1,001") == "1,001 answers"
