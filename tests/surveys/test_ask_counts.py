"""Counts of asks whose days are over: right whatever happens to an ask afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from feedback import results
from surveys import ask_counts
from surveys.base import db, ids
from surveys.domain.metrics import METRICS
from surveys.models import AskCount, Invitation, Person
from tests.conftest import ON_POSTGRES

NOW = datetime(2026, 9, 14, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def asked(world, make):
    """A survey that asked every seven hours for a hundred days; each third answered, a day later."""
    survey = make.survey(answer_window_days=14)
    rows = []
    for at in range(340):
        sent = MIDNIGHT + timedelta(hours=7 * at)
        person = Person.create(id=ids.new("per"), email=f"p{at}@x.example", verified=True, created_at=sent)
        rows.append(
            Invitation(
                id=ids.new("inv"), survey=survey, person=person, channel="email", status="sent", sent_at=sent,
                created_at=sent, answered_at=sent + timedelta(days=1) if at % 3 == 0 else None,
            )
        )  # fmt: skip
    for row in rows:
        row.save(force_insert=True)
    return survey, rows


def counted(survey, since=None, until=None):
    found = results.asked(results.Selection(METRICS[survey.metric], [survey], since, until), NOW)
    return found.sent, found.answered, found.still_open


def by_hand(since=None, until=None):
    opened = NOW - timedelta(days=14)
    rows = [
        row
        for row in Invitation.select()
        if not (since and row.sent_at < since) and not (until and row.sent_at >= until)
    ]
    over = [row for row in rows if row.sent_at <= opened]
    return len(over), sum(row.answered_at is not None for row in over), len(rows) - len(over)


PERIODS = [
    (None, None),
    (MIDNIGHT + timedelta(days=10), None),
    (MIDNIGHT + timedelta(days=10, hours=5), MIDNIGHT + timedelta(days=60, hours=22)),
    (MIDNIGHT - timedelta(days=10), MIDNIGHT + timedelta(days=20)),
    (MIDNIGHT + timedelta(days=3, hours=1), MIDNIGHT + timedelta(days=3, hours=20)),
    (NOW - timedelta(days=3), NOW),
]


def check(survey):
    for since, until in PERIODS:
        assert counted(survey, since, until) == by_hand(since, until), (since, until)
    assert ask_counts.differences() == []


def test_they_say_what_the_asks_say_whatever_changes_one(asked):
    survey, rows = asked
    check(survey)
    assert ask_counts.roll_up(NOW) == AskCount.select().count() == 91
    assert ask_counts.roll_up(NOW) == 0
    check(survey)

    def changed(change, days=1):
        before = AskCount.select().count()
        change()
        assert AskCount.select().count() == before - days
        check(survey)
        assert ask_counts.roll_up(NOW) == days
        check(survey)

    late, moved, gone = rows[100], rows[200], rows[150]
    changed(Invitation.update(answered_at=NOW).where(Invitation.id == late.id).execute)
    changed(
        Invitation.update(sent_at=moved.sent_at - timedelta(days=20))
        .where(Invitation.id == moved.id)
        .execute,
        2,
    )
    changed(Invitation.delete().where(Invitation.id == gone.id).execute)
    # Whoever is erased takes their asks along.
    changed(Person.delete().where(Person.id == rows[60].person_id).execute)
    again = Invitation.get_by_id(rows[30].id)
    again.id = ids.new("inv")
    changed(lambda: again.save(force_insert=True))
    changed(Invitation.update(status="expired").where(Invitation.id == rows[31].id).execute, 0)


def test_what_is_kept_answers_for_all_but_the_ends(asked, monkeypatch):
    survey, rows = asked
    ask_counts.roll_up(NOW)
    kept = ask_counts.between(
        [survey.id], MIDNIGHT + timedelta(hours=1), MIDNIGHT + timedelta(days=9, hours=3)
    )[survey.id]
    assert (kept.begin, kept.end) == (MIDNIGHT + timedelta(days=1), MIDNIGHT + timedelta(days=9))
    inside = [row for row in rows if kept.begin <= row.sent_at < kept.end]
    assert (kept.sent, kept.answered) == (len(inside), sum(row.answered_at is not None for row in inside))
    whole = ask_counts.between([survey.id], MIDNIGHT, MIDNIGHT + timedelta(days=2))[survey.id]
    assert (whole.begin, whole.end) == (MIDNIGHT, MIDNIGHT + timedelta(days=2))
    assert ask_counts.between([survey.id], NOW, NOW + timedelta(days=9)) == {}
    AskCount.delete().where(AskCount.day == "2026-06-05").execute()
    assert ask_counts.between([survey.id], MIDNIGHT, MIDNIGHT + timedelta(days=9)) == {}
    check(survey)


def test_what_is_kept_is_used_again_after_the_first_who_were_asked_are_erased(asked):
    survey, rows = asked

    def erase(*days):
        wanted = {MIDNIGHT.date() + timedelta(days=day) for day in days}
        people = [row.person_id for row in rows if row.sent_at.date() in wanted]
        Person.delete().where(Person.id.in_(people)).execute()
        ask_counts.roll_up(NOW)

    # Days on which nobody was asked, amid the first.
    erase(1, 2)
    assert ask_counts.between([survey.id], MIDNIGHT, NOW)[survey.id].begin == MIDNIGHT
    erase(0)
    erase(3)
    assert ask_counts.between([survey.id], MIDNIGHT, NOW)[survey.id].begin == MIDNIGHT + timedelta(days=4)
    check(survey)


@ON_POSTGRES
def test_who_changes_an_ask_while_its_day_is_counted_takes_the_count_away(asked, world, monkeypatch):
    _, rows = asked
    by_day, waiting = ask_counts._by_day, "SELECT COUNT(*) FROM pg_locks WHERE NOT granted"
    ask = rows[1]

    def answer():
        try:
            Invitation.update(answered_at=NOW).where(Invitation.id == ask.id).execute()
        finally:
            db.forget_connection()

    with ThreadPoolExecutor(1) as pool:
        answers = []

        def counted(survey_id, first, last):
            found = by_day(survey_id, first, last)
            if not answers:
                answers.append(pool.submit(answer))
                while not db.database.execute_sql(waiting).fetchone()[0] and not answers[0].done():
                    pass
            return found

        monkeypatch.setattr(ask_counts, "_by_day", counted)
        ask_counts.roll_up(NOW)
        answers[0].result()
    monkeypatch.undo()
    assert ask_counts.differences() == []
    assert ask_counts.roll_up(NOW) == 1
    assert ask_counts.differences() == []


def test_recount_finds_and_mends_them(asked, world):
    ask_counts.roll_up(datetime.now(UTC) + timedelta(days=400))
    AskCount.update(sent=AskCount.sent + 1).where(AskCount.day == "2026-06-05").execute()
    runner = world.app.test_cli_runner()
    found = runner.invoke(args=["recount", "--check"])
    assert found.exit_code == 1
    assert "1 counts of asks differ." in found.output
    assert runner.invoke(args=["recount"]).exit_code == 0
    assert ask_counts.differences() == []
    assert "0 counts of asks differ." in runner.invoke(args=["recount", "--check"]).output
    db.forget_connection()
