"""The widget's files over HTTP, and what a survey says about its follow-up, its thanks and its looks."""

import gzip
import json
import re

import brotli
import pytest

from tests.conftest import ON_SQLITE

LINK = {"url": "https://shop.example/help", "text": {"en": "Help", "de": "Hilfe"}}
CHOICES = {"en": ["Price", "Speed"], "de": ["Preis", "Tempo"]}

#: Where in the panel's list of words it says that several may be chosen.
MANY = 8


def panel_address(loader: str) -> str:
    """The address the loader makes of its survey, its language and its integrity."""
    survey, language, integrity = re.search(
        r'"(sv_\w+)","http://localhost","([\w-]+)","(sha256-[^"]+)"', loader
    ).groups()
    return f"/w/{survey}/{language}.js?{integrity}"


def test_the_loader_names_the_panel_which_never_changes(client, make):
    survey = make.survey(languages=["en", "de"])
    loader = client.get(f"/w/{survey.id}/loader.js?lang=de")
    assert "max-age=300" in loader.headers["Cache-Control"]
    panel = client.get(panel_address(loader.text))
    assert "immutable" in panel.headers["Cache-Control"]
    assert panel.headers["Access-Control-Allow-Origin"] == "*"
    assert "weiterempfehlen" in panel.text
    assert "weiterempfehlen" not in loader.text


def test_one_file_holds_everything_in_one_language(client, make):
    survey = make.survey(languages=["en", "de"])
    asked = client.get(f"/w/{survey.id}.js?lang=de")
    wished = client.get(f"/w/{survey.id}.js", headers={"Accept-Language": "de-AT"})
    assert asked.data == wished.data
    assert "weiterempfehlen" in asked.text
    assert "recommend" not in asked.text
    assert "Accept-Language" in wished.headers["Vary"]
    assert "Accept-Language" not in asked.headers["Vary"]
    assert "import(" not in asked.text
    assert len(gzip.compress(asked.data, 9)) <= 6 * 1024


def test_without_its_integrity_the_panel_is_the_latest(client, make, api):
    survey = make.survey()
    before = panel_address(client.get(f"/w/{survey.id}/loader.js").text)
    api.patch(f"/api/surveys/{survey.id}", {"question": {"en": "How did it go?"}})
    for address in (before, f"/w/{survey.id}/en.js", f"/w/{survey.id}/xx.js"):
        panel = client.get(address)
        assert "How did it go?" in panel.text
        assert "immutable" not in panel.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/w/{}.js", "/w/{}/loader.js", "/w/{}/en.js"])
def test_each_encoding_has_a_tag_of_its_own_and_is_not_sent_twice(client, make, path):
    address = path.format(make.survey().id)
    decoders = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}
    answers = {name: client.get(address, headers={"Accept-Encoding": name}) for name in decoders}
    assert len({answer.headers["ETag"] for answer in answers.values()}) == 3
    assert len({decoders[name](answer.data) for name, answer in answers.items()}) == 1
    for name, answer in answers.items():
        assert answer.headers.get("Content-Encoding", "") == name
        assert "Accept-Encoding" in answer.headers["Vary"]
        headers = {"Accept-Encoding": name, "If-None-Match": answer.headers["ETag"]}
        again = client.get(address, headers=headers)
        assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/w/{}.js", "/w/{}/loader.js", "/w/{}/en.js"])
@pytest.mark.parametrize("status", ["archived", None])
def test_what_is_not_there_is_an_empty_script(client, make, path, status):
    answer = client.get(path.format(make.survey(status=status).id if status else "sv_none"))
    assert (answer.status_code, answer.data, answer.mimetype) == (404, b"", "text/javascript")


def test_choices_are_read_in_the_visitors_language_and_kept_in_the_first(client, api):
    body = {
        "name": "Choices",
        "metric": "csat",
        "languages": ["en", "de"],
        "follow_up_type": "many_choices",
        "choices": {"dissatisfied": CHOICES},
        "thanks_link": LINK,
    }
    survey = api.post("/api/surveys", body)
    assert (survey["choices"], survey["thanks_link"]) == (body["choices"], LINK)
    panel = client.get(f"/w/{survey['id']}/de.js").text
    assert '[["Price","Preis"],["Speed","Tempo"]]' in panel
    assert '"Hilfe","https://shop.example/help")' in panel
    assert _words(panel)[MANY] == 1
    api.patch(f"/api/surveys/{survey['id']}", {"follow_up_type": "single_choice"})
    assert _words(client.get(f"/w/{survey['id']}/de.js").text)[MANY] == 0


