"""What a respondent reads of a survey in one language: its own words where it has some, else the standard ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from surveys import brands, wording
from surveys.domain import scales, weblinks
from surveys.domain.metrics import METRICS
from surveys.domain.metrics.metric import Metric
from surveys.models import Survey


@dataclass(frozen=True)
class Texts:
    """All that a respondent reads of one survey, in one language."""

    language: str
    voice: str
    """The language in the tone that the survey speaks: what `wording` is asked by."""
    direction: str
    question: str
    labels: dict[int, str]
    follow_up: dict[str, str]
    thanks: dict[str, str]
    choices: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """By group, for a follow-up that offers some: (what is kept, what is read). What is kept is the same in every
    language, so that answers can be counted: the text in the survey's first language."""
    scale: scales.Scale = "numbers"
    """How the points are drawn; the labels tell what they mean."""
    link: dict[str, str] | None = None
    """`text` and `url` of the link under the thanks, the same for every group."""


def spoken(survey: Survey, said: str | None) -> str | None:
    """The language that a comment is taken to be in unless it tells: what was said, or the only one of its survey."""
    if said or len(survey.languages) != 1:
        return said
    only: str = survey.languages[0]
    return only


def language_for(survey: Survey, wishes: Sequence[str]) -> str:
    """The language of the survey that serves the first possible wish; else its first."""
    return wording.choose(wishes, survey.languages, survey.languages[0])


def scale_of(survey: Survey) -> scales.Scale:
    """How the survey's points are drawn: as it chose, where its metric allows that."""
    # Earlier versions stored looks of any form.
    looks = survey.widget if isinstance(survey.widget, dict) else {}
    return scales.of(METRICS[survey.metric], looks.get("scale"))


def of(survey: Survey, language: str) -> Texts:
    """What a respondent reads in `language`: the survey's own words where it has some, else the standard ones."""
    metric = METRICS[survey.metric]
    tone = brands.of(survey).formality
    voice = wording.voice(language, tone)
    question, labels = asked(survey, language, tone)
    return Texts(
        language=language,
        voice=voice,
        direction=wording.direction(language),
        question=question,
        labels=labels,
        follow_up={
            g.key: _by_group(survey, survey.follow_up, "follow_up", g.key, voice) for g in metric.groups
        },
        thanks={g.key: _by_group(survey, survey.thanks, "thanks", g.key, voice) for g in metric.groups},
        choices=_choices(survey, metric, language),
        scale=scale_of(survey),
        link=_link(survey.thanks_link, language),
    )


def asked(survey: Survey, language: str, formality: str | None) -> tuple[str, dict[int, str]]:
    """What is read before the score is given, in a language and a tone: the question, and the labels by score."""
    metric, voice = METRICS[survey.metric], wording.voice(language, formality)
    standard = wording.text(voice, f"{metric.key}.question", product=survey.product)
    labels = {**wording.labels(voice, metric.key), **_own_labels(survey.labels, language, metric)}
    return _filled(_own(survey.question, language) or standard, survey), labels


# ------------------------------------------------------------------------------------------------------


def _filled(text: str, survey: Survey) -> str:
    return wording.fill(text, product=survey.product or survey.name)


def _own(by_language: Mapping[str, Any] | None, language: str) -> Any:
    """The entry for `language`, or for the nearest of the same base; None when there is none."""
    if not by_language:
        return None
    tag = wording.choose([language], list(by_language), "")
    return by_language.get(tag)


def _own_labels(labels: Mapping[str, Any] | None, language: str, metric: Metric) -> dict[int, str]:
    # What is said of an end by its name stands over what is said of it by its number.
    names = {str(score): score for score in metric.scores} | {"low": metric.minimum, "high": metric.maximum}
    own = [(score, _named(labels, name, names, language)) for name, score in names.items()]
    return {score: text for score, text in own if text}


def _by_group(survey: Survey, own: Mapping[str, Any] | None, kind: str, group: str, voice: str) -> str:
    metric = METRICS[survey.metric]
    # A private subtag is no bar to finding the language (RFC 4647, 3.4).
    text = _named(own, group, {g.key: g for g in metric.groups}, voice)
    return _filled(text or wording.text(voice, f"{kind}.{metric.tone_of(group)}"), survey)


def _link(stored: Any, language: str) -> dict[str, str] | None:
    """The link under the thanks; None also for one stored before such links were refused."""
    given = stored if isinstance(stored, dict) else {}
    url, text = given.get("url"), given.get("text")
    if not isinstance(url, str) or not weblinks.leads_where_it_says(url, "https", "http"):
        return None
    words = {tag: said for tag, said in text.items() if said} if isinstance(text, dict) else {}
    return {"text": _own(words, language) or next(iter(words.values())), "url": url} if words else None


def _choices(survey: Survey, metric: Metric, language: str) -> dict[str, list[tuple[str, str]]]:
    if survey.follow_up_type == "text":
        return {}
    made = {}
    for group in metric.groups:
        lists = survey.choices.get(group.key) or {
            tag: item for tag, item in survey.choices.items() if isinstance(item, list)
        }
        if lists:
            first = next(iter(lists.values()))
            kept = _own(lists, survey.languages[0]) or first
            made[group.key] = list(zip(kept, _own(lists, language) or first, strict=True))
    return made


def _named(own: Mapping[str, Any] | None, name: str, names: Mapping[str, Any], language: str) -> str | None:
    """The text for `name` (a group, a score) in `language`, whichever of the two the survey's map has first."""
    if not own:
        return None
    if name in own:
        return _own(own[name], language)
    item = _own({key: value for key, value in own.items() if key not in names}, language)
    return item.get(name) if isinstance(item, dict) else item
