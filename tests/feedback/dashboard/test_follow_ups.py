"""The pages of follow-ups: the list with its report, one case with its forms, without scripts."""

from datetime import UTC, datetime, timedelta

import time_machine
from playhouse.test_utils import count_queries

from feedback.follow_ups import cases, report
from feedback.models import FollowUp, Letter
from tests.conftest import ON_SQLITE
from tests.visitor import member, signed_in

#: A Friday, 15:40 UTC: one hour and 20 minutes before the team goes home.
NOW = datetime(2026, 11, 27, 15, 40, tzinfo=UTC)


def opened(api, survey, name, **values):
    body = {"survey": survey.id, "score": 2, "person": {"email": f"{name}@x.example", "name": name}, **values}
    response = api.post("/api/responses", body)
    return api.post("/api/follow-ups", {"response": response["id"]})["id"]


def text_of(answer):
    return answer.get_data(as_text=True)


@ON_SQLITE
def test_a_case_is_worked_on_by_forms_alone(world, api, make):
    with time_machine.travel(NOW, tick=False) as clock:
        visitor, other = signed_in(world, "editor", name="Eda"), member("editor", email="other@x.example")
        survey = make.survey()
        case_id = opened(api, survey, "ann", comment="The <b>invoice</b> is wrong.")
        page = f"/team/follow-ups/{case_id}"
        shown = text_of(visitor.get("/team/follow-ups"))
        for words in ("ann", "opened by hand", "The &lt;b&gt;invoice&lt;/b&gt;", "received Fri 27 Nov 15:40"):
            assert words in shown
        assert page in shown

        def send(code=303, **fields):
            answer = visitor.send(page, **fields)
            assert answer.status_code == code, text_of(answer)
            return answer

        assert "It is yours." in text_of(visitor.get(send(do="take").headers["Location"]))
        send(do="steps", **{"step-listen": "1", "step-solve": "1"})
        # Two people at one case: the second sees what stands, and what they typed.
        version = next(each["version"] for _, each in visitor.forms(page) if "version" in each)
        send(do="note", note="Called.")
        stale = send(409, do="reply", text="We are sorry.", version=version)
        assert "We are sorry." in text_of(stale)
        send(422, do="reply", text=" ")
        send(do="reply", text="We are sorry.", language="en")
        again = send(do="reply", text="We are sorry.")
        assert "not sent twice" in text_of(visitor.get(again.headers["Location"]))
        send(422, do="owner", owner=other.id, note="")
        send(do="owner", owner=other.id, note="On leave.")
        send(422, do="give_up", reason="lost_cause", note="")
        send(do="status", status="waiting")
        send(do="ask")
        send(do="give_up", reason="lost_cause", note="They moved away.")
        case = api.get(f"/api/follow-ups/{case_id}")
        assert (case["owner"], case["status"], case["steps"]) == (other.id, "given_up", ["listen", "solve"])
        assert sorted(letter["kind"] for letter in case["letters"]) == ["ask", "reply"]
        told = text_of(visitor.get(page))
        for words in ("They moved away.", "given to Editor", "steps done: Listen, Solve", "mail: answer"):
            assert words in told, words
        # Lists are narrowed, and what nobody may write to says so.
        opened(api, survey, "bob")
        claimed = api.post("/api/responses", {"survey": survey.id, "score": 1})
        nobodys = api.post("/api/follow-ups", {"response": claimed["id"]})["id"]
        assert "nobody knows who answered" in text_of(visitor.get(f"/team/follow-ups/{nobodys}"))
        for query, found in (
            ("owner=me", []),
            ("owner=none", ["bob"]),
            ("status=given_up", ["ann"]),
            ("overdue=1", []),
        ):
            listed = text_of(visitor.get(f"/team/follow-ups?{query}"))
            assert [name for name in ("ann", "bob") if f"<bdi>{name}</bdi>" in listed] == found, query
        clock.shift(timedelta(days=4))
        assert "overdue" in text_of(visitor.get("/team/follow-ups?overdue=1"))
        assert visitor.get("/team/follow-ups?owner=x&page=0").status_code == 422
        assert visitor.get("/team/follow-ups/fu_nothing").status_code == 404
        assert signed_in(world, "viewer").get(page).status_code == 403


@ON_SQLITE
def test_the_report_says_what_was_kept_and_never_counts_silence(world, api, make):
    with time_machine.travel(NOW, tick=False) as clock:
        survey = make.survey()
        ids = [opened(api, survey, name) for name in "abcdef"]
        clock.shift(timedelta(hours=1))
        for case_id in ids[:3]:
            api.post(f"/api/follow-ups/{case_id}/reply", {"text": "Hello."}, 202)
        clock.shift(timedelta(days=5))
        api.post(f"/api/follow-ups/{ids[3]}/reply", {"text": "Late."}, 202)
        for case_id, answer in ((ids[0], "fixed"), (ids[1], "not_yet"), (ids[2], None)):
            api.call("POST", f"/api/follow-ups/{case_id}/ask", 202)
            mine = (Letter.follow_up == case_id) & (Letter.kind == "ask")
            Letter.update(answer=answer).where(mine).execute()
        FollowUp.update(status="solved", closed_at=datetime.now(UTC)).where(FollowUp.id == ids[0]).execute()
        FollowUp.update(status="unconfirmed", closed_at=datetime.now(UTC)).where(
            FollowUp.id == ids[2]
        ).execute()
        found = report.made(FollowUp.id.is_null(False), datetime.now(UTC))
        assert (found.answered.kept, found.answered.n, found.answered.hours) == (3, 6, 1.0)
        assert (found.by_word.kept, found.by_word.n, found.asked) == (1, 2, 3)
        assert found.closed == {"solved": 1, "unconfirmed": 1, "given_up": 0}
        low, high = found.by_word.interval
        assert 0 < low < 50 < high < 100
        shown = text_of(signed_in(world, "editor").get("/team/follow-ups"))
        assert "3 of 6" in shown
        assert "3 were asked, 2 said something." in shown
        # How long it took is kept when it happens: the page reads no case one by one, however many there are.
        with count_queries() as few:
            report.made(FollowUp.id.is_null(False), datetime.now(UTC))
        assert few.count <= 5
        took = {row.id: row.answer_hours for row in FollowUp.select()}
        assert [took[case_id] for case_id in ids] == [1.0, 1.0, 1.0, 25.0, None, None]
        # What was not kept by an earlier version is worked out once.
        FollowUp.update(answer_hours=None, solve_hours=None).execute()
        assert report.made(FollowUp.id.is_null(False), datetime.now(UTC)).answered.hours is None
        assert cases.measure(datetime.now(UTC)) == 4
        assert cases.measure(datetime.now(UTC)) == 0
        again = report.made(FollowUp.id.is_null(False), datetime.now(UTC))
        assert (again.answered.hours, again.solved.hours is None) == (1.0, False)
