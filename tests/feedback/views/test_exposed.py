"""What surveys come to stands among the counters for Prometheus: numbers, and nothing of what anybody wrote."""

from datetime import timedelta

from playhouse.test_utils import count_queries

from surveys.base import clock
from surveys.models import Survey
from tests.conftest import ON_SQLITE


def exposed(world):
    text = world.client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).get_data(as_text=True)
    lines = [line for line in text.splitlines() if line.startswith("earshot_survey_")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_each_survey_in_use_says_what_it_comes_to(world, api, make):
    Survey.update(status="archived").execute()
    assert exposed(world) == {}, "none is in use"
    survey, empty, gone = make.survey(name="Shop <b>"), make.survey(metric="csat"), make.survey()
    Survey.update(status="archived").where(Survey.id == gone.id).execute()
    for score in (9, 10, 3, 8):
        make.response(survey, score, comment="words")
    make.response(survey, 0, clock.now() - timedelta(days=40))
    make.response(gone, 0)
    found = exposed(world)
    labels = f'{{metric="nps",survey="{survey.id}"}}'
    assert found[f"earshot_survey_answers{labels}"] == 4
    assert found[f"earshot_survey_value{labels}"] == 25
    number = api.get(
        "/api/metrics", survey=survey.id, since=(clock.now() - timedelta(days=29)).date().isoformat()
    )
    low, high = number["interval"]
    assert found[f"earshot_survey_value_low{labels}"] == low
    assert found[f"earshot_survey_value_high{labels}"] == high
    assert found[f'earshot_survey_answers{{metric="csat",survey="{empty.id}"}}'] == 0
    assert not any(gone.id in name or "Shop" in name for name in found)
    assert sum("value{" in name for name in found) == 1, "of none there is no value"


@ON_SQLITE
def test_many_surveys_are_asked_for_as_one(world, make):
    make.response(make.survey(), 9)
    exposed(world)
    with count_queries() as few:
        exposed(world)
    surveys = [make.survey() for _ in range(6)]
    for survey in surveys:
        make.response(survey, 9)
    with count_queries() as many:
        found = exposed(world)
    assert all(
        found[f'earshot_survey_answers{{metric="nps",survey="{survey.id}"}}'] == 1 for survey in surveys
    )
    assert many.count <= few.count
