"""What people are called by."""

#: Before or behind a name: whoever has one is called by it.
_TITLES = frozenset(
    "dr dr. prof prof. mr mr. mrs mrs. ms ms. herr frau m. mme mlle sr sr. sra sra. dott. ing. sir".split()
)


def first(name: str) -> str:
    """The first name in `Ann Lee` and in `Lee, Ann`; all of a name with a title, and of what is no name of two parts.

    Nothing in a text that is an address or a number rather than a name.
    """
    if "@" in name or any(letter.isdigit() for letter in name):
        return ""
    last, comma, rest = name.partition(",")
    words = (rest if comma and rest.strip() and " " not in last.strip() else name).split()
    if not words or words[0].lower() in _TITLES:
        return " ".join(words)
    return words[0].strip(",")
