"""When opening hours are over: weekends, odd weekdays, holidays, both changes of the clock, and waiting."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from feedback.domain import business_hours
from feedback.domain.business_hours import Hours, Shift, due, elapsed

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = (Shift(frozenset(range(5)), 9 * 60, 17 * 60),)
ALWAYS = (Shift(frozenset(range(7)), 0, 1440),)
NIGHT = (Shift(frozenset(range(7)), 150, 600),)


def at(text, zone=BERLIN):
    """A moment on the wall clock of a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def hours(shifts=OFFICE, *holidays, zone=BERLIN):
    return Hours(zone, tuple(shifts), frozenset(date.fromisoformat(day) for day in holidays))


#: What holds, the hours, from when, how many hours, due when.
CASES = [
    ("over a weekend", hours(), "2026-11-27 16:00", 8, "2026-11-30 16:00"),
    ("to the minute", hours(), "2026-11-27 16:40", 8, "2026-11-30 16:40"),
    ("three days of work", hours(), "2026-11-27 16:40", 24, "2026-12-02 16:40"),
    ("before the opening", hours(), "2026-11-30 03:00", 8, "2026-11-30 17:00"),
    ("on a weekend", hours(), "2026-11-28 12:00", 1, "2026-11-30 10:00"),
    ("until the very end of a day", hours(), "2026-11-30 09:00", 8, "2026-11-30 17:00"),
    ("at the very end of a day", hours(), "2026-11-30 17:00", 1, "2026-12-01 10:00"),
    ("Tuesdays alone", hours([Shift(frozenset([1]), 540, 1020)]), "2026-11-27 16:00", 10, "2026-12-08 11:00"),
    ("received on a holiday", hours(OFFICE, "2026-11-30"), "2026-11-30 10:00", 8, "2026-12-01 17:00"),
    ("a holiday between", hours(OFFICE, "2026-12-01"), "2026-11-30 13:00", 8, "2026-12-02 13:00"),
    ("a break at noon", hours([Shift(frozenset(range(5)), 540, 720), Shift(frozenset(range(5)), 780, 1020)]),
     "2026-11-30 11:00", 4, "2026-11-30 16:00"),
    ("shifts that overlap", hours([*OFFICE, Shift(frozenset([0]), 960, 1200)]),
     "2026-11-30 15:00", 4, "2026-11-30 19:00"),
    ("round the clock", hours(ALWAYS), "2026-11-27 16:00", 30, "2026-11-28 22:00"),
    ("clocks go forward", hours(ALWAYS), "2026-03-28 12:00", 24, "2026-03-29 13:00"),
    ("clocks go back", hours(ALWAYS), "2026-10-24 12:00", 24, "2026-10-25 11:00"),
    ("clocks go forward, office hours", hours(), "2026-03-27 16:00", 8, "2026-03-30 16:00"),
    ("clocks go back, office hours", hours(), "2026-10-23 16:00", 8, "2026-10-26 16:00"),
    ("opens in the hour that is not there", hours(NIGHT), "2026-03-29 00:00", 1, "2026-03-29 04:00"),
    ("opens in the hour that is there twice", hours(NIGHT), "2026-10-25 00:00", 2, "2026-10-25 03:30"),
    ("closes in the hour that is not there", hours([Shift(frozenset(range(7)), 60, 150)]), "2026-03-29 00:00", 2,
     "2026-03-30 02:00"),
    ("closes in the hour that is there twice", hours([Shift(frozenset(range(7)), 60, 150)]), "2026-10-25 00:00", 2.5,
     "2026-10-25 02:30+01:00"),
    ("a day that never was", hours(ALWAYS, zone=ZoneInfo("Pacific/Apia")), "2011-12-29 12:00", 24, "2011-12-31 12:00"),
    ("half an hour from whole ones", hours(zone=ZoneInfo("Asia/Kolkata")), "2026-11-27 16:30", 8, "2026-11-30 16:30"),
    ("a quarter from them", hours(zone=ZoneInfo("Asia/Kathmandu")), "2026-11-27 16:45", 8, "2026-11-30 16:45"),
    ("half an hour, clocks go forward", hours(ALWAYS, zone=ZoneInfo("America/St_Johns")), "2026-03-07 12:00", 24,
     "2026-03-08 13:00"),
    ("half an hour, clocks go back", hours(ALWAYS, zone=ZoneInfo("Australia/Adelaide")), "2026-04-04 12:00", 24,
     "2026-04-05 11:00"),
    ("south of the line, office hours", hours(zone=ZoneInfo("America/Santiago")), "2026-09-04 16:00", 8,
     "2026-09-07 16:00"),
    ("clocks change at midnight", hours(ALWAYS, zone=ZoneInfo("Asia/Beirut")), "2026-03-28 12:00", 24,
     "2026-03-29 13:00"),
    ("a holiday on which clocks change", hours(ALWAYS, "2026-03-29"), "2026-03-28 12:00", 24, "2026-03-30 12:00"),
    ("holidays in a row and a weekend", hours(OFFICE, "2026-12-24", "2026-12-25", "2026-12-28"),
     "2026-12-23 16:00", 8, "2026-12-29 16:00"),
    ("the leap day", hours(), "2028-02-28 16:00", 8, "2028-02-29 16:00"),
    ("half an hour of summer", hours(ALWAYS, zone=ZoneInfo("Australia/Lord_Howe")), "2026-10-03 12:00", 24,
     "2026-10-04 12:30"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "open_", "start", "wanted", "expected"), CASES, ids=[each[0] for each in CASES]
)
def test_so_many_opening_hours_are_over(what, open_, start, wanted, expected):
    moment = datetime.fromisoformat(expected)
    wanted_at = moment.astimezone(UTC) if moment.tzinfo else at(expected, open_.zone)
    found = due(open_, at(start, open_.zone), timedelta(hours=wanted))
    assert found.at == wanted_at
    assert found.at.tzinfo is UTC
    # What was open until then is what was wanted.
    assert elapsed(open_, at(start, open_.zone), found.at) == timedelta(hours=wanted)


