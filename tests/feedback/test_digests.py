"""Digests as their readers get them: confirmed first, once each time, not when nothing came, stopped by one click."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
import time_machine

from feedback import digests, saved_feeds
from feedback.models import Digest, Topic
from surveys.base import clock, delivery, jobs
from surveys.base.accounts import members
from surveys.base.accounts.members import Member
from surveys.base.delivery.memory import Memory
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown
from surveys.keeping import backup
from surveys.models import Person
from tests.conftest import ON_SQLITE, Api
from tests.surveys.mail import rules
from tests.visitor import member, pressed

#: A Wednesday.
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def mailbox(world):
    found = Memory()
    delivery.use("mail", found)
    return found


@pytest.fixture
def travel():
    with time_machine.travel(NOW, tick=False) as found:
        yield found


def link_in(mail):
    return re.search(r"http://localhost(/d/\S+)", mail.text)[1]


def days_pass(world, travel, days=1):
    travel.shift(timedelta(days=days))
    digests.hourly(clock.now())
    world.work()


def test_a_digest_comes_once_a_day_after_its_readers_own_click(world, api, make, mailbox, travel):
    survey, other = make.survey(), make.survey()
    made = api.post(
        "/api/digests", {"email": "Board@Example.com", "when": "daily", "filters": {"survey": survey.id}}
    )
    assert (made["email"], made["state"]) == ("board@example.com", "waiting")
    world.work()
    [asked] = mailbox.sent
    page = link_in(asked)
    # Machines open links; nothing comes without a click.
    assert "Do you want" in world.client.get(page).get_data(as_text=True)
    make.response(survey, 3, comment="Early bird")
    days_pass(world, travel)
    assert len(mailbox.sent) == 1
    for code, fields, headers in (
        (422, {"acted": ""}, {}),
        (422, {"token": ""}, {}),
        (422, {}, {"Sec-Fetch-Mode": "cors"}),
        (403, {}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}),
    ):
        assert pressed(world.client, page, headers, do="confirm", **fields).status_code == code
    assert api.get("/api/digests")["items"][0]["state"] == "waiting"
    answer = pressed(world.client, page, {"Origin": "null"}, do="confirm")
    assert (answer.status_code, answer.headers["Referrer-Policy"]) == (200, "no-referrer")
    slow = make.response(survey, 2, comment="Slow, see evil.example\nand rude")
    make.response(other, 2, comment="Elsewhere")
    archived = make.response(survey, 9, comment="Long dealt with")
    api.patch(f"/api/responses/{archived.id}", {"triage": "archived"})
    declined = make.response(survey, 9, comment="We said no")
    topic = api.post("/api/topics", {"label": "Parking"})["id"]
    api.patch(f"/api/responses/{declined.id}", {"topics": [topic]})
    Topic.update(status="wont_do").where(Topic.id == topic).execute()
    days_pass(world, travel)
    days_pass(world, travel, 0)
    _, mail = mailbox.sent
    assert mail.to == "board@example.com"
    assert mail.subject == "1 answer: 26 Nov 2026"
    assert "Slow, see evil" in mail.text
    assert "evil.example" not in mail.text
    for left_out in ("Elsewhere", "Early bird", "Long dealt with", "We said no"):
        assert left_out not in mail.text
    # Who knows an answer's own id may write to it; a reader knows another.
    assert slow.id not in mail.text
    assert f"/team/feed/{saved_feeds.derived_id(slow.id)}\n" in mail.text
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # Nothing came: nothing is sent, and it goes on when something does.
    days_pass(world, travel)
    assert api.get("/api/digests")["items"][0]["state"] == "paused"
    make.response(survey, 8, comment="Back")
    days_pass(world, travel)
    assert len(mailbox.sent) == 3
    assert api.get("/api/digests")["items"][0]["state"] == "running"
    # One click in the mail program ends it; the page can begin it anew.
    stop = re.fullmatch(r"<http://localhost(/d/.*)>", mail.headers["List-Unsubscribe"])[1]
    assert world.client.post(stop, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    make.response(survey, 8, comment="Unheard")
    days_pass(world, travel)
    assert len(mailbox.sent) == 3
    assert api.get("/api/digests")["items"][0]["state"] == "stopped"
    assert world.client.get("/d/nothing").status_code == 404
    api.delete(f"/api/digests/{made['id']}")
    assert world.client.get(stop).status_code == 404


@ON_SQLITE
@pytest.mark.parametrize(
    ("error", "outcome", "again"),
    [
        (DeliveryUnknown("silent"), "unknown", False),
        (DeliveryFailed("refused", again=False), "failed", False),
        (DeliveryFailed("busy", again=True), "sent", True),
    ],
)
def test_a_digest_is_never_sent_twice(world, api, make, mailbox, travel, error, outcome, again):
    survey = make.survey()
    member("viewer", "bob@example.com")
    made = api.post("/api/digests", {"email": "bob@example.com", "when": "daily"})
    assert made["state"] == "running"
    make.response(survey, 1, comment="x")
    mailbox.failing = error
    days_pass(world, travel)
    mailbox.failing = None
    travel.shift(timedelta(minutes=10))
    world.work()
    jobs.enqueue(digests.DUE, {"digest": made["id"], "for": "2026-11-25"}, clock.now())
    world.work()
    assert len(mailbox.sent) == again
    assert api.get("/api/digests")["items"][0]["outcome"] == outcome


@ON_SQLITE
def test_who_is_killed_while_sending_sends_no_second_one(world, api, make, mailbox, travel):
    """Fifty times the process dies after the mail has left and before that is written down."""
    survey = make.survey()
    member("viewer", "bob@example.com")
    made = api.post("/api/digests", {"email": "bob@example.com", "when": "daily"})

    class Killed(BaseException):
        pass

    class Dying(Memory):
        def send(self, message, now):
            super().send(message, now)
            raise Killed

    found = Dying()
    delivery.use("mail", found)
    for day in range(50):
        make.response(survey, 1, comment="x")
        travel.shift(timedelta(days=1))
        begins = (NOW + timedelta(days=day)).date().isoformat()
        with pytest.raises(Killed):
            digests.send({"digest": made["id"], "for": begins}, clock.now())
        digests.send({"digest": made["id"], "for": begins}, clock.now())
    assert len(found.sent) == len({mail.id for mail in found.sent}) == 50
    assert Digest.get_by_id(made["id"]).outcome == "unknown"


@ON_SQLITE
def test_after_a_restore_no_digest_comes_that_came_already(world, api, make, mailbox, travel, tmp_path):
    survey, path = make.survey(), tmp_path / "kept.backup"
    member("viewer", "bob@example.com")
    api.post("/api/digests", {"email": "bob@example.com", "when": "daily"})
    make.response(survey, 1, comment="x")
    backup.write(path, world.settings, clock.now())
    days_pass(world, travel)
    assert len(mailbox.sent) == 1
    backup.restore(path, world.settings, clock.now(), force=True)
    days_pass(world, travel, 0)
    assert len(mailbox.sent) == 1
    make.response(survey, 1, comment="y")
    days_pass(world, travel)
    assert len(mailbox.sent) == 2


@ON_SQLITE
def test_a_digest_that_is_wrong_is_told_where(world, api, make, mailbox):
    wrong = [
        ({"email": "nobody", "when": "daily"}, "email"),
        ({"email": "a@b.example", "when": "hourly"}, "when"),
        ({"email": "a@b.example"}, "when"),
        ({"email": "a@b.example", "when": "daily", "filters": {"since": "2026-01-01"}}, "filters.since"),
        ({"email": "a@b.example", "when": "daily", "filters": {"sentiment": "wild"}}, "filters.sentiment"),
        ({"email": "a@b.example", "when": "daily", "filters": {"survey": "sv_none"}}, "filters.survey"),
        ({"email": "a@b.example", "when": "daily", "filters": {"colour": "red"}}, "filters.colour"),
    ]
    for body, field in wrong:
        assert list(api.post("/api/digests", body, 422)["error"]["fields"]) == [field], body
    limited = make.key("write", surveys=[make.survey().id])
    assert Api(world, limited).get("/api/digests")["items"] == []
    mine = Api(world, limited).post("/api/digests", {"email": "c@b.example", "when": "weekly"})
    assert [each["id"] for each in Api(world, limited).get("/api/digests")["items"]] == [mine["id"]]
    [key] = [each for each in api.get("/api/keys")["items"] if each["digests"] and each["surveys"]]
    api.delete(f"/api/keys/{key['id']}")
    assert mine["id"] not in [each["id"] for each in api.get("/api/digests")["items"]]
    assert Digest.get_by_id(mine["id"]).confirmed_at is None


@ON_SQLITE
def test_a_stranger_is_asked_once_and_a_refusal_stands(world, api, make, mailbox, travel):
    body = {"email": "board@example.com", "when": "daily", "filters": {"score_max": 6}}
    made = api.post("/api/digests", body)
    assert api.post("/api/digests", body)["id"] == made["id"]
    world.work()
    [asked] = mailbox.sent
    digests.ask({"digest": made["id"]}, clock.now())
    assert len(mailbox.sent) == 1
    # Whoever was killed half-way does not ask again.
    Digest.update(outcome="sending").where(Digest.id == made["id"]).execute()
    digests.ask({"digest": made["id"]}, clock.now())
    assert (len(mailbox.sent), Digest.get_by_id(made["id"]).outcome) == (1, "unknown")
    # Their mail program can refuse, and that stands although the digest is deleted, and for longer than others.
    no = re.fullmatch(r"<http://localhost(/d/.*)>", asked.headers["List-Unsubscribe"])[1]
    assert world.client.post(no, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    api.post("/api/digests", body, 409)
    api.delete(f"/api/digests/{made['id']}")
    api.delete(f"/api/digests/{made['id']}", 404)
    assert (api.get("/api/digests")["items"], world.client.get(no).status_code) == ([], 404)
    digests.tidy(clock.now() + 2 * digests.KEPT)
    api.post("/api/digests", {**body, "when": "weekly"}, 409)
    # What was deleted counts, too.
    for most in range(5):
        other = api.post(
            "/api/digests", {"email": "c@b.example", "when": "daily", "filters": {"score_max": most}}
        )
        api.delete(f"/api/digests/{other['id']}")
    api.post("/api/digests", {"email": "c@b.example", "when": "daily"}, 409)
    digests.tidy(clock.now() + 2 * digests.KEPT)
    api.post("/api/digests", {"email": "c@b.example", "when": "daily"})
    # Nor is asked who gets no mail as a customer.
    now = clock.now()
    for email, why in (("d@b.example", {"unsubscribed_at": now}), ("e@b.example", {"bounced_at": now})):
        Person.create(id=f"per_{email[0]}", verified=True, email=email, created_at=now, **why)
        api.post("/api/digests", {"email": email, "when": "daily"}, 409)


@ON_SQLITE
def test_who_left_and_came_back_gets_the_digest_that_is_asked_for_again(world, api, make, mailbox, travel):
    survey, body = make.survey(), {"email": "bob@example.com", "when": "daily"}
    made, seen = [], []
    for joins in (True, False, True):
        if joins:
            bob = member("viewer", "bob@example.com")
        made.append(api.post("/api/digests", body))
        make.response(survey, 3, comment=f"Number {len(made)}")
        days_pass(world, travel)
        seen.append([mail.subject for mail in mailbox.sent])
        mailbox.sent.clear()
        if joins:
            members.remove(bob.id)
    assert [each["state"] for each in made] == ["running", "waiting", "running"]
    assert [each["paused"] for each in made] == [None, None, None]
    # Whoever has the mailbox without an account is asked first.
    assert made[0]["id"] != made[1]["id"]
    assert [[subject.partition(":")[0] for subject in each] for each in seen] == [
        ["1 answer"],
        ["Do you want this digest?"],
        ["1 answer"],
    ]


@ON_SQLITE
def test_a_digest_tells_of_what_counts_at_the_address_of_now(world, api, make, mailbox, travel):
    survey = make.survey()
    bob = member("viewer", "bob@example.com")
    body = {"email": bob.email, "when": "daily"}
    made = api.post("/api/digests", body)
    make.response(survey, 9, comment="Old news", test=True)
    archived = make.response(survey, 9)
    api.patch(f"/api/responses/{archived.id}", {"triage": "archived"})
    days_pass(world, travel)
    assert (mailbox.sent, api.get("/api/digests")["items"][0]["outcome"]) == ([], "nothing")
    make.response(survey, 1, comment="Tried out", test=True)
    make.response(survey, 1, comment="Real")
    Member.update(email="robert@example.com").where(Member.id == bob.id).execute()
    days_pass(world, travel)
    [mail] = mailbox.sent
    assert (mail.to, mail.subject) == ("robert@example.com", "1 answer: 26 Nov 2026")
    assert "Tried out" not in mail.text
    # By the address of now it is the same reader's.
    assert api.post("/api/digests", {**body, "email": "robert@example.com"})["id"] == made["id"]


#: Words that break out, link, turn round, or are large.
HOSTILE = (
    "</td></table><script>window.hacked = 1</script><img src=https://evil.example/x.png>",
    "see http://evil.example/a www.evil.example me@evil.example \u202egnp.exe",
    '" onclick="hacked()" style="position:fixed" {{ 7 * 7 }} {% raw %}',
    "<" * 3000,
    "\U0001f621" * 3000,
    "\u6f22" * 3000,
    "w" * 3000,
)


def outside_links(html):
    """What a reader sees, and what else is in a mail but for our own links and what newer programs read alone."""
    return re.sub(
        r'(href|src)="http://localhost/[^"]*"|<style>.*?</style>|<!--.*?-->', "", html, flags=re.DOTALL
    )


def tags_of(html):
    """The elements of a mail, each with its attributes, as whoever reads HTML finds them."""
    found = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    reader.feed(html)
    return found


@pytest.mark.parametrize(
    ("when", "zone", "now", "told"),
    [
        # Seven in the morning by the clock on the wall, on a plain day and on both on which clocks are changed.
        ("daily", "Europe/Berlin", "2026-11-25T05:59:59+00:00", "2026-11-23"),
        ("daily", "Europe/Berlin", "2026-11-25T06:00:00+00:00", "2026-11-24"),
        ("daily", "Europe/Berlin", "2026-03-29T04:59:59+00:00", "2026-03-27"),
        ("daily", "Europe/Berlin", "2026-03-29T05:00:00+00:00", "2026-03-28"),
        ("daily", "Europe/Berlin", "2026-10-25T05:59:59+00:00", "2026-10-23"),
        ("daily", "Europe/Berlin", "2026-10-25T06:00:00+00:00", "2026-10-24"),
        ("daily", "Pacific/Kiritimati", "2026-11-24T17:00:00+00:00", "2026-11-24"),
        ("weekly", "America/New_York", "2026-03-09T10:59:59+00:00", "2026-02-23"),
        ("weekly", "America/New_York", "2026-03-09T11:00:00+00:00", "2026-03-02"),
        ("monthly", "UTC", "2026-01-31T07:00:00+00:00", "2025-12-01"),
        ("monthly", "UTC", "2026-03-01T06:59:00+00:00", "2026-01-01"),
        ("monthly", "UTC", "2026-03-01T07:00:00+00:00", "2026-02-01"),
        ("monthly", "UTC", "2028-02-29T23:00:00+00:00", "2028-01-01"),
    ],
)
def test_a_time_is_over_at_seven_by_the_clock_on_the_wall(when, zone, now, told):
    assert digests._last(when, ZoneInfo(zone), datetime.fromisoformat(now)) == told


@ON_SQLITE
def test_a_digest_is_the_view_made_for_mail(world, api, make, mailbox, travel):
    member("viewer", "bob@example.com")
    survey = make.survey(name="Checkout")
    api.post("/api/digests", {"email": "bob@example.com", "when": "daily"})
    parking = api.post("/api/topics", {"label": "Parking <b>"})["id"]
    for score in (10, 10, 9, 9, 7, 2, 1):
        row = make.response(survey, score, comment="The car park was full.")
    api.patch(f"/api/responses/{row.id}", {"topics": [parking]})
    days_pass(world, travel)
    [mail] = mailbox.sent
    assert rules.broken(mail.html) == []
    shown = " ".join(re.sub("<[^>]*>", " ", outside_links(mail.html)).split())
    for said in (
        "Checkout",
        "29 Net Promoter Score \u00b7 between -32 and 72 \u00b7 7 answers",
        "detractor 2 \u00b7 passive 1 \u00b7 promoter 4",
        "What the comments speak of Parking &lt;b&gt; 7",
        "The car park was full.",
    ):
        assert said in shown, shown
    assert "Checkout: Net Promoter Score 29 (-32 to 72), 7 answers.\n" in mail.text
    assert "What the comments speak of:\nParking <b>: 7\n" in mail.text
    assert mail.html.count("http://localhost/team/feed/") == 7
    assert "http://localhost/d/" in mail.html


def test_a_digest_comes_in_its_readers_own_morning_and_tells_of_their_own_days(
    world, api, make, mailbox, travel
):
    """It is one o'clock at night in Auckland, thirteen hours ahead, and the service counts its days in UTC."""
    bob = member("viewer", "bob@example.com")
    api.patch(f"/api/members/{bob.id}", {"time_zone": "Pacific/Auckland"})
    survey = make.survey(name="Checkout")
    api.post("/api/digests", {"email": bob.email, "when": "daily"})
    # 23:30 of the 26th in Auckland, and half an hour of the 27th: a day of the service's own.
    travel.move_to(datetime(2026, 11, 26, 17, 59, tzinfo=UTC))
    for at, score in (("2026-11-26T10:30:00Z", 9), ("2026-11-26T11:30:00Z", 0)):
        body = {"survey": survey.id, "score": score, "comment": f"It was {score}.", "created_at": at}
        api.post("/api/responses", body)
    digests.hourly(clock.now())
    world.work()
    assert mailbox.sent == []
    travel.move_to(datetime(2026, 11, 26, 18, 0, tzinfo=UTC))
    for _ in range(2):
        digests.hourly(clock.now())
        world.work()
    [mail] = mailbox.sent
    assert mail.subject == "1 answer: 26 Nov 2026"
    assert "Net Promoter Score 100" in mail.text
    assert "It was 0." not in mail.text
    assert "since=2026-11-25T11%3A00%3A00" in mail.text


