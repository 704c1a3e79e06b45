"""Regular expressions that see foreign text take time that grows with the text, and not with its square."""

import ast
import functools
import importlib
import pkgutil
import re
import time
from collections import defaultdict
from pathlib import Path

import pytest

import feedback
import surveys
from feedback.analysis import leaving
from tests import killers

#: Read our own texts alone.
OURS = ("feedback.demo", "feedback.training", "surveys.wording.names.make")

#: Patterns made while running, where no list of patterns can hold them; each is seen to in its own tests.
MADE_WHILE_RUNNING = {
    "surveys.mailreports.dsn",
    # Words as they stand, with blanks between them.
    "feedback.analysis.sentiment.features",
    "feedback.domain.marks",
    # Of each language; tried below.
    "feedback.analysis.leaving",
    # Around what a member typed as the place of a tracker, and names of customers, both as they stand.
    "feedback.issues",
    "feedback.schemas.trackers",
    "feedback.trackers.github",
    "feedback.trackers.jira",
    "feedback.trackers.linear",
}

WHOLE = {"fullmatch", "match"}
EVERYWHERE = {"search", "sub", "subn", "split", "findall", "finditer"}

#: So many times a plain pattern's time is no concern; from there on twice the text may take at most so many times.
FREE, TWICE = 8.0, 3.0


@functools.cache
def modules():
    """Every module of the application with its tree."""
    found = {}
    for package in (surveys, feedback):
        for each in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not each.name.startswith(OURS):
                module = importlib.import_module(each.name)
                found[each.name] = module, ast.parse(Path(str(module.__file__)).read_text())
    return found


@functools.cache
def used():
    """The ways in which a name is looked with, anywhere: {"_WORD": {"findall"}}."""
    found = defaultdict(set)
    for _, tree in modules().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in WHOLE | EVERYWHERE:
                name = getattr(node.value, "id", None) or getattr(node.value, "attr", None)
                found[name].add(node.attr)
    return found


@functools.cache
def patterns():
    """All patterns by where they stand, each with the ways in which it is used; and what stands nowhere."""
    found, unknown = {}, set()
    for name, (module, tree) in modules().items():
        for attribute, value in vars(module).items():
            if isinstance(value, re.Pattern):
                found[f"{name}.{attribute}"] = value, used()[attribute] or WHOLE | EVERYWHERE
        known = {value.pattern for value in vars(module).values() if isinstance(value, re.Pattern)}
        for node in ast.walk(tree):
            function = node.func if isinstance(node, ast.Call) and node.args else None
            if not isinstance(function, ast.Attribute):
                continue
            by_re = getattr(function.value, "id", None) == "re"
            if function.attr == "Regexp" or (by_re and function.attr in {"compile"} | WHOLE | EVERYWHERE):
                try:
                    given = eval(compile(ast.Expression(node.args[0]), name, "eval"), vars(module))
                except NameError:
                    # Made of what a function was given. Those made on import are among `known`.
                    if not (known and function.attr == "compile" and not _is_made_later(tree, node)):
                        unknown.add(name)
                    continue
                ways = {"Regexp": {"match"}, "compile": set()}.get(function.attr, {function.attr})
                if ways and not (isinstance(given, re.Pattern) and given.pattern in known):
                    found[f"{name}:{node.lineno}"] = re.compile(given), ways
    return found, unknown


def _is_made_later(tree, call):
    """Whether a call stands in a function that is not itself called while the module is imported."""
    holders = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and call in list(ast.walk(node))
    ]
    on_import = {
        getattr(node.func, "id", None)
        for statement in tree.body
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
    }
    return bool(holders) and not any(holder.name in on_import for holder in holders)


def seconds(look, text):
    """Processor time of looking: the least of three, or of fewer where they take long enough to go by."""
    taken: list[float] = []
    while len(taken) < 3 and sum(taken) < 0.1:
        began = time.thread_time()
        look(text)
        taken.append(time.thread_time() - began)
    return min(taken)


@functools.cache
def plain(letters):
    """What a pattern without any choice costs here for so many letters."""
    look = re.compile(r"\w+|\W").findall
    return max(seconds(look, killers.long("a!", letters)), 1e-4)


def looks(pattern, ways):
    """The ways to look for a pattern that differ in cost."""
    if ways & EVERYWHERE:
        yield lambda text: [None for _ in pattern.finditer(text)]
    if "match" in ways:
        yield pattern.match
    if "fullmatch" in ways:
        yield pattern.fullmatch


def grows_too_fast(look):
    """The piece of the first text of 10,000 letters, or of fewer where it shows, for which twice as much takes more
    than `TWICE` the time; None where there is none."""
    for piece in killers.PIECES:
        for letters in (250, 2_500, killers.LONGEST):
            # Hardly any pattern takes the end, so that it is tried in all ways.
            short, long = (killers.long(piece, times * letters) + "\x01" for times in (1, 2))
            began = time.thread_time()
            look(short)
            if time.thread_time() - began < FREE * plain(letters):
                continue
            # Whoever else is at work here makes a measurement longer, and never all of them.
            if all(seconds(look, long) > TWICE * seconds(look, short) for _ in range(2)):
                return piece
    return None


@pytest.mark.parametrize(
    ("pattern", "way", "is_slow"),
    [
        (r"\s+but", "search", True),
        (r"(?<!\s)\s++but", "search", False),
        (r"\s+but", "fullmatch", False),
        (r"\n\s*--", "sub", True),
        (r"\d+(\.\d+)*x", "findall", True),
        (r"[\w.]{1,64}@", "search", False),
        (r"\W*(a\W*)*b", "fullmatch", False),
        (r"\w+@\w+", "findall", True),
    ],
)
def test_a_slow_pattern_is_seen(pattern, way, is_slow):
    (look,) = looks(re.compile(pattern), {way})
    assert (grows_too_fast(look) is not None) is is_slow


def test_every_pattern_is_known():
    found, unknown = patterns()
    assert unknown == MADE_WHILE_RUNNING
    assert len(found) > 90
    for there in ("feedback.analysis.cleaning._SIGNATURE", "feedback.domain.redaction._PHONE"):
        assert there in found


@pytest.mark.parametrize("language", sorted(leaving.LANGUAGES))
def test_words_of_leaving_take_time_that_grows_with_the_text(language):
    assert grows_too_fast(leaving.pattern(language).search) is None


@pytest.mark.timeout(600)
def test_patterns_take_time_that_grows_with_the_text():
    slow = {}
    for place, (pattern, ways) in sorted(patterns()[0].items()):
        if isinstance(pattern.pattern, bytes):
            pattern = re.compile(pattern.pattern.decode("latin-1"), pattern.flags & ~re.LOCALE)
        for look in looks(pattern, ways):
            if (piece := grows_too_fast(look)) is not None:
                slow[place] = piece
    assert not slow
