"""What goes on by itself tells no more than whoever made it may see at that moment, whatever they saw back then."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from feedback import digests
from feedback.models import Digest, Goal, NoticeRule, SavedFeed
from feedback.notices import rules
from surveys import team
from surveys.base import clock, db, delivery
from surveys.base.accounts import keys, makers, members
from surveys.base.accounts.keys import ApiKey
from surveys.base.accounts.makers import Made
from surveys.base.delivery.memory import Memory
from surveys.base.errors import Clash
from surveys.base.http import signed_in as sessions
from surveys.models import Webhook, WebhookDelivery
from surveys.webhooks import calling, telling
from tests.conftest import ADMIN_KEY, ON_POSTGRES, ON_SQLITE, Api
from tests.feedback.test_notices import Chats
from tests.visitor import Visitor, member, signed_in

#: A Wednesday.
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)

BOTH, ONE, NONE = ["Quokka", "Wombat"], ["Wombat"], []

HOOKS = {kind: f"https://app.example/{kind}" for kind in ("all", "named", "events")}

#: Every kind of thing that goes on by itself, and what has to be held against its maker.
TABLES = {SavedFeed, NoticeRule, Digest, Webhook}


class House:
    """Two surveys that speak of their own animal, things that tell of them, and all that has left."""

    def __init__(self, world, make, by):
        self.world, self.make = world, make
        self.chats, self.mails = Chats(), Memory()
        delivery.use_client(self.chats)
        delivery.use("mail", self.mails)
        self.surveys = {name: make.survey(name=f"{name} shop") for name in BOTH}
        self.admin = signed_in(world)
        self.api, self.tokens, self.day = Api(world, ADMIN_KEY), {}, 0
        self.id = self.of_member() if by == "member" else self.of_key()

    def of_key(self):
        made = self.api.post("/api/keys", {"name": "sheet", "scopes": ["write"]})
        machine = self.machine = Api(self.world, made["key"])
        for kind, filters in self.views().items():
            self.tokens[kind] = machine.post("/api/feeds", {"name": kind, "filters": filters})["token"]
            to = [{"kind": "webhook", "address": HOOKS[kind]}]
            body = {"name": kind, "when": {"kind": "answer"}, "filters": filters, "to": to}
            machine.post("/api/rules", body)
        machine.post("/api/webhooks", {"url": HOOKS["events"], "events": ["response.created"]})
        machine.post("/api/digests", {"email": "administrator@acme.example", "when": "daily"})
        return made["id"]

    def of_member(self):
        ann = self.ann = signed_in(self.world, "editor")
        editor = members.by_email("editor@acme.example")
        token = {"token": ann.forms("/team/feed")[0][1]["token"]}
        for kind, filters in self.views().items():
            page = "/team/feed" + (f"?survey={filters['survey']}" if filters else "")
            shown = ann.get(ann.post(page, {**token, "do": "save", "name": kind}).headers["Location"])
            self.tokens[kind] = shown.get_data(as_text=True).split(".json")[0].rpartition("/feed/")[2]
            given = {"do": "create", "kind": "answer", "name": kind, "survey": filters.get("survey", "")}
            to = {"carrier": "webhook", "address": HOOKS[kind]}
            assert ann.post("/team/notices", {**token, **given, **to}).status_code == 303
        with self.world.app.app_context():
            telling.create(
                {"url": HOOKS["events"], "events": ["response.created"]},
                sessions.caller_of(editor),
                clock.now(),
            )
        given = {"do": "digest", "when": "daily", "view": ""}
        assert ann.post("/team/profile", {**token, **given}).status_code == 303
        return editor.id

    def views(self):
        return {"all": {}, "named": {"survey": self.surveys["Quokka"].id}}

    def leaves(self, travel):
        """Somebody answers each survey, a day passes: the animals that each kind tells of."""
        self.chats.taken.clear()
        self.mails.sent.clear()
        self.day += 1
        for name, survey in self.surveys.items():
            self.make.response(survey, 1, comment=f"{name} number {self.day}")
        self.world.work()
        for time in (timedelta(minutes=3), timedelta(days=1)):
            travel.shift(time)
            self.world.work()
        digests.hourly(clock.now())
        self.world.work()
        told = {f"hook {kind}": str(self.chats.said(url)) for kind, url in HOOKS.items()}
        told["digest"] = "".join(f"{mail.text} {mail.html}" for mail in self.mails.sent)
        for kind, token in self.tokens.items():
            for form in ("atom", "json", "csv"):
                answer = self.world.client.get(f"/feed/{token}.{form}")
                assert answer.status_code == 200
                told[f"{kind}.{form}"] = answer.get_data(as_text=True)
        return {
            kind: [name for name in BOTH if f"{name} number {self.day}" in text or f"{name} shop" in text]
            for kind, text in told.items()
        }

    def paused(self):
        """Why nothing leaves of each, by what is listed over the API; and whether a page says so."""
        found = {}
        for path in ("feeds", "rules", "webhooks", "digests"):
            for each in self.api.get(f"/api/{path}")["items"]:
                found[each.get("name") or path, path] = each["paused"]
        return found


@pytest.fixture
def travel():
    with time_machine.travel(NOW, tick=False) as found:
        yield found


def are(house, of_all, of_named):
    """What each kind is to tell."""
    of = {"all": of_all, "named": of_named, "events": of_all}
    return {
        **{f"hook {kind}": animals for kind, animals in of.items()},
        "digest": of_all,
        **{f"{kind}.{form}": of[kind] for kind in house.tokens for form in ("atom", "json", "csv")},
    }


def change(house, **values):
    """An administrator changes who made it all."""
    if house.id.startswith(makers.MEMBER):
        members.change(house.id, values)
    else:
        ApiKey.update(values).where(ApiKey.id == house.id).execute()


@pytest.mark.parametrize("by", ["member", "key"])
def test_nothing_leaves_that_its_maker_may_not_see_any_more(world, make, travel, by):
    house = House(world, make, by)
    assert house.leaves(travel) == are(house, BOTH, ["Quokka"])
    assert set(house.paused().values()) == {None}
    wombat = [house.surveys["Wombat"].id]
    change(house, surveys=wombat)
    assert house.leaves(travel) == are(house, ONE, NONE)
    why = house.paused()
    assert {what for what, word in why.items() if word} == {("named", "feeds"), ("named", "rules")}
    assert set(why.values()) == {None, makers.LIMITS}
    # Nor does the maker read of it in what the own rules said before.
    if by == "member":
        pages = [house.ann.get(page).get_data(as_text=True) for page in ("/team/notices", "/team/feed")]
        rule = NoticeRule.get(NoticeRule.name == "all").id
        pages.append(house.ann.get(f"/team/notices/{rule}").get_data(as_text=True))
        assert "Quokka" not in "".join(pages)
        assert all("Paused: whoever made it may not see" in page for page in pages[:2])
    else:
        said = house.machine.get("/api/notices")["items"]
        assert len(said) == 2
        assert len(house.api.get("/api/notices")["items"]) == 4
    # What is sent again is looked at again.
    hook = Webhook.get(Webhook.url == HOOKS["events"]).id
    body = {"since": clock.stamp(NOW), "until": clock.stamp(clock.now())}
    assert house.api.post(f"/api/webhooks/{hook}/replay", body, 202) == {"queued": 2}
    # A limit that is lifted is none: what was chosen back then holds again.
    change(house, surveys=None)
    assert house.leaves(travel) == are(house, BOTH, ["Quokka"])
    # A limit without any survey is no limit of none.
    change(house, surveys=[])
    assert house.leaves(travel) == are(house, NONE, NONE)
    assert set(house.paused().values()) == {makers.LIMITS}


@ON_SQLITE
def test_what_a_member_made_ends_with_the_role_or_the_member_unless_it_is_kept(world, make, travel):
    house = House(world, make, "member")
    change(house, role="viewer")
    # A viewer reads on, and is told of nothing by rules and webhooks, which viewers do not have.
    assert house.leaves(travel) == are(house, BOTH, ["Quokka"]) | {f"hook {kind}": NONE for kind in HOOKS}
    change(house, role="agent")
    assert house.leaves(travel) == are(house, NONE, NONE)
    assert set(house.paused().values()) == {makers.ROLE}
    change(house, role="editor", surveys=[house.surveys["Wombat"].id])
    house.api.delete(f"/api/members/{house.id}")
    assert house.leaves(travel) == are(house, NONE, NONE)
    assert set(house.paused().values()) == {makers.GONE}
    shown = house.admin.get("/team/notices").get_data(as_text=True)
    assert shown.count("Paused: whoever made it is not in the team any more.") == 3
    # Whoever gave their password a while ago gives it again before.
    admin = Visitor(world)
    admin.sign_in("administrator@acme.example")
    # Whoever sees it may answer for it: then it tells what was chosen, as far as both see it, if that is anything.
    of_quokka = [table.get(table.name == "named").id for table in (SavedFeed, NoticeRule)]
    for page, field in (("/team/notices", "hook"), ("/team/feed", "id")):
        taken = [given for _, given in admin.forms(page) if field in given and "since" not in given]
        for given in {each[field]: each for each in taken if each.get("do", "take") == "take"}.values():
            status = 409 if given[field] in of_quokka else 303
            # By two clicks, too.
            for _ in range(2):
                assert admin.post(page, {**given, "do": "take"}).status_code == status
    for rule in sorted(NoticeRule.select(), key=lambda row: row.id in of_quokka):
        page = f"/team/notices/{rule.id}"
        assert "Answer for it yourself" in admin.get(page).get_data(as_text=True)
        token = admin.forms(page)[0][1]["token"]
        status = 409 if rule.id in of_quokka else 303
        assert admin.post(page, {"token": token, "do": "take"}).status_code == status
    # Nobody who has the addresses hears of more than before; a digest to somebody who is gone goes to nobody.
    assert house.leaves(travel) == are(house, ONE, NONE) | {"digest": NONE}


@ON_SQLITE
def test_whoever_takes_a_thing_over_widens_nothing(world, make):
    a, b = (make.survey().id for _ in range(2))
    with world.app.app_context():
        free, none, two = (
            keys.issue("a machine's", scopes, limits, clock.now())[0]
            for scopes, limits in ((["read"], None), ([], [a]), (["read"], [a, b]))
        )
        for thing, caller, surveys in (
            (Thing(none.id), free, [a]),
            (Thing(none.id, surveys=[a, b]), two, [a]),
            (Thing("mem_nobody", surveys=[a]), free, [a]),
            (Thing("mem_nobody"), free, None),
            (Thing("mem_nobody"), two, sorted([a, b])),
            # It would tell nothing.
            (Thing(none.id, about=b), free, Clash),
            (Thing(none.id, surveys=[b]), two, Clash),
            (Thing("mem_nobody", surveys=[]), free, Clash),
            # It is not paused, and ends with its maker.
            (Thing(two.id), free, Clash),
            (Thing(makers.SERVICE), free, Clash),
            # A limit that is lifted later is none.
            (Thing(two.id, surveys=["svy_else"]), two, None),
            (Thing(two.id), two, None),
        ):
            if surveys is Clash:
                with pytest.raises(Clash):
                    makers.taken_over(thing, caller.caller())
                continue
            taken = makers.taken_over(thing, caller.caller())
            own = thing.made().by == caller.id
            assert taken == ({} if own else {"made_by": caller.id, "surveys": surveys})
        for thing, surveys in (
            (Thing(none.id), [a]),
            (Thing(none.id, surveys=[b]), []),
            (Thing("mem_nobody"), []),
            (Thing(makers.SERVICE, surveys=[a]), [a]),
            (Thing(makers.SERVICE), None),
        ):
            assert makers.handed_over(thing) == surveys


@ON_SQLITE
@pytest.mark.parametrize(("becomes", "left"), [("keep", ONE), ("end", None), ("pause", NONE)])
def test_whoever_removes_a_member_says_what_becomes_of_what_they_made(world, make, travel, becomes, left):
    house = House(world, make, "member")
    change(house, surveys=[house.surveys["Wombat"].id])
    at = f"/team/admin/members/{house.id}"
    page = house.admin.get(at).get_data(as_text=True)
    for name in ("Saved view: <bdi>all", "Rule: <bdi>named", f"Webhook: <bdi>{HOOKS['events']}", "Digest: "):
        assert name in page
    token = {"token": house.admin.forms(at)[0][1]["token"], "do": "remove"}
    assert house.admin.post(at, {**token, "made": "else"}).status_code == 422
    assert house.admin.post(at, {**token, "made": becomes}).status_code == 303
    if left is None:
        assert not house.paused()
        assert world.client.get(f"/feed/{house.tokens['all']}.json").status_code == 404
        return
    told = house.leaves(travel)
    # The own digest goes to nobody's mailbox any more.
    assert told == are(house, left, NONE) | {"digest": NONE}


@ON_SQLITE
@pytest.mark.parametrize(
    ("becomes", "state"),
    [("taken", telling.DELIVERED), ("lifted", telling.DELIVERED), ("left", telling.GONE)],
)
def test_what_waits_for_what_is_paused_is_held_for_a_while(world, make, travel, becomes, state):
    chats, url = Chats(), HOOKS["events"]
    delivery.use_client(chats)
    admin, ann = member("administrator", "admin@acme.example"), member("editor", "ann@acme.example")
    values = {"url": url, "events": ["response.created"]}
    with world.app.app_context():
        hook = telling.create(values, sessions.caller_of(ann), clock.now())
    chats.dead.add(url)
    make.response(make.survey(), 1)
    world.work()
    chats.dead.clear()
    members.change(ann.id, {"role": "agent"})
    travel.shift(timedelta(hours=1))
    world.work()
    assert (WebhookDelivery.get().state, chats.said(url)) == (telling.PENDING, [])
    if becomes == "taken":
        telling.take_over(hook, sessions.caller_of(admin), clock.now())
    elif becomes == "lifted":
        members.change(ann.id, {"role": "editor"})
        travel.shift(calling.HELD)
    else:
        travel.shift(calling.PATIENCE)
    world.work()
    assert (WebhookDelivery.get().state, len(chats.said(url))) == (state, state == telling.DELIVERED)


@ON_POSTGRES
def test_what_a_member_may_see_is_not_changed_while_the_member_is_removed(world, monkeypatch):
    admin, ann = member("administrator", "admin@acme.example"), member("editor", "ann@acme.example")
    held = set()

    def part(*_):
        locks = "SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        held.update((high << 32) + low for high, low in db.database.execute_sql(locks).fetchall())

    monkeypatch.setattr(keys, "part", part)
    with world.app.app_context():
        team.remove(ann.id, sessions.caller_of(admin))
    assert int.from_bytes(hashlib.sha256(b"members").digest()[:8]) in held


@ON_SQLITE
def test_whoever_sees_what_is_paused_takes_it_over_by_the_api_too(world, make, travel):
    house = House(world, make, "member")
    things = {table.__name__: list(table.select()) for table in (SavedFeed, NoticeRule)}
    things["Webhook"] = [Webhook.get(Webhook.url == HOOKS["events"])]
    paths = {"SavedFeed": "/api/feeds", "NoticeRule": "/api/rules", "Webhook": "/api/webhooks"}
    each = [(f"{paths[kind]}/{row.id}/take-over", row) for kind, rows in things.items() for row in rows]
    assert len(each) == 5
    for path, _ in each:
        house.api.post(path, None, 409)
    change(house, surveys=[house.surveys["Wombat"].id])
    house.api.delete(f"/api/members/{house.id}")
    limited = house.api.post(
        "/api/keys", {"name": "other", "scopes": ["write"], "surveys": [house.surveys["Quokka"].id]}
    )
    for path, row in each:
        # Who sees nothing of what it tells finds nothing; nor is there more to tell than before.
        Api(world, limited["key"]).post(path, None, 404)
        taken = house.api.post(path, None, 409 if row.made().about else 200)
        assert "secret" not in str(taken)
        assert row.made().about or (taken["id"], taken["paused"]) == (row.id, None)
    assert house.leaves(travel) == are(house, ONE, NONE) | {"digest": NONE}


@ON_SQLITE
def test_a_key_that_goes_leaves_no_more_than_it_saw_then(world, make, travel):
    house = House(world, make, "key")
    # Nobody takes over what is not paused: then it would not end with a key that leaked.
    token = {"token": house.admin.forms("/team/feed")[0][1]["token"], "do": "take"}
    view, hook = SavedFeed.get(SavedFeed.name == "all"), Webhook.get(Webhook.url == HOOKS["events"])
    for page, given in (("/team/feed", {"id": view.id}), ("/team/notices", {"hook": hook.id})):
        assert house.admin.post(page, {**token, **given}).status_code == 409
    assert SavedFeed.get_by_id(view.id).api_key == Webhook.get_by_id(hook.id).made_by == house.id
    change(house, surveys=[house.surveys["Wombat"].id])
    # Where somebody who is gone had a rule of it lead stays paused.
    ann, rule = member("editor", "ann@acme.example"), NoticeRule.get(NoticeRule.name == "all")
    to = [{"id": hook.id} for hook in rules.leads([rule.id])[rule.id]]
    with world.app.app_context():
        led = {"to": [*to, {"kind": "webhook", "address": f"{HOOKS['all']}/ann"}]}
        rules.change(rule, led, sessions.caller_of(ann), clock.now())
    members.remove(ann.id)
    kept = {f"keep_{kind}": "1" for kind in ("feeds", "rules", "webhooks", "digests")}
    house.api.delete(f"/api/keys/{house.id}", **kept)
    assert house.leaves(travel) == are(house, ONE, NONE)
    assert not house.chats.said(f"{HOOKS['all']}/ann")
    # Whoever sees the rule may answer for that too, where nothing of the rule itself is paused.
    page = f"/team/notices/{rule.id}"
    assert house.admin.get(page).get_data(as_text=True).count("Answer for it yourself: Webhook") == 1
    [given] = [given for _, given in house.admin.forms(page) if given.get("do") == "take"]
    stranger = signed_in(world, "editor", surveys=[house.surveys["Quokka"].id])
    assert (
        stranger.post(page, {**given, "token": stranger.forms("/team/feed")[0][1]["token"]}).status_code
        == 404
    )
    other = {**given, "hook": Webhook.get(Webhook.url == HOOKS["events"]).id}
    assert house.admin.post(page, other).status_code == 404
    assert house.admin.post(page, given).status_code == 303
    assert "Answer for it yourself" not in house.admin.get(page).get_data(as_text=True)
    assert house.admin.post(page, given).status_code == 303
    assert house.leaves(travel) == are(house, ONE, NONE)
    told = str(house.chats.said(f"{HOOKS['all']}/ann"))
    assert [name for name in BOTH if name in told] == ONE


@ON_SQLITE
def test_a_rule_mails_a_member_no_more_than_that_one_may_see(world, make, travel):
    house = House(world, make, "key")
    bob = member("viewer", "bob@acme.example")
    to = [{"kind": "mail", "address": "Bob@acme.example"}]
    house.api.post("/api/rules", {"name": "Bob's", "when": {"kind": "answer"}, "to": to})
    for values, animals, paused in (
        ({}, BOTH, None),
        ({"surveys": [house.surveys["Wombat"].id]}, ONE, None),
        ({"role": "agent"}, NONE, makers.ROLE),
        # Removed and invited again, to the same mailbox.
        (None, BOTH, None),
    ):
        if values is None:
            members.remove(bob.id)
            member("viewer", "bob@acme.example")
        else:
            members.change(bob.id, values)
        house.leaves(travel)
        told = "".join(f"{mail.text} {mail.html}" for mail in house.mails.sent if mail.to.startswith("Bob"))
        assert [name for name in BOTH if name in told] == animals
        [lead] = next(each for each in house.api.get("/api/rules")["items"] if each["name"] == "Bob's")["to"]
        assert lead["paused"] == paused


@ON_SQLITE
def test_every_table_of_what_goes_on_by_itself_is_held_against_its_maker(world):
    found = {
        table
        for table in db.registered()
        if {"made_by", "surveys"} <= set(table._meta.fields) and table is not Goal
    }
    assert found == TABLES
    assert all(isinstance(table.made, type(House.views)) for table in TABLES)


class Thing:
    """Something by these makers."""

    paused = None

    def __init__(self, by, surveys=None, about=None, reader=None):
        self._made = Made(by, surveys, "read", about, reader)

    def made(self):
        return self._made


@ON_SQLITE
def test_what_may_leave_is_what_all_see(world, make):
    a, b = (make.survey().id for _ in range(2))
    with world.app.app_context():
        free, one, two = (
            keys.issue("a machine's", ["read"], limits, clock.now())[0].id for limits in (None, [a], [b])
        )
        table = [
            (Thing(makers.SERVICE), (None, None)),
            (Thing(makers.SERVICE, surveys=[]), ([], makers.LIMITS)),
            (Thing(makers.SERVICE, surveys=[a], about=b), ([], makers.LIMITS)),
            (Thing(free), (None, None)),
            (Thing(free, surveys=[b, a]), (sorted([a, b]), None)),
            (Thing(one), ([a], None)),
            (Thing(one, surveys=[b]), ([], makers.LIMITS)),
            (Thing(one, about=b), ([], makers.LIMITS)),
            (Thing(one, reader=free), ([a], None)),
            (Thing(one, reader=two), ([], makers.LIMITS)),
            (Thing(free, reader="mem_nobody"), ([], makers.GONE)),
            (Thing("mem_nobody"), ([], makers.GONE)),
        ]
        rows = [thing for thing, _ in table]
        assert [(each.surveys, each.paused) for each in makers.sights(rows)] == [each for _, each in table]
        assert [row.paused for row in rows] == [paused for _, (_, paused) in table]
