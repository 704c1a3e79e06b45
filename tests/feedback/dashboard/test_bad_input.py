"""What nobody should send, and what changes under a page that is open: a clear message, and nothing is lost."""

import html
import random
import uuid

import pytest

from feedback.models import FollowUp, Meaning, Placement, Topic
from feedback.topics import reviews, topics
from surveys.base import clock, db, jobs
from surveys.base.accounts import sessions
from surveys.keeping import erasure
from surveys.models import Person, Response
from tests.conftest import ON_SQLITE
from tests.feedback.comments import world as comments
from tests.visitor import Visitor, member, signed_in


def text_of(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return html.unescape(answer.get_data(as_text=True))


@ON_SQLITE
def test_a_cookie_that_is_made_up_or_left_over_opens_nothing(world):
    ann = member()
    left = sessions.begin(ann.id, clock.now())
    sessions.Session.delete().execute()
    for secret in (left, sessions.new_secret(), ann.id, "", "a" * 4000, left[:-1], "é\u202e"):
        thief = Visitor(world)
        thief.client.set_cookie("earshot", secret, domain="localhost")
        assert thief.get("/team/profile").headers["Location"].startswith("/team/sign-in"), secret
        assert thief.post("/team/profile", {"token": "x", "name": "Eve"}).status_code in (303, 403)
    assert ann.name == type(ann).get_by_id(ann.id).name


@ON_SQLITE
def test_a_form_of_another_session_is_not_taken_and_can_be_sent_again(world, make):
    survey = make.survey(name="Shop")
    address = f"/team/surveys/{survey.id}"
    mine, other = signed_in(world), Visitor(world)
    other.sign_in(member(email="bob@acme.example").email)
    foreign = other.forms(address)[0][1]["token"]
    form = next(given for _, given in mine.forms(address) if "name" in given)
    page = text_of(mine.post(address, {**form, "name": "Shop <b>two</b>", "token": foreign}), 403)
    assert "Send it once more" in page
    assert 'value="Shop <b>two</b>"' in page
    assert type(survey).get_by_id(survey.id).name == "Shop"


@ON_SQLITE
def test_filters_by_the_thousand_are_told_and_break_nothing(world, make):
    survey = make.survey()
    make.response(survey, 3, comment="Slow")
    viewer = signed_in(world, "viewer")
    many = "&".join(f"property:p{at}=x" for at in range(1000))
    unknown = "&".join(f"f{at}=x" for at in range(1000))
    again = "&".join("tag=x" for _ in range(1000))
    for page in ("/team/feed", "/team", "/team/topics", "/team/themes", "/team/explore", "/team/mismatches"):
        for query in (many, unknown, again):
            answer = viewer.get(f"{page}?{query}")
            assert answer.status_code in (200, 303, 404, 422), (page, query[:20], answer.status_code)
            assert "<h1" in answer.get_data(as_text=True) or answer.status_code == 303


@ON_SQLITE
def test_a_form_of_five_megabytes_is_told_on_a_page_and_changes_nothing(world, make):
    survey = make.survey(name="Shop")
    editor = signed_in(world, "editor")
    for address in (f"/team/surveys/{survey.id}", "/team/topics", "/team/tags", "/team/brand"):
        token = editor.forms("/team/profile")[0][1]["token"]
        large = {"token": token, "name": "Large", "do": "change", "comment": "x" * 5_000_000}
        page = text_of(editor.post(address, large), 413)
        assert "Too large" in page
        assert "What was sent is larger than" in page, page[-3000:]
    assert type(survey).get_by_id(survey.id).name == "Shop"


@pytest.mark.parametrize("step", ["reading", "indexing", "writing"])
def test_a_merge_stands_while_a_review_moves_the_topic(world, make, monkeypatch, step):
    survey = make.survey()
    monkeypatch.setattr(topics, "AT_ONCE", 20)
    texts = list(comments().values())
    db.write(lambda: [make.response(survey, 9, comment=text) for text in texts])
    reviews.run(reviews.ask(clock.now())[0])
    sizes = sorted(
        (Placement.select().where(Placement.topic == row.id).count(), row.id) for row in Topic.select()
    )
    (_, gone), (_, kept) = sizes[-2:]
    new = [f"{text} once more" for text in random.Random(5).sample(texts, 40)]
    db.write(lambda: [make.response(survey, 3, comment=text) for text in new])
    jobs.Job.delete().execute()
    Meaning.update(by_person=False).execute()
    editor, done = signed_in(world, "editor"), []

    def tell(now, share):
        if now == step and not done:
            done.append(editor.send(f"/team/topics/{gone}?into={kept}", do="merge", into=kept))

    reviews.run(reviews.ask(clock.now())[0], tell)
    assert done[0].headers["Location"] == f"/team/topics/{kept}?did=merge"
    assert Topic.get_by_id(gone).merged_into == kept
    assert not Placement.select().where(Placement.topic == gone).exists()
    found = Placement.select().where(Placement.topic == kept)
    assert len({row.response_key for row in found}) == len(list(found)) > sizes[-1][0]
    assert "It went into another topic" in text_of(editor.get(f"/team/topics/{gone}"))


@ON_SQLITE
def test_a_property_that_ten_thousand_values_have_is_shown_in_part_and_found(world, make):
    survey = make.survey(name="Shop")
    first = make.response(survey, 9, properties={"order": "o0"})
    values = {name: getattr(first, name) for name in Response._meta.fields if name != "key"}
    rows = [
        {**values, "id": str(uuid.UUID(int=at)), "properties": {"order": f"o{at}"}} for at in range(1, 10_000)
    ]
    db.write(lambda: [Response.insert_many(rows[at : at + 500]).execute() for at in range(0, len(rows), 500)])
    viewer = signed_in(world, "viewer")
    answer = viewer.get(f"/team/explore?survey={survey.id}&by=property:order")
    page = text_of(answer)
    assert page.count("<tr") < 1100
    assert len(page) < 1_000_000
    one = text_of(viewer.get("/team/feed?property:order=o7654"))
    assert 'data-n="1"' in one
    assert "Nothing here" in text_of(viewer.get("/team/feed?property:order=o10001"))


@ON_SQLITE
def test_a_person_erased_while_pages_about_them_are_open_is_told_as_gone(world, api, make):
    survey = make.survey()
    given = {
        "survey": survey.id,
        "score": 2,
        "comment": "Slow",
        "person": {"email": "ann@x.example", "name": "Ann"},
    }
    said = api.post("/api/responses", given)
    case = api.post("/api/follow-ups", {"response": said["id"]})
    editor = signed_in(world, "editor")
    pages = (
        f"/team/people/{said['person']['id']}",
        f"/team/feed/{said['id']}",
        f"/team/follow-ups/{case['id']}",
    )
    open_forms = {page: [dict(given) for _, given in editor.forms(page)] for page in pages}
    person = Person.get_by_id(said["person"]["id"])
    erasure.erase(erasure.rows_of(person), clock.now())
    world.work()
    for page, given in open_forms.items():
        assert "There is nothing here" in text_of(editor.get(page), 404)
        for form in given:
            if not form.get("token"):
                continue
            for more in (
                {},
                {"do": "reply", "text": "We are sorry."},
                {"do": "done"},
                {"do": "erase", "sure": "1"},
            ):
                answer = editor.post(page, {**form, **more})
                assert answer.status_code == 404, (page, form, more, answer.status_code)
                assert "There is nothing here" in text_of(answer, 404)
    assert FollowUp.select().count() == 0
    assert "ann@x.example" not in text_of(editor.get("/team/people"))
