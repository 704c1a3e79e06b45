"""The language of a comment."""


def of(text: str, claimed: str | None) -> str | None:
    """The base language; for now what the survey was asked in."""
    return claimed.split("-")[0].lower() if claimed else "en"
