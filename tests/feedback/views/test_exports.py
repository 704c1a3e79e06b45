"""All responses as a file."""

import csv
import io
import json

import pytest

from feedback import exports
from tests.conftest import ON_SQLITE


def lines(api, kind, **query):
    answer = api.call("GET", f"/api/export/responses.{kind}", query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data().decode()


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch):
    monkeypatch.setattr(exports, "BATCH", 3)


def test_every_response_is_in_the_export_once(api, make):
    survey = make.survey()
    made = {make.response(survey, n % 11).id for n in range(10)}
    rows = [json.loads(line) for line in lines(api, "ndjson").splitlines()]
    assert (len(rows), {row["id"] for row in rows}) == (10, made)
    table = list(csv.DictReader(io.StringIO(lines(api, "csv").removeprefix("\ufeff"))))
    assert (len(table), {row["id"] for row in table}) == (10, made)


def test_rows_are_what_the_feed_shows(api, make):
    make.response(make.survey(), 3, comment="naïve ☕", properties={"plan": "pro"}, touchpoint="checkout")
    assert json.loads(lines(api, "ndjson")) == api.get("/api/feed")["items"][0]


def test_what_an_old_survey_is_counted_by_has_a_column_too(api, make):
    old = make.survey(name="Old", segments=["plan"])
    api.post("/api/responses", {"survey": old.id, "score": 9, "properties": {"plan": "pro"}})
    for at in range(exports.MOST_PROPERTIES + 1):
        make.survey(name=f"Younger {at}")
    assert exports.properties({}) == ["plan"]


def test_each_property_has_a_column_of_its_own(api, make):
    counted, other = make.survey(segments=["seldom"]), make.survey()
    make.response(counted, 9, properties={"plan": "pro", "seats": 3, "paid": True})
    make.response(other, 3, properties={"=1+1": "x", "plan": "free"})
    rows = list(csv.DictReader(io.StringIO(lines(api, "csv").removeprefix("\ufeff"))))
    assert [row["property:plan"] for row in rows] == ["free", "pro"]
    assert (rows[1]["property:seats"], rows[1]["property:paid"], rows[0]["property:paid"]) == (
        "3",
        "true",
        "",
    )
    assert rows[0]["property:=1+1"] == "x"
    assert rows[0]["property:seldom"] == "", "what a survey is counted by has a column, said or not"
    (alone,) = csv.DictReader(io.StringIO(lines(api, "csv", survey=counted.id).removeprefix("\ufeff")))
    assert "property:=1+1" not in alone
    assert list(alone)[-4] == "property:seldom"


@ON_SQLITE
@pytest.mark.parametrize("comment", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1"])
def test_no_cell_runs_as_a_formula(api, make, comment):
    make.response(make.survey(), 3, comment=comment)
    table = csv.DictReader(io.StringIO(lines(api, "csv").removeprefix("\ufeff"), newline=""))
    assert next(table)["comment"] == "'" + comment


def test_an_export_without_responses_has_its_head(api):
    assert lines(api, "csv").removeprefix("\ufeff").startswith("id,created_at,")
    assert lines(api, "ndjson") == ""


def test_columns_are_parted_by_what_the_readers_spreadsheet_expects(api, client, make, world, tmp_path):
    survey = make.survey()
    make.response(survey, 3, comment="a, b; c")
    view = api.post("/api/feeds", {"name": "v", "filters": {"survey": survey.id}})["urls"]["csv"]
    path = view.removeprefix("http://localhost")
    for delimiter in (";", "\t", "|", ","):
        exported = lines(api, "csv", delimiter=delimiter)
        shown = client.get(path, query_string={"delimiter": delimiter}).get_data(as_text=True)
        for text in (exported, shown):
            table = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
            assert [row["comment"] for row in table] == ["a, b; c"]
    exported = world.app.test_cli_runner().invoke(
        args=["export", str(tmp_path / "out.csv"), "--delimiter", "tab"]
    )
    assert exported.exit_code == 0, exported.output
    assert "\tcomment\t" in (tmp_path / "out.csv").read_text()
    for refused in (
        api.call("GET", "/api/export/responses.csv", query_string={"delimiter": "x"}),
        api.call("GET", "/api/export/responses.ndjson", query_string={"delimiter": ";"}),
        client.get(path, query_string={"delimiter": ""}),
        client.get(path.replace(".csv", ".json"), query_string={"delimiter": ";"}),
    ):
        assert refused.status_code == 422
        assert list(refused.get_json()["error"]["fields"]) == ["delimiter"]
    # Readers add parameters of their own.
    assert client.get(path, query_string={"utm_source": "x"}).status_code == 200


def test_an_export_narrows_to_a_survey_and_a_period(api, make):
    wanted, other = make.survey(), make.survey()
    for survey, day in ((wanted, "04"), (wanted, "05"), (other, "04")):
        moment = f"2026-05-{day}T10:00:00Z"
        api.post("/api/responses", {"survey": survey.id, "score": 5, "created_at": moment})
    found = lines(api, "ndjson", survey=wanted.id, since="2026-05-05", until="2026-05-06").splitlines()
    assert [json.loads(line)["created_at"] for line in found] == ["2026-05-05T10:00:00.000Z"]
    assert len(lines(api, "ndjson", since="2026-05-04").splitlines()) == 3


def test_a_limited_key_takes_away_only_its_surveys(api, make):
    mine, other = make.survey(), make.survey()
    own = make.response(mine)
    make.response(other)
    limited = type(api)(api.world, make.key("read", surveys=[mine.id]))
    assert [json.loads(line)["id"] for line in lines(limited, "ndjson").splitlines()] == [own.id]
    limited.get("/api/export/responses.csv", 422, survey=other.id)
    limited.get("/api/export/responses.xlsx", 404)
