"""What an operator types: `flask --app wsgi …`."""

import functools
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import click
import peewee
from flask import Flask
from flask.cli import AppGroup

from surveys import catalogue, links, rollups
from surveys.base import accounts, ballast, bell, cli, clock, db, schema, settings, web


def install(app: Flask) -> None:
    """Add the commands to the app."""
    for command in (serve, worker, migrate, recount):
        app.cli.add_command(command)
    app.cli.add_command(keys)


@click.command()
def serve() -> None:
    """Migrate, then run web and worker until SIGTERM."""
    chosen = web.settings()
    _check_address(chosen)
    prepare(chosen)
    db.close_database()
    children = {
        "web": [
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            str(settings.ROOT / "gunicorn.conf.py"),
            "wsgi:create_app()",
        ]
    }
    children["worker"] = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    welcome(chosen)
    sys.exit(_supervise(children))


def _check_address(chosen: settings.Settings) -> None:
    """Say at once that somebody else has the port; gunicorn would be started anew for ever."""
    family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
    with socket.socket(family) as probe:
        # As gunicorn does: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.host, chosen.port))
        except OSError as error:
            raise click.ClickException(
                f"{chosen.host}:{chosen.port} cannot be used ({error.strerror}). Choose another with PORT=… or HOST=…"
            ) from None


def _supervise(children: dict[str, list[str]]) -> int:
    """Run the children; start one anew when it dies; end all on SIGTERM or SIGINT."""
    stopping = False
    running: dict[str, subprocess.Popen[bytes]] = {}

    def stop(*_: Any) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    started: dict[str, float] = {}
    while not stopping:
        for name, command in children.items():
            process = running.get(name)
            if process is None or process.poll() is not None:
                # One that dies at once is not started anew more than once a second.
                if time.monotonic() - started.get(name, -10) < 1:
                    continue
                started[name] = time.monotonic()
                running[name] = subprocess.Popen(
                    command,
                    cwd=settings.ROOT,
                    start_new_session=True,
                    preexec_fn=functools.partial(bell.end_with_parent, os.getpid()),
                )
        time.sleep(0.1)
    for process in running.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + 30
    for process in running.values():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
    return 0


def prepare(chosen: settings.Settings) -> None:
    """Apply migrations; on a first start make the first key and a survey that is ready."""
    try:
        schema.up(chosen)
        db.check()
    except db.WrongDatabase as error:
        raise click.ClickException(str(error)) from None
    except peewee.OperationalError as error:
        raise click.ClickException(
            f"The database cannot be reached: {error}\nOn PostgreSQL it must have been made before: createdb earshot"
        ) from None
    if not accounts.ApiKey.select().exists():
        key = chosen.admin_key or settings.kept_secret(chosen.data_dir / "admin-key")
        accounts.issue("first key", ["admin"], None, clock.now(), key)
        if not chosen.admin_key and sys.stderr.isatty():
            click.echo(f"The first API key: {key}", err=True)
    catalogue.make_first(clock.now())
    if chosen.on_sqlite:
        ballast.lay(chosen.data_dir)


def welcome(chosen: settings.Settings) -> None:
    """Say where things are."""
    survey = catalogue.ready()
    lines = [f"Earshot is at {links.to('/')}"]
    key = chosen.data_dir / "admin-key"
    if key.exists() and accounts.look_up(key.read_text().strip()):
        lines.append(f"The first API key lies in {key}")
    elif not chosen.admin_key:
        # After a restore the keys are those of the backup.
        lines.append("API keys: flask --app wsgi keys list, keys create")
    if survey:
        lines.append(f"Open first: {links.survey_page(survey.id)}")
    lines.append(f"API pages: {links.to('/api/docs')}")
    click.echo("\n".join(lines))
    db.close_database()


@click.command()
def worker() -> None:
    """Run jobs until SIGTERM: finish the one in hand, then end."""
    bell.work()


@click.group(cls=AppGroup)
def keys() -> None:
    """API keys: list, create, revoke."""


@keys.command("list")
@cli.with_database
def keys_list() -> None:
    """Keys in use, without their secrets."""
    for key in accounts.live():
        click.echo(f"{key.id}  {key.prefix}…  {','.join(key.scopes):24}  {key.name}")


@keys.command("create")
@click.option("--name", required=True)
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(list(accounts.SCOPES)))
@click.option("--survey", "surveys", multiple=True, help="Limit the key to this survey; may be given again.")
@cli.with_database
def keys_create(name: str, scopes: tuple[str, ...], surveys: tuple[str, ...]) -> None:
    """Make a key and print it, this once."""
    _, secret = accounts.issue(name, scopes, list(surveys) or None, clock.now())
    click.echo(secret)


@keys.command("revoke")
@click.argument("key_id")
@cli.with_database
def keys_revoke(key_id: str) -> None:
    """Take a key out of use, at once and everywhere."""
    if not accounts.revoke(key_id, clock.now()):
        raise click.ClickException("There is no such key.")


@click.group(cls=AppGroup, invoke_without_command=True)
@click.pass_context
def migrate(context: click.Context) -> None:
    """Apply migrations (or: migrate down, migrate status)."""
    if context.invoked_subcommand is None:
        applied = schema.up(web.settings())
        click.echo("\n".join(applied) or "Nothing to apply.")


@migrate.command("down")
@click.argument("target", required=False)
def migrate_down(target: str | None) -> None:
    """Take back the last migration, or all back through TARGET."""
    click.echo("\n".join(schema.down(web.settings(), target)))


@migrate.command("status")
def migrate_status() -> None:
    """Say which migrations are not applied."""
    click.echo("\n".join(schema.pending()) or "All applied.")


@click.command()
@click.option("--check", is_flag=True, help="Only compare; exit 1 when counts and responses disagree.")
@cli.with_database
def recount(check: bool) -> None:
    """Count the daily counts anew from the responses (needed after a change of TIME_ZONE)."""
    db.patient()
    found = rollups.differences()
    if not check:
        rows = rollups.rebuild(days=True)
        click.echo(f"{rows} daily counts written; {len(found)} had differed.")
    else:
        click.echo(f"{len(found)} daily counts differ.")
        if found:
            sys.exit(1)
