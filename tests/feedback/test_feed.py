"""The feed: filters, search, paging, following, and saved views."""

import csv
import io
import itertools
import json
import random
import threading
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from xml.etree import ElementTree

import feedparser
import peewee
import pytest
from playhouse.test_utils import count_queries

from feedback import feed, saved_feeds
from feedback.models import FollowUp, FollowUpResponse, Placement, Reading, Topic, Triage
from feedback.schemas.responses import ResponseOut
from surveys import responses, wording
from surveys.base import db
from surveys.domain import folding
from surveys.domain.metrics import METRICS
from surveys.models import Person, Response, Survey
from tests.conftest import ON_POSTGRES, ON_SQLITE, Api
from tests.threads import together

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def ids(page):
    """The ids of a page's items, without those that it says have left."""
    return [item["id"] for item in page["items"] if not item.get("left")]


def asked(api, **query):
    """A page; a filter may be named `status`, as `api.get`'s own argument is."""
    return api.call("GET", "/api/feed", 200, query_string=query)


@ON_POSTGRES
def test_no_helpers_are_started_for_the_index_of_words_that_may_not_be_asked(world):
    # As if there were a million: then the server takes helpers, which it starts before it knows.
    for setting in (
        "parallel_setup_cost",
        "parallel_tuple_cost",
        "min_parallel_table_scan_size",
        "enable_indexscan",
    ):
        db.database.execute_sql(f"SET {setting} = 0")
    try:
        sql, values = feed._newest({"q": "late"}, 51, None, None).sql()
        plan = [line for (line,) in db.database.execute_sql(f"EXPLAIN {sql}", values).fetchall()]
        (begins,) = [at for at, line in enumerate(plan) if "Subquery Scan on far" in line]
        assert not [line for line in plan[begins:] if "Gather" in line]
    finally:
        db.database.execute_sql("RESET ALL")


def test_columns_that_are_put_together_once_are_those_of_each_page(world, monkeypatch):
    def asked_for():
        filters = [
            {},
            {"agent": "x"},
            {"language": "de"},
            {"q": "late"},
            {"company": "a"},
        ]
        return [feed._narrowed(feed._items(), each, ["sv_1"], walking=True).sql() for each in filters]

    once = asked_for() + asked_for()
    monkeypatch.setattr(feed, "_LISTED", peewee.CommaNodeList(feed._COLUMNS))
    assert once == asked_for() * 2


@pytest.fixture
def two(make):
    """Two responses that differ in everything."""
    nps, csat = make.survey("nps"), make.survey("csat")
    first = make.response(
        nps, 3, NOW, comment="The checkout is slow", language="de", touchpoint="checkout", channel="link",
        properties={"plan": "pro", "paid": True, "seats": 5},
        person={"id": "u1"},
    )  # fmt: skip
    Person.update(company="Acme").where(Person.id == first.person_id).execute()
    second = make.response(
        csat, 5, NOW + timedelta(hours=1), comment="Great support", language="fr", channel="email",
        properties={"plan": "free", "paid": False, "seats": 2.5},
    )  # fmt: skip
    Reading.create(key=first.key, language="de", label="negative", score=-0.5, engine="t", read_at=NOW)
    Reading.create(key=second.key, language="fr", label="positive", score=0.5, engine="t", read_at=NOW)
    topic = Topic.create(id="top_1", label="Slow checkout", created_at=NOW)
    Placement.create(topic=topic, response=first.key, evidence=["checkout"])
    case = FollowUp.create(id="fu_1", rule="score", status="new", opened_at=NOW, answer_why="", solve_why="")
    FollowUpResponse.insert(response=first.key, follow_up=case, rule="score", joined_at=NOW).execute()
    known = {
        "agent_id": "a1",
        "agent_name": "Ann",
        "team_id": "t1",
        "team_name": "Tea",
        "ticket_channel": "chat",
    }
    Response.update(known).where(Response.key == first.key).execute()
    responses.set_tags(first, ["vip", "eu"], NOW)
    return first, second


