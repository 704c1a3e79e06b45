"""What is read of TextBlob is what TextBlob reads, and nltk stays out of memory."""

import subprocess
import sys

from textblob import _text
from textblob.en import sentiment

from feedback.analysis import textblob_files

READS = """
import sys
from feedback.analysis.sentiment import reading
from feedback.analysis.topics import wording
reading.read("The parcel arrived terribly late", language="en")
wording._kinds()
print({"nltk", "textblob"} & sys.modules.keys())
"""


def test_the_lexicon_is_the_one_of_the_package() -> None:
    sentiment.load()
    ours = textblob_files.english()
    assert dict.items(ours) == dict.items(sentiment)
    assert ours.negations == sentiment.negations
    assert textblob_files.text().EMOTICONS == _text.EMOTICONS


def test_reading_a_comment_loads_no_package_that_it_does_not_need() -> None:
    done = subprocess.run(
        [sys.executable, "-c", READS], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"
