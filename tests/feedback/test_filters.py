"""Filters: one set of names and rules for feed, saved views, exports and numbers, and none is misread in silence."""

import json
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from feedback import feed, saved_feeds
from feedback.domain.cells import xml_text
from feedback.models import Placement, SavedFeed, Topic
from surveys import responses
from surveys.base import db
from surveys.models import Invitation, Person, Response, Survey
from tests.conftest import ON_SQLITE, Api

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def survey(make):
    return make.survey(name="Checkout")


def known(make, survey, score, at, company=None, **values):
    """A response of somebody, at a minute."""
    row = make.response(survey, score, NOW + timedelta(minutes=at), person={"id": f"u{at}"}, **values)
    Person.update(company=company).where(Person.id == row.person_id).execute()
    return row


def everywhere(api, **query):
    """What a filter finds in the feed, however it is read; the same for all, newest first."""
    found = [item["id"] for item in api.get("/api/feed", **query)["items"]]
    assert [item["id"] for item in api.get("/api/responses", **query)["items"]] == found
    answer = api.call("GET", "/api/export/responses.ndjson", query_string=query)
    assert [json.loads(line)["id"] for line in answer.get_data(as_text=True).splitlines()] == found
    for order in ("asc", "changed"):
        items = api.get("/api/feed", order=order, **query)["items"]
        assert [item["id"] for item in items if not item.get("left")] == found[::-1]
    return found


# --------------------------------------------------------------------------------------------- what they find


def test_scores_of_a_range(api, make, survey):
    rows = [make.response(survey, score, NOW + timedelta(minutes=score)).id for score in range(11)]
    make.response(survey, None, NOW - timedelta(hours=1))
    assert everywhere(api, score_min=9) == rows[:8:-1]
    assert everywhere(api, score_max=1) == rows[1::-1]
    assert everywhere(api, score_min=4, score_max=4) == [rows[4]]
    assert everywhere(api, score_min=0) == rows[::-1]


def test_with_and_without_words(api, make, survey):
    said = [make.response(survey, 9, NOW, comment="fine").id]
    silent = [make.response(survey, 9, NOW + timedelta(minutes=1 + at), comment=text) for at, text in enumerate(
        (None, "", " \n\t\r "))]  # fmt: skip
    assert everywhere(api, has_comment="1") == said
    assert everywhere(api, has_comment="0") == [row.id for row in reversed(silent)]
    assert len(everywhere(api, has_comment="any")) == 4


@pytest.mark.parametrize("walk", [0, 2, 10_000])
def test_a_company_however_far_the_database_walks(api, make, survey, monkeypatch, walk):
    monkeypatch.setattr(feed, "WALK", walk)
    rows = [
        known(
            make, survey, 9, at, company={0: "Acme", 1: "Baker & Söhne"}.get(at % 4), comment=f"word{at % 2}"
        )
        for at in range(12)
    ]
    acme = [row.id for row in rows[::4]][::-1]
    assert everywhere(api, company="Acme") == acme
    assert everywhere(api, company="Baker & Söhne", until="2026-03-10T12:05:30Z") == [rows[5].id, rows[1].id]
    assert everywhere(api, company="acme") == []
    first = api.get("/api/feed", company="Acme", limit=2)
    second = api.get("/api/feed", company="Acme", limit=2, cursor=first["next"])
    assert [item["id"] for item in first["items"] + second["items"]] == acme
    assert everywhere(api, company="Acme", q="word0") == acme
    assert everywhere(api, company="Acme", q="word1") == []
    assert everywhere(api, company="Acme", language="en") == []


def test_a_person(api, make, survey):
    rows = [known(make, survey, 9, at) for at in range(3)]
    assert everywhere(api, person=rows[1].person_id) == [rows[1].id]
    silent = Person.create(id="per_silent", verified=True, created_at=NOW)
    assert everywhere(api, person=silent.id) == []


#: Values of a property, and the text that finds each.
VALUES = {
    "pro": "pro", "5": "5", 6: "6", 2.5: "2.5", True: "true", "false": "false", False: "false", "": "",
    'say "hi" \\ there': 'say "hi" \\ there', "100%": "100%", "Größe": "Größe", "a\tb": "a\tb", "1e3": "1e3",
}  # fmt: skip


