"""Issues of topics: made at most once whatever goes wrong, followed by proved calls, decided on by people."""

import json

import pytest

from feedback import issues, proofs
from feedback.models import Placement, PublicCard, Topic, TopicIssue, Tracker
from surveys.base import clock, delivery, jobs
from surveys.base.delivery.client import Client
from surveys.base.delivery.defusing import JOINER
from surveys.base.delivery.memory import Memory
from tests.conftest import ON_SQLITE
from tests.feedback.trackers.standins import BROKEN, BUSY, REFUSED, SLOW, GitHub, Jira, Linear, serving
from tests.visitor import signed_in

EACH = pytest.mark.parametrize("standin", [GitHub, Jira, Linear])


@pytest.fixture
def place(world, api, request):
    """A tracker that is connected, at a stand-in that answers for it; GitHub unless a test names another."""
    found = request.node.callspec.params.get("standin", GitHub)()
    delivery.use_client(found)
    mail = Memory()
    delivery.use("mail", mail)
    given = {"name": "Ours", "kind": found.kind, "token": found.token, "secret": found.secret}
    found.tracker = api.post("/api/trackers", {**given, **found.settings}, 201)
    found.api, found.world = api, world
    yield found
    assert mail.sent == [], "a tracker mails nobody"


@pytest.fixture
def topic(world):
    """A topic that somebody speaks of."""
    return Topic.create(id="top_card", label="Card <b>declined</b> @octocat", created_at=clock.now()).id


def made(place, topic, **body):
    """An issue of a topic, made by the worker."""
    place.api.post(f"/api/topics/{topic}/issue", {"tracker": place.tracker["id"], **body}, 202)
    place.world.work()
    return shown(place, topic)


def shown(place, topic):
    return place.api.get(f"/api/topics/{topic}/issue")


def call(place, body, headers):
    """What a webhook of the tracker is answered."""
    path = f"/trackers/{place.tracker['id']}"
    return place.world.client.post(path, data=body, headers={"Content-Type": "application/json", **headers})


def moved(place, how, at=0):
    """Move an issue in the tracker, which tells of it."""
    said = call(place, *place.move(at, how)).get_json()
    place.world.work()
    return said["decision"]


def written_in(issue):
    """All that stands in an issue, as text."""
    return json.dumps(issue, ensure_ascii=False)


@EACH
def test_a_topic_becomes_one_issue_and_takes_over_what_a_person_accepts(place, topic, standin, make):
    row = make.response(
        make.survey(), 2, comment="Robin Vale cannot pay", person={"id": "p", "name": "Robin Vale"}
    )
    Placement.create(topic=topic, response=row.key, evidence=[])
    api = place.api
    for body in ({"text": "Call Robin Vale"}, {"text": "Ask ann@example.com"}, {"title": "Robin Vale"}):
        refused = api.post(f"/api/topics/{topic}/issue", {"tracker": place.tracker["id"], **body}, 422)
        assert set(refused["error"]["fields"]) == set(body)
    found = made(place, topic, text="Look at the <form>, @all.")
    assert (found["state"], found["paused"], found["proposal"], found["reason"]) == (
        "linked",
        None,
        None,
        None,
    )
    assert found["url"].startswith("https://")
    assert api.get(f"/api/topics/{topic}")["issue_url"] == found["url"]
    [issue] = place.issues
    text = written_in(issue)
    assert "/badge/" in text
    assert TopicIssue.get().marker in text
    for leak in ("Robin", "cannot pay", "@octocat", "@all"):
        assert leak not in text, leak
    assert f"@{JOINER}octocat" in text
    # A topic has one issue.
    api.post(f"/api/topics/{topic}/issue", {"tracker": place.tracker["id"]}, 409)
    assert moved(place, "done") == "accepted"
    proposal = shown(place, topic)["proposal"]
    assert (proposal["status"], proposal["by"] in ("octocat", "Octo Cat")) == ("shipped", True)
    assert api.get(f"/api/topics/{topic}")["status"] == "new", "a tracker only proposes"
    api.patch(f"/api/topics/{topic}/issue", {"decision": "accept", "proposal": "wont_do"}, 409)
    decided = api.patch(f"/api/topics/{topic}/issue", {"decision": "accept", "proposal": "shipped"})
    assert (decided["proposal"], decided["paused"]) == (None, None)
    told = api.get(f"/api/topics/{topic}")
    assert (told["status"], told["shipped_at"] is not None) == ("shipped", True)
    # What is open again has its earlier status again, if a person says so.
    assert moved(place, "open") == "accepted"
    assert shown(place, topic)["proposal"]["status"] == "new"
    api.patch(f"/api/topics/{topic}/issue", {"decision": "decline", "proposal": "new"})
    assert api.get(f"/api/topics/{topic}")["status"] == "shipped"
    assert moved(place, "dropped") == "accepted"
    assert shown(place, topic)["proposal"]["status"] == "wont_do"
    assert moved(place, "closed") == "accepted"
    assert shown(place, topic)["proposal"] is None
    assert [line["what"] for line in shown(place, topic)["history"]] == [
        "made", "proposed", "accepted", "proposed", "declined", "proposed", "withdrawn",
    ]  # fmt: skip
    assert len(place.issues) == 1


