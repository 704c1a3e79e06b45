"""Two people at one form: the second is told, keeps what was typed, and takes nothing of the other's back."""

import html
from datetime import timedelta

import pytest

from feedback.follow_ups import hours
from feedback.models import Meaning, NoticeRule, Placement, Theme, Topic
from feedback.topics import topics
from surveys.base import clock
from surveys.base.accounts import members
from surveys.models import Connection
from surveys.tickets import connections
from tests.conftest import ON_SQLITE
from tests.visitor import filled, member, signed_in


def text_of(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return html.unescape(answer.get_data(as_text=True))


def of_hours(make):
    yield "/team/admin/hours", {"answer_within_hours": "8"}
    yield {"holidays": "2026-12-25", "opens-5-0": "10:00", "closes-5-0": "12:00"}
    yield {"answer_within_hours": "4", "opens-4-0": "", "closes-4-0": ""}
    stored = hours.stored()
    days = {day for each in stored["open"] for day in each["weekdays"]}
    assert (stored["holidays"], stored["answer_within_hours"], days) == (
        ["2026-12-25"], 4.0, {0, 1, 2, 3, 5},
    )  # fmt: skip


def of_a_connection(make):
    one, other = make.survey(name="One"), make.survey(name="Other")
    row, _ = connections.create({"name": "Desk", "kind": "zendesk", "survey": one.id}, clock.now())
    yield f"/team/connections/{row.id}", {"do": "change"}
    yield {"skip_tags": "spam\nbot"}
    yield {"name": "Second desk", "survey": other.id}
    stored = Connection.get()
    assert (stored.name, stored.survey_id, stored.skip_tags) == ("Second desk", other.id, ["spam", "bot"])


def of_a_connection_with_a_new_secret(make):
    row, _ = connections.create({"name": "Desk", "kind": "zendesk", "survey": make.survey().id}, clock.now())
    yield f"/team/connections/{row.id}", {"do": "change"}
    yield {"secret": "the new one of theirs"}
    yield {"name": "Second desk"}
    stored = Connection.get()
    assert (stored.name, stored.secret) == ("Second desk", "the new one of theirs")


def of_a_member(make):
    one, other = make.survey(name="One"), make.survey(name="Other")
    found = member("viewer", "bob@acme.example", name="Bob", surveys=[one.id, other.id])
    yield f"/team/admin/members/{found.id}", {"do": "change"}
    yield {f"survey:{other.id}": None}
    yield {"role": "editor", "agent": "17"}
    stored = members.get(found.id)
    assert (stored.role, stored.agent, stored.surveys) == ("editor", "17", [one.id])


def of_roles_with_a_second_factor(make):
    yield "/team/admin/members", {"do": "rule"}
    yield {"role:viewer": "1"}
    yield {"role:editor": "1"}
    assert members.roles_with_second_factor() == ["editor", "viewer"]


def of_a_topic(make):
    now = clock.now() - timedelta(days=90)
    for id_ in ("thm_pay", "thm_ship"):
        Theme.insert(id=id_, label=id_, created_at=now).execute()
    Topic.insert(id="top_late", label="Late", theme="thm_pay", created_at=now).execute()
    yield "/team/topics/top_late", {"do": "change"}
    yield {"theme": "thm_ship"}
    yield {"owner": "Zoe", "status": "planned"}
    stored = Topic.get()
    assert (stored.theme, stored.theme_by_person, stored.owner, stored.status) == (
        "thm_ship", True, "Zoe", "planned",
    )  # fmt: skip


KINDS = (
    of_hours,
    of_a_connection,
    of_a_connection_with_a_new_secret,
    of_a_member,
    of_roles_with_a_second_factor,
    of_a_topic,
)


def changed(form, values):
    """The form with some of its fields changed; None: a tick taken off."""
    return {name: value for name, value in {**form, **values}.items() if value is not None}


@ON_SQLITE
@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_of_two_who_change_one_thing_nobody_takes_back_what_the_other_saved(world, make, kind):
    editor, steps = signed_in(world), kind(make)
    address, having = next(steps)
    begun = filled(editor.get(address), **having)
    assert editor.post(address, changed(begun, next(steps))).status_code == 303
    mine = next(steps)
    refused = editor.post(address, changed(begun, mine))
    assert "meanwhile. The form shows what is stored now" in text_of(refused, 409)
    again = filled(refused, **mine)
    assert editor.post(address, again).status_code == 303
    # What is stored now is looked at behind the last step.
    assert next(steps, None) is None


@ON_SQLITE
def test_a_mistake_in_a_form_hides_nothing_that_is_saved_meanwhile(world):
    admin, address = signed_in(world), "/team/admin/hours"
    begun = filled(admin.get(address), answer_within_hours="8")
    assert admin.post(address, {**begun, "solve_within_hours": "48"}).status_code == 303
    wrong = admin.post(address, {**begun, "holidays": "Christmas"})
    again = filled(wrong, holidays="Christmas")
    clash = admin.post(address, {**again, "holidays": "2026-12-25"})
    assert filled(clash, holidays="2026-12-25")["solve_within_hours"] == "48"
    assert clash.status_code == 409


@ON_SQLITE
def test_an_answer_is_moved_by_two_at_once_and_each_move_stands(world, make):
    survey, now = make.survey(name="Shop"), clock.now()
    for id_ in ("top_a", "top_b", "top_c", "top_d"):
        Topic.insert(id=id_, label=id_, created_at=now).execute()
    row = make.response(survey, 2, comment="Late, dear and rude")
    for id_ in ("top_a", "top_b"):
        Placement.insert(topic=id_, response=row.key, evidence=[]).execute()
    Meaning.insert(key=row.key, representation="t").execute()
    editor, address = signed_in(world, "editor"), f"/team/feed/{row.id}"
    begun = filled(editor.get(address), do="topics")
    theirs = changed(begun, {"topic-top_a": None, "topic": "top_c"})
    assert editor.post(address, theirs).status_code == 303
    assert editor.post(address, changed(begun, {"topic-top_b": None, "topic": "top_d"})).status_code == 303
    assert {each.topic_id for each in Placement.select()} == {"top_c", "top_d"}


@ON_SQLITE
def test_a_rule_is_made_milder_once_for_each_who_saw_it(world, make):
    rule = {"name": "Low", "when": {"kind": "score", "at_or_below": 6}, "filters": {}}
    row = NoticeRule.create(
        id="rule_1", surveys=None, segment=None, enabled=True, made_by="", created_at=clock.now(), **rule
    )
    editor, address = signed_in(world, "editor"), f"/team/notices/{row.id}"
    token = filled(editor.get(address), do="snooze")["token"]
    assert editor.post(address, {"token": token, "do": "less", "version": "another"}).status_code == 409
    assert NoticeRule.get().when["at_or_below"] == 6


@ON_SQLITE
def test_a_theme_that_a_review_gave_is_not_made_a_persons_by_saving_something_else(world, make):
    now = clock.now() - timedelta(days=90)
    for id_ in ("thm_pay", "thm_ship"):
        Theme.insert(id=id_, label=id_, created_at=now).execute()
    Topic.insert(id="top_late", label="Late", theme="thm_pay", created_at=now).execute()
    editor, address = signed_in(world, "editor"), "/team/topics/top_late"
    form = filled(editor.get(address), do="change")
    assert form["theme"] == "thm_pay"
    assert editor.post(address, {**form, "owner": "Zoe"}).status_code == 303
    assert not Topic.get().theme_by_person
    form = filled(editor.get(address), do="change")
    page = text_of(editor.post(address, {**form, "theme": "thm_none"}), 422)
    assert "There is no such theme." in page
    assert editor.post(address, {**form, "theme": ""}).status_code == 303
    assert (Topic.get().theme, Topic.get().theme_by_person) == (None, True)
    assert topics.version(Topic.get()) != form["version"]
