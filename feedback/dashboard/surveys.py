"""Surveys: how each is doing, and one with its settings as a form, tried out beside it, ready to be embedded."""

import io
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import marshmallow as ma
import segno
from flask import Response as Reply
from flask import make_response, request
from peewee import fn

from feedback import results
from feedback.dashboard import charts, flash, forms, layout, registry, survey_form, words
from feedback.numbers import Asked
from surveys import brands, catalogue, links, people, refused_origins, standing, texts, visible, wording
from surveys.base import clock
from surveys.base.errors import Clash, Refused
from surveys.base.http import audited, problems
from surveys.domain import schedule
from surveys.domain.metrics import METRICS
from surveys.models import DailyCount, Definition, Survey
from surveys.schemas.surveys import SurveyBody, SurveyPatch, check_words
from surveys.standing import Standing
from surveys.views import previews
from surveys.views.surveys import WORDS
from surveys.widget import script

say = words.say

LIST = "/team/surveys"

#: Days that the response rate looks back on.
DAYS = 90

PARTS = tuple(previews.PARTS)

#: What a form says to switch test mode on and off.
_MODES = {"test": True, "live": False}

_DONE = ("made", "change", "secret", *_MODES)


@registry.page(
    title=say("surveys"),
    address=LIST,
    scope="read",
    nav="ask",
    icon="surveys",
    place=1,
    forms=True,
    form_scope="write",
)
def index() -> Any:
    """All surveys with what came in and what needs a look; its form makes one."""
    if request.method == "GET":
        return _list({}, {})
    _demand_all()
    given = forms.fields()
    wanted: dict[str, Any] = {"name": given.get("name", "").strip(), "metric": given.get("metric", "")}
    wanted["languages"] = [given.get("language") or wording.FALLBACK]
    values, wrong = forms.load(SurveyBody(), wanted)
    if wrong:
        return _list(given, wrong, 422)
    made = catalogue.create(values, clock.now())
    audited.about(made.id)
    answer = layout.led(layout.at(f"{LIST}/{made.id}", did="made"))
    flash.put(answer, {"secret": people.identity_secret(made)})
    return answer


@registry.page(
    title=say("survey"), address=LIST + "/<survey_id>", scope="read", forms=True, form_scope="write"
)
def one(survey_id: str) -> Any:
    """One survey; its forms change it, switch test mode, or make another secret."""
    survey = visible.own(Survey, survey_id, registry.caller())
    language = _language(survey)
    if request.method == "GET":
        return _page(survey, language, {}, {})
    given = forms.fields()
    if given.get("do") == "secret":
        secret = catalogue.new_identity_secret(survey, clock.now())
        answer = layout.led(layout.at(f"{LIST}/{survey.id}", did="secret"))
        flash.put(answer, {"secret": secret})
        return answer
    if given.get("do") in _MODES:
        catalogue.change(survey, {"test_mode": _MODES[given["do"]]}, clock.now())
        return layout.led(layout.at(f"{LIST}/{survey.id}", did=given["do"]))
    if given.get("do") != "change":
        raise Refused("Must be change, secret, test or live.", "do")
    values, wrong = _loaded(survey, language, given)
    if wrong:
        return _page(survey, language, given, wrong, 422)
    try:
        catalogue.change(survey, values, clock.now(), given.get("version"))
    except Clash as clash:
        return _changed_meanwhile(Survey.get_by_id(survey.id), language, given, clash)
    return layout.led(layout.at(f"{LIST}/{survey.id}", lang=language, did="change"))


@registry.page(
    title=say("survey.preview"),
    address=LIST + "/<survey_id>/preview/<any(page, widget, mail):part>",
    scope="read",
    forms=True,
    form_scope="write",
)
def preview(survey_id: str, part: str) -> Any:
    """What a respondent sees of a survey, with the settings of the form that was sent. Nothing is kept."""
    survey = visible.own(Survey, survey_id, registry.caller())
    language = _language(survey)
    wrong: dict[str, list[str]] = {}
    if request.method == "POST":
        audited.unchanged()
        values, wrong = _loaded(survey, language, forms.fields())
        if values.get("brand"):
            values["brand"] = brands.tried(values["brand"])
        survey = Survey(**{**survey.__data__, **values})
    if wrong:
        return previews.framed(layout.page("preview_wrong.html", say("survey.preview"), 422, errors=wrong))
    return previews.framed(previews.PARTS[part](survey, language))


@registry.page(title=say("survey.qr"), address=LIST + "/<survey_id>/qr.svg", scope="read")
def qr(survey_id: str) -> Reply:
    """The hosted page's address as a QR code, to keep."""
    survey = visible.own(Survey, survey_id, registry.caller())
    answer = make_response(_code(survey))
    answer.mimetype = "image/svg+xml"
    answer.headers["Content-Disposition"] = f'attachment; filename="{survey.id}.svg"'
    return answer


# ------------------------------------------------------------------------------------------------------


