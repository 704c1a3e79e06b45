"""The hosted page as a plain form: what it shows, what it records, what it refuses."""

import re
from datetime import timedelta

import pytest

from surveys import catalogue, links, recording
from surveys.base import clock, db
from surveys.models import Invitation, Response
from surveys.views import forms, pages
from tests.conftest import ON_SQLITE


@pytest.fixture
def opened(client):
    """Open a page and return its hidden token."""

    def opened(path, **options):
        return token(client.get(path, **options))

    return opened


def token(answer):
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return re.search(r'name="form" value="([^"]+)"', answer.get_data(as_text=True))[1]


def made_earlier(survey, seconds=5, **values):
    """The token of a page that a person has read for a while."""
    now = clock.now()
    given = {"language": "en", "channel": "link", "touchpoint": None, "person": None, **values}
    form = forms.Form(survey.id, made_at=clock.microseconds(now - timedelta(seconds=seconds)), **given)
    return forms.seal(form, now)


def send(client, survey, token, path="", **fields):
    return client.post(
        f"/s/{survey.id}{path}", data={"form": token, **fields}, content_type="multipart/form-data"
    )


def only():
    [row] = Response.select()
    return row


def test_the_form_records_score_and_comment_and_thanks_by_group(client, make):
    survey = make.survey(thanks={"detractor": {"en": "We will mend it."}})
    answer = send(client, survey, made_earlier(survey), score="3", comment="Slow\r\ncheckout ")
    assert answer.status_code == 200
    assert "We will mend it." in answer.get_data(as_text=True)
    row = only()
    assert (row.score, row.comment, row.group) == (3, "Slow\ncheckout", "detractor")
    assert (row.channel, row.language, row.flags, row.counted) == ("link", "en", None, True)


@pytest.mark.parametrize(("kind", "kept"), [("many_choices", ["Price", "Speed"]), ("single_choice", "Price")])
def test_choices_are_kept_in_the_first_language_and_what_was_not_offered_is_not(client, make, kind, kept):
    offered = {"detractor": {"en": ["Price", "Speed"], "de": ["Preis", "Tempo"]}}
    survey = make.survey(follow_up_type=kind, choices=offered, languages=["en", "de"])
    fields = {"choice_0": "Price", "choice_1": "Speed", "choice_2": "Made up", "choice_x": "Speed"}
    send(client, survey, made_earlier(survey, language="de"), score="3", **fields)
    assert only().answers == {"follow_up": kept}


def test_showing_a_page_counts_nothing_and_sets_no_cookie(client, make):
    survey = make.survey()
    for method in ("get", "head"):
        answer = getattr(client, method)(f"/s/{survey.id}?score=9&person=ada&touchpoint=receipt")
        assert (answer.status_code, answer.headers.get("Set-Cookie")) == (200, None)
    assert Response.select().count() == 0


@ON_SQLITE
@pytest.mark.parametrize(
    ("score", "chosen"), [("9", ["9"]), ("11", []), ("-1", []), ("9.0", []), ("٩", []), ("<b>", []), ("", [])]
)
def test_a_score_in_the_address_only_preselects(client, make, score, chosen):
    survey = make.survey()
    text = client.get(f"/s/{survey.id}", query_string={"score": score}).get_data(as_text=True)
    assert re.findall(r'value="(-?\d+)" required checked', text) == chosen


def test_the_thanks_take_a_comment_later_and_another_score(client, make):
    survey = make.survey()
    thanks = send(client, survey, made_earlier(survey), score="9")
    assert "What did you like most?" in thanks.get_data(as_text=True)
    send(client, survey, token(thanks), comment="Quick")
    assert (only().score, only().comment) == (9, "Quick")
    send(client, survey, token(thanks), score="2", comment="")
    assert (only().score, only().comment) == (2, None)


def test_a_form_sent_twice_is_one_answer_and_the_last_sent_counts(client, make):
    survey = make.survey()
    form = made_earlier(survey)
    for score in ("9", "9", "4"):
        assert send(client, survey, form, score=score).status_code == 200
    assert (only().score, only().version) == (4, 2)


