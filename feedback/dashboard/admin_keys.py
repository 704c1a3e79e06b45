"""API keys: who may call the API, what each key made, and the end of one."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from feedback.dashboard import flash, forms, layout, registry
from feedback.dashboard.words import say
from surveys import visible
from surveys.base import clock, errors
from surveys.base.accounts import keys
from surveys.base.accounts.caller import SCOPES
from surveys.base.accounts.keys import ApiKey
from surveys.base.http import audited
from surveys.models import Survey
from surveys.schemas.keys import KeyBody
from surveys.views.keys import issue

LIST = "/team/admin/keys"


@registry.page(
    title=say("admin.keys"), address=LIST, scope="admin", nav="admin", icon="key", place=55, forms=True
)
@forms.password_asked
def index() -> Response:
    """Keys in use; the form makes one, which is shown once, or revokes one (field `do`)."""
    if request.method == "GET":
        return _list({}, {})
    given = forms.fields()
    if given.get("do") == "revoke":
        kept = [kind for kind in keys.kinds() if given.get(f"keep:{kind}")]
        # As over the API: a key ends everywhere, so only who sees everything ends one.
        if not (
            visible.all_of(None, registry.caller()) and keys.revoke(given.get("id", ""), clock.now(), kept)
        ):
            raise errors.Missing
        audited.about(given["id"])
        return layout.led(layout.at(LIST, did="revoked"))
    body: dict[str, Any] = {
        "name": given.get("name", "").strip(),
        "scopes": [scope for scope in SCOPES if given.get(f"scope:{scope}")],
        "surveys": None if given.get("all_surveys") else _ticked(given),
    }
    values, wrong = forms.load(KeyBody(), body)
    if not wrong and body["surveys"] == []:
        wrong = {"surveys": [say("members.surveys.none")]}
    if wrong:
        return _list(given, wrong, 422)
    key, secret = issue(values)
    audited.about(key.id)
    answer = layout.led(layout.at(LIST, did="made"))
    flash.put(answer, {"name": key.name, "key": secret})
    return answer


# ------------------------------------------------------------------------------------------------------


def _ticked(given: Mapping[str, str]) -> list[str]:
    return [name.removeprefix("survey:") for name in given if name.startswith("survey:")]


def _list(given: Mapping[str, str], wrong: dict[str, list[str]], status: int = 200) -> Response:
    if wrong:
        audited.unchanged()
    caller = registry.caller()
    rows = list(
        visible.narrowed(ApiKey.select().where(ApiKey.revoked_at.is_null()), caller).order_by(
            ApiKey.created_at.desc(), ApiKey.id
        )
    )
    surveys = list(visible.surveys(caller).order_by(Survey.created_at, Survey.id))
    made = keys.made_with([row.id for row in rows])
    shown = flash.taken() if request.method == "GET" else None
    did = request.args.get("did")
    return layout.page(
        "keys.html",
        say("admin.keys"),
        status,
        keys=[(row, {kind: made[row.id].get(kind, []) for kind in keys.kinds()}) for row in rows],
        names={survey.id: survey.name for survey in surveys},
        surveys=surveys,
        chosen=(None if given.get("all_surveys") else _ticked(given)) if given else None,
        scopes=list(SCOPES),
        ticked=[scope for scope in SCOPES if given.get(f"scope:{scope}")] if given else ["read"],
        given=given,
        errors=wrong,
        fresh=shown if isinstance(shown, dict) else None,
        did=did if did in ("made", "revoked") else None,
        whole=visible.all_of(None, caller),
    )
