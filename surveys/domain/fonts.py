"""Lists of fonts as style sheets have them, made of nothing but names."""

import re

_NAME = re.compile(r"[^\W_](?:[\w .+&-]*[\w.+])?")

#: Names that mean whatever the reader's system has of the kind (CSS Fonts 4, 2.1.3).
_KINDS = frozenset(
    "serif sans-serif monospace cursive fantasy system-ui ui-serif ui-sans-serif ui-monospace ui-rounded math".split()
)


def normal(given: str) -> str | None:
    """`Inter, "Open Sans", serif` as a style sheet may hold it, each name in quotes; None for what is no such list."""
    names = [_unquoted(name.strip()) for name in given.split(",")]
    if not all(_NAME.fullmatch(name) or name == "-apple-system" for name in names):
        return None
    return ", ".join(
        name if name in _KINDS or name == "-apple-system" else f'"{" ".join(name.split())}"' for name in names
    )


def _unquoted(name: str) -> str:
    is_quoted = len(name) > 2 and name[0] == name[-1] and name[0] in "\"'"
    return name[1:-1].strip() if is_quoted else name
