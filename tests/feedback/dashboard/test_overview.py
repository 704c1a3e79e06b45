"""The overview: every number leads to its answers, and says no more than may be said."""

import html
import re
from datetime import date, timedelta
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import pytest

from feedback import pins, results
from feedback.dashboard import charts, overview, words
from feedback.domain.drivers import Impact
from feedback.models import Placement, Theme, Topic, TopicReview
from feedback.numbers import Mover, Point
from feedback.topics import reports, reviews
from surveys import events
from surveys.base import clock, db, ids, jobs
from surveys.domain.metrics import METRICS
from surveys.models import DailyCount, Invitation, Response, Survey
from tests.conftest import ADMIN_KEY, ON_SQLITE


class Numbers(HTMLParser):
    """The links that stand for a number of answers, each with that number."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "data-n" in given and tag == "a":
            self.found.append((given["href"], int(given["data-n"])))


def browse(world, path, key=ADMIN_KEY, **options):
    return world.client.open(
        path, headers={"Authorization": f"Bearer {key}", "Accept": "text/html"}, **options
    )


@pytest.fixture
def filled(make):
    """A survey with answers in three months, one of them excluded and one without a score."""
    survey = make.survey(name="<b>Shop</b>")
    today = clock.now()
    for at, score in enumerate([0, 3, 9, 10, 10, 7, 8, 6, 9, 10]):
        make.response(survey, score, today - timedelta(days=9 * at, hours=1), comment=f"words {at}")
    return survey


def test_every_number_leads_to_the_feed_that_shows_exactly_those_answers(world, api, filled, make):
    api.patch(f"/api/responses/{make.response(filled, 2).id}", {"excluded": True})
    page = browse(world, "/team?period=90d").get_data(as_text=True)
    found = Numbers(page).found
    assert len(found) > 8
    for href, n in found:
        query = dict(parse_qsl(urlsplit(href).query))
        assert len(api.get("/api/feed", limit=200, **query)["items"]) == n, href
    assert "10 answers" in page
    assert "&lt;b&gt;Shop&lt;/b&gt;" in page
    assert "<b>Shop" not in page


def test_an_invitation_that_is_answered_already_does_not_wait_for_an_answer(world, make):
    """Of one survey alone, and of several together."""
    survey = make.survey(answer_window_days=30)

    def ask(days, is_answered):
        sent = clock.now() - timedelta(days=days)
        Invitation.create(
            id=ids.new("inv"), survey=survey.id, channel="email", status="sent", created_at=sent,
            sent_at=sent, answered_at=sent if is_answered else None,
        )  # fmt: skip
        if is_answered:
            make.response(survey, 9, sent)

    def page():
        return browse(world, "/team").get_data(as_text=True)

    ask(1, True)
    ask(2, True)
    assert "2 who were asked too lately to count yet have answered already." in page()
    assert "may still answer" not in page()
    ask(3, False)
    ask(60, True)
    for _ in range(2):
        found = page()
        assert "Of 1 invitation, 1 was answered (100 %)." in found
        assert "1 was asked too lately to count yet, and may still answer." in found
        assert "came without one" not in found
        make.response(make.survey(), 3, clock.now() - timedelta(days=1))


@ON_SQLITE
def test_a_survey_that_nobody_answered_stands_behind_the_others(world, make):
    first, second, third = (make.survey(name=name) for name in ("Empty", "Shop", "Desk"))
    for survey in (third, second):
        make.response(survey, 9)
    page = browse(world, "/team").get_data(as_text=True)
    found = re.findall(r'id="name-(\w+)"', page)
    assert (found[:2], first.id in found[2:]) == ([second.id, third.id], True)


def test_without_a_survey_it_says_what_to_do_next(world):
    Survey.delete().execute()
    assert "make demo" in browse(world, "/team").get_data(as_text=True)


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(world):
    answer = world.client.get("/team?period=all")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/team/sign-in?next=%2Fteam%3Fperiod%3Dall"


def test_nobody_sees_a_survey_that_is_not_theirs(world, filled, make):
    key = make.key("read", surveys=[make.survey(name="Mine").id])
    page = browse(world, "/team", key).get_data(as_text=True)
    assert "Mine" in page
    assert "Shop" not in page
    assert "words 1" not in page


def test_looking_back_shows_what_was_recorded_until_then(world, filled):
    day = (clock.now() - timedelta(days=40)).date().isoformat()
    assert "5 answers" in browse(world, f"/team?as_of={day}&period=all").get_data(as_text=True)


@ON_SQLITE
def test_looking_back_counts_who_had_answered_by_then(world, filled, make):
    """Whoever was asked before and answered after is silent, and what was made later is not there."""
    now = clock.now()
    for number, answered in enumerate((85, 84, 20, None)):
        Invitation.create(
            id=f"inv_{number}", survey=filled.id, channel="email", status="sent", created_at=now - timedelta(days=88),
            sent_at=now - timedelta(days=88),
            answered_at=now - timedelta(days=answered) if answered is not None else None,
        )  # fmt: skip
    make.survey(name="Made later")
    day = (now - timedelta(days=40)).date().isoformat()
    back = browse(world, f"/team?as_of={day}&period=all").get_data(as_text=True)
    assert "Of 4 invitations, 2 were answered" in back
    assert "Made later" not in back
    today = browse(world, "/team?period=all").get_data(as_text=True)
    assert "Of 4 invitations, 3 were answered" in today
    assert "Made later" in today


def test_who_was_asked_leads_to_how_many_were_over_time(world, filled, api):
    assert "over time" not in browse(world, "/team").get_data(as_text=True), "nobody was asked"
    body = {"survey": filled.id, "person": {"email": "ann@example.com"}, "deliver": False}
    asked = api.post("/api/triggers", body, 200)["invitation"]["id"]
    Invitation.update(sent_at=clock.now() - timedelta(days=40)).where(Invitation.id == asked).execute()
    page = html.unescape(browse(world, "/team?period=90d").get_data(as_text=True))
    address = re.search(r'href="(/team/explore[^"]*)">Asked and answered over time', page)[1]
    assert "0 % (0 of 1)" in browse(world, address).get_data(as_text=True)


def test_a_period_is_named_by_its_days(world, filled, api):
    """Between two days stand exactly the answers of these days, and every number leads to them."""
    at = [(clock.now() - timedelta(days=days)).date().isoformat() for days in (45, 25)]
    page = browse(world, f"/team?since={at[0]}&until={at[1]}")
    within = api.get("/api/feed", survey=filled.id, counted=1, since=at[0], until=at[1], limit=200)["items"]
    found = Numbers(page.get_data(as_text=True)).found
    assert found[0][1] == len(within) > 0
    for href, n in found:
        query = dict(parse_qsl(urlsplit(href).query))
        assert len(api.get("/api/feed", limit=200, **query)["items"]) == n, href
    assert f'value="{at[0]}"' in page.get_data(as_text=True)
    assert (
        "aria-current"
        not in page.get_data(as_text=True).partition('class="switch"')[2].partition("</nav>")[0]
    )
    both = browse(world, f"/team?since={at[0]}&until={at[1]}&as_of={at[0]}").get_data(as_text=True)
    for href, n in Numbers(both).found:
        query = dict(parse_qsl(urlsplit(href).query))
        assert len(api.get("/api/feed", limit=200, **query)["items"]) == n <= 1, href
    assert browse(world, f"/team?since={at[1]}&until={at[0]}").status_code == 200
    empty = browse(world, "/team?period=90d&since=&until=&as_of=")
    assert empty.headers["Location"] == "/team?period=90d"


@pytest.mark.parametrize(
    "query",
    [
        "since=soon",
        "since=0001-01-01",
        "period=7d",
        "as_of=yesterday",
        "as_of=0001-01-01",
        "nothing=1",
        "period=%00",
    ],
)
def test_what_the_address_may_not_say_is_told_on_a_page(world, query):
    answer = browse(world, f"/team?{query}")
    assert (answer.status_code, answer.mimetype) == (422, "text/html")
    assert "well-formed" not in answer.get_data(as_text=True), "that is said to programs"


@ON_SQLITE
def test_a_page_names_what_is_wrong_as_its_form_does(world):
    assert "<li>From: Must be a time" in browse(world, "/team?since=soon").get_data(as_text=True)
    many = "&".join(f"property:a{at}=1" for at in range(21))
    assert "<li>At most 20 properties." in browse(world, f"/team/feed?{many}").get_data(as_text=True)


def test_pins_and_benchmarks_are_set_and_taken_off_by_forms(world, filled, make):
    day = clock.now().date().isoformat()
    for form in (
        {"do": "pin", "at": day, "text": "Version <5>", "kind": "release", "survey": filled.id},
        {"do": "compare", "value": "12.5", "text": "Retail 2026", "survey": filled.id},
    ):
        assert (
            browse(world, "/team?period=90d", method="POST", data=form).headers["Location"]
            == "/team?period=90d"
        )
    page = browse(world, "/team").get_data(as_text=True)
    assert "Version &lt;5&gt;" in page
    assert "Retail 2026: 12.5" in page
    (pin,), (benchmark,) = pins.within([filled.id]), pins.benchmarks([filled.id])[filled.id]
    foreign = make.key("write", surveys=[make.survey().id])
    off = {"do": "unpin", "id": pin.id}
    assert browse(world, "/team", foreign, method="POST", data=off).status_code == 404
    for form in (off, {"do": "uncompare", "id": benchmark.id}):
        assert browse(world, "/team", method="POST", data=form).status_code == 303
    assert pins.within(None) == pins.benchmarks([filled.id])[filled.id] == []
    for form in ({"do": "pin", "text": " "}, {"do": "compare", "value": "1", "text": "x"}, {"do": "fly"}):
        assert browse(world, "/team", method="POST", data=form).status_code == 422


def test_a_handful_of_answers_before_is_not_compared_with(world, make):
    survey, now = make.survey(name="Grown"), clock.now()
    before = now - timedelta(days=400)
    for score in [10] * 30:
        make.response(survey, score, now)
    for score in [0] * 9:
        make.response(survey, score, before)
    page = browse(world, "/team?period=12m").get_data(as_text=True)
    assert "Only 9 answers came in the 12 months before: too few to compare with." in page
    assert "more than chance" not in page
    make.response(survey, 0, before)
    assert "In the 12 months before it was -100, from 10 answers." in browse(
        world, "/team?period=12m"
    ).get_data(as_text=True).replace("−", "-")


def test_a_young_survey_is_drawn_from_its_first_answer_on(world, make):
    survey, now = make.survey(name="Young"), clock.now()
    for at in range(results.FULL + 7):
        make.response(survey, 9 + at % 2, now, comment=f"words {at}")
    page = browse(world, "/team").get_data(as_text=True)
    assert "By day" in page
    assert len(re.findall(r'<tr><th scope="row">', page)) == charts.LEAST_BUCKETS, "not the year before it"
    assert len(re.findall(r'<circle class="dot', page)) == 1
    width = float(re.search(r'<rect class="interval" x="[\d.]+%" width="([\d.]+)%" y', page)[1])
    assert 4 < width <= charts.WIDEST
    Survey.delete().where(Survey.id != survey.id).execute()
    assert "docs/embedding.md" in browse(world, "/team").get_data(as_text=True), (
        "it says how to allow an origin"
    )
    Survey.update(allowed_origins=["https://shop.example"]).execute()
    assert "docs/embedding.md" not in browse(world, "/team").get_data(as_text=True)


def test_a_value_that_no_line_leads_to_has_its_point_however_many_there_are():
    def drawn(answered):
        points = [Point(int(full), 10.0 if full else None, None, date(2026, 1, 1)) for full in answered]
        found = charts.series(points, [None] * len(points), (-100, 100), str)
        return [bucket.dot for bucket in found.buckets if bucket.y is not None]

    many = [True] * (charts.MOST_DOTS + 1)
    assert drawn([*many, False, True]) == [*[False] * len(many), True]
    assert drawn([True, *[False] * 300, True, True]) == [True] * 3


def test_while_topics_are_read_nothing_is_said_of_what_they_do(world, make, filled):
    make.survey(name="Silent")

    def text():
        return html.unescape(browse(world, "/team?period=90d").get_data(as_text=True))

    reading = "10 comments are still being read: 0 of 10 are in a topic so far."
    assert text().count(reading) == 2, "in the survey and beside it"
    assert "No topic is talked about more" not in text()
    review, _ = reviews.ask(clock.now())
    topic = Topic.create(id="top_1", label="Paying", created_at=clock.now())
    placed = Response.get(Response.survey == filled.id)
    Placement.create(topic=topic, response=placed.key, evidence=[])
    assert reading.replace("0 of", "1 of").replace("10 comments", "9 comments") in text()
    TopicReview.update(state=reviews.DONE).where(TopicReview.id == review.id).execute()
    assert "still being read" not in text()
    assert "No topic is talked about more than before." in text()
    assert "No topic has answers enough yet" in text()
    db.write(
        lambda: [jobs.enqueue(events.RECORDED, {"key": 0}, clock.now()) for _ in range(reports.MANY_UNREAD)]
    )
    assert "9 comments are still being read: 1 of 10 are in a topic so far." in text()
    for state in (jobs.BULK, jobs.RUNNING):
        jobs.Job.update(state=state).execute()
        assert "9 comments are still being read" in text(), "an import is read when there is time for it"
    theme = Theme.create(id="thm_1", label="Money", created_at=clock.now())
    for page in ("/team/topics", "/team/themes", f"/team/topics/{topic.id}", f"/team/themes/{theme.id}"):
        told = browse(world, page).get_data(as_text=True)
        assert "9 comments are still being read" in told, page
    assert words.being_read(1, 2, 0) == (
        "Topics are still being looked for: 1 of 2 comments are in one so far."
    )


def test_pins_over_the_api(world, api, make):
    survey = make.survey()
    body = {"at": "2026-11-12T09:00:00Z", "text": "Out of stock", "kind": "incident", "survey": survey.id}
    pin = api.post("/api/pins", body)
    everywhere = api.post("/api/pins", {"at": "2026-11-13T09:00:00Z", "text": "Strike"})
    assert [each["id"] for each in api.get("/api/pins")["items"]] == [everywhere["id"], pin["id"]]
    assert (pin["survey"], everywhere["survey"], everywhere["kind"]) == (survey.id, None, "other")
    limited = type(api)(world, make.key("write", surveys=[make.survey().id]))
    assert [each["text"] for each in limited.get("/api/pins")["items"]] == ["Strike"]
    for pin_id in (pin["id"], everywhere["id"]):
        limited.delete(f"/api/pins/{pin_id}", 404)
    for wrong in ({"survey": survey.id}, {"survey": None}):
        limited.post("/api/pins", {**body, **wrong}, 422)
    for wrong in ({"kind": "party"}, {"text": ""}, {"at": "soon"}, {"more": 1}):
        api.post("/api/pins", {**body, **wrong}, 422)
    api.delete(f"/api/pins/{pin['id']}")
    api.delete(f"/api/pins/{pin['id']}", 404)


def test_the_bucket_is_the_finest_that_says_something(world, make):
    start = date(2026, 6, 1)
    cases = (
        (30, 10, "day"),
        (30, 130, "week"),
        (5, 28, "week"),
        (1, 75, "month"),
        (1, 30, "week"),
        (0, 0, "month"),
    )
    for a_day, days, expected in cases:
        survey = make.survey()
        rows = [
            {"survey": survey.id, "day": (start + timedelta(days=at)).isoformat(), "score": 9, "n": a_day}
            for at in range(days)
        ]
        if rows:
            DailyCount.insert_many([{**row, "definition": 1, "slot": 0} for row in rows]).execute()
        selection = results.Selection(METRICS["nps"], [survey])
        assert results.fitting(selection, world.settings.time_zone) == expected


def test_the_overview_says_that_the_page_of_topics_may_mark_more(world, make):
    survey = make.survey()
    for id_ in ("top_a", "top_b"):
        Topic.create(id=id_, label=id_, created_at=clock.now() - timedelta(days=60))
    for at in range(80):
        row = make.response(
            survey, (9, 3)[at // 2 % 2], clock.now() - timedelta(hours=at + 1), comment=f"words {at}"
        )
        Placement.create(topic=("top_a", "top_b")[at % 2], response=row.key, evidence=[])
    review, _ = reviews.ask(clock.now())
    TopicReview.update(state=reviews.DONE).where(TopicReview.id == review.id).execute()
    jobs.Job.delete().execute()
    page = browse(world, "/team").get_data(as_text=True)
    assert (
        "None of the 2 topics moves the value by more than chance would. That holds over all topics; " in page
    )
    assert "so it may mark more" in page


def test_of_many_topics_those_are_named_that_hold_the_rate_of_false_discoveries(world):
    def mover(at, p):
        impact, interval = (None, None) if p is None else (1.0, (0.1, 2.0))
        return Mover(f"top_{at}", f"Topic {at}", Impact(20, 0.2, 5.0, None, impact, interval, p), None, False)

    chance = [mover(at, 0.04 + at / 1000) for at in range(39)]
    silent = mover(40, None)
    with world.app.test_request_context("/team"):
        named = overview._movers(METRICS["nps"], [mover(99, 0.0001), *chance, silent], {})
        alone = overview._movers(METRICS["nps"], [chance[0], silent], {})
    assert [each["label"] for each in named] == ["Topic 99"]
    assert [each["label"] for each in alone] == ["Topic 0"], "one looked at alone is no chance find"