def _list(typed: Mapping[str, Any], wrong: dict[str, list[str]], status: int = 200) -> Any:
    if wrong:
        audited.unchanged()
    now = clock.now()
    rows = list(visible.surveys(registry.caller()).order_by(Survey.created_at.desc(), Survey.id))
    rows.sort(key=lambda survey: survey.status == "archived")
    found = standing.of(rows, now)
    asked = _asked_lately(rows, now)
    return layout.page(
        "surveys.html",
        say("surveys"),
        status,
        surveys=[
            (survey, METRICS[survey.metric], found[survey.id], _rate(asked.get(survey.id))) for survey in rows
        ],
        days=DAYS,
        health=_health,
        metrics=METRICS,
        languages=wording.LANGUAGES,
        typed=typed,
        errors=wrong,
        limited=registry.seen() is not None,
        writes=layout.may("write") and registry.seen() is None,
    )


def _asked_lately(surveys: list[Survey], now: datetime) -> dict[str, Asked]:
    if not surveys:
        return {}
    lately = results.Selection(METRICS[surveys[0].metric], surveys, now - timedelta(days=DAYS))
    return results.asked_by_survey(lately, now)


def _rate(asked: Asked | None) -> str | None:
    """How many of those asked lately answered, in words."""
    if asked is None or asked.response_rate is None:
        return None
    rate = charts.number(100 * asked.response_rate)
    return say("surveys.rate.told", rate=rate, answered=f"{asked.answered:,}", sent=f"{asked.sent:,}")


def _health(found: Standing) -> list[str]:
    """What should be looked at, in words."""
    told = [say("survey.testing")] if found.testing else []
    if found.refused:
        first = found.refused[0]
        told.append(
            say("surveys.refused", origin=first.origin, n=f"{sum(each.count for each in found.refused):,}")
        )
    if found.failing:
        told.append(say("surveys.failing", n=f"{found.failing:,}"))
    if found.quiet:
        told.append(say("surveys.quiet", days=standing.QUIET.days))
    return told


# ------------------------------------------------------------------------------------------------------


def _changed_meanwhile(survey: Survey, language: str, given: Mapping[str, str], clash: Clash) -> Any:
    """The form as it is now, with what was typed in it: to send it again takes nothing of the other's back."""
    values, theirs = survey_form.joined(survey, language, given)
    told = [clash.message, say("typed")]
    if theirs:
        names = _names()
        labels = [say(field.says, group=names.get(field.name.partition(":")[2], "")) for field in theirs]
        told.insert(1, say("survey.theirs", fields=", ".join(labels)))
    chosen = values["languages"].split()
    return _page(survey, language, {}, {}, 409, " ".join(told), {**values}, chosen)


def _page(
    survey: Survey,
    language: str,
    given: Mapping[str, str],
    wrong: dict[str, list[str]],
    status: int = 200,
    told: str | None = None,
    shown: dict[str, str] | None = None,
    chosen: list[str] | None = None,
) -> Any:
    """`given`: a form with something `wrong` in it, which is shown as it was sent; `shown`, `chosen`: another's."""
    if wrong or told:
        audited.unchanged()
    now = clock.now()
    metric = METRICS[survey.metric]
    stored = survey_form.shown(survey, language)
    shown = shown or stored
    if given:
        shown = {name: given.get(name, "") if name in given else value for name, value in shown.items()}
        for field in survey_form.fields(survey):
            if field.kind == "tick":
                shown[field.name] = given.get(field.name, "")
        chosen = [tag for tag in wording.LANGUAGES if given.get(f"language:{tag}")]
    address = links.widget_script(survey.id)
    secret = flash.taken() if request.method == "GET" else None
    answer = layout.page(
        "survey.html",
        survey.name,
        status,
        survey=survey,
        metric=metric,
        groups=survey_form.groups(survey),
        values=shown,
        standard=_standard(survey, language),
        language=language,
        languages=wording.LANGUAGES,
        chosen=survey.languages if chosen is None else chosen,
        names=_names(),
        errors=_by_field(survey, wrong),
        wrong=told or (say("survey.wrong") if wrong else None),
        # A form that is shown as it was sent is still about what it began with.
        version=given.get("version") or clock.stamp(survey.updated_at),
        before=given.get(forms.BEGUN) or forms.begun(stored),
        standing=standing.of([survey], now)[survey.id],
        rate=_rate(_asked_lately([survey], now).get(survey.id)),
        times=results.times(survey),
        days=DAYS,
        health=_health,
        refused=refused_origins.of([survey])[survey.id],
        embeds=_embeds(address),
        page_url=links.survey_page(survey.id),
        code=_code(survey).decode(),
        definitions=list(
            Definition.select().where(Definition.survey == survey.id).order_by(Definition.number.desc())
        ),
        asked_in=lambda row: _asked_in(row, language),
        counts=_by_definition(survey),
        notes=script.notes(survey.widget),
        secret=secret.get("secret") if isinstance(secret, dict) else None,
        hints=words.hints(),
        parts=PARTS,
        part=request.args.get("part") if request.args.get("part") in PARTS else PARTS[0],
        did=request.args.get("did") if request.args.get("did") in _DONE else None,
        writes=layout.may("write"),
    )
    # What is tried out stands in a frame of its own, where nothing of it can touch the page.
    answer.headers["Content-Security-Policy"] += "; frame-src 'self'"
    return answer


