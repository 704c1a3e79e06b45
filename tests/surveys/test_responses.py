"""Recording: any order of arrival, any number of times, gives one row."""

import itertools
import threading
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from surveys import daily_counts, events, links, people, recording, responses
from surveys.base import db, errors, jobs, signing
from surveys.base.db import writing
from surveys.models import Alias, DailyCount, Invitation, Person, Response, Survey
from surveys.recording import new_rows, taking
from tests.conftest import ON_SQLITE
from tests.make import EDIT_KEY
from tests.threads import together

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)

#: What depends on when and how often something arrived, and not on what was said.
INCIDENTAL = {
    "key",
    "created_at",
    "updated_at",
    "first_tick",
    "changed_tick",
    "version",
    "day",
    "id",
    "revisions",
}


def said(row):
    """All columns of a row that tell what was answered."""
    stored = Response.get_by_id(row.key)
    shown = {name: value for name, value in stored.__data__.items() if name not in INCIDENTAL}
    return shown | {"revisions": dict(sorted(stored.revisions.items()))}


def arrive(survey, identifier, revision, now=NOW, **values):
    """One arrival; what is not a value of the answer is given by name."""
    known = {
        name: values.pop(name)
        for name in ("edit_key", "invitation", "person", "flags", "vouched")
        if name in values
    }
    answer = recording.Answer(id=identifier, revision=revision, values=values, **known)
    return recording.record(survey, answer, now)


def invite(survey, person=None, **values):
    """An invitation and its token."""
    row = Invitation.create(
        id=f"inv_{uuid.uuid4().hex}", survey=survey.id, person=person, channel="email", status="sent",
        created_at=NOW, sent_at=NOW, **values,
    )  # fmt: skip
    return row, links.invitation_token(row.id)


