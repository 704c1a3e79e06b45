"""What people are called by."""

#: Before or behind a name: whoever has one is called by it.
_TITLES = frozenset(
    "dr dr. prof prof. mr mr. mrs mrs. ms ms. herr frau m. mme mlle sr sr. sra sra. dott. ing. sir".split()
)


def first(name: str, family_first: bool = False) -> str:
    """The first name in `Ann Lee` and in `Lee, Ann`; all of a name with a title, and of what is no name of two parts.

    Nothing in a text that is an address or a number rather than a name. `family_first`: all of a name without a comma
    too, since its first word may be that of the family.
    """
    if "@" in name or any(letter.isdigit() for letter in name):
        return ""
    last, comma, rest = name.partition(",")
    turned = bool(comma and rest.strip()) and " " not in last.strip()
    words = (rest if turned else name).split()
    if not words or words[0].lower() in _TITLES or (family_first and not turned):
        return " ".join(words)
    return words[0].strip(",")
