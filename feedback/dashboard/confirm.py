"""The password once more, before a page hands out what an address asks for: a file of answers."""

from flask import Response, request

from feedback.dashboard import forms, front_door, layout, registry
from feedback.dashboard.words import say
from surveys.base import clock, errors
from surveys.base.accounts import sessions
from surveys.base.accounts.caller import OWN
from surveys.base.http import audited, signed_in


@registry.page(title=say("confirm"), address=forms.CONFIRM, scope=OWN, forms=True)
def confirm() -> Response:
    """Ask, then lead on to `next`; at once where the password was given a moment ago."""
    session, now, wanted = signed_in.session(), clock.now(), front_door.wanted()
    if session is None:
        raise errors.Unauthorized
    address, typed = layout.at(forms.CONFIRM), {"next": wanted or ""}
    if request.method == "POST":
        wrong = forms.confirm(session.member, forms.fields().get("confirm_password", ""))
        if wrong is not None:
            return forms.ask(typed, address, wrong, 422)
        audited.unchanged()
        sessions.trust(session, now)
        return layout.led(layout.at(forms.CONFIRM, next=wanted))
    if not session.is_trusted(now):
        return forms.ask(typed, address, None, 200)
    # A file leaves this page where it is: so the page leads on, and says what it did.
    return layout.page("confirmed.html", say("confirmed"), wanted=layout.at(wanted or "/team/profile"))