def test_a_property_of_any_kind_by_its_text(api, make, survey):
    rows = {
        value: make.response(
            survey, 9, NOW + timedelta(minutes=at), properties={"plan": value, "x": "pro"}
        ).id
        for at, value in enumerate(VALUES)
    }
    make.response(survey, 9, NOW, properties={"plan": None, "other": "pro"})
    make.response(survey, 9, NOW)
    for text in set(VALUES.values()):
        wanted = [rows[value] for value in reversed(VALUES) if VALUES[value] == text]
        assert everywhere(api, **{"property:plan": text}) == wanted, text
    for text in ("PRO", "p", "2.50", "NaN", "Infinity", "1e999", "null", "[]", "{}", "True", " 6"):
        assert everywhere(api, **{"property:plan": text}) == [], text
    assert len(everywhere(api, **{"property:x": "pro", "property:plan": "6"})) == 1


@pytest.mark.parametrize(
    "name", ["a.b", 'q"q', "it's", "100 %", "%s", "%(x)s", "$", "plan[0]", "ключ", "a:b", "\\"]
)
def test_a_property_of_any_name(api, make, survey, name):
    row = make.response(survey, 9, NOW, properties={name: "x"})
    make.response(survey, 9, NOW, properties={"other": "x"})
    assert everywhere(api, **{f"property:{name}": "x"}) == [row.id]
    assert api.get("/api/metrics", survey=survey.id, **{f"property:{name}": "x"})["n"] == 1
    groups = api.get("/api/metrics", survey=survey.id, by=f"property:{name}")["groups"]
    assert {group["key"]: group["n"] for group in groups} == {"x": 1, None: 1}


def test_all_of_them_at_once(api, make, survey):
    row = known(make, survey, 3, 0, "Acme", comment="slow", properties={"plan": "pro"}, channel="link")
    known(make, survey, 3, 1, "Acme", comment="slow", properties={"plan": "free"}, channel="link")
    query = {
        "survey": survey.id, "metric": "nps", "group": "detractor", "score_min": 3, "score_max": 3, "has_comment": "1",
        "person": row.person_id, "company": "Acme", "property:plan": "pro", "channel": "link", "q": "slow",
        "since": "2026-03-10", "until": "2026-03-11",
    }  # fmt: skip
    assert everywhere(api, **query) == [row.id]
    near = make.response(survey, 3, NOW, comment="slow too")
    assert api.get("/api/feed", like=near.id, **query)["items"] == []


def test_common_and_rare_values_are_found_by_index(world, make, survey):
    """A company and, on PostgreSQL, a property are looked up where they are rare."""

    def plan(filters):
        sql, parameters = feed._newest(filters, 51, None, None).sql()
        explain = "EXPLAIN QUERY PLAN " if world.kind == "sqlite" else "EXPLAIN "
        return repr(db.database.execute_sql(explain + sql, parameters).fetchall())

    row = make.response(survey, 9, NOW, properties={"plan": "pro"})
    stored = Response.get_by_id(row.key)
    db.write(lambda: many(stored))
    db.database.execute_sql("ANALYZE")
    assert "person_company" in plan({"company": "Acme"})
    if world.kind == "postgresql":
        assert "response_properties" in plan({"property:plan": "rare"})


def many(row):
    """Thousands like a response, which is the only one of its kind afterwards."""
    values = {name: value for name, value in row.__data__.items() if name not in ("key", "id", "properties")}
    rows = [
        {**values, "key": row.key + at, "id": f"r{at}", "properties": {"plan": str(at)}, "invitation": None}
        for at in range(1, 4001)
    ]
    for start in range(0, len(rows), 500):
        Response.insert_many(rows[start : start + 500]).execute()
    for at in range(500):
        Person.create(id=f"per_{at}", company=f"Company {at}", verified=True, created_at=NOW)


# --------------------------------------------------------------------------------------------- what is refused


WRONG = [
    ({"survey": "sv_nothing"}, "survey"),
    ({"survey": ""}, "survey"),
    ({"topic": "top_nothing"}, "topic"),
    ({"person": "per_nothing"}, "person"),
    ({"metric": "happiness"}, "metric"),
    ({"group": "haters"}, "group"),
    ({"group": "DETRACTOR"}, "group"),
    ({"sentiment": "angry"}, "sentiment"),
    ({"status": "lost"}, "status"),
    ({"channel": "pigeon"}, "channel"),
    ({"language": "not a language"}, "language"),
    ({"has_comment": "yes"}, "has_comment"),
    ({"has_comment": "2"}, "has_comment"),
    ({"mismatch": "0"}, "mismatch"),
    ({"score_min": "-1"}, "score_min"),
    ({"score_min": "11"}, "score_min"),
    ({"score_max": "4.0"}, "score_max"),
    ({"score_max": "１"}, "score_max"),
    ({"score_min": "5", "score_max": "4"}, "score_max"),
    ({"company": ""}, "company"),
    ({"since": "yesterday"}, "since"),
    ({"property:": "x"}, "property:"),
    ({f"property:{'x' * 101}": "x"}, f"property:{'x' * 101}"),
    ({"property": "x"}, "property"),
    ({"properties": "x"}, "properties"),
    ({"scores": "5"}, "scores"),
    ({"triage": "later"}, "triage"),
    ({f"property:{at}": "x" for at in range(1500)}, "_"),
    ({"counted": "0"}, "counted"),
    ({"theme": "thm_x"}, "theme"),
]  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize(("query", "named"), WRONG)
def test_what_no_filter_knows_is_refused_by_its_name(api, query, named):
    for path in ("/api/feed", "/api/responses", "/api/export/responses.csv", "/api/export/responses.ndjson"):
        error = api.call("GET", path, 422, query_string=query)["error"]
        assert list(error["fields"]) == [named], path
    error = api.post("/api/feeds", {"name": "x", "filters": query}, 422)["error"]
    assert all(name.startswith("filters") for name in error["fields"])
    assert named in json.dumps(error["fields"], ensure_ascii=False)
    assert api.get("/api/feeds")["items"] == []


