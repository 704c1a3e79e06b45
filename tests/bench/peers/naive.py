"""Earshot's own path written naively: one Peewee transaction a request, every query built anew."""

from typing import Any

from flask import Flask

import wsgi
from surveys.base import db


def create_app() -> Flask:
    """The application with `db.write` and the statements made once taken out."""
    db.write = _one_transaction  # type: ignore[assignment]
    db.Prepared.made = _built_each_time  # type: ignore[method-assign]
    return wsgi.create_app()


def _one_transaction(verb: Any, *_: Any) -> Any:
    with db.database.atomic():
        return verb()


def _built_each_time(self: db.Prepared) -> Any:
    return self._build().sql()
