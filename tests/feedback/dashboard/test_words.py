"""The words of the team's pages."""

import re
from pathlib import Path

from feedback import dashboard
from feedback.dashboard import words

#: Where the words are right for one too, or `n` is never one: it stands for a number that has a place, for points, for
#: what a limit is.
SAME_FOR_ONE = {
    *(
        "seconds",
        "minutes",
        "hours.n",
        "about.version",
        "survey.definition",
        "topic.plan.for",
        "lost.stays.left",
    ),
    *("tags.line.tag", "tags.line.meaning", "tags.line.color", "profile.limited", "profile.sessions.some"),
    *("factor.on", "rising.expected", "topics.waiting.told", "follow-ups.kept", "follow-ups.asked"),
    *("notices.picture", "notices.did.again"),
    *("feed.count.many", "company.many", "notices.chance", "loop.effect.too_few"),
    *("loop.effect.higher", "loop.effect.lower", "loop.effect.indistinguishable"),
}


def test_whatever_is_counted_has_words_for_one():
    counted = {key for key, text in words.WORDS.items() if "{n}" in text and not key.endswith(".one")}
    assert {key for key in counted if f"{key}.one" not in words.WORDS} == SAME_FOR_ONE
    assert words.say("answered.n", n="1") == words.say("answered.n", n=1) == "1 answer"
    assert words.say("answered.n", n="1,001") == "1,001 answers"


def test_words_for_one_are_kept_once_and_chosen_in_one_place():
    """`say` chooses them: no page does, and no second key holds the same words for it."""
    ones = {key for key in words.WORDS if key.endswith(".one")}
    assert [key for key in ones if key.replace(".one", ".n.one") in ones] == []
    folder = Path(dashboard.__file__).parent
    for file in (*folder.glob("*.py"), *(folder.parent / "templates" / "dashboard").glob("*.html")):
        named = re.findall(r"""say\(\s*["']([\w.-]+)\.one["']""", file.read_text(encoding="utf-8"))
        assert [key for key in named if "{n}" in words.WORDS.get(key, "")] == [], file.name
