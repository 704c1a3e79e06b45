"""Mail of the service itself, to members and readers: a few words and one link, as text and in the company's look."""

from dataclasses import replace

import css_inline

from surveys import brands
from surveys.base.delivery.message import Message
from surveys.mail.invitation_mail import look_of, template


def dressed(mail: Message, label: str, why: str) -> Message:
    """The same mail with HTML beside its text.

    `label`: what the key says that leads where the text's link does, which stands on a line of its own. `why`: why
    somebody gets the mail.
    """
    brand = brands.service()
    parts = [part.strip().splitlines() for part in mail.text.split("\n\n")]
    shown = [_part(lines) for lines in parts if lines]
    values = {
        "language": "en",
        "direction": "ltr",
        "subject": mail.subject,
        # What a mailbox shows behind the subject: what follows the greeting, where something does.
        "preheader": next((" ".join(lines) for lines, _ in (*shown[1:], *shown[:1]) if lines), ""),
        "parts": shown,
        "label": label,
        "why": why,
        "links": [],
    }
    html = template("service_mail.html").render(look_of(brand, brand.options({}), "", "en"), **values)
    return replace(mail, html=css_inline.inline(html, keep_at_rules=True, load_remote_stylesheets=False))


# ------------------------------------------------------------------------------------------------------


def _part(lines: list[str]) -> tuple[list[str], str | None]:
    """The lines of a paragraph, and the link that ends it. Only facts, each behind its name, keep their lines."""
    link = lines[-1] if lines[-1].startswith(("http://", "https://")) else None
    words = lines[:-1] if link else lines
    are_facts = len(words) > 1 and all(": " in line for line in words)
    return words if are_facts or not words else [" ".join(words)], link