@pytest.mark.parametrize(
    "filters",
    [{"score_min": "5"}, {"score_min": 5.5}, {"score_min": True}, {"score_max": 99}, {"property:plan": 5}, {"q": 5}],
)  # fmt: skip
def test_a_saved_view_takes_numbers_for_numbers_and_texts_for_texts(api, filters):
    api.post("/api/feeds", {"name": "x", "filters": filters}, 422)


@pytest.mark.parametrize(
    "status", ["open", "closed", "new", "handled", "waiting", "asked", "solved", "given_up"]
)
def test_words_of_follow_ups_are_known_whether_there_are_any(api, status):
    assert api.call("GET", "/api/feed", 200, query_string={"status": status})["items"] == []


def test_the_numbers_refuse_the_same(api, survey):
    for query, named in WRONG:
        if named in ("topic", "channel", "language", "since", "property:", "property", "scores", "group"):
            error = api.get("/api/metrics", 422, **({"survey": survey.id} | query))["error"]
            assert list(error["fields"]) == [named]


def bare(answer, *ids):
    """An answer without what differs from call to call."""
    error = answer.get_json()["error"]
    error.pop("request_id")
    return answer.status_code, error


def test_what_others_have_looks_as_if_it_were_not_there(world, api, make, survey):
    other = make.survey()
    foreign = known(make, other, 3, 1, comment="theirs")
    asked = Person.create(id="per_asked", verified=True, created_at=NOW)
    Invitation.create(
        id="inv_1", survey=survey.id, person=asked.id, channel="email", status="sent", created_at=NOW
    )
    for id_, row in (("top_theirs", foreign), ("top_ours", known(make, survey, 3, 2))):
        Topic.create(id=id_, label=id_, created_at=NOW)
        Placement.create(topic=id_, response=row.key, evidence=[])
    Topic.create(id="top_before", label="x", created_at=NOW, merged_into="top_ours")
    limited = Api(world, make.key("write", surveys=[survey.id]))
    for name, theirs in (("survey", other.id), ("topic", "top_theirs"), ("person", foreign.person_id)):
        api.get("/api/feed", **{name: theirs})
        for path in ("/api/feed", "/api/responses", "/api/export/responses.csv"):
            seen, missing = (
                bare(limited.call("GET", path, query_string={name: value})) for value in (theirs, "nothing")
            )
            assert seen == missing
            assert (seen[0], list(seen[1]["fields"])) == (422, [name])
        saved = [
            bare(limited.call("POST", "/api/feeds", json={"name": "x", "filters": {name: value}}))
            for value in (theirs, "nothing")
        ]
        assert saved[0] == saved[1]
        assert (saved[0][0], list(saved[0][1]["fields"])) == (422, [f"filters.{name}"])
    for name, ours in (
        ("topic", "top_ours"),
        ("topic", "top_before"),
        ("person", asked.id),
        ("survey", survey.id),
    ):
        limited.get("/api/feed", **{name: ours})


# --------------------------------------------------------------------------------------------- saved views


def view(api, **filters):
    """The addresses of a new saved view."""
    made = api.post("/api/feeds", {"name": "Mine", "filters": filters})
    return {kind: url.removeprefix("http://localhost") for kind, url in made["urls"].items()}


def entries(client, urls):
    """Title and text of each entry, as Atom and as JSON Feed tell alike."""
    root = ElementTree.fromstring(client.get(urls["atom"]).get_data())
    atom = [
        (
            entry.findtext(f"{ATOM}title"),
            entry.findtext(f"{ATOM}content"),
            entry.findtext(f"{ATOM}author/{ATOM}name"),
        )
        for entry in root.findall(f"{ATOM}entry")
    ]
    document = client.get(urls["json"]).get_json()
    assert root.findtext(f"{ATOM}title") == document["title"]
    said = [
        (item["title"], xml_text(item["content_text"]), item["authors"][0]["name"])
        for item in document["items"]
    ]
    assert said == atom
    return document["title"], atom