def _words(panel):
    """The list that the service writes into the panel's script, up to what rides along with it as a function."""
    text = panel[panel.index('["de","ltr"') :]
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except json.JSONDecodeError as error:
        return json.loads(text[: error.pos].rstrip(",") + "]")


@ON_SQLITE
@pytest.mark.parametrize(
    "choices",
    [
        None,
        {},
        {"en": ["One"]},
        {"en": ["Same", "Same"]},
        {"en": ["A", "B"], "de": ["A", "B", "C"]},
        {"happy": {"en": ["A", "B"]}},
        {"detractor": {"en": ["A", ""]}},
        {"detractor": ["A", "B"]},
        {"en": "A"},
        ["A", "B"],
    ],
)
def test_choices_that_cannot_be_shown_are_refused(api, choices):
    body = {"name": "x", "metric": "nps", "follow_up_type": "single_choice", "choices": choices}
    assert "choices" in api.post("/api/surveys", body, 422)["error"]["fields"]


def test_choices_cannot_be_taken_away_from_a_follow_up_that_offers_them(api, make):
    survey = make.survey(follow_up_type="single_choice", choices=CHOICES)
    api.patch(f"/api/surveys/{survey.id}", {"choices": None}, 422)
    api.patch(f"/api/surveys/{survey.id}", {"choices": None, "follow_up_type": "text"})


@pytest.mark.parametrize("link", [{"promoter": LINK}, {"promoter": "https://stars.example", **LINK}])
def test_a_link_for_one_group_alone_is_refused_as_review_gating(api, link):
    error = api.post("/api/surveys", {"name": "x", "metric": "nps", "thanks_link": link}, 422)["error"]
    assert "review gating" in str(error["fields"])


#: Where a link under the thanks must not lead.
ASTRAY = [
    "javascript:alert(1)",
    "ftp://x.example",
    "nowhere",
    "//shop.example",
    "https:///shop.example",
    "https://me@shop.example/",
    "https://bank.example:443@shop.example/",
    "https://@shop.example/",
    "https://shop.example:99999/",
    "https://shop.example:65536",
    "https://shop.example:0/",
    "https://shop.example\\@bank.example/",
    "https://shop.example/\n",
    "https://shop.example/a b",
    "https://shop.example/\x7f",
]


@ON_SQLITE
@pytest.mark.parametrize("url", [*ASTRAY, "http://shop.example/help"])
def test_a_link_is_refused_unless_it_leads_where_it_says(api, url):
    body = {"name": "x", "metric": "nps", "thanks_link": {**LINK, "url": url}}
    assert "thanks_link.url" in api.post("/api/surveys", body, 422)["error"]["fields"]


@pytest.mark.parametrize("url", ["https://shop.example", "https://shop.example:8443/a?b=c@d#e", LINK["url"]])
def test_a_link_that_leads_where_it_says_is_taken(api, url):
    body = {"name": "x", "metric": "nps", "thanks_link": {**LINK, "url": url}}
    assert api.post("/api/surveys", body)["thanks_link"]["url"] == url


def test_a_link_must_say_what_it_is(api):
    body = {"name": "x", "metric": "nps", "thanks_link": {**LINK, "text": {}}}
    assert "thanks_link.text" in api.post("/api/surveys", body, 422)["error"]["fields"]


STORED = [
    *({**LINK, "url": url} for url in ASTRAY),
    *({**LINK, "text": text} for text in ({}, {"en": ""}, None, "Help")),
    {"url": LINK["url"]},
    {"text": LINK["text"]},
    {"url": ["https://shop.example"], "text": {"en": "Help"}},
    {},
]


@ON_SQLITE
@pytest.mark.parametrize("link", STORED, ids=str)
def test_a_link_that_was_stored_before_and_leads_astray_is_left_out(client, make, link):
    survey = make.survey(thanks_link=link)
    assert client.get(f"/s/{survey.id}").status_code == 200
    thanks = client.post(f"/s/{survey.id}", data={"form": _form(client, survey), "score": "9"})
    assert (thanks.status_code, "Help" in thanks.text) == (200, False)
    script = client.get(f"/w/{survey.id}/en.js")
    assert (script.status_code, "Help" in script.text) == (200, False)