def test_what_the_script_saved_and_the_form_sends_is_one_answer(client, make, opened):
    survey = make.survey()
    form = made_earlier(survey)
    sealed = forms.unseal(form, clock.now())
    body = make.answer(survey, id=sealed.id, edit_key=sealed.edit_key, score=9, revision=3)
    assert client.post("/r", json=body).status_code == 201
    send(client, survey, form, score="7", comment="Well")
    assert (only().score, only().comment) == (7, "Well")


def test_the_address_says_who_answers_and_where(client, make, opened):
    survey = make.survey()
    form = opened(f"/s/{survey.id}?person=ada%00&touchpoint=receipt&kiosk=1&utm_source=mail")
    send(client, survey, form, score="8")
    row = only()
    assert (row.person.external_id, row.person.verified) == ("ada", False)
    assert (row.touchpoint, row.channel) == ("receipt", "kiosk")


def test_an_address_can_name_a_person_by_e_mail(client, make, opened):
    survey = make.survey()
    send(client, survey, opened(f"/s/{survey.id}?person=Ada@Example.com"), score="8")
    assert only().person.email == "ada@example.com"


@pytest.mark.parametrize(
    ("seconds", "fields", "flags"),
    [
        (5, {}, None),
        (0.2, {}, ["too_fast"]),
        (5, {"homepage": "https://spam.example"}, ["honeypot"]),
        (0.2, {"homepage": "x"}, ["honeypot", "too_fast"]),
    ],
)
def test_suspect_forms_are_kept_and_flagged(client, make, seconds, fields, flags):
    survey = make.survey()
    assert send(client, survey, made_earlier(survey, seconds), score="9", **fields).status_code == 200
    assert (only().flags, only().counted) == (flags, flags is None)


@ON_SQLITE
@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("null", 200),
        ("http://localhost", 200),
        ("https://elsewhere.example", 403),
        ("https://shop.example", 403),
    ],
)
def test_the_form_takes_no_other_sites_calls(client, make, origin, status):
    survey = make.survey(allowed_origins=["https://shop.example"])
    headers = {"Origin": origin} if origin else {}
    answer = client.post(
        f"/s/{survey.id}", data={"form": made_earlier(survey), "score": "9"}, headers=headers
    )
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert Response.select().count() == (status == 200)


@pytest.mark.parametrize("score", ["", "11", "9.5", "nine", "9" * 5000])
def test_without_a_score_of_the_scale_the_page_asks_again_and_keeps_the_comment(client, make, score):
    survey = make.survey()
    answer = send(client, survey, made_earlier(survey), score=score, comment="Kept <b>words</b>")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Please choose an answer." in text
    assert "Kept &lt;b&gt;words&lt;/b&gt;" in text
    assert Response.select().count() == 0


def test_a_forged_or_foreign_token_asks_again_with_what_was_typed(client, make):
    survey, other = make.survey(), make.survey()
    for form in ("", "forged", made_earlier(survey)[:-2] + "xx", made_earlier(other)):
        answer = send(client, survey, form, score="9", comment="Quick")
        text = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert 'value="9" required checked' in text
        assert "Quick" in text
    assert Response.select().count() == 0


def test_a_form_runs_out_after_a_month(make):
    survey = make.survey()
    form = made_earlier(survey)
    forms.unseal(form, clock.now() + timedelta(days=29))
    with pytest.raises(forms.BadToken):
        forms.unseal(form, clock.now() + timedelta(days=31))


def test_a_paused_survey_says_it_is_closed_and_still_takes_what_was_begun(client, make):
    survey = make.survey()
    catalogue.change(survey, {"status": "paused"}, clock.now())
    answer = client.get(f"/s/{survey.id}")
    assert answer.status_code == 200
    assert "This survey is closed." in answer.get_data(as_text=True)
    assert "<form" not in answer.get_data(as_text=True)
    assert send(client, survey, made_earlier(survey), score="9").status_code == 200
    assert only().counted


def test_archived_and_unknown_surveys_are_the_same_page_in_the_visitors_language(client, make):
    survey = make.survey()
    catalogue.change(survey, {"status": "archived"}, clock.now())
    pages = []
    for survey_id in (survey.id, "sv_none"):
        answer = client.get(f"/s/{survey_id}", headers={"Accept-Language": "de"})
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
        text = answer.get_data(as_text=True)
        assert '<html lang="de" dir="ltr">' in text
        assert "Diese Umfrage" in text
        pages.append(re.sub(r'nonce="[^"]+"|<p class="quiet">\w+</p>', "", text))
    assert pages[0] == pages[1]


