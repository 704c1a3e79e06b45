"""Follow-ups of before become cases: none is lost, and a person has one open case."""

import importlib
from datetime import UTC, datetime
from typing import Any

from feedback.models import FollowUp, FollowUpResponse
from surveys.base import db
from surveys.base.db import migrations

migration = importlib.import_module("migrations.0017_follow_ups")

AT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def test_every_follow_up_becomes_a_case_or_joins_one_and_goes_back(world, make, monkeypatch):
    monkeypatch.setattr(migration, "BATCH", 2)
    survey = make.survey()
    ann = [make.response(survey, 3, person={"id": "ann"}) for _ in range(3)]
    nobodys = [make.response(survey, 2) for _ in range(2)]
    rows = [
        ("fu_1", ann[0], "closed", AT),
        ("fu_2", ann[1], "open", None),
        ("fu_3", ann[2], "open", None),
        ("fu_4", nobodys[0], "open", None),
        ("fu_5", nobodys[1], "open", None),
    ]
    known = migrations.known()
    migrations.down(world.settings, known[known.index("0017_follow_ups") + 1])
    with db.database.atomic():
        raw = db.database.obj
        migration.down(None, raw)
        former = migration.tables(raw)[0]
        for id_, answer, status, closed in rows:
            times = {"created_at": kept(world, AT), "closed_at": closed and kept(world, closed)}
            former.insert(id=id_, response=answer.key, status=status, **times).execute()
        migration.up(None, raw)
    told: Any = FollowUp.select(FollowUp.id, FollowUp.status, FollowUp.person, FollowUp.opened_at)
    cases = {row.id: row for row in told}
    assert {id_: row.status for id_, row in cases.items()} == {
        "fu_1": "unconfirmed", "fu_2": "new", "fu_4": "new", "fu_5": "new",
    }  # fmt: skip
    joined = {row.response_key: row.follow_up_id for row in FollowUpResponse.select()}
    assert joined == {
        ann[0].key: "fu_1", ann[1].key: "fu_2", ann[2].key: "fu_2", nobodys[0].key: "fu_4", nobodys[1].key: "fu_5",
    }  # fmt: skip
    assert cases["fu_2"].person_id == ann[0].person_id
    assert cases["fu_2"].opened_at == AT
    with db.database.atomic():
        migration.down(None, raw)
        left = former.select(former.id, former.response, former.status).tuples()
        assert sorted(left) == [
            ("fu_1", ann[0].key, "closed"),
            ("fu_2", ann[1].key, "open"),
            ("fu_4", nobodys[0].key, "open"),
            ("fu_5", nobodys[1].key, "open"),
        ]
        migration.up(None, raw)
    migrations.up(world.settings)
    assert migrations.differences() == []


def kept(world, moment):
    """A moment as the database keeps it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z") if world.kind == "sqlite" else moment
