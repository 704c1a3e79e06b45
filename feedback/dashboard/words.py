"""Every string of the team's pages, by key. English only."""

from typing import Any

WORDS = {
    "product": "Earshot",
    "skip": "Skip to content",
    "menu": "Menu",
    "navigation": "Pages",
    "account": "You",
    "profile": "Your profile",
    "sign_out": "Sign out",
    "part.listen": "Listen",
    "part.act": "Act",
    "part.people": "People",
    "part.ask": "Ask",
    "part.admin": "Administration",
    "back_to_overview": "Go to the overview",
    "request": "Request {id}",
    # What a page says of an error.
    "refused.400": "That did not arrive whole",
    "refused.403": "Not for your role",
    "refused.403.told": "Your role does not open this page. An administrator can change that.",
    "refused.404": "There is nothing here",
    "refused.404.told": "The address may be mistyped, the thing may be deleted, or it is not yours to see.",
    "refused.405": "This page takes no such thing",
    "refused.409": "Somebody was faster",
    "refused.413": "Too large",
    "refused.415": "That is no form of ours",
    "refused.422": "That cannot be done as it stands",
    "refused.429": "Too many tries",
    "refused.503": "The database cannot be reached",
    "refused.500": "Something went wrong on our side",
}


def say(key: str, **values: Any) -> str:
    """The words for `key`, with `values` put in."""
    return WORDS[key].format(**values) if values else WORDS[key]


def refusal(status: int) -> tuple[str, str | None]:
    """Title and words of an error's page; None where the error's own words say it."""
    return WORDS.get(f"refused.{status}", WORDS["refused.500"]), WORDS.get(f"refused.{status}.told")