def test_an_entry_has_its_surveys_name_and_its_first_words(api, client, make, survey):
    other = make.survey(name="Delivery <b>&")
    long = "The courier came late,\nand\x07 rang at the wrong door " + "again " * 30
    make.response(survey, 9, NOW, comment="Quick and friendly.")
    make.response(other, 3, NOW + timedelta(minutes=1), comment=long)
    title, found = entries(client, view(api))
    assert title == "Mine"
    assert [each[2] for each in found] == ["Delivery <b>&", "Checkout"]
    assert found[0][0] == "The courier came late, and rang at the wrong door again again again again again…"
    assert found[1][:2] == ("Quick and friendly.", "Quick and friendly.")
    title, found = entries(client, view(api, survey=survey.id))
    assert (title, len(found)) == ("Mine · Checkout", 1)
    assert client.get(view(api)["json"]).get_json()["items"][0]["_earshot"]["survey_name"] == "Delivery <b>&"


def test_a_view_of_a_key_with_one_survey_has_its_name(world, client, make, survey):
    limited = Api(world, make.key("write", surveys=[survey.id]))
    assert entries(client, view(limited))[0] == "Mine · Checkout"


def test_personal_data_is_hidden_in_a_heading_too(api, client, make):
    make.response(make.survey(redact=True), 3, NOW, comment="Write to ann@example.com please")
    ((title, text, _),) = entries(client, view(api))[1]
    assert title == text == "Write to […] please"


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({}, ["fine"]),
        ({"has_comment": "1"}, ["fine"]),
        ({"has_comment": True}, ["fine"]),
        ({"has_comment": "0"}, ["NPS 0 · detractor"]),
        ({"has_comment": 0}, ["NPS 0 · detractor"]),
        ({"has_comment": False}, ["NPS 0 · detractor"]),
        ({"has_comment": "any"}, ["NPS 0 · detractor", "fine"]),
    ],
)  # fmt: skip
def test_what_has_no_words_is_left_out_unless_it_is_asked_for(api, client, make, survey, filters, shown):
    make.response(survey, 9, NOW, comment="fine")
    make.response(survey, 0, NOW + timedelta(minutes=1), comment=" \n")
    urls = view(api, **filters)
    assert [title for title, *_ in entries(client, urls)[1]] == shown
    # A table has all rows that fit.
    rows = client.get(urls["csv"]).get_data(as_text=True).count("\r\n") - 1
    assert rows == (2 if not filters else len(shown))


def test_every_filter_narrows_a_saved_view(api, client, make, survey):
    row = known(make, survey, 3, 0, "Acme", comment="slow", properties={"plan": "pro"})
    make.response(survey, 9, NOW, comment="fine")
    for filters in (
        {"score_min": 2, "score_max": 4}, {"company": "Acme"}, {"property:plan": "pro"}, {"person": row.person_id},
    ):  # fmt: skip
        assert [text for _, text, _ in entries(client, view(api, **filters))[1]] == ["slow"]


def test_a_view_that_names_what_is_gone_since_is_empty(api, client, make, survey):
    row = known(make, survey, 3, 0, comment="slow")
    topic = Topic.create(id="top_1", label="x", created_at=NOW)
    Placement.create(topic=topic, response=row.key, evidence=[])
    views = [view(api, **f) for f in ({"survey": survey.id}, {"topic": "top_1"}, {"person": row.person_id})]
    # Saved by an earlier version, which knew no list.
    old = [view(api) for _ in range(3)]
    for urls, filters in zip(old, ({"channel": "pigeon"}, {"group": "haters"}, {"mood": 5}), strict=True):
        token = urls["json"].split("/")[2].split(".")[0]
        stored = saved_feeds.opened_by(token)
        SavedFeed.update(filters=filters).where(SavedFeed.id == stored.id).execute()
    assert [len(entries(client, urls)[1]) for urls in views] == [1, 1, 1]
    responses.delete(row, NOW)
    Topic.delete().execute()
    Person.delete().execute()
    Survey.delete().where(Survey.id == survey.id).execute()
    make.response(make.survey(), 3, NOW, comment="of another survey")
    for urls in (*views, *old):
        assert entries(client, urls)[1] == []
        answer = client.get(urls["csv"])
        assert (answer.status_code, answer.get_data(as_text=True).count("\r\n")) == (200, 1)
