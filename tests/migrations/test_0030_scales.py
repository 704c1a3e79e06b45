"""Whoever was asked in words is asked in words after the upgrade; who was asked by nobody yet gets the drawing."""

import importlib

from surveys.base import db
from surveys.models import Survey

migration = importlib.import_module("migrations.0030_scales")


def test_a_scale_that_was_answered_as_words_stays_one(world, make, api):
    looks = {"color": "#aabbcc"}
    csat, stars, unanswered, odd = (
        make.survey(metric=m, widget=looks) for m in ("csat", "stars", "csat", "csat")
    )
    nps = make.survey(widget=looks)
    for survey in (csat, stars, odd, nps):
        make.response(survey, score=5)
    Survey.update(widget=["tab"]).where(Survey.id == odd.id).execute()

    def stored():
        return [Survey.get_by_id(each.id).widget for each in (csat, stars, unanswered, nps, odd)]

    before = stored()
    with db.database.atomic():
        migration.up(None, db.database.obj)
    words = {"scale": "words", **looks}
    assert stored() == [words, words, looks, looks, ["tab"]]
    changed = api.patch(f"/api/surveys/{csat.id}", {"widget": {**looks, "scale": "faces"}})
    assert changed["definition"] == 2
    with db.database.atomic():
        migration.down(None, db.database.obj)
    assert stored() == before
