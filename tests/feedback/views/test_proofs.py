"""What came of a fix: the effect over the API, and the cards that others see."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from feedback import proofs
from feedback.models import Placement, TopicChange
from feedback.proofs import SHOWN
from surveys.base import delivery
from surveys.base.delivery.memory import Memory
from surveys.keeping import backup
from surveys.models import Response
from tests.conftest import ON_SQLITE, POSTGRES_IN_PROVE, Api
from tests.visitor import member, signed_in

#: A Wednesday, nine weeks and two days after the Monday of the week of the fix.
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SHIPPED = datetime(2026, 9, 23, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    """A frozen clock that a test may move."""
    SHOWN.forget()
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def told(world, api, make):
    """Ten topics with comments in 26 weeks before the fix and eight after; the first one's fall to a sixth."""
    survey = make.survey()
    names = [api.post("/api/topics", {"label": f"Topic {chr(97 + at)}"})["id"] for at in range(10)]
    monday = datetime(2026, 9, 21, 12, 0, tzinfo=UTC)
    rows = []
    for week in range(-26, 9):
        for at, name in enumerate(names):
            if week == 0 or (at == 0 and week > 0 and week % 4):
                continue
            # In a week before the fix two speak of it.
            for more in range(2 if at == 0 and week < 0 else 1):
                moment = monday + timedelta(weeks=week, minutes=10 * at + more)
                row = make.response(
                    survey, 3, moment, comment=f"Words {week} {at}", person={"id": f"p{week}{at}"}
                )
                rows.append({"topic": name, "response": row.key, "evidence": []})
    for start in range(0, len(rows), 100):
        Placement.insert_many(rows[start : start + 100]).execute()
    # What people teach is no measure of what topics do by themselves; this was long before.
    TopicChange.update(at=datetime(2026, 1, 1, tzinfo=UTC)).execute()
    return names


def test_a_fix_is_held_against_topics_that_nobody_touched(world, api, make, client, told, clock):
    own, *others = told
    api.get(f"/api/topics/{own}/effect", 409)
    done = {"status": "shipped", "shipped_at": SHIPPED.isoformat(), "note": {"en": "Done."}}
    changed = api.patch(f"/api/topics/{own}", done)
    assert (changed["shipped_at"], changed["note"]) == ("2026-09-23T08:00:00.000Z", {"en": "Done."})
    api.post(
        "/api/pins",
        {"at": "2026-10-01T00:00:00Z", "text": "Prices changed", "kind": "change", "survey": None},
    )
    found = api.get(f"/api/topics/{own}/effect")
    assert (found["weeks_before"], found["weeks_after"], found["untouched"]) == (26, 8, 9)
    assert (found["verdict"], found["rank"]) == ("fell", 1)
    assert found["interval"][0] < found["change"] < found["interval"][1] < 0
    assert found["share_before"] == pytest.approx(52 / (52 + 9 * 26))
    assert found["share_after"] == pytest.approx(2 / (2 + 9 * 8))
    assert [pin["text"] for pin in found["pins"]] == ["Prices changed"]
    # What was shipped, merged or taught meanwhile is no measure any more.
    api.patch(f"/api/topics/{others[0]}", {"status": "shipped", "shipped_at": "2026-10-10T00:00:00Z"})
    api.post(f"/api/topics/{others[1]}/merge", {"into": others[2]}, 200)
    few = api.get(f"/api/topics/{own}/effect")
    assert (few["verdict"], few["untouched"], few["change"]) == ("too_few_untouched", 6, None)
    for wrong in ({"shipped_at": "2027-01-01T00:00:00Z"}, {"shipped_at": "soon"}, {"note": "Done."}):
        api.patch(f"/api/topics/{own}", wrong, 422)
    # Three weeks after it, nobody can tell.
    with time_machine.travel(SHIPPED + timedelta(days=28), tick=False):
        early = api.get(f"/api/topics/{own}/effect")
    assert (early["verdict"], early["weeks_after"]) == ("too_early", 3)