@ON_SQLITE
@pytest.mark.parametrize(
    ("query", "accepts", "language", "direction"),
    [
        ("", "", "en", "ltr"),
        ("", "fr, de;q=0.8", "de", "ltr"),
        ("", "fr", "en", "ltr"),
        ("?lang=ar", "de", "ar", "rtl"),
        ("?lang=de-AT", "ar", "de", "ltr"),
        ("?lang=xx", "ar", "ar", "rtl"),
        ("?lang=%00", "", "en", "ltr"),
    ],
)
def test_the_language_is_asked_for_then_accepted_then_the_surveys(
    client, make, query, accepts, language, direction
):
    survey = make.survey(languages=["en", "de", "ar"])
    answer = client.get(f"/s/{survey.id}{query}", headers={"Accept-Language": accepts})
    assert f'<html lang="{language}" dir="{direction}">' in answer.get_data(as_text=True)
    assert "Accept-Language" in answer.vary


@pytest.mark.parametrize(
    ("query", "origins", "ancestors"),
    [
        ("", ["https://shop.example"], "'none'"),
        ("?embed=1", ["https://shop.example", "https://b.example"], "https://shop.example https://b.example"),
        ("?embed=1", [], "'none'"),
    ],
)
def test_only_allowed_origins_may_frame_the_page(client, make, query, origins, ancestors):
    survey = make.survey(allowed_origins=origins)
    pages = [
        client.get(f"/s/{survey.id}{query}"),
        send(client, survey, made_earlier(survey), query, score="9"),
    ]
    for answer in pages:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.endswith(f"frame-ancestors {ancestors}")
        assert "unsafe" not in policy


@ON_SQLITE
@pytest.mark.parametrize(
    "origin",
    ["https://a.example; script-src *", "https://a.example *", "https://", "https://a.example/x", "*"],
)
def test_what_is_no_origin_never_reaches_the_policy(api, origin):
    body = {"name": "Shop", "metric": "nps", "allowed_origins": [origin]}
    assert "allowed_origins" in str(api.post("/api/surveys", body, 422)["error"]["fields"])


def test_no_page_has_a_style_attribute_or_an_inline_handler(client, make):
    survey = make.survey()
    pages = [client.get(f"/s/{survey.id}"), send(client, survey, made_earlier(survey), score="9")]
    for answer in [*pages, client.get("/s/none"), client.get("/")]:
        markup = re.sub(r"<(style|script).*?</\1>", "", answer.get_data(as_text=True), flags=re.DOTALL)
        assert not re.search(r"\s(style|on\w+)=", markup)


def test_own_words_are_text_and_never_markup(client, make):
    survey = make.survey(
        question={"en": "<script>alert(1)</script> & {{ 7 * 7 }}"}, thanks={"en": "</script><b>"}
    )
    for answer in (client.get(f"/s/{survey.id}"), send(client, survey, made_earlier(survey), score="9")):
        text = answer.get_data(as_text=True)
        assert "<script>alert" not in text
        assert "</script><b>" not in text
        assert "{{ 7 * 7 }}" in text


def test_a_kiosk_returns_to_the_start(client, make):
    survey = make.survey()
    form = made_earlier(survey, channel="kiosk")
    answer = send(client, survey, form, "?kiosk=1&touchpoint=exit&score=3&person=ada", score="9")
    assert answer.headers["Refresh"] == "15; url=?touchpoint=exit&kiosk=1"
    assert "Start again" in answer.get_data(as_text=True)
    assert "Refresh" not in send(client, survey, made_earlier(survey), score="9").headers


@ON_SQLITE
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"x" * 33_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"", None, 415),
        (b"score=9", "application/x-www-form-urlencoded", 422),
        (b"form=%00", "application/x-www-form-urlencoded", 422),
        (b"\xff\xfe&&&=;%zz", "application/x-www-form-urlencoded", 422),
        (b"no boundary here", "multipart/form-data; boundary=x", 422),
        (
            b"--x\r\nContent-Disposition: form-data\r\n\r\n9\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
            422,
        ),
        (b"no boundary here", "multipart/form-data", 422),
    ],
)
def test_hostile_forms_get_a_page_that_says_so(client, make, body, content_type, status):
    survey = make.survey()
    answer = client.post(f"/s/{survey.id}", data=body, content_type=content_type)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert Response.select().count() == 0