@EACH
@pytest.mark.parametrize("wrong", [REFUSED, BUSY, SLOW, BROKEN])
def test_whatever_breaks_one_issue_is_made(place, topic, standin, wrong, monkeypatch):
    place.next = wrong
    found = made(place, topic)
    heard = wrong in (SLOW, BROKEN)
    assert len(place.issues) == heard
    assert (found["state"], bool(found["reason"])) == ("unknown" if heard else "making", True)
    # The job tries again, or looks whether it was made after all.
    jobs.Job.update(due_at=clock.now()).where(jobs.Job.state != jobs.DONE).execute()
    place.world.work()
    found = shown(place, topic)
    assert (len(place.issues), found["state"], found["reason"]) == (1, "linked", None)


@EACH
def test_a_killed_worker_makes_no_second_issue(place, topic, standin, monkeypatch):
    """Killed after the tracker had the call and before that was written down; and once more before it had it."""
    row = made(place, topic)
    assert row["state"] == "linked"
    as_killed = {"state": "trying", "ref": None, "key": None, "url": None}
    TopicIssue.update(**as_killed).execute()
    issues.work({"topic": topic, "marker": TopicIssue.get().marker}, clock.now())
    assert (shown(place, topic)["state"], len(place.issues)) == ("linked", 1)
    place.issues.clear()
    TopicIssue.update(**as_killed).execute()
    for _ in range(2):
        issues.work({"topic": topic, "marker": TopicIssue.get().marker}, clock.now())
        assert (shown(place, topic)["state"], place.issues) == ("unknown", [])
    assert "unknown" in [line["what"] for line in shown(place, topic)["history"]]
    # A person may say so.
    place.api.patch(f"/api/topics/{topic}/issue", {"again": True})
    place.world.work()
    assert (shown(place, topic)["state"], len(place.issues)) == ("linked", 1)
    # What came back with a restore was made since: it is found.
    TopicIssue.update(**{**as_killed, "state": "wanted"}).execute()
    issues.work({"topic": topic, "marker": TopicIssue.get().marker}, clock.now())
    assert (shown(place, topic)["state"], len(place.issues)) == ("linked", 1)


@ON_SQLITE
def test_who_sees_nothing_in_a_place_does_not_say_that_nothing_was_made(place, topic):
    made(place, topic)
    TopicIssue.update(state="trying", ref=None).execute()
    place.handle = lambda *_: (404, {"message": "Not Found"})
    issues.work({"topic": topic, "marker": TopicIssue.get().marker}, clock.now())
    assert shown(place, topic)["state"] == "unknown"


@ON_SQLITE
@EACH
def test_an_issue_that_is_there_is_linked_by_its_address(place, topic, standin):
    other = Topic.create(id="top_other", label="Parking", created_at=clock.now()).id
    address = made(place, other)["url"]
    place.api.delete(f"/api/topics/{other}/issue")
    assert place.api.get(f"/api/topics/{other}")["issue_url"] is None
    place.api.get(f"/api/topics/{other}/issue", 404)
    place.move(0, "done")
    place.api.post(
        f"/api/topics/{topic}/issue", {"tracker": place.tracker["id"], "url": "https://x.example/1"}, 422
    )
    found = made(place, topic, url=address)
    assert (found["state"], found["url"], found["proposal"]["status"]) == ("linked", address, "shipped")
    place.api.delete(f"/api/topics/{topic}/issue")
    place.issues.clear()
    gone = made(place, topic, url=address)
    assert (gone["state"], gone["key"]) == ("failed", None)


