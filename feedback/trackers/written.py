"""An issue's words, as trackers take them: what people typed and customers said stays plain text in each of them."""

import re
from typing import Any

from feedback.trackers.tracker import Draft
from surveys.base.delivery import defusing

#: Letters of a title, and of a paragraph.
MOST_TITLE, MOST_LINE = 200, 2000

#: ASCII punctuation, all of which may stand after a backslash (CommonMark 0.31, 2.4).
_SIGNS = re.compile(r"([!-/:-@\[-`{-~])")

#: What trackers read as the key of an issue: `GH-12`, `SHOP-7`.
_KEY = re.compile(r"(?<=[A-Za-z0-9]-)(?=\d)")

_BEHIND = "What customers say, for members of the team"
_KEPT = "Their words stay in Earshot."
_FOOT = "Earshot issue"


def title(label: str) -> str:
    """A title that links and mentions nothing."""
    return _unkeyed(defusing.line(label, MOST_TITLE)) or "Feedback"


def markdown(draft: Draft) -> str:
    """The body for whoever reads Markdown (GitHub, Linear), with the badge as an image."""
    said = [_escaped(line) for line in _lines(draft)]
    badge = [f"![Evidence]({draft.badge})"] if draft.badge is not None else []
    return "\n\n".join(
        [
            *said,
            *badge,
            f"[{_BEHIND}]({draft.page}). {_KEPT}",
            f"{_FOOT} {draft.marker}",
        ]
    )


def document(draft: Draft) -> dict[str, Any]:
    """The body as an Atlassian Document, in which text is text: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/

    The badge is a link there: images from elsewhere are not taken everywhere.
    """
    said = [[_run(_unkeyed(defusing.plain(line, MOST_LINE)))] for line in _lines(draft)]
    badge = [[_run("Evidence, as it is now", draft.badge)]] if draft.badge is not None else []
    content = [
        *said,
        *badge,
        [_run(_BEHIND, draft.page), _run(f". {_KEPT}")],
        [_run(f"{_FOOT} {draft.marker}")],
    ]
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": runs} for runs in content],
    }


# ------------------------------------------------------------------------------------------------------


def _lines(draft: Draft) -> list[str]:
    return [line.strip() for line in draft.lines if line.strip()]


def _escaped(line: str) -> str:
    return _SIGNS.sub(r"\\\1", _unkeyed(defusing.line(line, MOST_LINE)))


def _unkeyed(line: str) -> str:
    return _KEY.sub(defusing.JOINER, line)


def _run(words: str, address: str | None = None) -> dict[str, Any]:
    marks = {"marks": [{"type": "link", "attrs": {"href": address}}]} if address else {}
    return {"type": "text", "text": words, **marks}
