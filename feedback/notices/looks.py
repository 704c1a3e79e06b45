"""What a notice looks like by mail: the words of its plain text, in the frame and the brand that all mails share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import css_inline

from surveys import brands
from surveys.mail import invitation_mail

_TEMPLATES = Path(__file__).parents[1] / "templates"


def html(said: Mapping[str, Any]) -> str:
    """A notice as HTML. `said`: subject, why, quote, lines, link, settings and stop, as `mailed` has them."""
    brand = brands.service()
    look = invitation_mail.look_of(brand, brand.options({}), "", "en")
    links = [("The rule", said["settings"]), ("No more of it", said["stop"])]
    shown = invitation_mail.template("notice_mail.html", _TEMPLATES).render(
        look,
        language="en",
        direction="ltr",
        subject=said["subject"],
        # What a mailbox shows behind the subject.
        preheader=said["why"],
        said=said,
        why="You get this because of a rule of the team.",
        links=[(text, url) for text, url in links if url],
    )
    return str(css_inline.inline(shown, keep_at_rules=True, load_remote_stylesheets=False))
