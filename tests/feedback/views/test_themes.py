"""Themes over the API: made, named, merged and filled by people, counted once a comment, kept by every review."""

from zoneinfo import ZoneInfo

import pytest

from feedback import results
from feedback.analysis.topics import reviewing
from feedback.models import Theme, Topic
from feedback.topics import reviews
from surveys.base import clock
from surveys.domain.metrics import METRICS
from surveys.models import Survey
from tests.feedback.comments import world as comments


@pytest.fixture
def shop(api, make):
    """Three topics in two themes, and who speaks of what: (score, topics)."""
    survey = make.survey()
    topics = {
        name: api.post("/api/topics", {"label": name})["id"] for name in ("Parcels", "Couriers", "Prices")
    }
    delivery = api.post(
        "/api/themes", {"label": "Delivery", "topics": [topics["Parcels"], topics["Couriers"]]}
    )
    money = api.post("/api/themes", {"label": "Money"})
    api.patch(f"/api/topics/{topics['Prices']}", {"theme": money["id"]})
    said = [(1, ["Parcels", "Couriers"])] * 6 + [(2, ["Couriers"])] * 6 + [(9, ["Prices"])] * 12
    for at, (score, names) in enumerate(said):
        row = make.response(survey, score, comment=f"comment {at}")
        api.patch(f"/api/responses/{row.id}", {"topics": [topics[name] for name in names]})
    make.response(survey, 10, comment="n/a")
    return {"survey": survey.id, **topics, "delivery": delivery["id"], "money": money["id"]}


def test_a_comment_in_two_topics_of_a_theme_is_one_comment(api, shop, world):
    world.work()
    first, second = api.get("/api/themes")["items"]
    assert (first["id"], first["size"], first["topics"]) == (
        shop["delivery"],
        12,
        sorted([shop["Parcels"], shop["Couriers"]]),
    )
    assert (second["label"], second["size"]) == ("Money", 12)
    assert first["impact"] < 0 < second["impact"]
    assert sum(week["n"] for week in first["trend"]) == 12
    shown = api.get("/api/topics")
    assert [(item["label"], item["size"]) for item in shown["themes"]] == [("Delivery", 12), ("Money", 12)]
    assert shown["said_nothing"] == 1
    assert {item["label"]: item["theme"]["label"] for item in shown["items"]} == {
        "Parcels": "Delivery", "Couriers": "Delivery", "Prices": "Money",
    }  # fmt: skip
    asked = {"survey": shop["survey"]}
    first_page = api.get("/api/themes", limit=1)
    assert [item["id"] for item in first_page["items"]] == [shop["delivery"]]
    second_page = api.get("/api/themes", limit=1, cursor=first_page["next"])
    assert ([item["id"] for item in second_page["items"]], second_page["next"]) == ([shop["money"]], None)
    selection = results.Selection(METRICS["nps"], [Survey.get_by_id(shop["survey"])], by="theme")
    weeks = results.weekly(selection, ZoneInfo("UTC"))
    assert {key: sum(sum(c.values()) for c in found.values()) for key, found in weeks.items()} == {
        shop["delivery"]: 12, shop["money"]: 12,
    }  # fmt: skip
    assert results.called("theme", shop["money"]) == "Money"
    groups = {group["key"]: group for group in api.get("/api/metrics", **asked, by="theme")["groups"]}
    assert {key: group["n"] for key, group in groups.items()} == {
        shop["delivery"]: 12, shop["money"]: 12, None: 1,
    }  # fmt: skip
    assert groups[shop["money"]]["name"] == "Money"
    assert api.get("/api/metrics", **asked, theme=shop["delivery"])["n"] == 12
    assert len(api.get("/api/feed", theme=shop["delivery"])["items"]) == 12
    moving = api.get("/api/drivers", **asked, level="theme")["items"]
    assert {item["theme"]["label"]: item["n"] for item in moving} == {"Delivery": 12, "Money": 12}


