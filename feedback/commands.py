"""What a product team's operator types: `flask --app wsgi …`."""

import codecs
import math
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from feedback import exports, letters, lost
from feedback.demo import filling, year
from feedback.domain import cells
from feedback.domain.follow_ups import BY_HAND
from feedback.follow_ups import cases
from feedback.topics import reviews
from surveys import links, responses
from surveys.base import cli, clock, db
from surveys.base.db import migrations
from surveys.base.http import context
from surveys.commands import data
from surveys.models import Response

#: Follow-ups that the demo opens.
FOLLOW_UPS = 5


def install(app: Flask) -> None:
    """Add the commands to the app."""
    for command in (export, demo, analyse, topics):
        app.cli.add_command(command)


def _scale(_: Any, __: Any, ends: tuple[float, float] | None) -> tuple[float, float] | None:
    if ends and not (ends[0] != ends[1] and all(map(math.isfinite, ends))):
        raise click.BadParameter("the worst and the best score must be two different numbers.")
    return ends


def _encoding(_: Any, __: Any, name: str | None) -> str | None:
    try:
        # Some of Python's codecs turn bytes into bytes, which is an error only once they are used.
        return codecs.lookup(name).name if name and "a".encode(name) else None
    except (LookupError, UnicodeError, TypeError, ValueError):
        raise click.BadParameter(
            f"{name} is no encoding that is known, such as gbk or windows-1252."
        ) from None