def test_every_filter_finds_what_it_names_and_nothing_else(api, two):
    first, second = two
    cases = {
        "survey": (first.survey_id, second.survey_id), "metric": ("nps", "csat"), "group": ("detractor", "satisfied"),
        "sentiment": ("negative", "positive"),
        "topic": ("top_1", None), "status": ("open", None), "agent": ("a1", None),
        "team": ("t1", None), "channel": ("link", "email"), "touchpoint": ("checkout", None), "language": ("de", "fr"),
        "tag": ("vip", None), "q": ("checkout", "support"), "until": ("2026-03-10T13:00:00Z", None),
        "since": (None, "2026-03-10T13:00:00Z"), "ticket_channel": ("chat", None), "score_min": (None, 4),
        "score_max": (4, None), "person": (first.person_id, None), "company": ("Acme", None),
        "property:plan": ("pro", "free"), "property:paid": ("true", "false"), "property:seats": ("5", "2.5"),
        "has_comment": (None, None), "placed": ("1", "0"),
    }  # fmt: skip
    for name, (finds_first, finds_second) in cases.items():
        for order in feed.ORDERS:
            for value, row in ((finds_first, first), (finds_second, second)):
                if value is not None:
                    assert ids(asked(api, order=order, **{name: value})) == [row.id], (
                        name,
                        order,
                    )
        if name in ("agent", "team", "touchpoint", "tag", "q", "ticket_channel", "company") or ":" in name:
            assert ids(asked(api, **{name: "nobody-has-this"})) == []
    everything = {name: values[0] for name, values in cases.items() if values[0]}
    assert ids(asked(api, **everything)) == [first.id]


def test_any_two_filters_find_what_each_answer_looked_at_by_itself_fits(world, two, make):
    first, _ = two
    survey = Survey.get_by_id(first.survey_id)
    chance = random.Random(2)
    for number in range(12):
        row = make.response(
            survey, number % 11, NOW + timedelta(hours=number), comment=chance.choice([None, "slow checkout"]),
            language=chance.choice([None, "de", "fr"]), test=number % 6 == 0,
        )  # fmt: skip
        if number % 3:
            label, language = chance.choice(["negative", "positive"]), chance.choice([None, "de", "it"])
            Reading.create(
                key=row.key,
                language=language,
                label=label,
                score=0.9,
                text_score=0.9,
                engine="t",
                read_at=NOW,
            )
        if number % 4 == 0:
            Placement.create(topic="top_1", response=row.key, evidence=["slow"])
            Triage.create(response=row.key, state="done", at=NOW)
    values = {
        "survey": survey.id, "metric": "nps", "group": "detractor", "sentiment": "negative", "topic": "top_1",
        "agent": "a1", "channel": "link", "language": "de", "tag": "vip", "q": "checkout", "score_max": 4,
        "company": "Acme", "property:plan": "pro", "has_comment": "1", "placed": "1", "mismatch": True,
        "counted": "1", "excluded": "0", "triage": "unread", "waiting": "any", "status": "open",
    }  # fmt: skip
    keys = [row.key for row in Response.select().order_by(Response.key.desc())]
    with world.app.app_context():
        for one, other in itertools.combinations(values, 2):
            filters = {one: values[one], other: values[other]}
            real = [key for key in keys if feed.fits(key, filters)]
            assert [item.id for item in feed.page(filters, 50).items] == [item.id for item in feed.some(real)]
            assert feed.count(filters) == len(real), filters
            assert feed.count(filters, most=2) == min(2, len(real)), filters
        assert [item.id for item in feed.page({"agent": ("a1", "a2"), "sentiment": "negative"}, 9).items] == [
            first.id
        ]


def test_an_item_shows_all_that_the_contract_names(api, two):
    first, _ = two
    (item,) = api.get("/api/feed", metric="nps")["items"]
    expected = {
        "id": first.id, "survey": first.survey_id, "metric": "nps", "score": 3, "group": "detractor",
        "comment": "The checkout is slow", "language": "de",
        "person": {"id": first.person_id, "name": None, "verified": False},
        "sentiment": {"label": "negative", "score": -0.5},
        "topics": [{"id": "top_1", "label": "Slow checkout", "evidence": ["checkout"], "sentiment": None}],
        "channel": "link",
        "touchpoint": "checkout", "agent": {"id": "a1", "name": "Ann"}, "team": {"id": "t1", "name": "Tea"},
        "ticket": None,
        "properties": {"plan": "pro", "paid": True, "seats": 5}, "tags": ["vip", "eu"],
        "follow_up": {"id": "fu_1", "status": "new"}, "contact": None,
        "created_at": "2026-03-10T12:00:00.000Z", "updated_at": "2026-03-10T12:00:00.000Z", "flags": [],
        "excluded": False, "version": 2,
    }  # fmt: skip
    assert {name: item[name] for name in expected} == expected
    assert item.keys() == ResponseOut().fields.keys()