def test_a_compressed_form_is_refused(client, make):
    answer = client.post(f"/s/{make.survey().id}", data=b"x", headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.mimetype) == (415, "text/html")


def test_a_long_comment_in_any_script_fits(client, make):
    survey = make.survey()
    assert send(client, survey, made_earlier(survey), score="9", comment="語" * 5000).status_code == 200
    assert only().comment == "語" * 5000


def test_an_answer_that_can_no_longer_be_changed_says_so(client, make):
    survey = make.survey(edit_window_hours=0)
    form = made_earlier(survey)
    assert send(client, survey, form, score="9").status_code == 200
    assert send(client, survey, form, score="3").status_code == 409
    assert only().score == 9


class TestLimited:
    """With PUBLIC_LIMIT."""

    @pytest.fixture
    def settings_overrides(self):
        return {"PUBLIC_LIMIT": "2"}

    def test_too_many_forms_get_a_page_that_offers_to_send_again(self, client, make):
        survey = make.survey()
        for _ in range(2):
            assert send(client, survey, made_earlier(survey), score="9").status_code == 200
        answer = send(client, survey, made_earlier(survey), score="9", comment="Kept <i>")
        assert (answer.status_code, answer.mimetype) == (429, "text/html")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert 'name="comment" value="Kept &lt;i&gt;"' in answer.get_data(as_text=True)
        assert client.get(f"/s/{survey.id}").status_code == 200

    @pytest.mark.parametrize("address", ["/s/none", "/i/garbage"])
    @ON_SQLITE
    def test_forms_to_nobody_are_limited_as_well(self, client, address):
        answers = [client.post(address, data={"form": "x", "comment": "Kept"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [404, 404, 429]
        assert "Too many answers have come" in answers[-1].text
        assert 'name="comment" value="Kept"' in answers[-1].text


@pytest.mark.parametrize("address", [lambda: "/s/sv_any", lambda: f"/i/{links.invitation_token('inv_any')}"])
@ON_SQLITE
def test_what_was_typed_is_kept_though_nothing_can_be_looked_up(client, monkeypatch, address):
    def away(*_, **__):
        raise db.DatabaseAway("gone")

    monkeypatch.setattr(recording, "survey_of", away)
    monkeypatch.setattr(Invitation, "get_or_none", away)
    answer = client.post(address(), data={"form": "a page's", "score": "9", "comment": "Long and <b>"})
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    for name, value in (("form", "a page&#39;s"), ("score", "9"), ("comment", "Long and &lt;b&gt;")):
        assert f'name="{name}" value="{value}"' in answer.text


def test_a_database_that_is_away_is_a_page_with_retry_after(client, make, monkeypatch):
    survey = make.survey()

    def away(*_, **__):
        raise db.DatabaseAway("gone")

    monkeypatch.setattr(recording, "record", away)
    answer = send(client, survey, made_earlier(survey), score="9")
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert int(answer.headers["Retry-After"]) > 0
    assert 'name="score" value="9"' in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/s/none?lang=de", 404, "Diese Umfrage"),
        ("/s/none?lang=en", 404, "The link may be incomplete or out of date."),
        ("/demo/look?color=chartreuse", 422, "<code>color</code>: Must be a colour like #2f5bea."),
        ("/demo/look?metric=guess&theme=neon", 422, "<code>metric</code>: Must be one of:"),
        ("/u/none?lang=en", 404, "could not be found"),
    ],
)
@ON_SQLITE
def test_an_error_is_said_in_words_and_no_bare_number_stands_there(client, address, status, said):
    answer = client.get(address)
    page = answer.text.partition("<main")[2].partition("</main>")[0]
    assert answer.status_code == status
    assert said in page
    assert answer.headers["X-Request-Id"] not in page
    assert "Something went wrong" not in page


def test_an_error_that_is_ours_has_a_number_to_ask_about_and_says_what_for(client, make, monkeypatch):
    monkeypatch.setattr(pages.the_texts, "language_for", lambda *_: 1 / 0)
    answer = client.get(f"/s/{make.survey().id}")
    assert answer.status_code == 500
    assert f"Reference number: {answer.headers['X-Request-Id']}" in answer.text


#: What browsers say that they read.
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "de"}