def test_what_people_do_to_themes_stays(api, shop):
    theme = api.patch(f"/api/themes/{shop['money']}", {"label": "Cost", "owner": "Maya", "status": "seen"})
    assert (theme["label"], theme["owner"], theme["status"], theme["named"]) == ("Cost", "Maya", "seen", True)
    changed = api.get("/api/feed", order="changed", theme=shop["money"])
    api.patch(f"/api/topics/{shop['Prices']}", {"theme": shop["delivery"]})
    left = api.get("/api/feed", order="changed", theme=shop["money"], cursor=changed["next"])["items"]
    assert len(left) == 12
    assert all(item.get("left") or item.get("deleted") for item in left)
    api.patch(f"/api/topics/{shop['Prices']}", {"theme": None})
    assert api.get(f"/api/topics/{shop['Prices']}")["theme"] is None
    merged = api.call("POST", f"/api/themes/{shop['delivery']}/merge", 200, json={"into": shop["money"]})
    assert (merged["id"], merged["size"]) == (shop["money"], 12)
    # Who kept the old id finds what was there.
    assert len(api.get("/api/feed", theme=shop["delivery"])["items"]) == 12
    assert [item["id"] for item in api.get("/api/themes")["items"]] == [shop["money"]]
    reviewed, _ = reviews.ask(clock.now())
    reviews.run(reviewed)
    assert {row.label: row.theme for row in Topic.select()} == {
        "Parcels": shop["money"], "Couriers": shop["money"], "Prices": None,
    }  # fmt: skip
    made = api.post("/api/themes", {"label": "Vans", "topics": [shop["Couriers"]]})
    told = [
        (line["kind"], line["label"], line["other_label"], line["former_label"]) for line in made["lineage"]
    ]
    assert told == [
        ("taught", "Delivery", None, None),
        ("taught", "Money", None, None),
        ("renamed", "Cost", None, "Money"),
        ("merged", "Delivery", "Cost", None),
        ("split", "Cost", "Vans", None),
    ]
    assert all(line["by_person"] for line in made["lineage"])


#: Call, body, status, and the field that is named.
WRONG = [
    ("POST", "/api/themes", {"label": "DELIVERY"}, 409, None),
    ("POST", "/api/themes", {"label": "jo@shop.example"}, 422, "label"),
    ("POST", "/api/themes", {"label": "New", "topics": ["top_gone"]}, 422, "topics"),
    ("PATCH", "/api/themes/thm_gone", {"label": "New"}, 404, None),
    ("PATCH", "/api/themes/{money}", {"label": "delivery"}, 409, None),
    ("PATCH", "/api/topics/{Prices}", {"theme": "thm_gone"}, 422, "theme"),
    ("POST", "/api/themes/{money}/merge", {"into": "thm_gone"}, 422, "into"),
    ("POST", "/api/themes/{money}/merge", {"into": "{money}"}, 422, "into"),
    ("POST", "/api/themes/thm_gone/merge", {"into": "{money}"}, 404, None),
    ("GET", "/api/feed?theme=thm_gone", None, 422, "theme"),
    ("GET", "/api/metrics?metric=nps&theme=thm_gone", None, 422, "theme"),
    ("GET", "/api/drivers?metric=nps&level=person", None, 422, "level"),
]


def test_what_cannot_be_is_told(api, shop):
    for method, path, body, status, field in WRONG:
        given = {
            name: value.format(**shop) if isinstance(value, str) else value
            for name, value in (body or {}).items()
        }
        error = api.call(method, path.format(**shop), status, json=given if body else None)["error"]
        assert field is None or field in error["fields"], path


def test_a_key_of_some_surveys_sees_the_themes_its_answers_speak_of(api, shop, make, world):
    own = make.response(make.survey(), 3, comment="mine")
    api.patch(f"/api/responses/{own.id}", {"topics": [shop["Parcels"]]})
    api.patch(f"/api/themes/{shop['delivery']}", {"owner": "Maya"})
    limited = type(api)(world, make.key("write", surveys=[own.survey_id]))
    (item,) = limited.get("/api/themes")["items"]
    assert (item["label"], item["size"], item["topics"]) == ("Delivery", 1, [shop["Parcels"]])
    assert not {"owner", "lineage"} & set(item)
    assert len(limited.get("/api/feed", theme=shop["delivery"])["items"]) == 1
    limited.call("GET", f"/api/feed?theme={shop['money']}", 422)
    limited.patch(f"/api/themes/{shop['delivery']}", {"label": "Mine"}, 403)
    limited.post("/api/themes", {"label": "Mine"}, 403)


def test_a_review_puts_topics_under_themes_and_moves_none_of_them_back(api, make, monkeypatch):
    monkeypatch.setattr(reviewing, "MANY", 3)
    survey = make.survey()
    for text in comments().values():
        make.response(survey, 5, comment=text)
    for _ in range(2):
        reviewed, _ = reviews.ask(clock.now())
        reviews.run(reviewed)
        assert Theme.select().count() >= 2
        found = {row.id: row.theme for row in Topic.select().where(Topic.merged_into.is_null())}
        assert set(found.values()) <= {row.id for row in Theme.select()}
        moved, *others = found
        other = next(theme for theme in found.values() if theme != found[moved])
        api.patch(f"/api/topics/{moved}", {"theme": other})
    reviewed, _ = reviews.ask(clock.now())
    reviews.run(reviewed)
    assert Topic.get_by_id(moved).theme == other
    assert {id_: Topic.get_by_id(id_).theme for id_ in others} == {id_: found[id_] for id_ in others}