def _language(survey: Survey) -> str:
    """The language that the form is in: as the address says, else the survey's first."""
    asked = request.args.get("lang")
    return asked if asked in wording.LANGUAGES and asked in survey.languages else survey.languages[0]


def _loaded(
    survey: Survey, language: str, given: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What a form changes, checked as the API checks it; and what is wrong with it."""
    body, wrong = survey_form.changes(survey, language, given)
    wrong = {name: [say("survey.no_number")] for name in wrong}
    values, others = forms.load(SurveyPatch(), body)
    if not others and not wrong:
        try:
            check_words(
                values.get("metric", survey.metric), {name: getattr(survey, name) for name in WORDS} | values
            )
        except ma.ValidationError as error:
            others = problems.flatten(error.messages_dict)
    return values, {**others, **wrong}


def _by_field(survey: Survey, wrong: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What is wrong, by the field of the form: the API names the place inside a list or an object."""
    names = sorted((field.name for field in survey_form.fields(survey)), key=len, reverse=True)
    found: dict[str, list[str]] = {}
    for name, lines in wrong.items():
        spelled = name.replace(".", ":", 1) if name.startswith(("follow_up.", "thanks.", "labels.")) else name
        field = next(
            (each for each in names if spelled == each or spelled.startswith((f"{each}.", f"{each}:"))), name
        )
        found.setdefault(field, []).extend(lines)
    return found


def _standard(survey: Survey, language: str) -> dict[str, str]:
    """The words that stand where the survey has none of its own, by the name of the field."""
    plain = Survey(**{**survey.__data__, "question": None, "follow_up": None, "thanks": None, "labels": None})
    found = texts.of(plain, language)
    return {
        "question": found.question,
        "labels:low": found.labels.get(min(found.labels, default=0), ""),
        "labels:high": found.labels.get(max(found.labels, default=0), ""),
        **{f"follow_up:{key}": text for key, text in found.follow_up.items()},
        **{f"thanks:{key}": text for key, text in found.thanks.items()},
        "mail.subject": found.question,
        "mail.text": wording.text(found.voice, "mail.intro"),
        "widget.color": script.COLOUR,
    }


def _names() -> dict[str, str]:
    """What the groups of all metrics are called."""
    return {group.key: say(f"group.{group.key}") for metric in METRICS.values() for group in metric.groups}


def _asked_in(row: Definition, language: str) -> str | None:
    """The question of a definition in the survey's own words; None where it is the standard one."""
    own: Mapping[str, str] = (row.wording or {}).get("question") or {}
    return own.get(language) or next(iter(own.values()), None)


def _by_definition(survey: Survey) -> dict[int, tuple[int, str]]:
    """By the number of a wording, how many answered it, and the day of the first of them in words."""
    n = fn.SUM(DailyCount.n)
    # What is left out is taken off in a row of its own, or leaves a row of nothing: a day counts by its sum.
    days: Any = DailyCount.select(DailyCount.definition, DailyCount.day, n.alias("n"))
    days = days.where(DailyCount.survey == survey.id).group_by(DailyCount.definition, DailyCount.day)
    days = days.having(n > 0).alias("days")
    rows: Any = DailyCount.select(days.c.definition, fn.SUM(days.c.n), fn.MIN(days.c.day)).from_(days)
    return {
        number: (int(n), layout.counted_day(schedule.starts_at(date.fromisoformat(first), layout.zone())))
        for number, n, first in rows.group_by(days.c.definition).tuples()
    }


def _embeds(address: str) -> list[tuple[str, str]]:
    """What to paste into a page, by where it goes."""
    tag = f'<script async src="{address}"></script>'
    react = (
        'import { useEffect } from "react"\n\nexport function Survey() {\n  useEffect(() => {\n'
        '    const script = document.createElement("script")\n'
        f'    script.src = "{address}"\n    script.async = true\n    document.head.append(script)\n'
        "    return () => script.remove()\n  }, [])\n  return null\n}"
    )
    vue = (
        '<script setup>\nimport { onMounted, onUnmounted } from "vue"\n\n'
        'const script = document.createElement("script")\nonMounted(() => {\n'
        f'  script.src = "{address}"\n  script.async = true\n  document.head.append(script)\n}})\n'
        "onUnmounted(() => script.remove())\n</script>"
    )
    return [("html", tag), ("react", react), ("vue", vue), ("manager", tag)]


def _code(survey: Survey) -> bytes:
    picture = io.BytesIO()
    code = segno.make(links.survey_page(survey.id), error="m", micro=False)
    code.save(picture, kind="svg", scale=5, border=4, xmldecl=False, svgns=True, light="#fff")
    return picture.getvalue()


def _demand_all() -> None:
    visible.demand_all(registry.caller(), say("surveys.shared"))