@EACH
def test_calls_without_proof_change_nothing_and_repeated_ones_nothing_more(place, topic, standin, client):
    made(place, topic)
    body, headers = place.move(0, "done")
    (name,) = [each for each in headers if "Signature" in each]
    for wrong in ({}, {name: headers[name][:-1] + ("0" if headers[name][-1] != "0" else "1")}):
        given = {each: value for each, value in headers.items() if each != name} | wrong
        answer = call(place, body, given)
        assert (answer.status_code, answer.data) == (401, b"")
    assert call(place, body + b" ", headers).status_code == 401
    place.world.work()
    assert shown(place, topic)["proposal"] is None
    asked = len(place.calls)
    assert [call(place, body, headers).get_json()["decision"] for _ in range(3)] == [
        "accepted", "duplicate", "duplicate",
    ]  # fmt: skip
    place.world.work()
    assert len(place.calls) == asked + 1
    assert shown(place, topic)["proposal"]["status"] == "shipped"
    # A late call about how it was before says nothing: the issue is asked for.
    late = place.hook(0, {"action": "reopened"})
    assert call(place, *late).status_code == 200
    place.world.work()
    assert shown(place, topic)["proposal"]["status"] == "shipped"
    for path in ("/trackers/trk_0", f"/trackers/{place.tracker['id'][:-1]}"):
        assert client.post(path, data=body, headers=headers).status_code == 404


def test_a_status_given_by_hand_pauses_the_sync_until_a_person_resumes_it(place, topic):
    made(place, topic)
    changed = place.api.patch(f"/api/topics/{topic}", {"status": "planned"})
    assert changed["status"] == "planned"
    assert shown(place, topic)["paused"] == "status"
    moved(place, "done")
    assert shown(place, topic)["proposal"] is None
    resumed = place.api.patch(f"/api/topics/{topic}/issue", {"paused": False})
    assert resumed["paused"] is None
    place.world.work()
    assert shown(place, topic)["proposal"]["status"] == "shipped", "what happened meanwhile is asked for"
    # Pausing by oneself keeps what was proposed for later; and whoever sets just that has accepted it.
    assert place.api.patch(f"/api/topics/{topic}/issue", {"paused": True})["proposal"] is None
    place.api.patch(f"/api/topics/{topic}/issue", {"paused": False})
    place.world.work()
    place.api.patch(f"/api/topics/{topic}", {"status": "shipped"})
    after = shown(place, topic)
    assert (after["paused"], after["proposal"]) == (None, None)
    assert [line["what"] for line in after["history"]] == [
        "made", "paused.status", "resumed", "proposed", "paused.person", "resumed", "proposed", "accepted",
    ]  # fmt: skip
    # The service's own word is no one's hand.
    issues_before = len(after["history"])
    issues.topics.change(topic, {"status": "came_back"}, clock.now())
    assert shown(place, topic)["paused"] is None
    assert len(shown(place, topic)["history"]) == issues_before


def test_the_issue_of_a_topic_goes_with_it_into_another(place, topic):
    into = Topic.create(id="top_into", label="Payment", created_at=clock.now()).id
    made(place, topic)
    place.api.post(f"/api/topics/{topic}/merge", {"into": into}, 200)
    place.api.post(f"/api/topics/{into}/issue", {"tracker": place.tracker["id"]}, 409)
    moved(place, "done")
    visitor = signed_in(place.world, "editor")
    assert "Its tracker proposes: Shipped" in visitor.get("/team/topics").get_data(as_text=True)
    # What its badge shows is the other topic by now, and so that one takes it back.
    badge = place.api.post(f"/api/topics/{topic}/badge", {})["url"].removeprefix("http://localhost")
    page = f"/team/topics/{into}"
    assert badge in visitor.get(page).get_data(as_text=True)
    assert visitor.send(page, do="revoke", kind="badge").status_code == 303
    assert place.world.client.get(badge).status_code == 404
    place.api.call("DELETE", f"/api/topics/{into}/badge", 404)
    place.api.patch(f"/api/topics/{into}/issue", {"decision": "accept", "proposal": "shipped"})
    assert Topic.get_by_id(into).status == "shipped"
    assert "tracker proposes" not in visitor.get("/team/topics").get_data(as_text=True)
    Topic.update(merged_into=None).where(Topic.id == topic).execute()


@ON_SQLITE
def test_what_a_tracker_refuses_is_shown_in_its_words(place, topic):
    place.token = "changed"
    found = made(place, topic)
    assert (found["state"], found["reason"]) == ("failed", "Bad credentials (status 401)")
    tried = place.api.post(f"/api/trackers/{place.tracker['id']}/test", {}, 200)
    assert tried == {"reached": None, "problem": "Bad credentials (status 401)"}
    place.token = GitHub.token
    assert place.api.post(f"/api/trackers/{place.tracker['id']}/test", {}, 200)["reached"] == "acme/shop"
    place.api.patch(f"/api/topics/{topic}/issue", {"again": True})
    place.world.work()
    assert shown(place, topic)["state"] == "linked"
    place.issues.clear()
    place.issues.append({"number": 2, "state": "open"})
    row = TopicIssue.get()
    issues.look({"topic": topic, "marker": row.marker}, clock.now())
    assert shown(place, topic)["state"] == "gone"


