"""Comments of before the index held pictures and bare words are found as those of today are, after two migrations."""

import importlib

import pytest

from surveys.base import db
from surveys.models import Response
from tests.feedback.test_feed import SEARCHES, ids

first, second = (importlib.import_module(f"migrations.{name}") for name in ("0013_search", "0064_search"))


@pytest.mark.parametrize("begin", [first, second])
def test_comments_of_before_are_found_as_those_of_today(world, api, make, monkeypatch, begin):
    for migration in (first, second):
        monkeypatch.setattr(migration, "BATCH", 3)
    survey = make.survey()
    rows = {make.response(survey, 5, comment=comment).key: comment for comment in SEARCHES}
    answered = make.response(survey, 5, answers={"why": ["🐢 כשהמשלוח, e-mail", 3, None]})
    silent = make.response(survey, 5)
    today = dict(Response.select(Response.key, Response.search_text).tuples())
    for key, comment in [*rows.items(), (answered.key, "🐢 כשהמשלוח, e-mail")]:
        before = first.searchable(comment) if begin is second else first.fold(comment)
        Response.update(search_text=before or None).where(Response.key == key).execute()
    assert ids(api.get("/api/feed", q="iphone")) == ids(api.get("/api/feed", q="4711")) == []
    assert answered.id not in ids(api.get("/api/feed", q="email"))
    with db.database.atomic():
        for migration in (first, second)[begin is second :]:
            migration.up(None, db.database.obj)
    assert dict(Response.select(Response.key, Response.search_text).tuples()) == today
    assert today[silent.key] is None
    assert len(ids(api.get("/api/feed", q="🔥"))) == len(ids(api.get("/api/feed", q="iphone"))) == 1
    assert answered.id in ids(api.get("/api/feed", q="email"))
