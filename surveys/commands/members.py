"""Members of the team, as an operator types it: `flask --app wsgi members …`."""

import click
from flask.cli import AppGroup

from surveys import team
from surveys.base import cli, clock, errors
from surveys.base.accounts import audit
from surveys.base.accounts import members as the_members
from surveys.base.accounts import second_factor as the_factor
from surveys.base.accounts.caller import Caller
from surveys.base.accounts.members import Member
from surveys.base.accounts.one_time_links import RESET, WELCOME

#: Whoever can type commands can do anything.
OPERATOR = Caller("command", "command line", frozenset({"admin"}))


@click.group(cls=AppGroup)
def members() -> None:
    """Members of the team: list, invite, reset."""


@members.command("list")
@cli.with_database
def members_list() -> None:
    """Members with their role, and whether they have joined."""
    for member in Member.select().order_by(Member.created_at, Member.id):
        state = "joined" if member.joined_at else "invited"
        click.echo(f"{member.id}  {member.role:13}  {state:7}  {member.email}  {member.name or ''}".rstrip())


@members.command("invite")
@click.option("--role", required=True, type=click.Choice(list(the_members.ROLES)))
@click.option("--email", help="Whom; without it, whoever follows the link says it.")
@click.option("--name", help="How they are called.")
@cli.with_database
def members_invite(role: str, email: str | None, name: str | None) -> None:
    """Print a link by which somebody joins, once and within 72 hours."""
    now = clock.now()
    if email is None:
        _note("invite", None)
        click.echo(team.first_link(role, now))
        return
    try:
        member = the_members.by_email(email)
        if member is None:
            values = {"email": email, "name": name, "role": role, "surveys": None}
            member, url = team.invite(values, OPERATOR, now)
        else:
            url = team.link(WELCOME, member, now)
    except errors.Clash as error:
        raise click.ClickException(error.message) from None
    _note("invite", member.id)
    click.echo(url)


@members.command("reset")
@click.argument("email")
@click.option("--second-factor", is_flag=True, help="Take the second factor away too: it is lost.")
@cli.with_database
def members_reset(email: str, second_factor: bool) -> None:
    """Print a link by which a member chooses a new password, once and within two hours."""
    found = the_members.by_email(email)
    if found is None:
        raise click.ClickException("There is no member with this address: flask --app wsgi members list")
    try:
        url = team.link(RESET, found, clock.now())
    except errors.Clash as error:
        raise click.ClickException(error.message) from None
    if second_factor:
        the_factor.switch_off(found.id)
    _note("reset", found.id)
    click.echo(url)


def _note(command: str, thing: str | None) -> None:
    audit.note(OPERATOR.name, None, f"members {command}", thing, (), None, clock.now())