def test_a_trackers_secrets_are_sealed_and_shown_once(world, api):
    delivery.use_client(GitHub())
    given = {"name": "Shop", "kind": "github", "repository": "acme/shop", "token": "token-of-a-test"}
    created = api.post("/api/trackers", given, 201)
    secret, path = created["secret"], f"/api/trackers/{created['id']}"
    assert created["webhook"] == f"http://localhost/trackers/{created['id']}"
    assert (created["heard_at"], created["checked_at"], created["problem"]) == (None, None, None)
    kept = str(Tracker.select(Tracker.credentials.cast("TEXT"), Tracker.secret.cast("TEXT")).tuples().get())
    for said in (api.get(path), api.get("/api/trackers"), api.patch(path, {"name": "Web"}), kept):
        assert secret not in str(said)
        assert "token-of-a-test" not in str(said)
    row = Tracker.get()
    assert (row.secret, row.credentials["token"], row.name) == (secret, "token-of-a-test", "Web")
    for wrong, field in (
        ({**given, "kind": "gitlab"}, "kind"),
        ({**given, "repository": "shop"}, "repository"),
        ({**given, "team": "ENG"}, "team"),
        ({**given, "token": "two words"}, "token"),
        ({"name": "x", "kind": "jira", "url": "https://a.example", "project": "SHOP", "token": "t"}, "user"),
        ({"name": "x", "kind": "linear", "token": "t"}, "team"),
    ):
        assert field in api.post("/api/trackers", wrong, 422)["error"]["fields"]
    # Linear makes the secret itself: until it is entered, nothing is proved.
    its = api.post("/api/trackers", {"name": "L", "kind": "linear", "team": "ENG", "token": "t"}, 201)
    assert ("secret" in its, its["has_secret"]) == (False, False)
    assert world.client.post(f"/trackers/{its['id']}", data=b"{}").status_code == 401
    api.delete(path)
    api.get(path, 404)


@ON_SQLITE
def test_over_the_wire_an_issue_goes_through_the_one_client(world, api, topic):
    place = GitHub()
    with serving(place) as url:
        given = {"name": "x", "kind": "github", "token": GitHub.token, "url": url, **GitHub.settings}
        assert "url" in api.post("/api/trackers", given, 422)["error"]["fields"]
        delivery.use_client(Client(["127.0.0.1"]))
        tracker = api.post("/api/trackers", given)
        api.post(f"/api/topics/{topic}/issue", {"tracker": tracker["id"]}, 202)
        world.work()
    found = api.get(f"/api/topics/{topic}/issue")
    assert (found["state"], found["url"]) == ("linked", f"{url}/acme/shop/issues/1")
    assert [method for method, _ in place.calls] == ["GET", "POST"]


@ON_SQLITE
def test_private_addresses_are_no_trackers(api):
    given = {
        "name": "x",
        "kind": "github",
        "repository": "a/b",
        "token": "t",
        "url": "http://169.254.169.254",
    }
    assert "url" in api.post("/api/trackers", given, 422)["error"]["fields"]


@ON_SQLITE
@EACH
def test_a_token_that_is_kept_goes_to_no_other_host(place, standin):
    path, home = f"/api/trackers/{place.tracker['id']}", place.tracker["url"]
    plain, elsewhere = home.replace("https:", "http:"), "https://tracker.example"
    for url in (elsewhere, plain, f"{home}:8443", f"{home}.tracker.example"):
        refused = place.api.patch(path, {"url": url, "name": "Theirs", "secret": "another secret"}, 422)
        assert set(refused["error"]["fields"]) == {"token"}, url
    editor, page = signed_in(place.world, "editor"), f"/team/trackers/{place.tracker['id']}"
    refused = editor.send(page, do="change", name="Theirs", url=elsewhere, api_token="")
    assert refused.status_code == 422
    assert "the token that is kept is not sent there" in refused.get_data(as_text=True)
    row = Tracker.get()
    assert (row.name, row.settings["url"], row.secret) == ("Ours", home, place.secret)
    # Where the host stays, so does the token; with a token of its own it may be another.
    assert place.api.patch(path, {"url": f"{home}:443/"})["url"] == f"{home}:443/"
    assert Tracker.get().credentials["token"] == place.token
    assert place.api.patch(path, {"url": elsewhere, "token": "theirs"})["url"] == elsewhere
    assert Tracker.get().credentials["token"] == "theirs"
    assert editor.send(page, do="change", name="Ours", url=home, api_token=place.token).status_code == 303


