"""What an operator types to look after the data: erase, export, backup, restore, jobs, mail-test."""

import functools
import json
import shlex
import sys
from collections import Counter
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from surveys import tombstones
from surveys.base import cli, clock, jobs, sealing
from surveys.base.db import disk_reserve
from surveys.base.delivery import mail
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown, Message
from surveys.base.http import context
from surveys.commands.mail_records import mail_records
from surveys.keeping import backup as backups
from surveys.keeping import erasure
from surveys.models import Person


def install(app: Flask) -> None:
    """Add the commands to the app."""
    for command in (erase, backup, restore, reseal, mail_test, mail_records):
        app.cli.add_command(command)
    app.cli.add_command(jobs_group)


@click.command()
@click.option("--email", help="Everybody, verified or claimed, who goes by this address.")
@click.option("--id", "external_id", help="Everybody who goes by this id of yours.")
@click.option(
    "--person", "person_id", help="One person, by our id (per_…), with those who claimed to be them."
)
@click.option("--replay", is_flag=True, help="Erase again whoever the tombstones name, after a restore.")
@with_appcontext
def erase(email: str | None, external_id: str | None, person_id: str | None, replay: bool) -> None:
    """Erase a person everywhere: answers, invitations, what waits in queues, mail in the outbox."""
    if sum(map(bool, (email, external_id, person_id, replay))) != 1:
        raise click.UsageError("Give one of --email, --id, --person and --replay.")
    data_dir = context.settings().data_dir
    gone: Counter[str] = Counter()
    with disk_reserve.Room(data_dir, cli.Away) as room:
        who = room.do(functools.partial(_find, email, external_id, person_id))
        # What was done before the disk was full is done once more, which takes nothing away.
        room.do(functools.partial(_erase, who, email, external_id, data_dir, gone))
    if room.shrank:
        click.echo(
            "The disk is full, and a part of what is kept free for erasing is used up. Make room: within the hour the "
            "service keeps it free again.",
            err=True,
        )
    click.echo(_counted(gone) if gone else "Nothing is kept about them.")


@cli.with_database
def _find(email: str | None, external_id: str | None, person_id: str | None) -> list[Person] | None:
    """Whom to erase; None for those whom the tombstones name, when nobody is given."""
    if not (email or external_id or person_id):
        return None
    return find(email, external_id, person_id)


@cli.with_database
def _erase(
    who: list[Person] | None,
    email: str | None,
    external_id: str | None,
    data_dir: Path,
    gone: Counter[str],
) -> None:
    """Erase one person, or whom the tombstones name; adds to `gone` how many rows of each table went."""
    if who is None:
        gone.update(erasure.replay({**tombstones.mirrored(data_dir), **tombstones.known()}, clock.now()))
    else:
        gone.update(erasure.erase(who, clock.now(), email, external_id))
    if files := erasure.clean_up():
        gone["outbox"] += files


def find(email: str | None, external_id: str | None, person_id: str | None) -> list[Person]:
    """The rows a person is kept in, by address, by the caller's id or by ours."""
    if person_id:
        person = Person.get_or_none(Person.id == person_id)
        return erasure.rows_of(person) if person else []
    return erasure.rows_named(email, external_id)


def _counted(rows: dict[str, int]) -> str:
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}  {count}" for name, count in sorted(rows.items()))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE when it is there.")
@cli.with_database
def backup(file: Path, force: bool) -> None:
    """Write everything into FILE, as it is at this moment, while the service runs.

    FILE holds all data and the key that signs tokens, and only its owner may read it.
    """
    if file.exists() and not force:
        raise click.ClickException(f"{file} is there already. Give another name, or --force to replace it.")
    with cli.bar(backups.total(), "Backing up") as bar:
        counts = backups.write(file, context.settings(), clock.now(), bar.update)
    click.echo(
        f"{sum(counts.values())} rows of {len(counts)} tables in {file}, {counts['response']} of them responses."
    )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace what the database holds.")
