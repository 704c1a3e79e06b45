"""Privacy requests in one place: find somebody, hand out what is kept, erase it; and what is kept no longer."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, request

from feedback.dashboard import forms, layout, registry
from feedback.dashboard.words import say
from feedback.schemas.team import PrivacyQuery
from surveys import visible
from surveys.base import clock
from surveys.base.errors import Refused
from surveys.base.http import audited, context
from surveys.keeping import erasure, retention
from surveys.models import Person, Survey
from surveys.schemas.people import PersonQuery

ADDRESS = "/team/admin/privacy"


@registry.page(
    title=say("privacy"),
    address=ADDRESS,
    scope="admin",
    nav="admin",
    icon="exclude",
    place=80,
    forms=True,
    shared=True,
)
@forms.password_asked
def index() -> Response:
    """Whoever goes by an address or id, with how much is kept; the form erases all of it."""
    visible.demand_all(registry.caller(), say("privacy.shared"))
    if request.method == "POST":
        given = forms.fields()
        email, id_ = given.get("email") or None, given.get("id") or None
        rows = _rows({"email": email, "id": id_})
        if not rows:
            raise Refused(say("privacy.nobody"), "email")
        if not given.get("sure"):
            raise Refused(say("privacy.not_sure"), "sure")
        erasure.erase(rows, clock.now(), email, id_)
        return layout.led(layout.at(ADDRESS, did="erased"))
    asked = layout.query(PrivacyQuery(only=("email", "id", "did")))
    rows = _rows(asked)
    now, chosen = clock.now(), context.settings()
    kept = erasure.export(rows, now)["tables"] if rows else {}
    return layout.page(
        "privacy.html",
        say("privacy"),
        asked=asked,
        people=rows,
        kept={name: len(found) for name, found in kept.items()},
        due=retention.due(
            now, chosen.keep_receipts_days, chosen.keep_people_days, chosen.data_dir / "outbox"
        ),
        settings=chosen,
        idle=retention.KEEP_IDLE.days,
        filed=retention.KEEP_FILED.days,
        hidden=list(Survey.select().order_by(Survey.name)),
        did="did" in asked,
    )


@registry.page(title=say("privacy.export"), address=ADDRESS + "/export.json", scope="admin")
def export() -> Response:
    """All that is kept about whoever goes by an address or id, as a file. The password is asked for first."""
    visible.demand_all(registry.caller(), say("privacy.shared"))
    if not request.args:
        return layout.led(layout.at(ADDRESS))
    if (again := forms.asked_again()) is not None:
        return again
    rows = _rows(layout.query(PersonQuery(only=("email", "id"))))
    if not rows:
        raise registry.not_found()
    return handed_out(rows)


def handed_out(rows: list[Person]) -> Response:
    """All that is kept about these rows of one person, as a file to keep."""
    text = json.dumps(erasure.export(rows, clock.now()), ensure_ascii=False, indent=1)
    answer = make_response(text)
    answer.mimetype = "application/json"
    answer.headers["Content-Disposition"] = 'attachment; filename="person.json"'
    answer.headers["Cache-Control"] = "no-store"
    audited.handed_out(rows[0].id)
    return answer


# ------------------------------------------------------------------------------------------------------


def _rows(asked: Mapping[str, Any]) -> list[Person]:
    """All people, verified or claimed, with this address or id. An id is ours, or the one that others call them by."""
    if not asked.get("email") and not asked.get("id"):
        return []
    own = Person.get_or_none(Person.id == asked["id"]) if asked.get("id") else None
    if own is not None and not asked.get("email"):
        return erasure.rows_of(own)
    return erasure.rows_named(asked.get("email"), asked.get("id"))