@ON_SQLITE
def test_a_call_about_an_issue_of_two_topics_is_heard_by_both(place, topic):
    other = Topic.create(id="top_other", label="Parking", created_at=clock.now()).id
    made(place, other, url=made(place, topic)["url"])
    body, headers = place.move(0, "done")
    assert [call(place, body, headers).get_json()["decision"] for _ in range(2)] == ["accepted", "duplicate"]
    place.world.work()
    assert [shown(place, each)["proposal"]["status"] for each in (topic, other)] == ["shipped", "shipped"]


@ON_SQLITE
@EACH
def test_what_is_refused_publishes_no_badge_and_trying_again_brings_none_back(place, topic, standin):
    gone = Topic.create(id="top_gone", label="Cards", created_at=clock.now(), merged_into=topic).id
    place.api.post(f"/api/topics/{gone}/issue", {"tracker": place.tracker["id"]}, 409)
    assert PublicCard.select().count() == 0
    place.token = "changed"
    assert made(place, topic)["state"] == "failed"
    assert proofs.revoke(Topic.get_by_id(topic), proofs.BADGE)
    place.api.post(f"/api/topics/{topic}/issue", {"tracker": place.tracker["id"]}, 409)
    place.token = standin.token
    place.api.patch(f"/api/topics/{topic}/issue", {"again": True})
    place.world.work()
    assert shown(place, topic)["state"] == "linked"
    text = written_in(place.issues)
    assert ("/badge/" in text, "Evidence" in text, f"/team/topics/{topic}" in text) == (False, False, True)
    assert PublicCard.select().count() == 0


def test_a_tracker_with_issues_stays_where_it_is(place, topic):
    made(place, topic)
    path = f"/api/trackers/{place.tracker['id']}"
    place.api.patch(path, {"repository": "acme/other"}, 409)
    place.api.delete(path)
    place.api.get(f"/api/topics/{topic}/issue", 404)
    assert len(place.issues) == 1


@ON_SQLITE
def test_the_pages_connect_a_tracker_make_an_issue_and_take_the_decision(place, topic):
    editor, viewer = signed_in(place.world, "editor", name="Maya"), signed_in(place.world, "viewer")
    address = "/team/trackers"
    refused = editor.send(address, kind="github", name="Shop", repository="shop", api_token="t")
    assert refused.status_code == 422
    assert "Must be such as acme/shop" in refused.get_data(as_text=True)
    led = editor.send(address, kind="github", name="Shop", repository="acme/shop", api_token=place.token)
    its = led.headers["Location"].partition("?")[0]
    page = editor.get(led.headers["Location"]).get_data(as_text=True)
    assert Tracker.get_by_id(its.rpartition("/")[2]).secret in page
    assert "It is shown this once" in page
    assert "shown this once" not in editor.get(its).get_data(as_text=True)
    assert "acme/shop" in editor.get(editor.send(its, do="try").headers["Location"]).get_data(as_text=True)
    assert editor.send(its, do="change", name="Web shop", api_token="").status_code == 303
    assert place.token not in editor.get(its).get_data(as_text=True)
    assert viewer.get(address).status_code == 403
    one = f"/team/topics/{topic}"
    assert "Make an issue" not in viewer.get(one).get_data(as_text=True)
    tracker = place.tracker["id"]
    wrong = editor.send(one, do="link", tracker=tracker, url="https://x.example/1")
    assert wrong.status_code == 422
    assert "Is no address of an issue" in wrong.get_data(as_text=True)
    assert editor.send(one, do="issue", tracker=tracker, title="Card", text="").status_code == 303
    place.world.work()
    page = viewer.get(one).get_data(as_text=True)
    assert "acme/shop#1" in page
    assert 'value="unlink"' not in page
    moved(place, "done")
    page = editor.get(one).get_data(as_text=True)
    assert "octocat moved acme/shop#1 in GitHub: Shipped?" in page
    assert viewer.post(one, {"do": "accept", "proposal": "shipped"}).status_code == 403
    assert editor.send(one, do="accept", proposal="shipped").status_code == 303
    page = editor.get(one).get_data(as_text=True)
    for words in ("New → Shipped", "Shipped, as acme/shop#1 proposed", "acme/shop#1 was made"):
        assert words in page, words
    for do in ("pause", "resume", "look", "unlink"):
        assert editor.send(one, do=do).status_code == 303
    assert editor.send(one, do="pause").status_code == 409
    page = editor.get(one).get_data(as_text=True)
    assert "acme/shop#1 was unlinked" in page
    assert editor.send(its, do="remove").headers["Location"].startswith(address)
