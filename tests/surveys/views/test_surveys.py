"""Surveys over the API: what a stored one that is out of order takes with it."""

import pytest

from surveys.models import Survey

#: What earlier versions stored, or a hand wrote into the table.
ODD = [
    {"color": "#aabbcc\n"},
    {"color": "blue"},
    {"color": ["#aabbcc"]},
    {"pages": "/cart"},
    ["#aabbcc"],
    "tab",
]


def test_a_stored_survey_that_is_out_of_order_takes_no_list_with_it(api, make):
    made = [make.survey() for _ in ODD]
    for survey, odd in zip(made, ODD, strict=True):
        Survey.update(widget=odd).where(Survey.id == survey.id).execute()
    items = {item["id"]: item for item in api.get("/api/surveys")["items"]}
    for survey in made:
        assert items[survey.id]["name"] == survey.name
        assert api.get(f"/api/surveys/{survey.id}") == items[survey.id]
        # And it can be put in order.
        mended = api.patch(f"/api/surveys/{survey.id}", {"widget": {"color": "#aabbcc"}})
        assert (mended["widget"], "unreadable" in mended) == ({"color": "#aabbcc"}, False)


def test_what_of_a_row_cannot_be_shown_is_named(api, make, caplog):
    survey = make.survey(product="Shop")
    Survey.update(widget=["#aabbcc"]).where(Survey.id == survey.id).execute()
    item = next(item for item in api.get("/api/surveys")["items"] if item["id"] == survey.id)
    assert (item["notes"], item["unreadable"], item["product"]) == (None, ["notes"], "Shop")
    assert survey.id in caplog.text
    assert "unreadable" not in api.get(f"/api/surveys/{make.survey().id}")


@pytest.mark.parametrize("colour", ["#aabbcc\n", "blue;--ink:red"])
def test_a_stored_colour_that_is_none_takes_no_page_with_it(client, api, make, colour):
    survey = make.survey(widget={"color": colour})
    pages = (f"/s/{survey.id}", f"/w/{survey.id}.js", f"/w/{survey.id}/loader.js", f"/w/{survey.id}/en.js")
    for path in pages:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "--ink:red" not in answer.text
    api.call("GET", f"/api/surveys/{survey.id}/preview.eml", 200)


def test_another_scale_is_another_definition_and_one_that_does_not_fit_is_refused(api, make):
    survey = make.survey(metric="csat")
    address = f"/api/surveys/{survey.id}"
    # Faces are what this metric has anyway.
    for scale, definition in (("faces", 1), ("numbers", 2), ("numbers", 2), ("words", 3), (None, 4)):
        changed = api.patch(address, {"widget": {"scale": scale}})
        assert (changed["widget"]["scale"], changed["definition"]) == (scale, definition)
    assert api.patch(address, {"widget": {"color": "#aabbcc"}})["definition"] == 4
    refused = api.patch(address, {"metric": "nps", "widget": {"scale": "faces"}}, 422)
    assert "five points" in str(refused["error"]["fields"])
    api.patch(address, {"widget": {"scale": "faces"}})
    assert "five points" in str(api.patch(address, {"metric": "ces"}, 422)["error"]["fields"])
