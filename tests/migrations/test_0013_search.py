"""Comments of before the index held pictures and bare words are found as those of today are, after three migrations."""

import importlib

import psycopg
import pytest

from surveys.base import db
from surveys.models import Response
from tests.feedback.test_feed import SEARCHES, ids

ALL = [
    importlib.import_module(f"migrations.{name}") for name in ("0013_search", "0064_search", "0111_umlauts")
]
first, second, third = ALL


@pytest.mark.parametrize("begin", ALL)
def test_comments_of_before_are_found_as_those_of_today(world, api, make, monkeypatch, begin):
    before = {first: first.fold, second: first.searchable, third: second.searchable}[begin]
    for migration in ALL:
        monkeypatch.setattr(migration, "BATCH", 3)
    survey = make.survey()
    rows = {make.response(survey, 5, comment=comment).key: comment for comment in SEARCHES}
    answered = make.response(survey, 5, answers={"why": ["🐢 כשהמשלוח, e-mail", 3, None]})
    silent = make.response(survey, 5)
    today = dict(Response.select(Response.key, Response.search_text).tuples())
    for key, comment in [*rows.items(), (answered.key, "🐢 כשהמשלוח, e-mail")]:
        Response.update(search_text=before(comment) or None).where(Response.key == key).execute()
    assert ids(api.get("/api/feed", q="tuer")) == []
    if begin is not third:
        assert ids(api.get("/api/feed", q="iphone")) == ids(api.get("/api/feed", q="4711")) == []
        assert answered.id not in ids(api.get("/api/feed", q="email"))
    with db.database.atomic():
        for migration in ALL[ALL.index(begin) :]:
            migration.up(None, db.database.obj)
        third.up(None, db.database.obj)  # What is there already is not added once more.
    assert dict(Response.select(Response.key, Response.search_text).tuples()) == today
    assert today[silent.key] is None
    assert (
        len(ids(api.get("/api/feed", q="tuer")))
        == len(ids(api.get("/api/feed", q="🔥")))
        == len(ids(api.get("/api/feed", q="iphone")))
        == 1
    )
    assert answered.id in ids(api.get("/api/feed", q="email"))


def test_what_an_older_process_amends_meanwhile_keeps_the_words_it_has_now(world, make, monkeypatch):
    if world.kind == "sqlite":
        # Nobody else writes meanwhile.
        return
    survey = make.survey()
    amended, other = (make.response(survey, 5, comment="한국어iphone") for _ in range(2))
    Response.update(search_text=first.searchable("한국어iphone")).execute()
    anew = second._anew

    def meanwhile(row):
        if row[0] == amended.key:
            with psycopg.connect(world.settings.database_url, autocommit=True) as older:
                older.execute(
                    "UPDATE response SET comment = 'Late', search_text = 'late' WHERE key = %s", (row[0],)
                )
        return anew(row)

    monkeypatch.setattr(second, "_anew", meanwhile)
    with db.database.atomic():
        second.up(None, db.database.obj)
    found = dict(Response.select(Response.key, Response.search_text).tuples())
    assert found[amended.key] == "late"
    assert found[other.key] == second.searchable("한국어iphone") != first.searchable("한국어iphone")