REVISIONS = {
    "each a field of its own": [{"score": 3}, {"comment": "slow"}, {"answers": {"q1": "a"}, "final": True}],
    "all the same fields": [{"score": 1, "comment": "a"}, {"score": 2, "comment": "b"}, {"score": 9, "comment": "c"}],
    "one takes back": [{"score": 3, "comment": "oops"}, {"comment": None}, {"language": "de", "channel": "link"}],
    "a score taken back": [{"score": 3}, {"score": None}, {"comment": "no score"}],
    "equal for Python, not for JSON": [
        {"score": 0, "properties": {"a": 1}}, {"properties": {"a": True}}, {"properties": {"a": 1.0}},
    ],
    "test": [{"score": 0}, {"test": True}, {"test": False, "comment": "x"}],
    "people": [
        {"score": 5, "person": {"email": "one@example.com"}},
        {"person": {"email": "two@example.com", "name": "Two"}},
        {"comment": "later"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", REVISIONS)
def test_three_revisions_in_all_six_orders_give_equal_rows(make, name):
    survey = make.survey()
    for external_id in ("one", "two"):
        people.find_or_create(people.Identity(email=f"{external_id}@example.com"), NOW)
    rows = []
    for order in itertools.permutations(enumerate(REVISIONS[name], start=1)):
        identifier = str(uuid.uuid4())
        for revision, values in order:
            row, _ = arrive(survey, identifier, revision, **values)
        rows.append(said(row))
    assert all(repr(row) == repr(rows[0]) for row in rows), rows


def test_the_order_of_arrival_does_not_matter_with_an_invitation_either(make):
    survey = make.survey()
    rows = []
    sent = [{"score": 3}, {"comment": "x", "touchpoint": None}, {"properties": {"own": 1}}]
    for order in itertools.permutations(enumerate(sent, start=1)):
        invitation, token = invite(
            survey, touchpoint="ticket", language="de", agent_id="a7", agent_name="Ann", properties={"plan": "pro"},
            ticket={"id": "55", "channel": "chat"}, tags=["vip"],
        )  # fmt: skip
        identifier = str(uuid.uuid4())
        for revision, values in order:
            row, _ = arrive(survey, identifier, revision, invitation=token, **values)
        shown = said(row)
        assert shown.pop("invitation") == invitation.id
        rows.append(shown)
    assert all(row == rows[0] for row in rows), rows
    assert (rows[0]["properties"], rows[0]["language"]) == ({"plan": "pro", "own": 1}, "de")
    assert (rows[0]["agent_id"], rows[0]["ticket_id"], rows[0]["ticket_channel"]) == ("a7", "55", "chat")


def test_an_invitation_counts_whichever_revision_brings_it(make):
    survey = make.survey()
    rows = []
    for order in itertools.permutations([1, 2]):
        person = people.find_or_create(people.Identity(email="asked@example.com", verified=True), NOW)
        invitation, token = invite(survey, person=person.id, agent_id="a7", touchpoint="ticket")
        sent = {1: {"score": 3, "invitation": token}, 2: {"comment": "x"}}
        identifier = str(uuid.uuid4())
        for revision in order:
            row, _ = arrive(survey, identifier, revision, **sent[revision])
        shown = said(row)
        assert shown.pop("invitation") == invitation.id
        assert Invitation.get_by_id(invitation.id).status == "answered"
        rows.append(shown)
    assert rows[0] == rows[1]
    assert rows[0]["person"] == person.id


def test_each_field_keeps_the_value_of_the_highest_revision_that_carried_it(make):
    survey, identifier = make.survey(), str(uuid.uuid4())
    arrive(survey, identifier, 5, score=9)
    arrive(survey, identifier, 2, score=1, comment="from two")
    row, created = arrive(survey, identifier, 3, comment="from three")
    assert (row.score, row.comment, row.revision, created) == (9, "from three", 5, False)
    assert row.revisions == {"score": 5, "comment": 3}


def test_at_equal_revision_the_first_stored_wins(make):
    survey, identifier = make.survey(), str(uuid.uuid4())
    arrive(survey, identifier, 1, score=9, comment="first")
    second, _ = arrive(survey, identifier, 1, score=2, comment="second", language="de")
    assert (second.score, second.comment, second.language) == (9, "first", "de")


def test_a_repeat_that_changes_nothing_leaves_no_trace(make):
    survey, identifier = make.survey(), str(uuid.uuid4())
    before, _ = arrive(survey, identifier, 1, score=9)
    queued, ticked = jobs.Job.select().count(), Response.get().changed_tick
    after, created = arrive(survey, identifier, 1, NOW + timedelta(hours=1), score=9)
    assert (after.version, created) == (1, False)
    assert Response.get_by_id(before.key).changed_tick == ticked
    assert Response.get().updated_at == NOW
    assert jobs.Job.select().count() == queued


def test_a_first_arrival_without_a_score_counts_once_the_score_comes(make):
    survey, identifier = make.survey(), str(uuid.uuid4())
    arrive(survey, identifier, 1, comment="no score yet")
    assert not DailyCount.select().exists()
    row, _ = arrive(survey, identifier, 2, score=0)
    assert (row.group, row.counted) == ("detractor", True)
    assert [(c.score, c.n) for c in DailyCount.select()] == [(0, 1)]


def test_an_id_known_under_another_survey_clashes(make):
    one, other, identifier = make.survey(), make.survey(), str(uuid.uuid4())
    arrive(one, identifier, 1, score=9)
    with pytest.raises(errors.Clash):
        arrive(other, identifier, 2, score=1)
    assert [(r.survey_id, r.score) for r in Response.select()] == [(one.id, 9)]


@pytest.mark.parametrize(
    ("first", "later", "fits"),
    [
        (EDIT_KEY, EDIT_KEY, True),
        (EDIT_KEY, None, False),
        (EDIT_KEY, "f" * 32, False),
        (None, None, True),
        (None, EDIT_KEY, True),
    ],
)
def test_the_edit_key_of_the_first_recording_must_come_again(make, first, later, fits):
    survey, identifier = make.survey(), str(uuid.uuid4())
    arrive(survey, identifier, 1, score=9, edit_key=first)
    if fits:
        assert arrive(survey, identifier, 2, score=3, edit_key=later)[0].score == 3
    else:
        with pytest.raises(errors.Clash):
            arrive(survey, identifier, 2, score=3, edit_key=later)
        assert Response.get().score == 9


def test_the_edit_key_is_kept_as_a_hash(make):
    row, _ = arrive(make.survey(), str(uuid.uuid4()), 1, score=9, edit_key=EDIT_KEY)
    assert row.edit_key_hash == signing.keyed_hash("edit", EDIT_KEY)
    assert EDIT_KEY not in repr(Response.get().__data__)


def test_a_second_id_amends_the_first_answer_to_an_invitation(make):
    survey = make.survey()
    _, token = invite(survey)
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    arrive(survey, first, 4, score=9, comment="phone", invitation=token, edit_key=EDIT_KEY)
    row, created = arrive(survey, second, 1, score=3, invitation=token, edit_key="e" * 32)
    assert (row.id, row.score, row.comment, created) == (first, 3, "phone", False)
    row, _ = arrive(survey, second, 2, comment="laptop", invitation=token, edit_key="e" * 32)
    assert (row.score, row.comment, row.group) == (3, "laptop", "detractor")
    assert Response.select().count() == 1
    assert responses.find(second).id == first


def test_a_second_id_from_many_threads_at_once_amends_one_row(make):
    survey = make.survey()
    _, token = invite(survey)
    arrive(survey, str(uuid.uuid4()), 1, score=9, invitation=token)
    second = str(uuid.uuid4())
    rows = together(12, lambda _: arrive(survey, second, 1, score=3, invitation=token)[0])
    assert {row.score for row in rows} == {3}
    assert (Response.select().count(), Alias.select().count()) == (1, 1)


def test_many_devices_answer_one_invitation_at_once(make):
    survey = make.survey()
    _, token = invite(survey)
    together(12, lambda _: arrive(survey, str(uuid.uuid4()), 1, score=3, invitation=token))
    assert (Response.select().count(), Alias.select().count()) == (1, 11)


def test_a_token_of_another_survey_or_of_another_purpose_is_refused(make):
    survey, other = make.survey(), make.survey()
    _, foreign = invite(other)
    invitation, _ = invite(survey)
    for token in (foreign, signing.sign("unsubscribe", invitation.id), invitation.id, "x" * 300):
        with pytest.raises(errors.Refused) as refusal:
            arrive(survey, str(uuid.uuid4()), 1, score=3, invitation=token)
        assert refusal.value.fields == ("invitation",)
    assert not Response.select().exists()


@pytest.mark.parametrize(
    ("after", "values", "taken"),
    [
        (timedelta(hours=2), {"score": 1}, True),
        (timedelta(hours=2, microseconds=1), {"score": 1}, False),
        (timedelta(days=30), {"comment": "new"}, False),
        (timedelta(days=30), {"score": 9}, True),
    ],
)
def test_after_the_edit_window_only_a_repeat_is_taken(make, after, values, taken):
    survey, identifier = make.survey(edit_window_hours=2), str(uuid.uuid4())
    arrive(survey, identifier, 1, score=9)
    if taken:
        assert arrive(survey, identifier, 2, NOW + after, **values)[0].score == values["score"]
    else:
        with pytest.raises(errors.Clash):
            arrive(survey, identifier, 2, NOW + after, **values)
        assert (Response.get().score, Response.get().comment) == (9, None)


def test_a_late_low_revision_after_the_window_changes_nothing_and_is_no_clash(make):
    survey, identifier = make.survey(edit_window_hours=2), str(uuid.uuid4())
    arrive(survey, identifier, 3, score=9)
    assert arrive(survey, identifier, 1, NOW + timedelta(days=9), score=2)[0].score == 9


@pytest.mark.parametrize(("scope", "person", "verified"), [
    ("id", {"id": "u1", "email": "Ann@Example.com"}, True),
    ("email", {"email": "Ann@Example.com"}, True),
    ("email", {"id": "u1", "email": "Ann@Example.com"}, False),
    ("nothing", {"id": "u1"}, False),
    ("another", {"id": "u1"}, False),
])  # fmt: skip
def test_a_signature_over_the_id_or_else_the_lower_cased_email_verifies(make, scope, person, verified):
    survey, other = make.survey(), make.survey()
    secret = people.identity_secret(other if scope == "another" else survey)
    signed = {"id": "u1", "email": "ann@example.com", "another": "u1"}.get(scope)
    given = person | ({"signature": signing.hmac_sha256_hex(secret, signed)} if signed else {})
    row, _ = arrive(survey, str(uuid.uuid4()), 1, score=9, person=given)
    found = Person.get_by_id(row.person_id)
    assert found.verified is verified
    address = "ann@example.com" if "email" in person else None
    assert (found.external_id, found.email or found.claimed_email) == (person.get("id"), address)
    # With an id, the e-mail is only claimed.
    assert (found.claimed_email is None) == ("id" not in person or "email" not in person)


@ON_SQLITE
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("person", "prefix", "over", "verified"), [
    ({"id": "u1", "email": "Ann@Example.com"}, "v2=", "id:u1", (True, True)),
    ({"email": " Ann@Example.com"}, "v2=", "email:ann@example.com", (True, True)),
    ({"id": "u1"}, "", "u1", (True, False)),
    ({"email": "Ann@Example.com"}, "", "ann@example.com", (True, False)),
    # What an id was signed for says nothing of the address that it looks like, and the other way round.
    ({"email": "ann@example.com"}, "v2=", "id:ann@example.com", (False, False)),
    ({"id": "ann@example.com"}, "v2=", "email:ann@example.com", (False, False)),
    ({"id": "u1"}, "v2=", "u1", (False, False)),
    ({"id": "u1"}, "", "id:u1", (False, False)),
    ({"id": "u1"}, "v3=", "id:u1", (False, False)),
    ({"id": "u1"}, "v1=", "u1", (False, False)),
    ({"id": "u1"}, "v2=v2=", "id:u1", (False, False)),
])  # fmt: skip
def test_a_signature_says_what_it_is_over(make, person, prefix, over, verified, version):
    survey = make.survey(signature_version=version)
    signature = prefix + signing.hmac_sha256_hex(people.identity_secret(survey), over)
    for written in (signature, signature.upper()):
        who = people.identity(survey, {**person, "signature": written})
        assert who.verified is verified[version - 1]
    assert not people.identity(survey, {**person, "signature": prefix}).verified


def test_a_claim_never_touches_the_verified_person_of_that_name(make):
    survey = make.survey()
    real = people.find_or_create(people.Identity(email="ann@example.com", name="Ann", verified=True), NOW)
    row, _ = arrive(
        survey, str(uuid.uuid4()), 1, score=0, person={"email": "ANN@example.com", "name": "Evil"}
    )
    assert row.person_id != real.id
    assert (Person.get_by_id(real.id).name, Person.get_by_id(real.id).last_answered_at) == ("Ann", None)


def test_what_is_not_signed_is_refused_where_identity_is_required(make):
    survey = make.survey(require_signed_identity=True)
    signature = signing.hmac_sha256_hex(people.identity_secret(survey), "u1")
    for person in (None, {"id": "u1"}, {"id": "u2", "signature": signature}):
        with pytest.raises(errors.Refused) as refusal:
            arrive(survey, str(uuid.uuid4()), 1, score=9, person=person)
        assert refusal.value.fields == ("person",)
    identifier = str(uuid.uuid4())
    arrive(survey, identifier, 1, score=9, person={"id": "u1", "signature": signature})
    assert arrive(survey, identifier, 2, comment="and why")[0].comment == "and why"
    assert Response.select().count() == 1


def test_answers_to_a_paused_survey_still_count(make):
    survey = make.survey(status="paused")
    assert arrive(survey, str(uuid.uuid4()), 1, score=9)[0].counted


def test_an_archived_survey_takes_queued_answers_for_72_hours(make):
    survey = make.survey()
    Survey.update(status="archived", archived_at=NOW).where(Survey.id == survey.id).execute()
    survey = Survey.get_by_id(survey.id)
    assert arrive(survey, str(uuid.uuid4()), 1, NOW + timedelta(hours=72), score=9)[0].counted
    with pytest.raises(errors.Missing):
        arrive(survey, str(uuid.uuid4()), 1, NOW + timedelta(hours=72, seconds=1), score=9)


def test_an_answer_marked_test_never_counts(make):
    row, _ = arrive(make.survey(), str(uuid.uuid4()), 1, score=9, test=True)
    assert not row.counted
    assert not DailyCount.select().exists()


def test_flagged_answers_are_kept_and_excluded(make):
    row, _ = arrive(make.survey(), str(uuid.uuid4()), 1, score=9, flags=["honeypot"])
    assert (row.flags, row.excluded, row.counted) == (["honeypot"], True, False)
    assert not DailyCount.select().exists()
    assert responses.exclude(row, False, NOW).counted
    assert [(c.score, c.n) for c in DailyCount.select()] == [(9, 1)]


def test_opposite_amendments_at_once_leave_the_counts_right(make):
    """Two transactions that move the same two counts in opposite directions must not deadlock."""
    survey = make.survey()
    rows = [arrive(survey, str(uuid.uuid4()), 1, score=9 if index % 2 else 1)[0] for index in range(16)]

    def turn(index):
        for revision in range(2, 8):
            score = 9 if (index + revision) % 2 else 1
            arrive(survey, rows[index].id, revision, score=score)

    together(16, turn)
    totals = {}
    for count in DailyCount.select():
        totals[count.score] = totals.get(count.score, 0) + count.n
    assert totals == {1: 8, 9: 8}


def test_deleting_an_answer_that_was_imported_again_tells_the_followers_twice(make, api):
    survey, identifier = make.survey(), str(uuid.uuid4())
    cursor = api.get("/api/feed", order="changed")["next"]
    for _ in range(2):
        row, created = arrive(survey, identifier, 1, score=9, vouched=True)
        assert created
        responses.delete(row, NOW)
        page = api.get("/api/feed", order="changed", cursor=cursor)
        assert [(item["id"], item["deleted"]) for item in page["items"]] == [(identifier, True)]
        cursor = page["next"]
    assert daily_counts.differences() == []


def test_many_at_once_are_all_there_once_with_their_counts_and_jobs(make):
    survey = make.survey()
    ids = [str(uuid.uuid4()) for _ in range(20)]
    # Each id comes twice, all at one microsecond.
    outcomes = together(40, lambda index: arrive(survey, ids[index % 20], 1, score=index % 20 % 11))
    assert [created for _, created in outcomes].count(True) == 20
    assert {row.id: row.score for row in Response.select()} == {id_: i % 11 for i, id_ in enumerate(ids)}
    assert daily_counts.differences() == []
    assert jobs.Job.select().where(jobs.Job.kind == "response recorded").count() == 20


def test_a_burst_is_counted_exactly_also_among_those_stored_together(make):
    survey = make.survey()

    def one(index):
        answer = recording.Answer(
            id=str(uuid.uuid4()), revision=1, values={"score": 9}, network=f"203.0.{index % 2}.0/24"
        )
        return recording.record(survey, answer, NOW + timedelta(milliseconds=index), burst_limit=5)[0].flags

    flags = together(24, one)
    assert flags.count(["burst"]) == 24 - 2 * 5
    assert flags.count(None) == 2 * 5


AWKWARD = {
    "score": 7,
    "comment": "\"quoted\" \\ 'it''s' %s {} \n\t\x01 Ärger 🙂 \u2028",
    "answers": {"why": "a \\u0041", "again": True, "half": 0.1, "many": ["x", "y"], "none": None},
    "properties": {"plan": "pro", "seats": 12345678901234567890, "since": None, "share": 1e-7},
    "page": "https://shop.example/päge",
    "language": "de",
    "touchpoint": "checkout",
    "channel": "kiosk",
    "contact": "both",
    "final": True,
}


def in_a_group(answers, stored=None, burst_limit=0):
    """Record answers of a first revision, each beside its survey, in one group; for each the row, or the error.

    `stored`: the ids of those that the group is to store itself; all, unless it is given.
    """
    waits, stands = threading.Event(), threading.Event()
    groups, reached = [], []
    record_new = taking._record_new

    def together_with(arrivals):
        results = record_new(arrivals)
        # Not before: where it fails, each is recorded by itself, with rows that are the same.
        groups.append({result[0].id for result in results if result is not db.ALONE})
        return results

    def hold(items):
        stands.set()
        waits.wait()
        return items

    def record(index):
        if index == len(answers):
            return db.write(lambda: None, hold, index)
        stands.wait()
        try:
            now = NOW + timedelta(milliseconds=index)
            return recording.record(*answers[index], now, burst_limit=burst_limit)[0]
        except (errors.Gone, recording.Changed) as error:
            return error

    def go_on():
        # The writer is at `hold`: whatever comes meanwhile is a group.
        end = time.monotonic() + 120
        while writing._the_writer()._waiting.qsize() < len(answers) and time.monotonic() < end:
            time.sleep(0.002)
        reached.append(writing._the_writer()._waiting.qsize())
        waits.set()

    watch = threading.Thread(target=go_on)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(taking, "_record_new", together_with)
        watch.start()
        found = together(len(answers) + 1, record)[:-1]
        watch.join()
    assert reached == [len(answers)]
    assert groups == [{answer.id for _, answer in answers} if stored is None else set(stored)]
    return found


def test_what_a_group_stores_is_what_one_by_itself_stores(make):
    survey = make.survey(test_mode=False)
    values = [AWKWARD, {}, {"score": 0}, {"comment": "slow", "test": True}]
    fresh = [
        recording.Answer(str(uuid.uuid4()), 1, each, edit_key=EDIT_KEY, network="203.0.113.0/24")
        for each in values
    ]
    grouped = in_a_group([(survey, each) for each in fresh], burst_limit=9)
    alone = [
        recording.record(
            survey, replace(each, id=str(uuid.uuid4())), NOW + timedelta(milliseconds=index), burst_limit=9
        )[0]
        for index, each in enumerate(fresh)
    ]
    for one, other in zip(grouped, alone, strict=True):
        assert said(one) == said(other)
        assert Response.get_by_id(one.key).created_at == one.created_at
    assert Response.select().where(Response.first_tick <= 0).count() == 0
    assert daily_counts.differences() == []
    queued = [job.payload["key"] for job in jobs.Job.select().where(jobs.Job.kind == events.RECORDED)]
    assert sorted(queued) == sorted(row.key for row in [*grouped, *alone])


def test_a_group_leaves_out_what_is_not_new_and_what_its_survey_no_longer_takes(make):
    survey, other = make.survey(), make.survey()
    gone, there, alias, *fresh = (str(uuid.uuid4()) for _ in range(5))
    responses.delete(arrive(survey, gone, 1, score=9)[0], NOW)
    arrive(survey, there, 1, score=3)
    Alias.create(id=alias, response=Response.get(Response.id == there).key, offset=1)
    read = recording.survey_of(other.id)
    changed = recording.Answer(str(uuid.uuid4()), 1, {"score": 1}, remembered=True)
    Survey.update(name="Another").where(Survey.id == other.id).execute()
    answers = [(survey, recording.Answer(id_, 1, {"score": 10})) for id_ in (gone, there, alias, *fresh)]
    left_out, kept, second, *stored, past = in_a_group([*answers, (read, changed)], stored=fresh)
    assert isinstance(left_out, errors.Gone)
    assert (kept.id, second.id, second.score) == (there, there, 10)
    assert sorted(row.id for row in stored) == sorted(fresh)
    assert Response.select().count() == 3
    assert isinstance(past, recording.Changed)
    assert daily_counts.differences() == []


def test_a_group_goes_to_postgresql_in_three_exchanges(make, world, monkeypatch):
    if world.kind == "sqlite":
        return
    survey, calls = recording.survey_of(make.survey().id), []
    begun_with, execute_sql = db.database.obj.begun_with, db.database.obj.execute_sql

    def begin(statements, keep=None):
        found = begun_with(statements, keep)
        calls.append([sql.split()[0] for sql, _ in statements])
        return found

    def execute(sql, *values):
        if threading.current_thread().name == "writer":
            calls.append(sql)
        return execute_sql(sql, *values)

    monkeypatch.setattr(db.database.obj, "begun_with", begin)
    monkeypatch.setattr(db.database.obj, "execute_sql", execute)
    answers = [
        recording.Answer(str(uuid.uuid4()), 1, {"score": 9}, network="n", remembered=True) for _ in range(11)
    ]
    rows = in_a_group([(survey, each) for each in answers], burst_limit=8)
    # How many of their network stand, them and their commit.
    assert calls == [new_rows._BURSTS, ["WITH", "SELECT"]]
    assert len({row.id for row in rows}) == 11
    assert [row.flags for row in rows].count(["burst"]) == 3


@pytest.mark.parametrize("revision", [1, 2])
def test_a_deleted_answer_does_not_come_back_from_a_browsers_queue(make, revision):
    survey, identifier = make.survey(), str(uuid.uuid4())
    row, _ = arrive(survey, identifier, 1, score=9)
    responses.delete(row, NOW)
    with pytest.raises(errors.Gone):
        arrive(survey, identifier, revision, score=1)
    assert daily_counts.differences() == []