@click.option("--check", is_flag=True, help="Only read FILE through and say what is in it.")
@with_appcontext
def restore(file: Path, force: bool, check: bool) -> None:
    """Put the backup FILE in place of what the database holds, SQLite or PostgreSQL, all of it or nothing."""
    try:
        manifest = backups.check(file)
        click.echo(
            f"Made at {clock.stamp(manifest.made_at)} from {manifest.database}: {sum(manifest.rows.values())} rows."
        )
        if check:
            return
        with cli.bar(sum(manifest.rows.values()), "Restoring") as bar:
            done = backups.restore(file, context.settings(), clock.now(), force, bar.update)
    except backups.NotABackup as error:
        raise click.ClickException(f"{file}: {error}") from None
    except backups.NotEmpty as error:
        raise click.ClickException(f"{error} --force replaces them.") from None
    _report(done, file)


@click.command()
@cli.with_database
def reseal() -> None:
    """Encrypt stored secrets anew under the SECRET_KEY in force, so that those in SECRET_KEY_BEFORE can go."""
    click.echo(f"{sealing.reseal()} secrets sealed anew.")


def _report(done: backups.Restored, file: Path) -> None:
    click.echo(_counted({name: count for name, count in done.rows.items() if count} or {"rows": 0}))
    if done.erased_again:
        click.echo(f"Erased again, because they were erased since:\n{_counted(done.erased_again)}")
    if done.held:
        click.echo(
            f"{done.held} jobs that waited are held, so that no mail goes out twice. "
            "See: flask --app wsgi jobs list, jobs release."
        )
    if done.new_secret:
        click.echo("Links and tokens are signed with the key of the backup from now on. Restart Earshot.")
    if done.unknown_secrets:
        click.echo(
            "Links in mail that was sent before the backup lead nowhere (404) until the keys of the backup stand in "
            "SECRET_KEY_BEFORE, comma-separated, and Earshot is restarted. They are secret_key and secret_keys_before "
            f"in its first line: zcat {shlex.quote(str(file))} | head -n 1"
        )
    if done.differing:
        click.echo(f"{done.differing} daily counts differ from the responses. Run: flask --app wsgi recount")
        sys.exit(1)


@click.group("jobs", cls=AppGroup)
def jobs_group() -> None:
    """What is to be done after the reply: list, release."""


@jobs_group.command("list")
@cli.with_database
def jobs_list() -> None:
    """What waits, failed, is held or dead."""
    for kind, state, count in jobs.overview():
        click.echo(f"{count:8}  {state:8}  {kind}")


@jobs_group.command("release")
@click.argument("kind", required=False)
@cli.with_database
def jobs_release(kind: str | None) -> None:
    """Let held and dead jobs (of one KIND) run now."""
    click.echo(f"{jobs.release(clock.now(), kind)} jobs released.")


@click.command("mail-test")
@click.option("--to", required=True, help="Where to.")
@with_appcontext
def mail_test(to: str) -> None:
    """Send one mail, the way all mail goes. Needs no database."""
    chosen = context.settings()
    message = Message(
        to=to,
        subject="Earshot can send mail",
        text=f"This is the test that was asked for at {chosen.base_url}.\nNothing else needs to be done.\n",
    )
    try:
        mail.of(chosen).send(message, clock.now())
    except DeliveryUnknown as error:
        raise click.ClickException(f"The server fell silent after it had the mail ({error}).") from None
    except DeliveryFailed as error:
        again = "Trying again may help." if error.again else "Trying again will not help."
        raise click.ClickException(f"Not sent: {error} ({error.__cause__ or 'refused'}). {again}") from None
    click.echo(
        f"Sent to {to}."
        if chosen.smtp_url
        else f"Written to {chosen.data_dir / 'outbox'}: SMTP_URL is not set."
    )


def exported(email: str | None, external_id: str | None, person_id: str | None) -> str:
    """All that is kept about one person, as JSON."""
    who = find(email, external_id, person_id)
    return json.dumps(erasure.export(who, clock.now()), ensure_ascii=False, indent=2) + "\n"
