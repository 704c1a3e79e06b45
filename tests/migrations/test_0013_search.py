"""Comments of before are found as those of today are."""

import importlib

from surveys.base import db
from surveys.domain import folding
from surveys.models import Response
from tests.feedback.test_feed import SEARCHES, ids

migration = importlib.import_module("migrations.0013_search")


def test_comments_of_before_are_found_as_those_of_today(world, api, make, monkeypatch):
    monkeypatch.setattr(migration, "BATCH", 3)
    survey = make.survey()
    rows = {make.response(survey, 5, comment=comment).key: comment for comment in SEARCHES}
    answered = make.response(survey, 5, answers={"why": ["🐢 כשהמשלוח", 3, None]})
    today = dict(Response.select(Response.key, Response.search_text).tuples())
    for key, comment in [*rows.items(), (answered.key, "🐢 כשהמשלוח")]:
        before = folding.fold(comment) or None
        Response.update(search_text=before).where(Response.key == key).execute()
    assert ids(api.get("/api/feed", q="🔥")) == ids(api.get("/api/feed", q="משלוח")) == []
    with db.database.atomic():
        migration.up(None, db.database.obj)
    assert dict(Response.select(Response.key, Response.search_text).tuples()) == today
    assert len(ids(api.get("/api/feed", q="🔥"))) == 1
    assert answered.id in ids(api.get("/api/feed", q="משלוח"))