@pytest.mark.parametrize("order", feed.ORDERS)
def test_a_page_is_few_statements_however_long_it_is(world, make, two, order):
    survey = make.survey()
    for _ in range(5):
        make.response(survey, 9, comment="checkout")
    pages = feed.changes if order == "changed" else partial(feed.page, order=order)
    with world.app.app_context():
        for filters in ({}, {"q": "checkout", "tag": "vip"}, {"topic": "top_1", "sentiment": "negative"}):
            with count_queries() as counted:
                pages(filters, 50)
            # Newest first: PostgreSQL is told that the two that follow see one moment.
            assert counted.count <= (3 if order == "desc" else 1), (order, filters)


SEARCHES = {
    "Größe, Gro\u0308ße": (["grosse", "GRÖSSE", "größe", "Groesse", "GROESSE", "groese"], [True] * 5 + [False]),
    "Die blaue Tür-Öffnung ist für Noël zu klein": (
        ["tuer", "Tueroeffnung", "oeffnung", "fuer", "blau", '"fuer noel"', "noel", "noeel"],
        [True, False, True, True, False, False, True, False],
    ),
    "Crème brûlée, s'il vous plaît": (
        ["creme brulee", '"brulee s il"', "BRÛLÉE", '"il brulee"'], [True, True, True, False],
    ),
    "checkout was slow": (["slow checkout", '"slow checkout"', '"was slow"', "slowly"], [True, False, True, False]),
    "東京駅は遠い": (["東京", "京都", "駅", '"東京駅"', "京東"], [True, False, True, True, False]),
    "결제가 느려요": (["결제가", "느려요 결제가"], [True, True]),
    "الدفعُ بطيء": (["الدفع", "بطيء", "سريع"], [True, True, False]),
    "NOT a AND b": (["NOT", "a AND b", "NEAR(a b)", "a OR zzz", "search_text:a"], [True, True, False, False, False]),
    "cost is 100% * 2": (["100%", "*", "cost*", "100 2"], [True, False, True, True]),
    "say \"hello\" world": (['"hello world"', '"unclosed', "'hello'", '""', '"'], [True, False, True, False, False]),
    "e-mail foo-bar foo@bar.example": (["foo-bar", "e-mail", "foo@bar.example", "foo:bar"], [True, True, True, True]),
    "नमस्ते दुनिया": (["नमस्ते", "दुनिया"], [True, True]),
    "배송이 느려요. 직원분들이 친절해서 좋았습니다": (
        ["배송", "배송이", "느려", "직원", "친절", '"배송이 느려"', '"배송 느려요"', "송이", "배송비"],
        [True, True, True, True, True, True, False, False, False],
    ),
    "Top 🔥👍🏽! ❤️ 🤷‍♀️ 🇩🇪": (
        ["🔥", "👍", "👍🏿", "❤", "❤️", "top 🔥", "🤷", "🇩🇪", "🔥🔥", "😡", '"top 🔥 👍"'],
        [True, True, True, True, True, True, True, True, False, False, True],
    ),
    "والشحن بطيء للعميل، بالسعر": (
        ["والشحن", "الشحن", "شحن", "عميل", "العميل", "للعميل", "سعر", "حن", "بالسعر والشحن", '"بالسعر الشحن"'],
        [True, True, True, True, True, True, True, False, True, False],
    ),
    "והמשלוח הגיע מהחנות": (
        ["והמשלוח", "המשלוח", "משלוח", "הגיע", "החנות", "חנות", '"והמשלוח הגיע"', "לוח"],
        [True, True, True, True, True, True, True, False],
    ),
    "iPhone을 샀는데 2개월이면 10만원이에요": (
        ["iphone", "iPhone을", "2개월", "10만원", "월이면", "만원이"], [True, True, True, True, False, True],
    ),
    "Reclaimed 👨‍👩‍👧 and 🧑🏻‍💻, ☹︎ 1️⃣": (["👩", "👨‍👩‍👧", "🧑‍💻", "☹", "☹️", "1️⃣", "👦"], [True] * 6 + [False]),
    "Je n'ai pas reçu d’e‑mail de l’équipe": (
        ["equipe", "l'équipe", "lequipe", "email", "e-mail", "E-Mail", '"e mail"', "mail", "nai", '"ai pas"'],
        [True] * 10,
    ),
    "it doesnt work, no email": (["doesn't", "doesn’t", "e-mail", "isn't"], [True, True, True, False]),
    "Groesse falsch, Strasse auch": (["Größe", "Straße", "STRASSE", "Masse"], [True, True, True, False]),
    "Łódź, smørrebrød, đa, œuvre, æble, Þór": (
        ["lodz", "SMORREBROD", "smørrebrød", "oeuvre", "aeble", "thor", "smoerrebroed", "smoerre"],
        [True] * 7 + [False],
    ),
    "kapı kırıldı, İSTANBUL": (["KAPI", "kapi", "kırıldı", "istanbul", "İstanbul", "ISTANBUL"], [True] * 6),
    "في المدرسة عند مستشفى الأمل، آسِف، ۱۲٣": (
        ["مدرسه", "المدرسة", "مستشفي", "الامل", "أمل", "اسف", "آسف", "123"], [True] * 8,
    ),
    'חברת צה"ל בWhatsApp וב-Gmail': (["צהל", 'צה"ל', "צה״ל", "whatsapp", "gmail", "בWhatsApp"], [True] * 6),
    "काम अच्छा है, ज़रूर क्‍या": (["काम", "कम", "अच्छा", "जरूर", "ज़रूर", "क्या", "हो"], [True, False] + [True] * 4 + [False]),
    "บริการดีมาก ทุน": (["ดี", "ดู", "มาก", "บริการ", "ทุน", "ทน"], [True, False, True, True, True, False]),
    "ｱﾌﾟﾘのﾊﾞｽ予約、ＷｉＦｉ、２回": (["アプリ", "バス", "予約", "wifi", "2回", "パス"], [True] * 5 + [False]),
    "予約を飛ばす": (["予約", "飛ばす", "バス"], [True, True, False]),
    "Заказ №4711, ёлка и Acme™ за 1.234.567 или 12,000": (
        ["4711", "№4711", "елка", "acme", "1234567", "1.234.567", "12000", "12,000", "234567"], [True] * 8 + [False],
    ),
    "soft\u00adhyphen zero\u200bwidth": (["softhyphen", "zerowidth", "soft"], [True, True, False]),
    "Order A-1009 of ann.lee@mail.example, snake_case": (
        ["A-1009", "a1009", "1009", "ann.lee@mail.example", "ann.lee", "mail.example", "snake_case", "bo@mail.example"],
        [True] * 7 + [False],
    ),
}  # fmt: skip


