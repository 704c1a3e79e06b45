"""The welcome page, the demo page, and the API pages."""

import html
import re

import jsonschema_rs
import pytest
import schemathesis

from surveys import wording
from surveys.domain.metrics import METRICS
from surveys.models import Survey
from tests.conftest import ADMIN_KEY, ON_SQLITE


@pytest.fixture
def ready(make):
    """The only survey there is."""
    Survey.delete().execute()
    return make.survey()


def test_the_welcome_page_leads_to_survey_demo_and_api(client, make, ready):
    make.survey()
    text = client.get("/").get_data(as_text=True)
    for address in (f"s/{ready.id}", "demo", "api/docs"):
        assert f'href="{address}"' in text
    assert ADMIN_KEY not in text
    assert "ADMIN_KEY" in text


def test_the_demo_page_embeds_the_ready_survey_in_each_mode(client, ready):
    for mode in ("popover", "inline", "tab"):
        text = client.get(f"/demo?mode={mode}").get_data(as_text=True)
        assert f'src="w/{ready.id}.js" data-mode="{mode}"' in text
    assert 'data-mode="popover"' in client.get("/demo?mode=<b>").get_data(as_text=True)


def test_without_an_active_survey_the_pages_say_so(client, ready):
    Survey.update(status="paused").execute()
    assert "No survey is active" in client.get("/").get_data(as_text=True)
    assert client.get("/demo").status_code == 404


@ON_SQLITE
@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_can_be_looked_at_and_nothing_is_written(client, metric):
    before = Survey.select().count()
    page = client.get(f"/demo/look?metric={metric}&lang=de&theme=dark")
    assert f"look.js?metric={metric}&amp;lang=de" in page.get_data(as_text=True)
    made = client.get(f"/demo/look.js?metric={metric}&lang=de").get_data(as_text=True)
    assert f"look-{metric}" in made
    asked = wording.text("de-x-informal", f"{metric}.question", product="Acme")
    for part in ("page", "mail"):
        answer = client.get(f"/demo/look/{part}?metric={metric}&lang=de&formality=informal&theme=dark")
        assert asked in html.unescape(answer.get_data(as_text=True)), part
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in policy
        assert "sandbox" in policy
    assert "Vielen Dank" in made
    assert Survey.select().count() == before


def test_the_page_of_looks_says_when_a_colour_is_adapted(client):
    adapted = client.get("/demo/look?color=%23ffff00").get_data(as_text=True)
    assert "#ffff00 cannot be told from the light panel" in adapted
    assert "cannot be told" not in client.get("/demo/look?color=%232f5bea&theme=light").get_data(as_text=True)


def test_a_look_that_there_is_not_is_refused(client):
    assert client.get("/demo/look?theme=pink").status_code == 422


class TestTurnedOff:
    """With WELCOME=0."""

    @pytest.fixture
    def settings_overrides(self):
        return {"WELCOME": "0"}

    def test_there_is_nothing_at_the_root(self, client, ready):
        for path in ("/", "/demo", "/demo/look", "/demo/look.js", "/demo/look/mail"):
            assert client.get(path).status_code == 404


def test_the_api_pages_come_from_here_and_are_kept_for_good(client):
    page = client.get("/api/docs")
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert "http://" not in text
    assert "https://" not in text
    release = text.split('src="docs/')[1].split("/")[0]
    for name, kind in (
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("LICENSE", "text/plain"),
    ):
        file = client.get(f"/api/docs/{release}/{name}")
        assert (file.status_code, file.mimetype) == (200, kind)
        assert "immutable" in file.headers["Cache-Control"]
    assert client.get("/api/docs/0.0/swagger-ui.css").status_code == 404
    assert client.get(f"/api/docs/{release}/../../../etc/passwd").status_code == 404


METHODS = ("get", "post", "patch", "put", "delete", "options")


@pytest.fixture
def operations(client):
    document = client.get("/api/openapi.json").get_json()
    return {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_the_document_is_openapi_3_1(client):
    document = client.get("/api/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(document).validate()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_every_route_is_in_the_document_and_nothing_else(world, operations):
    routes = {
        (method.lower(), re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in world.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    # The team's pages have a registry of their own.
    described = {route for route in routes if not re.match(r"/team(/|$)", route[1])}
    assert described == {key for key in operations if key[0] != "options"}
    assert not any(path.startswith("/team") for _, path in operations)


def test_every_route_has_a_summary_and_its_errors(operations):
    for (method, path), operation in operations.items():
        assert operation.get("summary"), (method, path)
        assert {"default", "503"} <= set(operation["responses"]), (method, path)
        if "{" in path:
            assert "404" in operation["responses"], (method, path)


def test_every_route_under_api_needs_a_key_but_the_document_and_its_pages(operations):
    for (method, path), operation in operations.items():
        keyed = path.startswith("/api/") and not path.startswith(("/api/openapi.json", "/api/docs"))
        assert bool(operation.get("security")) == keyed, (method, path)
        assert ({"401", "403"} <= set(operation["responses"])) or not keyed, (method, path)


def test_every_json_body_has_an_example_that_fits_its_schema(client, operations):
    document = client.get("/api/openapi.json").get_json()
    for operation in operations.values():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body:
            whole = {**body["schema"], "components": document["components"]}
            jsonschema_rs.validate(whole, body.get("example"))
