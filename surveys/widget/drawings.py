"""The drawings of a scale's points, for the panel and the service's own pages; strokes on a square of 24."""

from functools import cache

#: Head, eyes; mouths from very unhappy to very happy.
_HEAD = "M2 12a10 10 0 1 1 20 0a10 10 0 1 1-20 0M8.5 9v.6M15.5 9v.6"
_MOUTHS = ("M7 17.5q5-7 10 0z", "M8 16.5q4-3.5 8 0", "M8 15.5h8", "M8 14.5q4 3.5 8 0", "M7 14q5 7 10 0z")

_STAR = "M12 2.6L14.7 9.1L21.7 9.6L16.4 14.2L18 21.1L12 17.4L6 21.1L7.6 14.2L2.3 9.6L9.3 9.1z"

_THUMBS = (
    "M3 4h4v9H3zM7 12l4.2 8.6c1.7 0 2.8-1.3 2.4-3L13 14h6a2 2 0 0 0 2-2.4l-1.3-6a2 2 0 0 0-2-1.6H7",
    "M3 11h4v9H3zM7 12l4.2-8.6c1.7 0 2.8 1.3 2.4 3L13 10h6a2 2 0 0 1 2 2.4l-1.3 6a2 2 0 0 1-2 1.6H7",
)


@cache
def paths(scale: str) -> tuple[str, ...]:
    """What is drawn for each point, the lowest first, as the `d` of an SVG path; nothing for words and numbers."""
    if scale == "faces":
        return tuple(_HEAD + mouth for mouth in _MOUTHS)
    return {"stars": (_STAR,) * 5, "thumbs": _THUMBS}.get(scale, ())
