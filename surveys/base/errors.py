"""What a verb refuses, in words of our own. Each edge says it its way: JSON in `http/problems`, pages as pages.

`fields` are the names of what is wrong in what was sent: none where no single one is.
"""


class Error(Exception):
    """Something that whoever calls must be told; `message` is for them to read."""

    def __init__(self, message: str = "", *fields: str) -> None:
        super().__init__(message)
        self.message, self.fields = message, fields


class Refused(Error):
    """What was sent is not valid."""


class Clash(Error):
    """What was sent contradicts what is stored."""


class Missing(Error):
    """There is nothing by this name that the caller may see. No message: missing and foreign look alike."""


class Gone(Error):
    """What was asked for is over, and was there once."""


class Forbidden(Error):
    """The caller may not do this."""


class Unauthorized(Error):
    """The caller has not proved who they are. No message: each door says itself what it takes."""
