"""The one place that reads the clock."""

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC with `Z`, to the millisecond: what the API shows."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def possible(moment: datetime) -> datetime:
    """A foreign moment in UTC. Raises ValueError before 1970 and after 9000.

    At the edges of the calendar (the years 1 and 9999) another zone, a day more or a period before is none any more.
    """
    try:
        found = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment at the edge of the calendar") from None
    if not 1970 <= found.year <= 9000:
        raise ValueError("a moment that nobody means")
    return found


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970: exact, where float timestamps lose one now and then."""
    delta = moment - _EPOCH
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def moment(microseconds: int) -> datetime:
    """The moment (UTC) so many microseconds after the beginning of 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
