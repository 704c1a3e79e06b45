"""What is known of the call in hand: the settings, its id, its nonce."""

import random
import secrets

from flask import current_app, g

from surveys.base.settings import Settings


def settings() -> Settings:
    """The settings of the running app."""
    return current_app.extensions["earshot"]


def request_id() -> str:
    """This request's id, also in the header X-Request-Id and in the log."""
    found = g.get("request_id")
    if found is None:
        found = g.request_id = new_request_id()
    return found


def new_request_id() -> str:
    """An id for a call. It keeps no secret, so it does not wait for the system's random numbers."""
    return f"{random.getrandbits(64):016x}"


def nonce() -> str:
    """This answer's CSP nonce."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return g.nonce