def test_search_folds_case_and_accents_and_takes_operators_as_words(api, make):
    survey = make.survey()
    for comment, (queries, found) in SEARCHES.items():
        row = make.response(survey, 5, comment=comment)
        for query, finds in zip(queries, found, strict=True):
            assert ids(api.get("/api/feed", q=query)) == ([row.id] if finds else []), (comment, query)
        responses.delete(row, NOW)
    assert ids(api.get("/api/feed", q="checkout")) == []


def test_every_word_of_every_language_is_found_as_it_stands(api, make):
    survey = make.survey()
    for language in wording.LANGUAGES:
        comment = " ".join(wording.text(language, f"{metric}.question", product="Acme") for metric in METRICS)
        row = make.response(survey, 5, comment=comment)
        words = [word for word in sorted(set(comment.split())) if folding.phrases(word)]
        # Who asks for several words is shown what holds them all.
        for some in (words[at : at + 8] for at in range(0, len(words), 8)):
            if ids(api.get("/api/feed", q=" ".join(some))) != [row.id]:
                assert [word for word in some if ids(api.get("/api/feed", q=word)) == []] == [], language
                pytest.fail(f"{language}: {some} are found one by one and not together")
        responses.delete(row, NOW)


@ON_POSTGRES
def test_a_search_of_far_back_asks_the_index_of_words(app):
    """Whatever other way there is to the responses, this index knows who said a word; a migration had dropped it."""
    db.database.execute_sql("SET enable_seqscan = off")
    asked = "EXPLAIN SELECT key FROM response WHERE search @@ phraseto_tsquery('simple', 'zebra')"
    plan = "\n".join(line for (line,) in db.database.execute_sql(asked).fetchall())
    assert "on response_search" in plan, plan


