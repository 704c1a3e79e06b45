"""What mail programs ask of HTML, each rule with its source; `broken(html)` says which a mail breaks.

An own list: it holds what our mail could break. Outlook is the one that shows mail by Word (2007 to 2021 on Windows).
"""

import re
from html.parser import HTMLParser

CANIEMAIL = "https://www.caniemail.com/features/"
WORD = (
    "https://learn.microsoft.com/en-us/previous-versions/office/developer/office-2007/aa338201(v=office.12)"
)
BUGS = "https://github.com/hteumeuleu/email-bugs/issues/"

#: Bytes: Gmail shows less than 102 KiB and hides the rest, and counts what is added on the way.
MOST_BYTES = 60 * 1024

#: Elements that nobody's mail may have, or that some program does not show.
FORBIDDEN = {
    "svg": CANIEMAIL + "html-svg/",
    "form": CANIEMAIL + "html-form/",
    "input": CANIEMAIL + "html-input-text/",
    "button": CANIEMAIL + "html-button-submit/",
    "picture": CANIEMAIL + "html-picture/",
    "video": CANIEMAIL + "html-video/",
    "link": CANIEMAIL + "html-link/",
    "script": "https://developers.google.com/workspace/gmail/design/css",
    "iframe": "https://developers.google.com/workspace/gmail/design/css",
    "base": CANIEMAIL + "html-base/",
}

#: What may stand in no style that is not for a newer program alone, for Outlook, or Gmail, leaves it out.
STYLES = {
    r"url\(|background-image": CANIEMAIL + "css-background-image/",
    r"display: *(inline-)?(flex|grid)": CANIEMAIL + "css-display-flex/",
    r"position *:": CANIEMAIL + "css-position/",
    r"var\(|--\w": CANIEMAIL + "css-variables/",
    r"calc\(": CANIEMAIL + "css-unit-calc/",
    r"\d(rem|vw|vh|ch)\b": CANIEMAIL + "css-unit-rem/",
    r"-inline-|-block-|text-align: *(start|end)": CANIEMAIL + "css-margin-inline/",
    r"(margin|padding)[a-z-]*: *[^;]*-\d": CANIEMAIL + "css-margin/",
    r"color-mix|light-dark|rgba?\(|hsla?\(|#[0-9a-f]{8}\b|#[0-9a-f]{4}\b": CANIEMAIL + "css-rgba/",
    r"float *:": WORD,
    r"@import|@font-face": CANIEMAIL + "css-at-import/",
}


_FIXED = '<!--[if mso]><table role="presentation" width="600"'


def broken(html: str) -> list[str]:
    """The rules that a mail breaks, each with its source."""
    reader = _Reader()
    reader.feed(html)
    styles = "\n".join([*reader.styles, *reader.inline])
    found = [f"<{name}>: {source}" for name, source in FORBIDDEN.items() if name in reader.names]
    found += [
        f"{rule}: {source}" for rule, source in STYLES.items() if re.search(rule, styles, re.IGNORECASE)
    ]
    article = re.search(r'<div role="article"[^>]* lang="[^"]+" dir="(ltr|rtl)"', html)
    checks = [
        (len(html.encode()) < MOST_BYTES, f"larger than {MOST_BYTES} bytes: {BUGS}41"),
        (sum(map(len, reader.styles)) < 8192, f"more style than Gmail keeps: {BUGS}90"),
        (html.count("<!--[if") == html.count("<![endif]"), f"an unended comment for Outlook: {WORD}"),
        ("PixelsPerInch>96" in html, f"grows on dense screens of Outlook: {BUGS}47"),
        (_FIXED in html, f"no width where max-width is none: {CANIEMAIL}css-max-width/"),
        (
            "mso-padding-alt" in styles or 'class="key"' not in html,
            f"no padding in keys where a link has none: {WORD}",
        ),
        ('content="light dark"' in html, f"says nothing of dark: {CANIEMAIL}html-meta-color-scheme/"),
        (article, f"Gmail drops lang and dir of html: {CANIEMAIL}html-lang/"),
    ]
    found += [said for holds, said in checks if not holds]
    for name, attributes in reader.elements:
        found += [f"{name} {attributes}: {said}" for said in _wrong(name, attributes)]
    return found


def lacking(mail):
    """What a mail breaks as it is sent: in its subject, in its text, and in its HTML where it has one."""
    words = f"{mail.subject}\n{mail.text}"
    others = [url for url in re.findall(r"\S*://\S*", words) if not url.startswith("http://localhost")]
    checks = [
        (
            mail.subject.strip() and "\n" not in mail.subject and len(mail.subject) <= 200,
            "no subject in a line",
        ),
        (len(mail.text.encode()) < MOST_BYTES, f"larger than {MOST_BYTES} bytes"),
        (mail.text.endswith("\n") and len(mail.text.splitlines()) > 2, "no text"),
        (not re.search(r"\{\w+\}", words), "a place into which nothing was put"),
        (not others, f"leads elsewhere: {others}"),
    ]
    return [said for holds, said in checks if not holds] + (broken(mail.html) if mail.html else [])


def _wrong(name, attributes):
    """What one element lacks."""
    if name == "table":
        if attributes.get("role") != "presentation":
            yield "read out as a table of data (WCAG 2.2, H39)"
        for needed in ("cellspacing", "cellpadding", "border"):
            if needed not in attributes:
                yield f"Outlook takes its own {needed}: {WORD}"
    if name == "img":
        for needed in ("alt", "width", "height"):
            if needed not in attributes:
                yield f"no {needed}: pictures are off, or as large as they are in Outlook: {WORD}"
    if name == "td" and not attributes.get("style"):
        yield f"its style stands in the head alone, which some of Gmail's programs drop: {BUGS}90"
    if name == "a" and not attributes.get("href", "").startswith("http"):
        yield "leads nowhere: https://datatracker.ietf.org/doc/html/rfc2557#section-5"


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.elements, self.styles, self.inline, self._in_style = set(), [], [], [], False

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.elements.append((tag, dict(attrs)))
        self.inline.append(dict(attrs).get("style") or "")
        self._in_style = tag == "style"

    def handle_data(self, data):
        if self._in_style:
            self.styles.append(data)
            self._in_style = False