WAITS = [
    # Two hours of a day, a night, over a weekend: only opening hours are taken out.
    ([("2026-11-30 10:00", "2026-11-30 12:00")], "2026-12-01 11:00"),
    ([("2026-11-30 16:00", "2026-12-01 10:00")], "2026-12-01 11:00"),
    ([("2026-11-30 18:00", "2026-12-01 08:00")], "2026-11-30 17:00"),
    ([("2026-11-30 10:00", "2026-11-30 11:00"), ("2026-11-30 13:00", "2026-11-30 14:00")], "2026-12-01 11:00"),
    # Before it began, and after it was due.
    ([("2026-11-29 10:00", "2026-11-30 10:00")], "2026-12-01 10:00"),
    ([("2026-12-01 12:00", "2026-12-03 12:00")], "2026-11-30 17:00"),
    ([("2026-12-01 12:00", None)], "2026-11-30 17:00"),
    ([("2026-11-30 10:00", None)], None),
]  # fmt: skip


@pytest.mark.parametrize(("waits", "expected"), WAITS)
def test_waiting_for_the_customer_is_taken_out_in_opening_hours(waits, expected):
    spans = [(at(begun), ended and at(ended)) for begun, ended in waits]
    found = due(hours(), at("2026-11-30 09:00"), timedelta(hours=8), spans)
    assert found.at == (expected and at(expected))
    if found.at is not None:
        assert elapsed(hours(), at("2026-11-30 09:00"), found.at, spans) == timedelta(hours=8)


def test_waiting_over_a_night_in_which_clocks_change_takes_out_what_was_open():
    for day, open_ in (("2026-03-29", 23), ("2026-10-25", 25)):
        begin = datetime.combine(date.fromisoformat(day) - timedelta(days=1), datetime.min.time())
        start = at(begin.isoformat())
        waits = [(at(f"{day} 00:00"), at((begin + timedelta(days=2)).isoformat()))]
        found = due(hours(ALWAYS), start, timedelta(hours=30), waits)
        # A day, then what is left of the six hours once the wait of the short or long day is over.
        assert found.at == at((begin + timedelta(days=2, hours=6)).isoformat())
        assert f"{open_} h not counted" in found.why


def test_the_arithmetic_is_told():
    start = at("2026-11-27 16:40")
    assert due(hours(OFFICE, "2026-11-30"), start, timedelta(hours=8)).why == (
        "received Fri 27 Nov 16:40 · 20 min on Fri 27 Nov · closed on Mon 30 Nov (holiday) · "
        "Tue 1 Dec from 09:00 · due Tue 1 Dec 16:40 (Europe/Berlin)"
    )
    waited = [(at("2026-11-30 10:00"), at("2026-11-30 11:30")), (at("2026-12-01 09:00"), None)]
    assert due(hours(), start, timedelta(hours=24), waited).why == (
        "received Fri 27 Nov 16:40 · 20 min on Fri 27 Nov · 6 h 30 min on Mon 30 Nov · "
        "1 h 30 min not counted (waiting for the customer, or closed) · "
        "waiting for the customer since Tue 1 Dec 09:00 · 17 h 10 min left (Europe/Berlin)"
    )
    assert due(hours(), at("2026-11-30 10:00"), timedelta(hours=2)).why == (
        "received Mon 30 Nov 10:00 · due Mon 30 Nov 12:00 (Europe/Berlin)"
    )
    assert "56 h on 7 days between" in due(hours(), start, timedelta(hours=80)).why


def test_what_is_never_reached_says_so():
    # A minute a week.
    found = due(hours([Shift(frozenset([0]), 0, 1)]), at("2026-11-27 16:40"), timedelta(hours=80))
    assert found.at is None
    assert "not reached within ten years" in found.why
    last = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)
    assert due(hours(), last, timedelta(hours=80)).at is None
    assert business_hours.lasting(timedelta(seconds=20)) == "0 min"


def test_a_day_is_looked_up_once_however_many_cases_lie_on_it(monkeypatch):
    looked, open_on = [], Hours._open_on
    monkeypatch.setattr(Hours, "_open_on", lambda self, day: looked.append(day) or open_on(self, day))
    office, start, end = hours(), at("2026-11-20 10:00"), at("2026-12-04 12:00")
    assert {elapsed(office, start, end) for _ in range(50)} == {timedelta(hours=82)}
    assert len(looked) == len(set(looked)) <= 20