@pytest.mark.parametrize(
    ("method", "address", "status", "said"),
    [
        # Links that were cut off, and addresses that somebody typed.
        ("GET", "/nothing", 404, "Diese Seite wurde nicht gefunden. Der Link"),
        ("GET", "/s/", 404, "Diese Seite wurde nicht gefunden."),
        ("GET", "/i/", 404, "Diese Seite wurde nicht gefunden."),
        ("GET", "/i/inv_cut", 404, "Diese Seite wurde nicht gefunden."),
        ("GET", "/me/cut", 404, "Diese Seite wurde nicht gefunden."),
        ("GET", "/f/cut", 404, "Diese Seite wurde nicht gefunden."),
        ("GET", "/s/cut", 404, "Diese Umfrage wurde nicht gefunden."),
        # A company that took its privacy page away, a picture, a feed.
        ("GET", "/privacy", 404, "Diese Seite wurde nicht gefunden."),
        ("GET", "/brand/none", 404, "Diese Seite wurde nicht gefunden."),
        ("GET", "/feed/none.atom", 404, "Diese Seite wurde nicht gefunden."),
        ("PUT", "/s/cut", 405, "Was gesendet wurde, passt nicht zu dieser Seite."),
    ],
)
@ON_SQLITE
def test_whoever_comes_by_a_browser_reads_a_page_wherever_they_land(
    api, client, method, address, status, said
):
    api.call("PUT", "/api/brand", 200, json={"name": "Acme Bikes"})
    answer = client.open(address, method=method, headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    page = answer.text.partition("<main")[2].partition("</main>")[0]
    assert said in page
    assert answer.headers["X-Request-Id"] not in page
    assert "Acme Bikes" in answer.text
    # Programs are told as ever.
    told = client.open(address, method=method, headers={"Accept": "application/json"})
    assert told.status_code == status
    if address in ("/nothing", "/privacy"):
        assert set(told.json) == {"error"}
        assert "Accept" in answer.vary
        assert "Accept" in told.vary


@pytest.mark.parametrize(
    "address",
    [
        "/api/nothing", "/api/surveys", "/in/con_none", "/mcp", "/r", "/w/none.js", "/trackers/none", "/healthz/x",
        "/readyz/x", "/metrics/x", "/feed/none.json", "/feed/none.csv", "/feed/none.xlsx", "/feed/none.xml",
    ],
)  # fmt: skip
@ON_SQLITE
def test_an_address_of_programs_speaks_json_to_a_browser_too(client, address):
    answer = client.get(address, headers=BROWSER)
    assert answer.status_code >= 400
    assert answer.mimetype != "text/html"


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/html", "text/html"),
        ("text/*", "text/html"),
        ("text/html;q=0.1", "text/html"),
        ("text/html;q=0", "application/json"),
        # Firefox, Chrome.
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8,"
         "application/signed-exchange;v=b3;q=0.7", "text/html"),
        # Of programs.
        ("application/json, text/plain, */*", "application/json"),
        ("application/json, text/html;q=0.1", "application/json"),
        ("text/html;q=0.9, application/json", "application/json"),
        ("text/html, application/json", "application/json"),
        ("text/html, application/json;q=0.9", "text/html"),
        ("text/html;q=0, */*", "application/json"),
        ("text/html;q=0.3, application/json;q=0.1, */*;q=0.8", "application/json"),
        ("text/html, */*", "application/json"),
        ("application/*, text/html;q=0.5", "application/json"),
        # Java says so of itself, as browsers once did: pages for it where people come to.
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "text/html"),
        ("nonsense;;q=x, text/html;q=nan", "application/json"),
    ],
)  # fmt: skip
@ON_SQLITE
def test_an_error_is_a_page_only_where_that_is_read_best(client, accept, mimetype):
    answer = client.get("/nothing", headers={} if accept is None else {"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (404, mimetype)
    assert "Accept" in answer.vary


@ON_SQLITE
def test_words_that_are_too_long_are_told_as_that_in_the_looks_of_the_survey(client, make):
    survey = make.survey(languages=["de"], brand={"name": "Acme Bikes"})
    answer = send(client, survey, made_earlier(survey), score="9", comment="x" * 40_000)
    assert answer.status_code == 413
    assert "Dieser Text ist zu lang." in answer.text
    assert "Acme Bikes" in answer.text