def test_search_follows_what_is_amended_and_answered_elsewhere(api, make):
    survey = make.survey()
    row = make.response(survey, 5, comment="old words", answers={"why": ["because", "birds"]})
    assert ids(api.get("/api/feed", q="birds")) == [row.id]
    make.response(survey, id=row.id, revision=2, score=5, comment="new phrase")
    assert ids(api.get("/api/feed", q="old")) == []
    assert ids(api.get("/api/feed", q="phrase")) == [row.id]


def test_a_key_sees_the_surveys_it_is_limited_to(world, make):
    mine, other = make.survey(), make.survey()
    seen, hidden = make.response(mine, 9), make.response(other, 9)
    responses.delete(make.response(other, 1), NOW)
    limited = Api(world, make.key("read", "write", surveys=[mine.id]))
    for order in feed.ORDERS:
        assert ids(limited.get("/api/feed", order=order)) == [seen.id]
        limited.get("/api/feed", 422, order=order, survey=other.id)
    limited.post("/api/feeds", {"name": "x", "filters": {"survey": other.id}}, 422)
    everything = limited.post("/api/feeds", {"name": "y"})
    text = world.client.get(f"/feed/{everything['token']}.csv").get_data(as_text=True)
    assert text.count("\n") == 2
    assert hidden.id not in text


def follow(api, order, limit=3, cursor=None, **filters):
    """All items from `cursor` on, and the cursor after them."""
    found = []
    while True:
        given = {"cursor": cursor} if cursor else {}
        page = api.get("/api/feed", order=order, limit=limit, **given, **filters)
        found += page["items"]
        if not page["next"] or not page["items"]:
            return found, page["next"] or cursor
        cursor = page["next"]


def test_newest_first_paging_skips_and_repeats_nothing_while_others_write(api, make):
    survey = make.survey()
    rows = [make.response(survey, 9, NOW + timedelta(seconds=n)) for n in range(25)]
    rows += [make.response(survey, 9, NOW) for _ in range(5)]
    first = api.get("/api/feed", limit=7)
    for _ in range(4):
        make.response(survey, 9)
    rest, _ = follow(api, "desc", 7, first["next"])
    found = [*ids(first), *[item["id"] for item in rest]]
    assert sorted(found) == sorted(row.id for row in rows)
    stamps = [item["created_at"] for item in [*first["items"], *rest]]
    assert stamps == sorted(stamps, reverse=True)


def test_next_is_never_null_where_one_follows(api, make):
    empty = {order: api.get("/api/feed", order=order) for order in ("asc", "changed")}
    row = make.response(make.survey(), 9)
    for order, page in empty.items():
        assert page["items"] == []
        after = api.get("/api/feed", order=order, cursor=page["next"])
        assert ids(after) == [row.id]
        again = api.get("/api/feed", order=order, cursor=after["next"])
        assert (again["items"], bool(again["next"])) == ([], True)


def test_pages_of_a_language_are_of_what_was_read_and_else_of_what_was_claimed(world, api, make):
    survey = make.survey()
    expected = []
    for at in range(24):
        claimed, read = ("de", "fr", None)[at % 3], ("de", "fr", None, "none at all")[at % 4]
        row = make.response(survey, 9 * (at % 2), NOW + timedelta(seconds=at), language=claimed)
        if read != "none at all":
            Reading.create(key=row.key, language=read, engine="t", read_at=NOW)
        if (read if read in ("de", "fr") else claimed) == "de":
            expected.append(row.id)
    items, _ = follow(api, "desc", 2, language="de")
    assert [item["id"] for item in items] == expected[::-1]
    assert {item["language"] for item in items} == {"de"}
    items, _ = follow(api, "desc", 2, language="de", group="promoter")
    assert {item["score"] for item in items} == {9}
    assert len(items) == sum(api.get(f"/api/responses/{each}")["score"] == 9 for each in expected)
    with world.app.app_context(), count_queries() as counted:
        feed.page({"language": "de"}, 5)
    assert counted.count <= 3


