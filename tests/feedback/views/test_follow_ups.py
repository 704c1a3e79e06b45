"""Cases over the API: opened by hand and by rules, joined, worked on, due in opening hours, gone with their people."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from feedback.domain.follow_ups import STEPS, Said, rule
from feedback.follow_ups import opening
from feedback.models import FollowUp, FollowUpResponse
from surveys.base import worker
from surveys.models import Response
from tests.conftest import Api
from tests.visitor import member

#: A Friday, 15:40 UTC.
NOW = datetime(2026, 11, 27, 15, 40, tzinfo=UTC)
ANN = {"id": "ann"}


@pytest.fixture(autouse=True)
def clock():
    """A frozen clock that a test may move."""
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def settle(world, clock):
    """Be the worker until what was answered has settled."""

    def settled():
        world.work()
        clock.shift(opening.SETTLES)
        world.work()

    return settled


@pytest.fixture
def said(make, clock):
    """An answer to a survey, a second after the one before."""

    def answered(survey, score, **values):
        clock.shift(timedelta(seconds=1))
        return make.response(survey, score, **values)

    return answered


def cases(api, **query):
    return api.call("GET", "/api/follow-ups", 200, query_string=query)["items"]


def opened(api, response):
    return api.post("/api/follow-ups", {"response": response.id})


RULED = [
    ({}, Said(0, -1.0, "both", (5, 9)), None),
    ({"at_or_below": 6}, Said(6), "score"),
    ({"at_or_below": 6}, Said(7), None),
    ({"at_or_below": 0}, Said(0), "score"),
    ({"at_or_below": 6}, Said(None), None),
    ({"negative": True}, Said(10, -0.9), "negative"),
    ({"negative": True}, Said(0, -0.5), None),
    ({"negative": True}, Said(0), None),
    ({"contact": True}, Said(9, contact="reply"), "contact"),
    ({"contact": True}, Said(9, contact="both"), "contact"),
    ({"contact": True}, Said(9, contact="news"), None),
    ({"falling": True}, Said(7, before=(8, 9)), "falling"),
    ({"falling": True}, Said(7, before=(8, 8)), None),
    ({"falling": True}, Said(8, before=(8, 9)), None),
    ({"falling": True}, Said(7, before=(8,)), None),
    ({"falling": True}, Said(None, before=(8, 9)), None),
    ({"at_or_below": 6, "negative": True}, Said(2, -0.9), "score"),
]


@pytest.mark.parametrize(("rules", "answer", "found"), RULED)
def test_a_rule_opens_what_it_says(rules, answer, found):
    assert rule(rules, answer) == found


def test_an_answer_that_is_sent_again_unchanged_or_put_back_opens_its_case_too(
    world, api, make, said, settle
):
    survey = make.survey(open_follow_ups={"at_or_below": 6})
    again, aside = said(survey, 0, person=ANN), said(survey, 1, person={"id": "bob"})
    make.response(survey, 0, id=again.id, revision=2, person=ANN)
    api.patch(f"/api/responses/{aside.id}", {"excluded": True})
    settle()
    assert [case["responses"] for case in cases(api)] == [[again.id]]
    api.patch(f"/api/responses/{aside.id}", {"excluded": False})
    settle()
    assert {case["response"] for case in cases(api)} == {again.id, aside.id}


def test_of_two_people_who_turn_out_to_be_one_the_older_case_goes_on(api, make, settle):
    survey = make.survey(open_follow_ups={"at_or_below": 6})
    by_address, by_id = {"email": "ann@shop.example"}, {"id": "ann"}
    said = []
    for person in (by_address, by_id, by_id):
        if said:
            # The helpdesk knows both of one person, at the last.
            known = {**by_address, **by_id} if len(said) == 2 else by_id
            api.post("/api/triggers", {"survey": survey.id, "person": known, "deliver": False}, None)
        said.append(api.post("/api/responses", {"survey": survey.id, "score": 0, "person": person})["id"])
        settle()
    older, later = sorted(cases(api), key=lambda case: case["opened_at"])
    assert (older["responses"], later["responses"]) == ([said[0], said[2]], [said[1]])
    path = f"/api/follow-ups/{later['id']}"
    api.patch(path, {"status": "given_up", "reason": "duplicate", "note": "See the other."})
    api.patch(path, {"status": "new"}, 409)


def test_rules_open_one_case_a_person_once_the_answer_has_settled(world, api, make, said, settle, clock):
    assert api.get(f"/api/surveys/{make.survey().id}")["open_follow_ups"] == {
        "at_or_below": None, "negative": False, "contact": False, "falling": False,
    }  # fmt: skip
    quiet = make.survey()
    loud = make.survey(open_follow_ups={"at_or_below": 6, "negative": True, "contact": True, "falling": True})
    silent, unhappy = said(quiet, 0, person=ANN), said(loud, 3, person=ANN)
    world.work()
    assert cases(api) == []
    settle()
    (case,) = cases(api)
    assert (case["rule"], case["status"], case["responses"]) == ("score", "new", [unhappy.id])
    assert case["person"] == Response.get_by_id(unhappy.key).person_id
    # A second answer joins it; what fits no rule, a stranger's, and a test's do not.
    strangers = said(
        loud, 9, comment="Disgusting. I hate this terrible, useless service!", person={"id": "bob"}
    )
    again, fine = said(loud, 2, person=ANN), said(loud, 10, person=ANN)
    said(loud, 0, test=True)
    settle()
    first, other = sorted(cases(api), key=lambda item: item["opened_at"])
    assert (first["id"], first["response"], first["responses"]) == (
        case["id"],
        unhappy.id,
        [unhappy.id, again.id],
    )
    assert [line.get("joined") for line in first["history"]] == [None, "score"]
    assert (other["rule"], other["responses"]) == ("negative", [strangers.id])
    # The feed says so, and finds them.
    items = {item["id"]: item["follow_up"] for item in api.get("/api/feed")["items"]}
    assert items[again.id] == {"id": case["id"], "status": "new"}
    assert items[silent.id] is items[fine.id] is None
    found = api.call("GET", "/api/feed", 200, query_string={"status": "open"})["items"]
    assert {item["id"] for item in found} == {unhappy.id, again.id, strangers.id}
    # Falling, and who asks to be answered.
    for score in (10, 9, 8):
        fell = said(loud, score, person={"id": "eve"})
    allowed = said(loud, 10, contact="reply")
    settle()
    assert {item["response"]: item["rule"] for item in cases(api)[:2]} == {
        fell.id: "falling",
        allowed.id: "contact",
    }


def test_a_later_word_is_waited_for_and_history_opens_nothing(world, api, make, said, settle, clock):
    survey = make.survey(open_follow_ups={"at_or_below": 6})
    hasty = said(survey, 2)
    clock.shift(opening.SETTLES - timedelta(seconds=10))
    make.response(survey, 9, id=hasty.id, revision=2)
    make.response(survey, 0, NOW - timedelta(days=30))
    settle()
    assert cases(api) == []


def test_a_case_is_worked_on_and_only_the_customer_solves_it(api, make, said, clock):
    case = opened(api, said(make.survey(), 3, person=ANN))
    path = f"/api/follow-ups/{case['id']}"
    assert case == api.get(path)
    assert (case["rule"], case["owner"], case["priority"], case["steps"]) == ("by_hand", None, 0, [])
    refused = [
        ({"status": "solved"}, "status"), ({"status": "unconfirmed"}, "status"), ({"status": "done"}, "status"),
        ({"status": "given_up", "reason": "lost_cause"}, "note"),
        ({"status": "given_up", "reason": "lost_cause", "note": " "}, "note"),
        ({"status": "given_up", "reason": "tired", "note": "x"}, "reason"), ({"reason": "not_ours"}, "reason"),
        ({"steps": ["dance"]}, "steps"), ({"priority": 1}, "priority"),
    ]  # fmt: skip
    for body, field in refused:
        (named,) = api.patch(path, body, 422)["error"]["fields"]
        assert named.partition(".")[0] == field, body
    assert api.get(path) == case
    # Taking it needs no sentence, handing it over does.
    one, two = (member(email=f"{name}@acme.example").id for name in ("one", "two"))
    assert list(api.patch(path, {"owner": "mem_z"}, 422)["error"]["fields"]) == ["owner"]
    assert api.patch(path, {"owner": one})["owner"] == one
    for owner in (two, None):
        assert list(api.patch(path, {"owner": owner}, 422)["error"]["fields"]) == ["note"]
    assert api.patch(path, {"owner": one})["owner"] == one
    assert api.patch(path, {"owner": two, "note": "On leave."})["owner"] == two
    assert api.patch(path, {"status": "handled", "steps": ["apologise", "listen"]})["steps"] == list(
        STEPS[:2]
    )
    # Whom the team waits for was answered.
    assert api.get(path)["first_answer_at"] is None
    clock.shift(60)
    assert api.patch(path, {"status": "waiting"})["first_answer_at"] == "2026-11-27T15:41:01.000Z"
    given_up = api.patch(path, {"status": "given_up", "reason": "duplicate", "note": "See the other."})
    assert (given_up["reason"], given_up["closed_at"]) == ("duplicate", "2026-11-27T15:41:01.000Z")
    assert [line["note"] for line in given_up["history"] if "note" in line] == ["On leave.", "See the other."]
    assert api.patch(path, {"status": "handled"})["closed_at"] is None
    FollowUp.update(status="solved", closed_at=NOW).execute()
    api.patch(path, {"status": "handled"}, 409)


def test_a_person_has_one_open_case_and_an_answer_one_case(api, make, said):
    survey = make.survey()
    first, second, third = (said(survey, 3, person=ANN) for _ in range(3))
    case = opened(api, first)
    assert api.post("/api/follow-ups", {"response": first.id}, 200) == case
    assert api.post("/api/follow-ups", {"response": second.id}, 200)["responses"] == [first.id, second.id]
    path = f"/api/follow-ups/{case['id']}"
    api.patch(path, {"status": "given_up", "reason": "not_ours", "note": "x"})
    api.post("/api/follow-ups", {"response": first.id}, 409)
    other = opened(api, third)
    assert other["id"] != case["id"]
    api.patch(path, {"status": "new"}, 409)
    assert list(api.post("/api/follow-ups", {"response": "nobody's"}, 422)["error"]["fields"]) == ["response"]


def test_lists_are_narrowed_and_keys_see_their_surveys_alone(world, api, make, said, clock):
    one, two = make.survey(), make.survey()
    ann, bob = opened(api, said(one, 3, person=ANN)), opened(api, said(two, 2, person={"id": "bob"}))
    api.post("/api/follow-ups", {"response": said(two, 1, person=ANN).id}, 200)
    somebody = member().id
    api.patch(f"/api/follow-ups/{bob['id']}", {"owner": somebody})
    api.patch(f"/api/follow-ups/{ann['id']}", {"status": "waiting"})
    clock.shift(timedelta(days=4))
    queries = [
        ({"status": "open"}, [bob, ann]), ({"status": "closed"}, []), ({"status": "new"}, [bob]),
        ({"owner": somebody}, [bob]), ({"owner": "none"}, [ann]), ({"owner": "mem_z"}, []),
        ({"person": ann["person"]}, [ann]), ({"overdue": "1"}, [bob]), ({"overdue": "0"}, [ann]),
        ({"overdue": "1", "owner": "none"}, []),
    ]  # fmt: skip
    for query, found in queries:
        assert [item["id"] for item in cases(api, **query)] == [case["id"] for case in found], query
    for query in ({"status": "x"}, {"overdue": "yes"}, {"person": "per_x"}, {"nonsense": "1"}):
        assert list(api.call("GET", "/api/follow-ups", 422, query_string=query)["error"]["fields"]) == list(
            query
        )
    limited = Api(world, make.key("write", surveys=[one.id]))
    (seen,) = cases(limited)
    assert (seen["id"], seen["responses"]) == (ann["id"], ann["responses"])
    limited.call("GET", f"/api/follow-ups/{bob['id']}", 404)
    limited.post("/api/follow-ups", {"response": bob["response"]}, 422)


def test_due_times_follow_the_opening_hours_and_stand_still_while_the_customer_is_waited_for(
    world, api, make, said, clock
):
    hours = {
        "time_zone": "Europe/Berlin", "open": [{"weekdays": [0, 1, 2, 3, 4], "opens": "09:00", "closes": "17:00"}],
        "holidays": [], "answer_within_hours": 8, "solve_within_hours": 24, "lead": None,
    }  # fmt: skip
    standard = api.get("/api/hours")
    assert standard == hours | {"time_zone": None}
    assert api.call("PUT", "/api/hours", 200, json=hours) == api.get("/api/hours") == hours
    case, closed = opened(api, said(make.survey(), 3, person=ANN)), opened(api, said(make.survey(), 3))
    path = f"/api/follow-ups/{case['id']}"
    api.patch(f"/api/follow-ups/{closed['id']}", {"status": "given_up", "reason": "not_ours", "note": "x"})
    assert case["due"]["answer"] == {
        "at": "2026-11-30T15:40:01.000Z",
        "why": "received Fri 27 Nov 16:40 · 20 min on Fri 27 Nov · Mon 30 Nov from 09:00 · "
        "due Mon 30 Nov 16:40 (Europe/Berlin)",
        "overdue": False,
    }
    # A holiday that is set afterwards holds for what is open, and not for what is closed.
    assert api.call(
        "PUT", "/api/hours", 200, json=hours | {"holidays": ["2026-12-25", "2026-11-30", "2026-11-30"]}
    )
    world.work()
    assert api.get(path)["due"]["answer"]["at"] == "2026-12-01T15:40:01.000Z"
    assert api.get(f"/api/follow-ups/{closed['id']}")["due"]["answer"]["at"] == "2026-11-30T15:40:02.000Z"
    clock.move_to(datetime(2026, 12, 1, 16, 0, tzinfo=UTC))
    late = api.get(path)["due"]
    assert (late["answer"]["overdue"], late["solved"]["overdue"]) == (True, False)
    waiting = api.patch(path, {"status": "waiting"})["due"]
    assert waiting["solved"]["at"] is None
    assert "waiting for the customer since Tue 1 Dec 17:00 · 15 h 40 min left" in waiting["solved"]["why"]
    assert waiting["answer"]["overdue"] is False
    # Two days later they answer: a night and a day do not count, and eight hours of opening were waited.
    clock.move_to(datetime(2026, 12, 2, 16, 0, tzinfo=UTC))
    solved = api.patch(path, {"status": "handled"})["due"]["solved"]
    assert solved["at"] == "2026-12-04T15:40:01.000Z"
    assert "8 h not counted (waiting for the customer, or closed)" in solved["why"]
    wrong = [
        ("time_zone", "Mars/Phobos"), ("open", []), ("open", [{"weekdays": [7], "opens": "09:00", "closes": "17:00"}]),
        ("open", [{"weekdays": [0], "opens": "17:00", "closes": "09:00"}]), ("holidays", ["25.12.2026"]),
        ("open", [{"weekdays": [0], "opens": "09:00"}]), ("answer_within_hours", 0), ("solve_within_hours", "8"),
        ("lead", "mem_z"),
    ]  # fmt: skip
    for name, value in wrong:
        (named,) = api.call("PUT", "/api/hours", 422, json={name: value})["error"]["fields"]
        assert named.partition(".")[0] == name, value
    Api(world, make.key("write")).call("PUT", "/api/hours", 403, json=hours)
    Api(world, make.key("admin", surveys=[make.survey().id])).call("PUT", "/api/hours", 403, json=hours)


def test_silence_closes_a_case_unconfirmed(api, make, said, clock):
    case = opened(api, said(make.survey(), 3, person=ANN))
    path = f"/api/follow-ups/{case['id']}"
    api.patch(path, {"status": "asked"})
    for days, status in ((6, "asked"), (2, "unconfirmed")):
        clock.shift(timedelta(days=days))
        worker.do_duties(datetime.now(UTC))
        assert api.get(path)["status"] == status
    (item,) = api.call("GET", "/api/feed", 200, query_string={"status": "unconfirmed"})["items"]
    assert item["follow_up"] == {"id": case["id"], "status": "unconfirmed"}


def test_a_case_goes_with_its_last_answer_or_with_its_person(world, api, make, said):
    survey = make.survey()
    first, second, nobodys = said(survey, 3, person=ANN), said(survey, 2, person=ANN), said(survey, 1)
    case, other = opened(api, first), opened(api, nobodys)
    api.post("/api/follow-ups", {"response": second.id}, 200)
    for gone in (first, nobodys):
        api.delete(f"/api/responses/{gone.id}")
        world.work()
    assert api.get(f"/api/follow-ups/{case['id']}")["response"] == second.id
    api.call("GET", f"/api/follow-ups/{other['id']}", 404)
    exported = api.get(f"/api/people/{case['person']}/export")["tables"]
    assert exported["follow_up"][0]["id"] == exported["follow_up_response"][0]["follow_up"] == case["id"]
    api.delete(f"/api/people/{case['person']}")
    assert FollowUp.select().count() == FollowUpResponse.select().count() == 0


def test_rules_must_fit_the_scale(api, make):
    survey = make.survey("csat")
    path = f"/api/surveys/{survey.id}"
    for wrong in ({"at_or_below": 6}, {"at_or_below": 1.5}, {"negative": 1}, {"nonsense": True}):
        api.patch(path, {"open_follow_ups": wrong}, 422)
    rules = {"at_or_below": 2, "negative": False, "contact": True, "falling": False}
    given = {"at_or_below": 2, "contact": True}
    assert api.patch(path, {"open_follow_ups": given})["open_follow_ups"] == rules
    api.patch(path, {"metric": "ces"})
    assert api.patch(path, {"open_follow_ups": None})["open_follow_ups"]["contact"] is False


def test_what_a_respondent_allows_is_kept_by_the_highest_revision(api, client, make, clock):
    survey = make.survey(ask_contact=True)
    assert api.get(f"/api/surveys/{survey.id}")["ask_contact"] is True
    body = make.answer(survey, score=3, contact="reply")
    for revision, contact, kept in (
        (1, "reply", "reply"),
        (3, "both", "both"),
        (2, "news", "both"),
        (4, None, None),
    ):
        client.post("/r", json=body | {"revision": revision, "contact": contact})
        assert api.get(f"/api/responses/{body['id']}")["contact"] == kept
    assert client.post("/r", json=make.answer(survey, contact="fax")).status_code == 422
