"""TextBlob's files, without TextBlob: the package loads all of nltk, which takes 13 MB and half a second."""

from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any


@cache
def folder() -> Path:
    """Where TextBlob is installed. Raises ModuleNotFoundError where it is not."""
    found = find_spec("textblob")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("textblob is not installed", name="textblob")
    return Path(found.origin).parent


@cache
def text() -> Any:
    """The module `textblob._text`, which needs nothing but the standard library."""
    spec = spec_from_file_location("textblob._text", folder() / "_text.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def english() -> Any:
    """TextBlob's lexicon of English feelings, as its package `textblob.en` loads it: a dict of words, each with
    polarity, subjectivity and intensity by part of speech (None: by all)."""
    lexicon = text().Sentiment(str(folder() / "en" / "en-sentiment.xml"))
    lexicon.load()
    # "terribly" is as bad as "terrible".
    for word, values in list(dict.items(lexicon)):
        if "JJ" in values:
            stem = word[:-1] + "i" if word.endswith("y") else word.removesuffix("le")
            lexicon.annotate(stem + "ly", "RB", *values["JJ"])
    return lexicon