def test_followers_of_first_recordings_miss_and_repeat_nothing_under_concurrent_writers(world, api, make):
    survey = make.survey()
    writers, each = 8, 15
    finished = threading.Event()

    def work(index):
        if index < writers:
            return [make.response(survey, 9).id for _ in range(each)]
        found, cursor = [], None
        while True:
            last = finished.is_set()
            items, cursor = follow(api, "asc", 7, cursor)
            found += [item["id"] for item in items]
            if last or len(found) >= writers * each:
                return found

    *written, followed = together(writers + 1, work)
    assert sorted(followed) == sorted(identifier for part in written for identifier in part)


def test_followers_wait_for_a_transaction_that_is_still_open(world, api, make):
    """What commits late with an early tick must not be skipped: PostgreSQL lets others commit meanwhile."""
    survey = make.survey()
    inside, leave = threading.Event(), threading.Event()

    def slow():
        def verb():
            row = make.response(survey, 1)
            inside.set()
            # SQLite has one writer: there the others come after us, and waiting would stop them.
            if world.kind == "postgresql":
                assert leave.wait(30)
            return row.id

        try:
            late.append(db.write(verb))
        finally:
            db.forget_connection()

    late = []
    thread = threading.Thread(target=slow)
    thread.start()
    assert inside.wait(30)
    meanwhile = [make.response(survey, 9).id for _ in range(5)]
    found = {order: follow(api, order) for order in ("asc", "changed")}
    leave.set()
    thread.join()
    for order, (items, cursor) in found.items():
        rest, _ = follow(api, order, cursor=cursor)
        seen = [item["id"] for item in [*items, *rest]]
        assert sorted(seen) == sorted([*late, *meanwhile]), order


def test_followers_of_changes_see_each_change_with_a_higher_version(world, api, make):
    survey = make.survey()
    row = make.response(survey, 3, comment="slow and terrible")
    items, cursor = follow(api, "changed")
    seen = [(item["id"], item["version"]) for item in items]
    steps = [
        lambda: world.work(),
        lambda: make.response(survey, id=row.id, revision=2, score=9),
        lambda: responses.exclude(row, True, NOW),
        lambda: responses.set_tags(row, ["x"], NOW),
        lambda: responses.delete(row, NOW),
    ]
    for step in steps:
        step()
        items, cursor = follow(api, "changed", cursor=cursor)
        assert len(items) == 1
        seen.append((items[0]["id"], items[0]["version"]))
    assert {identifier for identifier, _ in seen} == {row.id}
    versions = [version for _, version in seen]
    assert versions == sorted(set(versions))
    assert items[0]["deleted"] is True
    assert set(items[0]) <= {"id", "deleted", "version"}
    assert ids(api.get("/api/feed", order="asc")) == []


@pytest.mark.parametrize(
    ("narrowed", "out", "back"),
    [
        ({"group": "promoter"}, {"score": 2}, {"score": 10}),
        ({"q": "lovely"}, {"comment": "awful"}, {"comment": "lovely again"}),
        ({"language": "de", "q": "lovely"}, {"language": "fr"}, {"language": "de"}),
    ],
    ids=["by group", "by words", "by several"],
)
def test_a_follower_of_some_learns_what_left_and_what_came_back(api, make, narrowed, out, back):
    survey, other = make.survey(), make.survey()
    row = make.response(survey, 9, comment="lovely", language="de")
    make.response(survey, 3, comment="never in it", language="fr")
    items, cursor = follow(api, "changed", survey=survey.id, **narrowed)
    assert [(item["id"], item["version"]) for item in items] == [(row.id, 1)]
    make.response(survey, id=row.id, revision=2, **{"score": 9, **out})
    elsewhere = make.response(other, 9, comment="awful", language="fr")
    make.response(other, id=elsewhere.id, revision=2, score=3)
    items, cursor = follow(api, "changed", cursor=cursor, survey=survey.id, **narrowed)
    assert items == [{"id": row.id, "left": True, "version": 2}]
    make.response(survey, id=row.id, revision=3, **{"score": 9, **back})
    items, cursor = follow(api, "changed", cursor=cursor, survey=survey.id, **narrowed)
    assert [(item["id"], item["version"], item["survey"]) for item in items] == [(row.id, 3, survey.id)]
    responses.delete(row, NOW)
    items, cursor = follow(api, "changed", cursor=cursor, survey=survey.id, **narrowed)
    assert [(item["id"], item.get("deleted")) for item in items] == [(row.id, True)]