def test_a_link_over_plain_http_that_was_stored_before_is_shown(client, make):
    survey = make.survey(thanks_link={**LINK, "url": "http://shop.example/help"})
    assert 'href="http://shop.example/help"' in client.get(f"/s/{survey.id}").text


def _form(client, survey):
    """The hidden token of a survey's page."""
    return re.search(r'name="form" value="([^"]+)"', client.get(f"/s/{survey.id}").text)[1]


@ON_SQLITE
@pytest.mark.parametrize(
    ("widget", "adapted"),
    [
        ({}, []),
        ({"color": "#2f5bea"}, []),
        ({"color": "#ffee33"}, ["light"]),
        ({"color": "#101010"}, ["dark"]),
        ({"color": "#101010", "theme": "light"}, []),
    ],
)
def test_a_survey_says_where_its_colour_was_adapted(api, make, widget, adapted):
    survey = api.get(f"/api/surveys/{make.survey(widget=widget).id}")
    assert [next(w for w in ("light", "dark") if f" {w} " in note) for note in survey["notes"]] == adapted
    assert survey["widget"] == widget


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("https://shop.example", None),
        (None, None),
        ("http://localhost", None),
        (
            "https://www.shop.example",
            "takes no answers from https://www.shop.example until its allowed_origins",
        ),
        ("null", "allow-same-origin"),
        ("https://x\u200b.example/" + "y" * 900, "takes no answers from https://x"),
    ],
)
def test_a_page_can_read_whether_its_answers_are_refused(client, make, origin, said):
    survey = make.survey(allowed_origins=["https://shop.example"])
    headers = {} if origin is None else {"Origin": origin.encode("ascii", "ignore").decode()}
    answer = client.get(f"/w/{survey.id}/origin", headers=headers)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert (answer.headers["Cache-Control"], "Origin" in answer.headers["Vary"]) == ("no-store", True)
    assert "Access-Control-Allow-Credentials" not in answer.headers
    refused = answer.json["refused"]
    assert refused is None if said is None else said in refused and survey.id in refused
    assert len(refused or "") < 320


def test_no_survey_has_nothing_to_say_of_an_origin(client):
    assert client.get("/w/sv_none/origin", headers={"Origin": "https://shop.example"}).status_code == 404


@ON_SQLITE
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/shop/*", "/shop/*"),
        (" /shop/* ", "/shop/*"),
        ("!/#/cart*", "!/#/cart*"),
        ("?step=2", "?step=2"),
        ("#/cart", "#/cart"),
        ("*/thanks", "*/thanks"),
        ("https://Shop.example:443/a", "https://shop.example/a"),
        ("!https://müller.example/*?a=ß", "!https://xn--mller-kva.example/*?a=ß"),
        ("https://*.example/a", "https://*.example/a"),
        ("http://127.0.0.1:*/a", "http://127.0.0.1:*/a"),
        ("app://localhost/*", "app://localhost/*"),
    ],
)
def test_a_pattern_is_kept_as_addresses_are_compared(api, given, kept):
    body = {"name": "x", "metric": "nps", "widget": {"pages": [given]}}
    assert api.post("/api/surveys", body)["widget"]["pages"] == [kept]


@ON_SQLITE
@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("shop/*", "Must begin with /"),
        ("shop.example/*", "Must begin with /"),
        ("", "Must begin with /"),
        ("!", "Must begin with /"),
        ("https://shop.example", "which pages of the site"),
        ("https://*.Example/", "lower case"),
        ("https://*.müller.example/", "lower case"),
        ("https://shop.example:99999/", "port"),
        ("/a,/b", "commas"),
        ("/a\n/b", "commas"),
        ("/" + "a" * 500, "longer than 500"),
    ],
)
def test_a_pattern_that_could_fit_no_page_is_refused_with_the_reason(api, pattern, why):
    body = {"name": "x", "metric": "nps", "widget": {"pages": ["/*", pattern]}}
    assert why in str(api.post("/api/surveys", body, 422)["error"]["fields"])