@pytest.mark.parametrize(
    "zones",
    [
        ("Pacific/Auckland", "America/New_York"),
        ("America/New_York", "Pacific/Auckland"),
        ("Asia/Tokyo", None),
    ],
)
def test_who_moves_to_another_zone_hears_of_everything_once(world, api, make, mailbox, travel, zones):
    bob, survey = member("viewer", "bob@example.com"), make.survey()
    api.patch(f"/api/members/{bob.id}", {"time_zone": zones[0]})
    api.post("/api/digests", {"email": bob.email, "when": "daily"})
    for hour in range(96):
        if hour == 31:
            api.patch(f"/api/members/{bob.id}", {"time_zone": zones[1]})
        if hour % 3 == 0:
            make.response(survey, 9, clock.now(), comment=f"Said in hour {hour}.")
        travel.shift(timedelta(hours=1))
        digests.hourly(clock.now())
        world.work()
    heard = [int(hour) for mail in mailbox.sent for hour in re.findall(r"Said in hour (\d+)", mail.text)]
    assert len(mailbox.sent) in (3, 4)
    assert sorted(heard) == list(range(min(heard), max(heard) + 1, 3))


@ON_SQLITE
def test_no_words_break_a_digest_or_make_it_too_large(world, api, make, mailbox, travel):
    member("viewer", "bob@example.com")
    api.post("/api/digests", {"email": "bob@example.com", "when": "daily"})
    for number in range(30):
        survey = make.survey(name=HOSTILE[number % len(HOSTILE)][:190])
        make.response(survey, number % 11, comment=HOSTILE[number % len(HOSTILE)])
    topic = api.post("/api/topics", {"label": HOSTILE[0][:70]})["id"]
    row = make.response(survey, 3, comment="x" * 9000)
    api.patch(f"/api/responses/{row.id}", {"topics": [topic]})
    days_pass(world, travel)
    [mail] = mailbox.sent
    assert rules.broken(mail.html) == []
    found = outside_links(mail.html)
    used = {name for _, given in tags_of(mail.html) for name in given}
    assert {tag for tag, _ in tags_of(mail.html)} & {"script", "img"} == set()
    assert {name for name in used if name.startswith("on")} == set()
    assert "7 * 7" in found
    assert not re.search("[\u202a-\u202e]", mail.html)
    for words in (re.sub("<[^>]*>", " ", found), re.sub(r"http://localhost/\S*", "", mail.text)):
        assert not re.search(r"\w\.(example|png|exe)|\w@\w|://", words)
    assert len(mail.text) < 30_000