def test_a_copy_kept_by_following_changes_ends_like_the_original(world, api, make):
    survey = make.survey()
    rows = [make.response(survey, 5) for _ in range(8)]
    writers = 8

    def work(index):
        if index < writers:
            row = rows[index]
            for revision in range(2, 10):
                make.response(survey, id=row.id, revision=revision, score=revision)
            if index % 3 == 0:
                responses.delete(row, NOW)
            else:
                responses.exclude(row, True, NOW)
            return None
        cursor = None
        for _ in range(20):
            cursor = take(cursor)
        return cursor

    copy, versions = {}, {}

    def take(cursor):
        items, cursor = follow(api, "changed", 5, cursor)
        for item in items:
            assert item["version"] > versions.get(item["id"], 0), "seen twice, or out of order"
            versions[item["id"]] = item["version"]
            copy[item["id"]] = None if item.get("deleted") else item
        return cursor

    cursor = together(writers + 1, work)[-1]
    take(cursor)
    original = {item["id"]: item for item in api.get("/api/feed")["items"]}
    assert {key: value for key, value in copy.items() if value} == original
    assert sorted(key for key, value in copy.items() if value is None) == sorted(
        rows[n].id for n in (0, 3, 6)
    )


def test_what_takes_the_place_of_a_deleted_response_is_shown(api, make):
    survey = make.survey()
    gone = make.response(survey, 1, NOW)
    responses.delete(gone, NOW)
    # The same history read in once more stands at the same moment, and so may have the same key.
    again = make.response(survey, 9, NOW)
    items = api.get("/api/feed", order="changed")["items"]
    assert [(item["id"], item.get("deleted", False)) for item in items] == [
        (gone.id, True),
        (again.id, False),
    ]


# ---------------------------------------------------------------------------------------- saved views


@pytest.fixture
def view(api):
    """A saved view's token."""
    return api.post("/api/feeds", {"name": "All & <everything>"})


def get(client, view, kind):
    """One of a view's addresses, as it was given."""
    answer = client.get(view["urls"][kind].removeprefix("http://localhost"))
    assert answer.status_code == 200
    return answer


EVIL = "=1+1 <b>&amp;</b> ]]> \x01\x0b\x1f\x7f\ufffe \u2028 🙂 \x1b[31m"


def test_the_atom_feed_is_valid_whatever_people_write(client, make, view):
    survey = make.survey()
    old = make.response(survey, 3, NOW, comment=EVIL, language="de")
    make.response(survey, 9, NOW + timedelta(hours=1), comment="Fine")
    responses.set_tags(old, ["<tag>\x02"], NOW + timedelta(hours=5))
    answer = get(client, view, "atom")
    assert answer.mimetype == "application/atom+xml"
    root = ElementTree.fromstring(answer.get_data())
    atom = "{http://www.w3.org/2005/Atom}"
    assert root.tag == f"{atom}feed"
    for parent in (root, *root.findall(f"{atom}entry")):
        for name in ("id", "title", "updated"):
            assert len(parent.findall(f"{atom}{name}")) == 1
    parsed = feedparser.parse(answer.get_data())
    assert not parsed.bozo
    assert parsed.feed.title == "All & <everything>"
    assert len({entry.id for entry in parsed.entries}) == 2
    # RFC 4287 4.2.15: the latest moment at which something in it changed.
    assert parsed.feed.updated == max(entry.updated for entry in parsed.entries)
    content = root.findall(f"{atom}entry")[1].find(f"{atom}content")
    assert content.get("type") == "text"
    assert content.text.startswith("=1+1 <b>&amp;</b> ]]> ")


