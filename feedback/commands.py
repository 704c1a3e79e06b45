"""What a product team's operator types: `flask --app wsgi …`."""

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click
from flask import Flask

from feedback import exports
from surveys import housekeeping
from surveys.base import cli
from surveys.models import Response


def install(app: Flask) -> None:
    """Add the commands to the app."""
    app.cli.add_command(export)
    app.cli.add_command(analyse)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where to write.")
def analyse(file: Path, out: Path) -> None:
    """Read the comments in FILE.csv and write its rows again with sentiment and topic. Needs no database.

    FILE has a column `text`, and if known `score` (0 to 1), `question` and `language`. Added are `sentiment`
    (negative, neutral, positive, or empty), `sentiment_score` (-1 to 1), `topic` (empty when the comment belongs
    to none) and `topic_label`.
    """
    # Here, because the text engines are heavy and no other command needs them.
    from feedback.analysis import spreadsheet

    with cli.steps() as progress:
        try:
            count = spreadsheet.analyse(file, out, spreadsheet.feelings, spreadsheet.subjects, progress)
        except spreadsheet.Unreadable as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"{count} comments written to {out}.", err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@click.option("--email", help="All that is kept about whoever goes by this address, as JSON.")
@click.option("--id", "external_id", help="The same by your id.")
@click.option("--person", "person_id", help="The same by ours (per_…).")
@click.option("--survey", help="Only responses of this survey.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only responses from this day (UTC) on.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Only responses before this day (UTC).")
@cli.with_database
def export(
    file: Path,
    email: str | None,
    external_id: str | None,
    person_id: str | None,
    survey: str | None,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Write all responses into FILE (.csv or .ndjson), or with a person's option what is kept about that person.

    Without FILE, or with -, to the screen.
    """
    if email or external_id or person_id:
        with _opened(file) as out:
            out.write(housekeeping.exported(email, external_id, person_id))
        return
    write = exports.table if file.suffix == ".csv" else exports.ndjson
    filters: dict[str, Any] = {
        "survey": survey,
        "since": since.replace(tzinfo=UTC) if since else None,
        "until": until.replace(tzinfo=UTC) if until else None,
    }
    with _opened(file) as out, cli.bar(Response.select().count(), "Exporting", " responses") as bar:
        for line in write(exports.items(filters)):
            out.write(line)
            bar.update()


@contextmanager
def _opened(file: Path) -> Any:
    if str(file) == "-":
        yield sys.stdout
        return
    out: IO[str]
    with open(file, "w", encoding="utf-8", newline="") as out:
        yield out
