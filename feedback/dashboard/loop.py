"""Closing the loop: topics of which nobody was told yet what came of them, who would be told, and what came of that."""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

import marshmallow as ma
from flask import Response as Reply
from flask import request
from marshmallow import fields, validate

from feedback import held_out, loops
from feedback.dashboard import forms, layout, registry
from feedback.dashboard.words import say
from feedback.domain import experiments
from feedback.models import Loop, Topic
from surveys import visible, wording
from surveys.base import clock
from surveys.base.errors import Clash
from surveys.base.http import audited, context, signed_in
from surveys.mail import invitation_mail
from surveys.models import Survey
from surveys.schemas.kinds import LONG, text

#: Whom one loop of the page tells at most: those who are named on it. The others come next.
NAMED = 500

#: What a form does.
ACTS = ("preview", "test", "send", "undo", "away")

TEXT, LEAVE = "text-", "leave-"


class LoopQuery(ma.Schema):
    """Which topic the page is about, and what was just done, to say it."""

    topic = text(100)
    did = fields.String(validate=validate.OneOf(ACTS))


@registry.page(
    title=say("loop"),
    address="/team/loop",
    scope="read",
    form_scope="write",
    nav="act",
    icon="done",
    place=2,
    forms=True,
)
def loop() -> Any:
    """What is to be told, and what was; with a topic, to whom, in their own sentence."""
    if request.method == "POST":
        visible.demand_all(registry.caller(), say("loop.shared"))
        return _done()
    asked = layout.query(LoopQuery())
    topic = _topic(asked.get("topic")) if asked.get("topic") else None
    return _page(topic, told=say(f"loop.did.{asked['did']}") if asked.get("did") else None)


@registry.page(title=say("loop.effect"), address="/team/loop/effect", scope="write")
def effect() -> Any:
    """What telling does: who was told at once against whom chance had told later."""
    visible.demand_all(registry.caller(), say("loop.shared"))
    found = held_out.compared(clock.now())
    return layout.page("loop_effect.html", say("loop.effect"), found=found, least=experiments.LEAST)


# ------------------------------------------------------------------------------------------------------


def _topic(topic_id: str | None) -> Topic:
    return visible.own(Topic, topic_id or "", registry.caller())


def _page(
    topic: Topic | None,
    status: int = 200,
    wrong: str | None = None,
    told: str | None = None,
    typed: Mapping[str, str] | None = None,
    preview: list[str] | None = None,
    found: loops.Audience | None = None,
) -> Any:
    if wrong or preview:
        audited.unchanged()
    now, everybody = clock.now(), registry.seen() is None
    if found is None and topic is not None and everybody and layout.may("write"):
        found = loops.audience(topic, (), now)
    languages = sorted({each.language for each in found.told}) if found else []
    typed = typed or {}
    # The page of a topic is about whom to tell of it alone.
    closed = loops.recent() if everybody and topic is None else []
    came = loops.outcomes(closed) if closed else {}
    return layout.page(
        "loop.html",
        say("loop"),
        status,
        topic=topic,
        waiting=loops.waiting() if everybody and topic is None else [],
        closed=[(each, came[each.id], now <= each.send_at) for each in closed],
        people=found.told[:NAMED] if found else [],
        n=min(len(found.told), NAMED) if found else 0,
        more=max(0, len(found.told) - NAMED) if found else 0,
        who=" ".join(f"{each.person.id}:{each.response.key}" for each in found.told[:NAMED]) if found else "",
        left_out=found.left_out if found else {},
        silent=_unanswerable({each.response.survey_id for each in found.told[:NAMED]}) if found else [],
        languages=[(tag, wording.LANGUAGES[tag].name) for tag in languages],
        notes=(topic.note or {}) if topic is not None else {},
        typed=typed,
        preview=preview or [],
        seen=_digest(_texts(typed)),
        wrong=wrong,
        told=told,
        drawn=everybody and layout.may("write") and topic is None and held_out.drawn(),
        writes=layout.may("write") and everybody,
        everybody=everybody,
        away=topic is not None and everybody and layout.may("write") and loops.is_waiting(topic),
        sends=context.settings().smtp_url is not None,
    )


def _unanswerable(survey_ids: Collection[str]) -> list[Survey]:
    """Those of some surveys whose letters nobody would get an answer to."""
    found = Survey.select().where(Survey.id.in_(list(survey_ids))).order_by(Survey.name)
    return [survey for survey in found if invitation_mail.reply_to(survey) is None]


def _done() -> Reply:
    given, caller, now = forms.fields(), registry.caller(), clock.now()
    do = given.get("do", "")
    if do == "undo":
        row = visible.own(Loop, given.get("id", ""), caller)
        try:
            loops.undo(row, now)
        except Clash as error:
            return _page(None, 409, error.message)
        return layout.led(layout.at("/team/loop", did="undo"))
    topic = _topic(given.get("topic"))
    texts = _texts(given)
    if do == "away":
        try:
            audited.about(loops.put_away(topic, caller, now).id)
        except Clash as error:
            return _page(topic, 409, error.message)
        return layout.led(layout.at("/team/loop", did="away"))
    if do not in ACTS or not texts:
        return _page(topic, 422, say("loop.no_text"), typed=given)
    if any(len(each) > LONG for each in texts.values()):
        return _page(topic, 422, say("loop.too_long"), typed=given)
    if do == "test":
        member = signed_in.member()
        if member is not None:
            loops.try_out(topic, texts, member, now)
        # What was typed is nowhere but in this answer, so it is no 303; the token of its form is new.
        return _page(
            topic, told=say("loop.did.test" if context.settings().smtp_url else "loop.did.filed"), typed=given
        )
    shown = _shown(given.get("who", ""))
    if do == "preview" or given.get("seen") != _digest(texts) or not shown:
        # Nobody sends what they have not seen.
        found = loops.audience(topic, (), now)
        return _page(topic, typed=given, preview=loops.preview(topic, found, texts), found=found)
    without = [name.removeprefix(LEAVE) for name in given if name.startswith(LEAVE)]
    holdout = 0.1 if given.get("holdout") else 0.0
    try:
        loops.close(topic, texts, without, holdout, caller, now, shown)
    except Clash as error:
        return _page(topic, 409, error.message, typed=given)
    return layout.led(layout.at("/team/loop", did="send"))


def _shown(who: str) -> dict[str, int]:
    """Whom the form named, each with the key of what they said."""
    pairs = (each.rpartition(":") for each in who.split())
    return {person: int(key) for person, _, key in pairs if key.isascii() and key.isdigit() and len(key) < 19}


def _texts(given: Mapping[str, str]) -> dict[str, str]:
    """What was written, by language."""
    found = {
        name.removeprefix(TEXT): value.replace("\r\n", "\n").strip()
        for name, value in given.items()
        if name.startswith(TEXT)
    }
    return {tag: value for tag, value in found.items() if value and tag in wording.LANGUAGES}


def _digest(texts: Mapping[str, str]) -> str:
    """A few letters that change with the texts."""
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:16]
