"""Moments and days, where clocks jump too."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from surveys.domain import schedule
from surveys.domain.schedule import SendWindow

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = SendWindow(time(9), time(17), frozenset(range(5)))
NIGHTLY = SendWindow(time(2, 30), time(3, 30))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "delay", "window", "expected"),
    [
        (utc(2026, 11, 21, 12), 0, None, utc(2026, 11, 21, 12)),
        (utc(2026, 11, 21, 12), 90, None, utc(2026, 11, 21, 13, 30)),
        # 2026-11-20 is a Friday; Berlin is one hour ahead of UTC.
        (utc(2026, 11, 20, 8), 0, OFFICE, utc(2026, 11, 20, 8)),
        (utc(2026, 11, 20, 7, 59), 0, OFFICE, utc(2026, 11, 20, 8)),
        (utc(2026, 11, 20, 7, 30), 60, OFFICE, utc(2026, 11, 20, 8, 30)),
        (utc(2026, 11, 20, 15, 59), 0, OFFICE, utc(2026, 11, 20, 15, 59)),
        (utc(2026, 11, 20, 16), 0, OFFICE, utc(2026, 11, 23, 8)),
        (utc(2026, 11, 20, 15), 60, OFFICE, utc(2026, 11, 23, 8)),
        (utc(2026, 11, 19, 23, 30), 0, OFFICE, utc(2026, 11, 20, 8)),
        (utc(2026, 11, 21, 12), 0, OFFICE, utc(2026, 11, 23, 8)),
        # Over the end of summer time nine o'clock moves from 07:00 to 08:00 UTC.
        (utc(2026, 10, 23, 16), 0, OFFICE, utc(2026, 10, 26, 8)),
        (utc(2026, 10, 22, 16), 0, OFFICE, utc(2026, 10, 23, 7)),
        # 02:30 does not exist on 2026-03-29 and comes twice on 2026-10-25.
        (utc(2026, 3, 29, 0), 0, NIGHTLY, utc(2026, 3, 29, 1, 30)),
        (utc(2026, 10, 24, 23), 0, NIGHTLY, utc(2026, 10, 25, 0, 30)),
    ],
)
def test_mail_waits_for_its_delay_and_then_for_the_window(now, delay, window, expected):
    assert schedule.send_at(now, delay, window, BERLIN) == expected


@pytest.mark.parametrize(
    ("opens", "closes", "weekdays"),
    [
        (time(9), time(9), range(7)),
        (time(22), time(6), range(7)),
        (time(9), time(17), ()),
        (time(9), time(17), (7,)),
    ],
)
def test_a_window_that_never_opens_is_refused(opens, closes, weekdays):
    with pytest.raises(ValueError, match="a send window"):
        SendWindow(opens, closes, frozenset(weekdays))


def test_an_invitation_expires_and_an_answer_sets_after_their_windows():
    sent = utc(2026, 11, 21, 12)
    assert schedule.expires_at(sent, 30) == utc(2026, 12, 21, 12)
    assert schedule.editable_until(sent, 168) == utc(2026, 11, 28, 12)


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        (utc(2026, 11, 20, 23, 30), "UTC", date(2026, 11, 20)),
        (utc(2026, 11, 20, 23, 30), "Europe/Berlin", date(2026, 11, 21)),
        (utc(2026, 11, 21, 4), "America/New_York", date(2026, 11, 20)),
        (utc(2026, 11, 20, 18, 30), "Asia/Kolkata", date(2026, 11, 21)),
    ],
)
def test_a_moment_belongs_to_the_day_of_the_time_zone(moment, zone, day):
    assert schedule.day_of(moment, ZoneInfo(zone)) == day


@pytest.mark.parametrize(
    ("day", "interval", "first", "following"),
    [
        (date(2026, 11, 21), "day", date(2026, 11, 21), date(2026, 11, 22)),
        (date(2026, 11, 21), "week", date(2026, 11, 16), date(2026, 11, 23)),
        (date(2026, 11, 16), "week", date(2026, 11, 16), date(2026, 11, 23)),
        (date(2027, 1, 1), "week", date(2026, 12, 28), date(2027, 1, 4)),
        (date(2026, 2, 28), "month", date(2026, 2, 1), date(2026, 3, 1)),
        (date(2028, 1, 31), "month", date(2028, 1, 1), date(2028, 2, 1)),
        (date(2026, 12, 31), "month", date(2026, 12, 1), date(2027, 1, 1)),
        (date(2026, 3, 31), "quarter", date(2026, 1, 1), date(2026, 4, 1)),
        (date(2026, 11, 21), "quarter", date(2026, 10, 1), date(2027, 1, 1)),
    ],
)
def test_a_day_lies_in_its_week_month_and_quarter(day, interval, first, following):
    assert schedule.first_day(day, interval) == first
    assert schedule.next_first_day(day, interval) == following


@pytest.mark.parametrize("interval", ["day", "week", "month", "quarter"])
def test_intervals_follow_each_other_without_gap_or_overlap(interval):
    firsts = list(schedule.first_days(date(2023, 12, 30), date(2028, 3, 2), interval))
    days = [date(2023, 12, 30) + timedelta(days=offset) for offset in range(1524)]
    assert firsts == sorted({schedule.first_day(day, interval) for day in days})


def test_an_empty_period_has_no_intervals():
    assert list(schedule.first_days(date(2026, 11, 21), date(2026, 11, 21), "day")) == []


@pytest.mark.parametrize(
    ("day", "zone", "start"),
    [
        (date(2026, 11, 21), "UTC", utc(2026, 11, 21)),
        (date(2026, 3, 29), "Europe/Berlin", utc(2026, 3, 28, 23)),
        (date(2026, 3, 30), "Europe/Berlin", utc(2026, 3, 29, 22)),
        (date(2026, 10, 26), "Europe/Berlin", utc(2026, 10, 25, 23)),
        # No midnight in São Paulo on 2018-11-04: clocks went from 00:00 to 01:00.
        (date(2018, 11, 4), "America/Sao_Paulo", utc(2018, 11, 4, 3)),
        # Two midnights in Havana on 2026-11-01: clocks go from 01:00 back to 00:00.
        (date(2026, 11, 1), "America/Havana", utc(2026, 11, 1, 4)),
    ],
)
def test_a_day_starts_at_its_first_moment(day, zone, start):
    place = ZoneInfo(zone)
    assert schedule.starts_at(day, place) == start
    assert schedule.day_of(start, place) == day
    assert schedule.day_of(start - timedelta(seconds=1), place) == day - timedelta(days=1)
