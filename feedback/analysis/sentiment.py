"""Sentiment: TextBlob and VADER together."""

from dataclasses import dataclass

ENGINE = "textblob+vader 1"


@dataclass(frozen=True)
class Sentiment:
    label: str
    score: float
    words: tuple[str, ...] = ()


def read(text, *, score=None, question=None, language=None):
    if language not in (None, "en"):
        return None
    from textblob import TextBlob
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    value = (
        TextBlob(text).sentiment.polarity + SentimentIntensityAnalyzer().polarity_scores(text)["compound"]
    ) / 2
    return Sentiment("positive" if value > 0.1 else "negative" if value < -0.1 else "neutral", value)
