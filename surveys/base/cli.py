"""What all commands share: a database that is ready or a clear word, and a bar that moves."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import click
import peewee
from flask import Flask
from flask.cli import with_appcontext
from tqdm import tqdm

from surveys.base import db, settings
from surveys.base.db import migrations


class Away(click.ClickException):
    """The database cannot be reached, or can take no more."""


class Unusable(click.ClickException):
    """It cannot work with this database, however often it is started."""

    exit_code = settings.UNUSABLE


#: What needs neither database nor secret, and leaves nothing behind.
WITHOUT_DATA = ("analyse", "version")


def install(app: Flask, chosen: settings.Settings) -> None:
    """Make DATA_DIR ready for whatever uses it: at once, or before a command that does."""
    if click.get_current_context(silent=True) is None:
        chosen.make_ready()
    find = app.cli.get_command

    def ready(context: click.Context, name: str) -> click.Command | None:
        if name not in WITHOUT_DATA:
            chosen.make_ready()
        return find(context, name)

    app.cli.get_command = ready  # type: ignore


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """Say in one sentence what keeps the body from using the database and DATA_DIR."""
    try:
        yield
    except db.WrongDatabase as error:
        raise Unusable(f"{error}.") from None
    except peewee.OperationalError as error:
        db.forget_connection()
        if not db.on_sqlite():
            hint = "It must have been made before: createdb earshot"
        elif "unable to open" in str(error):
            hint = f"{db.address()} must be a file in a folder that is there and may be written into."
        else:
            hint = "The disk may be full."
        raise Away(f"The database cannot be reached: {error}\n{hint}") from None
    except peewee.ProgrammingError as error:
        # Such as PostgreSQL from 15 on, for a user who owns neither the database nor its schema.
        raise Unusable(f"The database cannot be used by this user: {error}") from None
    except peewee.DatabaseError as error:
        if not db.spoiled(error):
            raise
        raise _spoiled(error) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename} cannot be written: {error.strerror}") from None


def _spoiled(error: Exception) -> Unusable:
    """What to say of a file that is no database, or a damaged one."""
    db.forget_connection()
    return Unusable(
        f"{db.address()} is no SQLite database, or a damaged one: {error}. Name another in DATABASE_URL, or move the "
        "file away and restore a backup: flask --app wsgi restore FILE"
    )


def check_tables() -> None:
    """Raises Unusable when all migrations are applied and the tables are still not those of this version."""
    if wrong := migrations.differences():
        more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise Unusable(
            f"The tables of {db.name()} do not fit this version of Earshot, although its migrations are applied: "
            f"{'; '.join(wrong[:5])}{more}. Somebody changed them by hand, or a version in between did that was never "
            "released. A backup can be restored into an empty database: flask --app wsgi restore FILE"
        )


def with_database(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run `command` only on a database that answers and has all migrations; else say what is missing."""

    @with_appcontext
    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            missing = migrations.pending()
            if missing:
                raise click.ClickException(
                    f"Migrations are not applied to {db.address()}: {', '.join(missing)}. If that is "
                    "the database the service uses, run: flask --app wsgi migrate. If not, give DATA_DIR or "
                    "DATABASE_URL as the service has it."
                )
            return command(*args, **kwargs)
        except Exception as error:
            if db.spoiled(error):
                raise _spoiled(error) from None
            if not (db.away(error) or db.no_room(error)):
                raise
            db.forget_connection()
            raise Away(f"The database cannot be reached or is full: {error}") from None

    return wrapper


def bar(total: int | None, what: str, unit: str = " rows") -> Any:
    """A progress bar on a terminal, nothing elsewhere."""
    return tqdm(total=total, desc=what, unit=unit, unit_scale=True, disable=None)


@contextlib.contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """A function that is told a step, how many are done and of how many, and moves one bar for each step."""
    current: dict[str, Any] = {}

    def progress(step: str, done: int, total: int) -> None:
        if step not in current:
            for finished in current.values():
                finished.close()
            current[step] = bar(total, step.capitalize(), " comments")
        current[step].update(done - current[step].n)

    try:
        yield progress
    finally:
        for unfinished in current.values():
            unfinished.close()
