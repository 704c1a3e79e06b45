"""The company that asks: set over the API, shown on every page that customers see."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from surveys import brands, catalogue, links
from surveys.base import clock, db
from surveys.base.errors import Clash
from surveys.models import Definition, Invitation, Logo, Survey
from tests.conftest import ON_POSTGRES, ON_SQLITE
from tests.surveys.domain.test_pictures import BAD, jpeg, png, svg, url
from tests.surveys.mailbox import invite, path

BRAND = {
    "name": "Acme Bikes",
    "logo": {"light": url("png", png()), "dark": url("svg+xml", svg())},
    "color": "#17714f",
    "corner": 0,
    "font": '"Inter", sans-serif',
    "address": "1 Mill Lane\nLeeds LS1 4AA",
    "privacy_url": "https://acme.example/privacy",
}


def put(api, body, status=200):
    """Put a brand in the place of the service's."""
    return api.call("PUT", "/api/brand", status, json=body)


def shown(page):
    """The addresses of the pictures of a page, as a browser on `/x/y` takes them."""
    return [
        "/" + found.removeprefix("../") for found in re.findall(r'(?:src|srcset)="([^"]*brand/[^"]+)"', page)
    ]


def test_a_brand_is_set_and_read_back_and_taken_back(api, make, client):
    assert api.get("/api/brand")["name"] is None
    made = put(api, BRAND)
    assert made["notes"] == [
        "brand.logo.dark: mail programs do not show image/svg+xml; mail shows the name in its place. "
        "Give a PNG or a JPEG to have it shown there too."
    ]
    kept = api.get("/api/brand")
    assert {**kept, "logo": None} == {
        **dict.fromkeys(brands.FIELDS),
        **BRAND,
        "logo": None,
        "notes": made["notes"],
    }
    # What was read can be sent as it is.
    del kept["notes"]
    assert put(api, kept)["logo"] == kept["logo"]
    page = client.get(f"/s/{make.survey().id}").text
    light, dark = sorted(shown(page), key=lambda each: client.get(each).mimetype)
    for address, kind, content in ((light, "image/png", png()), (dark, "image/svg+xml", None)):
        answer = client.get(address)
        assert (answer.status_code, answer.mimetype) == (200, kind)
        assert content in (None, answer.data)
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "immutable" in answer.headers["Cache-Control"]
        assert "Set-Cookie" not in answer.headers
        again = client.get(address, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    put(api, {})
    assert api.get("/api/brand")["logo"] is None
    # Mail that was sent goes on showing it, for a while.
    assert client.get(light).status_code == 200
    assert client.get("/brand/" + "0" * 32).status_code == 404


@ON_SQLITE
def test_every_bad_file_and_value_is_a_clear_422(api, make):
    survey = make.survey()
    for given, said in BAD.values():
        refused = put(api, {"logo": {"dark": given}}, 422)
        assert said in refused["error"]["fields"]["logo.dark"][0]
    own = {"brand": {"logo": {"light": "x"}}}
    assert "brand.logo.light" in api.patch(f"/api/surveys/{survey.id}", own, 422)["error"]["fields"]
    for name, value in (
        ("color", "green"), ("color", "#17714f\n"), ("corner", 29), ("corner", "4"), ("corner", -1), ("name", ""),
        ("font", "a;}"), ("privacy_url", "http://acme.example"), ("privacy_url", "https://u@acme.example"),
        ("address", "x" * 501), ("logo", "x"), ("logos", {}),
        ("logo", {"light": "https://x.example/brand/" + "0" * 32}),
    ):  # fmt: skip
        fields = put(api, {name: value}, 422)["error"]["fields"]
        assert next(iter(fields)).partition(".")[0] == name
    assert Logo.select().count() == 0


def test_a_surveys_own_brand_stands_over_the_services_field_by_field(api, client, make):
    put(api, BRAND)
    own = {"name": "Acme Tools", "logo": {"light": url("jpeg", jpeg())}, "color": "#aa3300"}
    survey, other = make.survey(), make.survey()
    made = api.patch(f"/api/surveys/{survey.id}", {"brand": own})["brand"]
    assert re.fullmatch(r"http://localhost/brand/[0-9a-f]{32}", made["logo"]["light"])
    # What was read can be sent as it is: the picture is here already.
    assert api.patch(f"/api/surveys/{survey.id}", {"brand": made})["brand"] == made
    page, common = (client.get(f"/s/{each.id}").text for each in (survey, other))
    assert 'alt="Acme Tools"' in page
    assert 'alt="Acme Bikes"' in common
    assert "--accent:#aa3300" in page
    assert "--accent:#17714f" in common
    assert "<bdi>1 Mill Lane</bdi>\n<bdi>Leeds LS1 4AA</bdi>" in page
    assert [client.get(each).mimetype for each in shown(page)] == ["image/jpeg"]
    # Its own colour for the widget says more.
    api.patch(f"/api/surveys/{survey.id}", {"widget": {"color": "#223344"}})
    assert "--accent:#223344" in client.get(f"/s/{survey.id}").text
    assert "#17714f" in client.get(f"/w/{other.id}.js").text
    api.patch(f"/api/surveys/{survey.id}", {"brand": None})
    assert 'alt="Acme Bikes"' in client.get(f"/s/{survey.id}").text
    assert api.get(f"/api/surveys/{survey.id}")["brand"] is None


def test_every_page_that_customers_see_shows_it(world, api, client, make):
    put(api, BRAND)
    survey = make.survey()
    invitation = invite(api, survey)
    landing, leaving = path(links.invitation(invitation.id)), path(links.unsubscribe(invitation.id))
    pages = {
        "asks": client.get(f"/s/{survey.id}"),
        "mail's": client.get(landing),
        "thanks": client.post(landing, data={"score": "9"}),
        "own": client.get(path(links.me(Invitation.get().person_id, clock.now()))),
        "unsubscribe": client.get(leaving),
        "gone": client.get("/s/sv_none"),
        "look": client.get("/demo/look"),
    }
    Survey.update(status="paused").execute()
    pages["closed"] = client.get(f"/s/{survey.id}")
    for name, answer in pages.items():
        text = answer.text
        assert 'alt="Acme Bikes"' in text, name
        assert '--font: "Inter", sans-serif, system-ui' in text, name
        assert "--corner: 0px" in text, name
        assert 'href="https://acme.example/privacy" rel="noreferrer"' in text, name
        assert [client.get(each).status_code for each in shown(text)] == [200, 200], name
    # A page within a page of the company's, and our own pages, do without.
    Survey.update(status="active").execute()
    for address in (f"/s/{survey.id}?embed=1", "/", "/demo", "/api/docs"):
        assert "Acme Bikes" not in client.get(address).text, address
    tried = client.get("/demo/look?name=Other&corner=9&font=Lora&color=&lang=de").text
    assert 'alt="Other"' in tried
    assert "--corner: 9px" in tried
    assert '--font: "Lora"' in tried
    assert client.get("/demo/look?font=}").status_code == 422


def test_the_way_to_the_privacy_page_begins_with_us(api, client, make):
    assert client.get("/privacy").status_code == 404
    put(api, BRAND)
    own = make.survey(brand={"privacy_url": "https://tools.example/privacy"})
    for address, target in (
        ("/privacy", "https://acme.example/privacy"),
        (f"/privacy?survey={make.survey().id}", "https://acme.example/privacy"),
        (f"/privacy?survey={own.id}", "https://tools.example/privacy"),
        ("/privacy?survey=none", "https://acme.example/privacy"),
    ):
        answer = client.get(address)
        assert (answer.status_code, answer.headers["Location"]) == (302, target)
    assert brands.of(own).privacy_of == own.id


@ON_SQLITE
def test_the_widget_wears_it_where_that_is_wanted(api, client, make):
    survey, other = make.survey(), make.survey(brand={"in_widget": False})
    put(api, {**BRAND, "corner": 9})
    plain = client.get(f"/w/{survey.id}.js").text
    assert "/brand/" not in plain
    put(api, {**BRAND, "corner": 9, "in_widget": True})
    worn = client.get(f"/w/{survey.id}.js").text
    assert "--earshot-radius, 14px)" in worn
    assert '\\"Inter\\", sans-serif' in worn
    addresses = set(re.findall(r"http://localhost(/brand/[0-9a-f]{32})", worn))
    assert len(addresses) == 2
    for address in addresses:
        # Sites that isolate themselves take it too.
        assert client.get(address).headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "/brand/" not in client.get(f"/w/{other.id}.js").text
    api.patch(f"/api/surveys/{survey.id}", {"brand": {"in_widget": False}})
    assert client.get(f"/w/{survey.id}.js").text == plain


@ON_SQLITE
def test_surveys_speak_as_they_say_else_as_the_service_does(api, client, make):
    survey, english = make.survey(languages=["de", "en"]), make.survey(languages=["en"])
    own = make.survey(languages=["de"], formality="formal")
    assert "dass Sie uns" in client.get(f"/s/{survey.id}?lang=de").text
    assert put(api, {"formality": "informal"})["formality"] == "informal"
    page, widget = client.get(f"/s/{survey.id}?lang=de").text, client.get(f"/w/{survey.id}.js?lang=de").text
    for text in (page, widget):
        assert "dass du uns" in text
        assert 'lang="de"' in page
    assert "dass Sie uns" in client.get(f"/s/{own.id}").text
    # What is asked is another question now, but not where it reads as before.
    assert [Survey.get_by_id(each.id).definition for each in (survey, english, own)] == [2, 1, 1]
    made = api.patch(f"/api/surveys/{own.id}", {"formality": "informal"})
    assert (made["formality"], made["definition"]) == ("informal", 2)
    assert "dass du uns" in client.get(f"/s/{own.id}").text
    mail = api.call("GET", f"/api/surveys/{own.id}/preview.eml?lang=de").text
    assert "Hallo Robin," in mail
    for address, body in (
        ("/api/brand", {"formality": "du"}),
        (f"/api/surveys/{own.id}", {"formality": "du"}),
    ):
        method = "PUT" if address == "/api/brand" else "PATCH"
        assert list(api.call(method, address, 422, json=body)["error"]["fields"]) == ["formality"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("survey", "change", "definition"),
    [
        ({"languages": ["en"]}, {"formality": "informal"}, 1),
        ({"languages": ["en", "de"]}, {"formality": "formal"}, 1),
        ({"languages": ["en", "de"]}, {"formality": "informal"}, 2),
        ({"languages": ["de"], "formality": "informal"}, {"formality": None}, 2),
        # Asked in words of its own, which stay.
        ({"languages": ["de"], "question": {"de": "Wie war es?"}}, {"formality": "informal"}, 1),
        # Nobody was asked in that language before.
        ({"languages": ["en"]}, {"languages": ["en", "de"], "formality": "informal"}, 1),
    ],
)
def test_a_tone_makes_a_new_definition_where_a_word_changes(api, make, survey, change, definition):
    assert api.patch(f"/api/surveys/{make.survey(**survey).id}", change)["definition"] == definition
    if set(change) == {"formality"} and "formality" not in survey:
        other = make.survey(**survey)
        put(api, change)
        assert Survey.get_by_id(other.id).definition == definition


@ON_POSTGRES
def test_a_brand_and_a_survey_that_change_at_once_make_a_definition_each(world, make):
    survey = make.survey(languages=["de"])
    waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted"

    def rebrand():
        try:
            catalogue.rebrand({"formality": "informal"}, clock.now())
        finally:
            db.forget_connection()

    with ThreadPoolExecutor(1) as pool:
        with db.database.atomic():
            catalogue.change(survey, {"product": "Acme"}, clock.now())
            done = pool.submit(rebrand)
            while not db.database.execute_sql(waiting).fetchone()[0] and not done.done():
                pass
        done.result()
    made = Definition.select().where(Definition.survey == survey.id)
    assert sorted(row.number for row in made) == [1, 2, 3]
    assert Survey.get_by_id(survey.id).definition == 3


@ON_SQLITE
def test_two_editors_of_the_brand_take_nothing_of_each_other_back(world):
    known = brands.version()
    brands.replace({"name": "First"}, clock.now(), known)
    with pytest.raises(Clash):
        brands.replace({"name": "Second"}, clock.now(), known)
    assert brands.stored() == {"name": "First"}


@ON_SQLITE
def test_whoever_sees_some_surveys_only_does_not_change_what_all_show(world, make):
    key = {"Authorization": f"Bearer {make.key('admin', surveys=[make.survey().id])}"}
    assert world.client.get("/api/brand", headers=key).status_code == 200
    assert world.client.put("/api/brand", headers=key, json={"name": "X"}).status_code == 403


def test_a_logo_that_nothing_shows_any_more_is_forgotten_in_the_end(api, client, make):
    put(api, BRAND)
    make.survey(brand={"logo": {"light": brands.stored()["logo"]["light"]["hash"]}})
    put(api, {})
    assert Logo.select().count() == 2
    brands.tidy(clock.now() + brands.KEPT_FOR - timedelta(days=1))
    assert Logo.select().count() == 2
    brands.tidy(clock.now() + brands.KEPT_FOR + timedelta(days=1))
    assert [row.type for row in Logo.select()] == ["image/png"]


@pytest.mark.parametrize("said", [{}, {"name": "A"}, {"corner": 0}])
def test_what_is_not_said_is_not_kept(said):
    assert brands.keep({**dict.fromkeys(brands.FIELDS), **said}, clock.now()) == said