def test_the_json_feed_has_the_fields_of_version_1_1(client, make, view):
    make.response(make.survey(), 3, NOW, comment=EVIL, language="de")
    answer = get(client, view, "json")
    assert answer.mimetype == "application/feed+json"
    document = json.loads(answer.get_data())
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert document["title"] == "All & <everything>"
    assert document["feed_url"] == view["urls"]["json"]
    (item,) = document["items"]
    assert item["content_text"] == EVIL
    assert item["date_published"] == "2026-03-10T12:00:00.000Z"
    assert (item["language"], item["tags"]) == ("de", ["detractor"])


@ON_SQLITE
@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\u00a0@"]
)
def test_no_cell_of_the_csv_runs_as_a_formula(client, make, view, start):
    survey = make.survey()
    row = make.response(
        survey, 3, NOW, comment=f"{start}cmd|' /C calc'!A0", touchpoint=f"{start}1", language="de"
    )
    responses.set_tags(row, [f"{start}2"], NOW)
    answer = get(client, view, "csv")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff")
    header, cells = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    found = dict(zip(header, cells, strict=True))
    assert found["comment"] == f"'{start}cmd|' /C calc'!A0"
    assert (found["touchpoint"], found["tags"]) == (f"'{start}1", f"'{start}2")


def test_a_view_is_narrowed_by_its_filters_and_gives_no_response_id_away(client, api, make):
    survey = make.survey()
    shown, hidden = make.response(survey, 3, comment="shown"), make.response(survey, 9, comment="hidden")
    view = api.post("/api/feeds", {"name": "Bad", "filters": {"group": "detractor", "survey": survey.id}})
    for kind in ("atom", "json", "csv"):
        text = get(client, view, kind).get_data(as_text=True)
        assert "shown" in text
        assert "hidden" not in text
        for row in (shown, hidden):
            assert row.id not in text
            assert row.id.replace("-", "") not in text
            assert str(row.key) not in text
        assert saved_feeds.derived_id(shown.id) in text


def test_a_revoked_view_is_gone_at_once(client, api, view):
    addresses = [url.removeprefix("http://localhost") for url in view["urls"].values()]
    assert [client.get(address).status_code for address in addresses] == [200] * 4
    api.delete(f"/api/feeds/{view['id']}")
    assert [client.get(address).status_code for address in addresses] == [404] * 4
    assert api.get("/api/feeds")["items"] == []


def test_a_token_is_shown_once_and_kept_as_a_hash(api, view):
    assert view["token"] not in json.dumps(api.get("/api/feeds"))
    stored = db.database.execute_sql("SELECT * FROM saved_feed").fetchall()
    assert view["token"] not in repr(stored)
    assert len(view["token"]) >= 22


def test_nothing_but_the_token_opens_a_view(client, view):
    for token in (view["id"], view["token"][:-1], view["token"] + "x", str(uuid.uuid4())):
        assert client.get(f"/feed/{token}.json").status_code == 404


@pytest.mark.parametrize("walk", [0, 3, 10_000])
def test_a_search_finds_the_same_however_far_it_walks(api, make, monkeypatch, walk):
    """PostgreSQL walks the newest answers for a while, then asks its index of words."""
    monkeypatch.setattr(feed, "WALK", walk)
    survey, other = make.survey(), make.survey()
    for number in range(12):
        comment = "slow courier" if number % 3 == 0 else "friendly courier"
        make.response(
            other if number == 11 else survey, 9, comment=comment, at=NOW + timedelta(minutes=number)
        )

    def found(word):
        scores, cursor = [], {}
        while True:
            page = api.get("/api/feed", q=word, survey=survey.id, limit=2, **cursor)
            scores += [item["created_at"][14:16] for item in page["items"]]
            if page["next"] is None:
                return [int(minute) for minute in scores]
            cursor = {"cursor": page["next"]}

    assert found("courier") == list(range(10, -1, -1))
    assert found("slow") == [9, 6, 3, 0]
    assert found('"slow courier"') == [9, 6, 3, 0]
    assert found("unicorn") == []
    until = (NOW + timedelta(minutes=6)).isoformat()
    assert len(api.get("/api/feed", q="slow", until=until)["items"]) == 2
