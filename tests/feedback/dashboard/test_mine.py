"""A member's own work: one's own answers and value, and nothing of anybody else's."""

import html
import re
from datetime import timedelta

from feedback.dashboard import mine
from feedback.models import Placement, Reading, Topic
from surveys import triggers
from surveys.base import clock
from surveys.base.accounts import members
from tests.visitor import Visitor, member, signed_in

EMAIL = "sam@acme.example"


def text_of(answer):
    assert answer.status_code == 200, answer.status_code
    return html.unescape(answer.get_data(as_text=True))


def ticket(url):
    return {"ticket_id": "7", "ticket": {"id": "7", "number": "#35", "url": url}}


def test_an_agent_sees_own_answers_and_own_value_and_nothing_else(world, make):
    shop, other, now = make.survey(name="Shop"), make.survey(name="Warehouse"), clock.now()
    mine_ = [
        make.response(
            shop,
            10,
            now - timedelta(days=1),
            comment="Quick and kind",
            agent_id=EMAIL,
            **ticket("https://desk.example/7"),
        ),
        make.response(
            shop,
            9,
            now - timedelta(days=2),
            comment="Solved <b>at once",
            agent_id="17",
            **ticket("javascript:x"),
        ),
        make.response(shop, 0, now - timedelta(days=200), comment="Long ago", agent_id="17"),
    ]
    make.response(shop, 0, comment="Rude to me", agent_id="18", agent_name="Kim")
    make.response(other, 0, comment="Lost parcel")
    for row, label, felt in ((mine_[0], "Speed", "positive"), (mine_[1], "Opening hours", "negative")):
        topic = Topic.create(id=f"top_{label[0]}", label=label, created_at=now)
        Placement.create(topic=topic, response=row.key, evidence=[], sentiment=felt)
        Reading.create(key=row.key, label=felt, score=1, words=[], engine="x", read_at=now, language="en")
    visitor = signed_in(world, "agent", email=EMAIL, agent="17")
    page = text_of(visitor.get("/team/mine"))
    assert "Quick and kind" in page
    assert "Solved <b>at once" in page
    assert "&lt;b&gt;" in visitor.get("/team/mine").get_data(as_text=True)
    assert "Long ago" in page
    assert '<a href="https://desk.example/7" rel="noreferrer noopener">' in page
    assert "javascript:" not in page
    # Two promoters of two within 90 days; the detractor of 200 days ago is in no value.
    assert re.search(r'class="value"><a [^>]*data-n="2">100<', page)
    assert "2 answers" in page
    low, high = re.search(r"<b>(\S+) to (\S+)</b>", page).groups()
    assert (high, low != high) == ("100", True)
    assert "Speed" in page.partition("Missed")[0]
    assert "Opening hours" in page.partition("Missed")[2]
    for query, words in ((f"survey={shop.id}", mine_[:2]), ("topic=top_S&felt=positive", mine_[:1])):
        assert f"{query}#stream" in page, "each number leads to its answers"
        told = text_of(visitor.get(f"/team/mine?{query}"))
        assert f'data-n="{len(words)}">' in told
        assert [row.comment in told.partition('id="stream"')[2] for row in mine_] == [
            row in words for row in mine_
        ]
    for nobodys in (f"survey={other.id}9", "topic=top_S&felt=negative", "topic=top_none"):
        assert visitor.get(f"/team/mine?{nobodys}").status_code == 404
    for foreign in ("Rude to me", "Kim", "Lost parcel", "Warehouse"):
        assert foreign not in page
    for closed in ("/team/feed", f"/team/feed/{mine_[0].id}", "/team/feed/export.csv"):
        answer = visitor.get(closed)
        assert answer.status_code == 403
        assert 'class="button" href="/team/mine"' in answer.get_data(as_text=True)
    assert 'href="/team/mine" aria-current="page"' in page
    assert 'href="/team/feed"' not in page


def test_the_stream_has_pages_and_keeps_to_the_surveys_of_the_member(world, make):
    shown, hidden = make.survey(name="Shown"), make.survey(name="Hidden")
    for at in range(mine.PAGE + 1):
        agent = EMAIL if at % 2 else "17"
        make.response(shown, 9, clock.now() - timedelta(hours=at), comment=f"Word {at}.", agent_id=agent)
    make.response(hidden, 9, comment="Not to be seen", agent_id=EMAIL)
    visitor = signed_in(world, "agent", email=EMAIL, agent="17", surveys=[shown.id])
    first = text_of(visitor.get("/team/mine"))
    assert "Not to be seen" not in first
    assert "Hidden" not in first
    assert [f"Word {at}." in first for at in (0, mine.PAGE - 1, mine.PAGE)] == [True, True, False]
    older = re.search(r'href="(/team/mine\?cursor=[^"]+)"', first)[1]
    assert re.findall(r"Word \d+\.", text_of(visitor.get(older))) == [f"Word {mine.PAGE}."]
    assert visitor.get("/team/mine?cursor=x").status_code == 422


def test_the_answers_behind_the_number_of_a_topic_are_all_there(world, make):
    shop, now, count = make.survey(), clock.now(), 101
    topic = Topic.create(id="top_S", label="Speed", created_at=now)
    for at in range(count):
        row = make.response(shop, 3, now - timedelta(hours=at), comment=f"Word {at}.", agent_id=EMAIL)
        Placement.create(topic=topic, response=row.key, evidence=[], sentiment="negative")
        Reading.create(
            key=row.key, label="negative", score=-1, words=[], engine="x", read_at=now, language="en"
        )
    visitor = signed_in(world, "agent", email=EMAIL)
    page = text_of(visitor.get("/team/mine"))
    address, said = re.search(r'href="(/team/mine\?topic=top_S[^"#]*)#stream" data-n="(\d+)"', page).groups()
    assert int(said) == count
    shown = []
    while address:
        page = text_of(visitor.get(address))
        assert f'data-n="{count}">{count} answers' in page, "each page says of how many it shows some"
        shown += re.findall(r"Word \d+\.", page)
        older = re.search(r'href="(/team/mine\?[^"]*cursor=[^"]+)"', page)
        address = older and older[1]
    assert shown == [f"Word {at}." for at in range(count)]


def test_mine_begins_for_agents_and_is_closed_without_the_second_factor(world):
    visitor = Visitor(world)
    sam = member("agent", EMAIL)
    assert visitor.sign_in(EMAIL).headers["Location"] == "/team/mine"
    assert EMAIL in text_of(visitor.get("/team/mine")), "it says by what an answer would be one's own"
    members.demand_second_factor(["agent"])
    assert visitor.get("/team/mine").headers["Location"] == "/team/profile/second-factor"
    assert members.get(sam.id).agents == (EMAIL,)


def test_the_address_of_an_agent_is_kept_as_members_have_it():
    said = {"agent": {"email": "Sam@Acme.Example", "name": "Sam"}}
    assert triggers.frozen(said, None)["agent_id"] == EMAIL
    assert triggers.frozen({"agent": {"id": "A7", "email": "x@y.example"}}, None)["agent_id"] == "A7"
    assert triggers.frozen({"agent": {"name": "Sam"}}, None)["agent_id"] is None