_DELIMITER = click.option(
    "--delimiter",
    default=",",
    show_default=True,
    type=click.Choice([each.replace("\t", "tab") for each in cells.DELIMITERS]),
    callback=lambda _, __, chosen: "\t" if chosen == "tab" else chosen,
    help="What parts the columns of what is written.",
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where to write.")
@click.option("--text", default="text", show_default=True, help="The column with the comments.")
@click.option("--score", default="score", show_default=True, help="The column with the scores.")
@click.option(
    "--scale",
    nargs=2,
    type=float,
    callback=_scale,
    metavar="WORST BEST",
    help="What scores go from and to, such as 0 10; default: 0 1.",
)
@click.option(
    "--encoding",
    callback=_encoding,
    metavar="NAME",
    help="What a CSV file is in, such as gbk; default: recognised.",
)
@_DELIMITER
def analyse(
    file: Path,
    out: Path,
    text: str,
    score: str,
    scale: tuple[float, float] | None,
    encoding: str | None,
    delimiter: str,
) -> None:
    """Read the comments in FILE (.csv, .xlsx, .xls, .ods) and write its rows as CSV, with sentiment and topic. Needs
    no database, and leaves nothing behind.

    FILE has a column `text`, and if known `score`, `question` and `language` (a code such as en or de-AT). Added are
    `sentiment` (negative, neutral, positive, or empty), `sentiment_score` (-1 to 1), `topic` (empty when the comment
    belongs to none), `topic_label`, and what stands above the topic where there are many, `theme` and `theme_label`. In
    the end it says what all say together.
    """
    # Here, because the text engines are heavy and no other command needs them.
    from feedback.analysis import spreadsheet

    called = spreadsheet.Columns(text, score, scale)
    with cli.steps() as progress:
        try:
            done = spreadsheet.analyse(
                file, out, spreadsheet.feelings, spreadsheet.subjects, progress, called, encoding, delimiter
            )
        except spreadsheet.Unreadable as error:
            raise click.ClickException(str(error)) from None
    for line in spreadsheet.summary(done, out):
        click.echo(line, err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@click.option("--email", help="All that is kept about whoever goes by this address, as JSON.")
@click.option("--id", "external_id", help="The same by your id.")
@click.option("--person", "person_id", help="The same by ours (per_…).")
@click.option("--survey", help="Only responses of this survey.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only responses from this day (UTC) on.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Only responses before this day (UTC).")
@_DELIMITER
@cli.with_database
def export(
    file: Path,
    email: str | None,
    external_id: str | None,
    person_id: str | None,
    survey: str | None,
    since: datetime | None,
    until: datetime | None,
    delimiter: str,
) -> None:
    """Write all responses into FILE (.csv or .ndjson), or with a person's option what is kept about that person.

    Without FILE, or with -, to the screen.
    """
    if email or external_id or person_id:
        with _opened(file) as out:
            out.write(data.exported(email, external_id, person_id))
        return
    if file.suffix not in (".csv", ".ndjson", ""):
        raise click.ClickException(f"{file} must end in .csv or .ndjson: these two can be written.")
    count = 0
    filters: dict[str, Any] = {
        "survey": survey,
        "since": since.replace(tzinfo=UTC) if since else None,
        "until": until.replace(tzinfo=UTC) if until else None,
    }
    named = exports.properties(filters)
    as_table = partial(exports.table, delimiter=delimiter, properties=named)
    write = as_table if file.suffix == ".csv" else exports.ndjson
    with _opened(file) as out, cli.bar(Response.select().count(), "Exporting", " responses") as bar:
        for line in write(exports.items(filters)):
            out.write(line)
            bar.update()
            count += 1
    if str(file) != "-":
        # The first line of a table names its columns.
        click.echo(f"{count - (file.suffix == '.csv')} responses written to {file}.", err=True)


@click.command()
@click.option(
    "--responses", default=4000, show_default=True, type=click.IntRange(10, 1_000_000), help="How many."
)
@click.option("--seed", default=1, show_default=True, help="Another number, another year.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The year's last day (UTC); default: now.")
@click.option("--again", is_flag=True, help="Add another year although there is one; give another seed too.")
@with_appcontext
def demo(responses: int, seed: int, until: datetime | None, again: bool) -> None:
    """Fill in an invented year of an outdoor shop: three surveys, nine languages, agents, comments, a bad spring,
    and open follow-ups.

    Comments are read by the service, or by `worker`; `topics review` looks for their topics at once.
    """
    migrations.up(context.settings())
    _demo(responses, seed, until.replace(tzinfo=UTC) if until else clock.now(), again)


@cli.with_database
def _demo(responses: int, seed: int, until: datetime, again: bool) -> None:
    if filling.is_there() and not again:
        click.echo("The demo is there already; --again with another --seed adds a year.")
        return
    asks = year.asks(seed, until, responses)
    with cli.bar(len(asks), "Inventing a year", " asks") as bar:
        counts = filling.fill(asks, clock.now(), bar.update)
    opened = (ask for ask in year.unhappy(asks) if _follow_up(ask.id, clock.now()))
    list(islice(opened, FOLLOW_UPS))
    # Of so much history at once the worker would look at the newest alone before the night.
    lost.look_at_all(clock.now())
    # One that waits already serves as well; the next by itself comes at night.
    reviews.ask(clock.now())
    where = "/team of the service" if context.settings().base_url_is_a_guess else links.to("/team")
    click.echo(
        f"{', '.join(f'{count} {name}' for name, count in counts.items())} are at {where}; the running service reads "
        "the comments, beside those of now, and then looks for topics (GET /api/topics shows how far that is)."
    )


def _follow_up(response_id: str, now: datetime) -> bool:
    """Open a follow-up for an answer whose person may be written to; whether that is new. No mail leaves by it."""
    row = responses.find(response_id)
    if row is None or letters.reach(row.person, [row.contact], row.survey.ask_contact).why_not is not None:
        return False
    return db.write(lambda: cases.admit(row.key, BY_HAND, now))[1]


@click.group(cls=AppGroup)
def topics() -> None:
    """What comments have in common: review."""


@topics.command("review")
@cli.with_database
def topics_review() -> None:
    """Look at all topics anew, here and now, and keep what people said of them."""
    row, new = reviews.ask(clock.now())
    if not new and row.state == reviews.RUNNING:
        raise click.ClickException("A review is running already; see GET /api/topics.")
    with cli.bar(100, "Reviewing", " %") as bar:
        reviews.run(row, lambda step, share: bar.update(round(100 * share) - bar.n))
    done = reviews.latest()
    if done is not None:
        click.echo(f"{done.comments} comments reviewed, {done.moved} of those in a topic moved.")


@contextmanager
def _opened(file: Path) -> Any:
    if str(file) == "-":
        yield sys.stdout
        return
    out: IO[str]
    with open(file, "w", encoding="utf-8", newline="") as out:
        yield out
