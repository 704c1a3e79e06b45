"""Origins and looks that earlier versions took are put in order; what cannot be stays, and nothing else changes."""

import importlib

from surveys.base import db
from surveys.base.db import migrations
from surveys.models import Survey

migration = importlib.import_module("migrations.0005_origins")


def test_what_earlier_versions_took_is_put_in_order(world, make, api, monkeypatch):
    monkeypatch.setattr(migration, "BATCH", 2)
    odd = make.survey(
        allowed_origins=[
            *("https://shop.example:443", "https://shop.example", "http://shop.example:080"),
            *("https://[0:0:0:0:0:0:0:1]:443", "https://shop.example:8443", "https://shop.example:99999"),
        ],
        widget={"color": "#aabbcc\n", "pages": ["/shop*\n", "\n", "/cart"], "position": "top-left"},
        send_window={"opens": "09:00\n", "closes": "17:30\n", "weekdays": [0, 1]},
    )
    even = [make.survey(allowed_origins=["https://a.example"], widget={"color": "#aabbcc"}) for _ in range(4)]
    before = list(
        Survey.select().where(Survey.id.in_([each.id for each in even])).order_by(Survey.id).dicts()
    )
    with db.database.atomic():
        migration.down(None, db.database.obj)
        assert "refused_origin" not in db.database.get_tables()
        migration.up(None, db.database.obj)
    shown = api.get(f"/api/surveys/{odd.id}")
    assert shown["allowed_origins"] == [
        *("https://shop.example", "http://shop.example", "https://[::1]"),
        *("https://shop.example:8443", "https://shop.example:99999"),
    ]
    assert shown["widget"] == {"color": "#aabbcc", "pages": ["/shop*", "/cart"], "position": "top-left"}
    assert shown["send_window"] == {"opens": "09:00", "closes": "17:30", "weekdays": [0, 1]}
    assert (shown["signature_version"], shown["refused_origins"]) == (1, [])
    after = list(Survey.select().where(Survey.id.in_([each.id for each in even])).order_by(Survey.id).dicts())
    assert after == before
    assert migrations.pending() == []


def test_what_nobody_can_read_stays(world, make):
    values = {"allowed_origins": ["nonsense", 5, "https://["], "widget": "tab", "send_window": [1]}
    survey = make.survey()
    Survey.update(values).where(Survey.id == survey.id).execute()
    with db.database.atomic():
        migration.down(None, db.database.obj)
        migration.up(None, db.database.obj)
    row = Survey.get_by_id(survey.id)
    assert {name: getattr(row, name) for name in values} == values
