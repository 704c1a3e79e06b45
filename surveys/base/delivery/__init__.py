"""How anything leaves the building: by one HTTP client, and by the transports that carry messages.

message   one mail, as plain values
headers   its header lines as they travel
mail      over SMTP, or as files into DATA_DIR/outbox
webhook   events to other systems, signed
slack     notices into Slack
teams     notices into Microsoft Teams
discord   notices into Discord
mailed    notices by mail
chats     what the chats have in common
defusing  words of strangers: nothing in them links, calls or breaks
client    the one HTTP client, which refuses private addresses
dns       TXT records of the sender's domain
deadline  hangs up on who takes too long in all
memory    keeps mail in a list, for tests
"""

from collections.abc import Callable
from typing import Any

from surveys.base.delivery import discord, mail, mailed, slack, teams, webhook
from surveys.base.delivery.client import Client
from surveys.base.settings import Settings

#: How each kind of transport is made of the settings, once.
TRANSPORTS: dict[str, Callable[[Settings], Any]] = {
    "mail": mail.of,
    "webhook": webhook.of,
    "slack": slack.of,
    "teams": teams.of,
    "discord": discord.of,
    "mailed": mailed.of,
}

_transports: dict[str, Any] = {}
_client = Client()


def install(settings: Settings) -> None:
    """Make the client and the transports; nothing is opened before something leaves."""
    use_client(Client(settings.outbound_allow))
    for kind, made_of in TRANSPORTS.items():
        use(kind, made_of(settings))


def outbound() -> Client:
    """What every call to a server outside goes through."""
    return _client


def use_client(chosen: Any) -> None:
    """Have calls go through `chosen`, which is called as a Client is."""
    global _client
    _client = chosen


def transport(kind: str) -> Any:
    """What carries messages of a kind. Raises LookupError before `install`."""
    return _transports[kind]


def mail_leaves() -> bool:
    """Whether mail goes to anybody: without a server it is filed into the outbox."""
    return not isinstance(transport("mail"), mail.Outbox)


def carrier(kind: str) -> Any:
    """What carries events and notices to a row of the table of webhooks, by its kind."""
    return transport("mailed" if kind == "mail" else kind)


def use(kind: str, chosen: Any) -> None:
    """Have messages of a kind carried by `chosen`."""
    _transports[kind] = chosen
