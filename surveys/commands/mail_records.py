"""What an operator types to see what the sender's domain says of its mail."""

import ipaddress
import sys
from urllib.parse import urlsplit

import click
from flask.cli import with_appcontext

from surveys.base.delivery import dns
from surveys.base.http import context
from surveys.domain import addresses
from surveys.mail import sender_records


@click.command("mail-records")
@click.option("--domain", help="Default: that of MAIL_FROM.")
@click.option("--selector", help="Of DKIM; default: MAIL_DKIM_SELECTOR.")
@click.option(
    "--server", help="Name server to ask, such as 9.9.9.9 or 127.0.0.1:5353; default: this machine's."
)
@with_appcontext
def mail_records(domain: str | None, selector: str | None, server: str | None) -> None:
    """Look up what the sender's domain says now: SPF, DKIM, DMARC. Ends with 1 when something is to be done."""
    chosen = context.settings()
    domain = addresses.normal_domain(domain) if domain else sender_records.domain_of(chosen)
    if not domain:
        raise click.UsageError("Set MAIL_FROM, or give --domain.")
    try:
        asked = _server(server) if server else dns.system_server()
        found = sender_records.findings(chosen, domain, selector or chosen.mail_dkim_selector, asked)
    except dns.Unanswered as error:
        raise click.ClickException(str(error)) from None
    for what, finding in found.items():
        click.echo(f"{'ok  ' if finding.ok else 'TODO'}  {what}: {finding.says}")
    if not all(finding.ok for finding in found.values()):
        sys.exit(1)


def _server(text: str) -> tuple[str, int]:
    try:
        return str(ipaddress.ip_address(text)), 53
    except ValueError:
        pass
    try:
        parts = urlsplit(f"//{text}")
        return str(ipaddress.ip_address(parts.hostname or "")), parts.port or 53
    except ValueError:
        raise click.BadParameter(f"{text} is no address, such as 9.9.9.9 or [2620:fe::fe]:53.") from None