@POSTGRES_IN_PROVE
def test_what_was_shipped_and_is_spoken_of_again_came_back_and_its_owner_hears_once(
    world, api, make, client, told, clock, tmp_path
):
    own = told[0]
    mail = Memory()
    delivery.use("mail", mail)
    member(email="maya@acme.example", name="Maya")
    done = {"status": "shipped", "shipped_at": SHIPPED.isoformat(), "owner": "maya@acme.example"}
    api.patch(f"/api/topics/{own}", done)
    address = api.post(f"/api/topics/{own}/proof", {})["url"].removeprefix("http://localhost")
    clock.move_to(NOW + timedelta(days=14))
    assert proofs.watch(datetime.now(UTC)) == 0
    survey = Response.select().first().survey
    for week in (9, 10):
        for at in range(12):
            row = make.response(
                survey, 3, SHIPPED + timedelta(weeks=week, minutes=at), comment=f"Again {week} {at}"
            )
            Placement.insert(topic=own, response=row.key, evidence=[]).execute()
    backup.write(tmp_path / "backup", world.settings, datetime.now(UTC))
    for restored in (False, False, True):
        if restored:
            # The owner heard before the restore, though the row that says so is gone.
            backup.restore(tmp_path / "backup", world.settings, datetime.now(UTC), force=True)
        proofs.watch(datetime.now(UTC))
        world.work()
    assert api.get(f"/api/topics/{own}")["status"] == "came_back"
    assert [(each.to, each.subject) for each in mail.sent] == [("maya@acme.example", "It came back: Topic a")]
    assert "It came back" in client.get(address).get_data(as_text=True)


@ON_SQLITE
def test_a_topics_page_that_looks_back_says_nothing_of_what_came_later(world, api, told):
    visitor, page = signed_in(world), f"/team/topics/{told[0]}?came=1&as_of="
    api.patch(f"/api/topics/{told[0]}", {"status": "shipped", "shipped_at": SHIPPED.isoformat()})
    for day in ("2026-10-01", "2026-11-05"):
        api.post("/api/pins", {"at": f"{day}T12:00:00Z", "text": f"Noted on {day}", "survey": None})

    def seen(day):
        return visitor.get(page + day).get_data(as_text=True)

    assert "Shipped on 23 Sep 2026" in seen("2026-11-25")
    assert "Its share fell" in seen("2026-11-25")
    assert "Noted on 2026-11-05" in seen("2026-11-25")
    before = seen("2026-09-20")
    assert "Shipped on" not in before
    assert "Noted on" not in before
    early = seen("2026-10-20")
    assert "Shipped on" in early
    assert "Too early" in early
    assert "Noted on 2026-10-01" in early
    assert "Noted on 2026-11-05" not in early
    assert "Noted on 2026-11-05" not in seen("2026-11-03")


@ON_SQLITE
def test_a_topics_page_shows_what_came_of_it_and_hands_out_its_cards(world, api, make, client, told):
    own, visitor = told[0], signed_in(world, "editor")
    page = f"/team/topics/{own}"
    assert "Show whether it helped" not in visitor.get(page).get_data(as_text=True)
    api.patch(f"/api/topics/{own}", {"status": "shipped", "shipped_at": SHIPPED.isoformat()})
    assert "Show whether it helped" in visitor.get(page).get_data(as_text=True)
    shown = visitor.get(f"{page}?came=1").get_data(as_text=True)
    for words in ("Its share fell by", "It fell more than 9 of 9", "This says what changed, not why", "<svg"):
        assert words in shown, words
    for kind in ("proof", "badge"):
        assert visitor.send(page, do="publish", kind=kind).status_code == 303
    assert visitor.get(page).get_data(as_text=True).count("/proof/") >= 2
    assert visitor.send(page, do="revoke", kind="badge").status_code == 303
    assert "/badge/" not in visitor.get(page).get_data(as_text=True)
    assert visitor.send(page, do="publish", kind="x").status_code == 422


@POSTGRES_IN_PROVE
def test_cards_have_addresses_until_they_are_taken_back(world, api, make, client, told):
    own = told[0]
    api.patch(f"/api/topics/{own}", {"status": "shipped", "shipped_at": SHIPPED.isoformat()})
    for kind, path in (("proof", "/proof/"), ("badge", "/badge/")):
        card = api.post(f"/api/topics/{own}/{kind}", {})
        assert card == api.post(f"/api/topics/{own}/{kind}", {})
        assert card["url"] in card["markdown"]
        address = card["url"].removeprefix("http://localhost")
        assert address.startswith(path)
        image = client.get(address if kind == "badge" else f"{address}.svg")
        assert (image.status_code, image.mimetype) == (200, "image/svg+xml")
        assert "default-src 'none'" in image.headers["Content-Security-Policy"]
        assert "Words" not in image.get_data(as_text=True)
        if kind == "badge":
            text = image.get_data(as_text=True)
            assert "28 customers" in text
            assert "shipped" in text
            assert "Topic a" not in text
        else:
            page = client.get(address).get_data(as_text=True)
            assert "Topic a" in page
            assert "This says what changed, not why" in page
            assert "Words" not in page
        assert client.get(f"/{kind}/nonsense.svg").status_code == 404
        Api(world, make.key("read")).post(f"/api/topics/{own}/{kind}", {}, 403)
        api.delete(f"/api/topics/{own}/{kind}")
        api.call("DELETE", f"/api/topics/{own}/{kind}", 404)
        assert client.get(address).status_code == 404
        assert api.post(f"/api/topics/{own}/{kind}", {})["url"] != card["url"]
