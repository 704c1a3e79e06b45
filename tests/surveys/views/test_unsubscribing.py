"""Unsubscribing: a page that asks, one click in the mail program, and no mail afterwards."""

import pytest

from surveys import links
from surveys.models import Invitation, Person
from tests.surveys.mailbox import again, invite, links_of, outbox, path, seen

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def settings_overrides():
    """One public write a minute: unsubscribing is never limited."""
    return {"PUBLIC_LIMIT": "1"}


@pytest.fixture
def mailed(world, api, make):
    invitation = invite(api, make.survey(quarantine_days=0))
    world.work()
    return again(invitation)


def page(invitation):
    return path(links.unsubscribe(invitation.id))


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_one_click_unsubscribes_without_cookie_and_redirect_however_often(client, mailed, kind):
    for _ in range(5):
        answer = client.post(page(mailed), data=ONE_CLICK, content_type=kind)
        assert (answer.status_code, answer.headers.get("Set-Cookie")) == (200, None)
    assert again(mailed.person).unsubscribed_at is not None


def test_the_header_of_the_mail_leads_there(world, client, mailed):
    [mail] = outbox(world)
    address = mail["List-Unsubscribe"].strip("<>")
    assert client.post(path(address), data=ONE_CLICK).status_code == 200
    assert again(mailed.person).unsubscribed_at is not None


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_page_only_asks(client, mailed, method):
    assert client.open(page(mailed), method=method).status_code == 200
    assert again(mailed.person).unsubscribed_at is None


def test_the_pages_button_sends_the_same_and_then_it_says_so(client, mailed):
    text = client.get(page(mailed)).get_data(as_text=True)
    assert 'name="List-Unsubscribe" value="One-Click"' in text
    done = client.post(page(mailed), data=ONE_CLICK).get_data(as_text=True)
    assert "You have been unsubscribed" in done
    assert "You have been unsubscribed" in client.get(page(mailed)).get_data(as_text=True)


def test_the_token_in_the_header_opens_nothing_but_unsubscribing(client, mailed):
    token = page(mailed).rpartition("/")[2]
    shown = client.get(page(mailed)).text, client.post(page(mailed), data=ONE_CLICK).text
    for text in shown:
        assert "/me/" not in text
        assert "/i/" not in text
    for other in (f"/me/{token}", f"/i/{token}"):
        assert client.get(other).status_code == 404


def test_the_link_in_the_mails_text_leads_to_ones_answers_too(world, client, mailed):
    [mail] = outbox(world)
    assert "me=" not in mail["List-Unsubscribe"]
    [link] = [path(each) for each in links_of(mail) if "/u/" in each]
    [mine] = [path(each) for each in links_of(mail) if "/me/" in each]
    for text in (client.get(link).text, client.post(link, data=ONE_CLICK).text):
        assert f'href="..{mine}"' in text
        assert client.get(mine).status_code == 200
    # Nobody else's, and none that is not ours.
    other = links.my_token(
        Person.create(id="per_x", verified=True, created_at=mailed.created_at).id, mailed.created_at
    )
    for token in (other, "forged", ""):
        assert "/me/" not in client.get(f"{page(mailed)}?me={token}").text


@pytest.mark.parametrize(
    "fields",
    [
        {"List-Unsubscribe": "No"},
        {"other": "One-Click"},
        {"again": "0"},
        {"List-Unsubscribe": "No", "again": "1"},
    ],
)
def test_any_other_form_changes_nothing(client, mailed, fields):
    assert client.post(page(mailed), data=fields).status_code == 422
    assert again(mailed.person).unsubscribed_at is None


def test_it_holds_for_all_mail_surveys_and_for_mail_that_waits(world, api, client, make, mailed):
    waiting = invite(api, make.survey(quarantine_days=0))
    client.post(page(mailed), data=ONE_CLICK)
    world.work()
    assert len(outbox(world)) == 1
    assert (again(waiting).status, again(waiting).reason) == ("cancelled", "unsubscribed meanwhile")
    person = {"email": "ann@customer.example"}
    receipt = api.post("/api/triggers", {"survey": make.survey().id, "person": person}, 200)
    assert receipt["decision"] == "suppressed"


def test_it_holds_for_the_address_also_under_an_id(world, api, client, make, mailed):
    api.post("/api/people", {"id": "c-1", "email": "ann@customer.example"})
    client.post(page(mailed), data=ONE_CLICK)
    assert all(person.unsubscribed_at for person in Person.select())


def test_whom_we_forgot_is_told_that_no_mail_comes(api, client, mailed):
    address = page(mailed)
    api.delete(f"/api/people/{mailed.person_id}")
    assert Invitation.select().count() == 0
    assert client.post(address, data=ONE_CLICK).status_code == 200
    assert client.get(address).status_code == 200


def test_a_forged_token_unsubscribes_nobody(client, mailed):
    assert client.post(page(mailed) + "x", data=ONE_CLICK).status_code == 404
    assert again(mailed.person).unsubscribed_at is None


def test_the_page_says_the_state_and_the_address_and_leads_back(api, client, make, mailed):
    def decision():
        person = {"email": "ann@customer.example"}
        body = {"survey": make.survey(quarantine_days=0).id, "person": person, "dry_run": True}
        return api.post("/api/triggers", body, 200)["decision"]

    asking = client.get(page(mailed)).text
    assert "ann@customer.example" in seen(asking)
    assert 'name="again"' not in asking
    for shown in (client.post(page(mailed), data=ONE_CLICK).text, client.get(page(mailed)).text):
        assert "You have been unsubscribed" in shown
        assert "ann@customer.example" in seen(shown)
        assert '<input type="hidden" name="again" value="1">' in shown
        assert 'name="List-Unsubscribe"' not in shown
    assert decision() == "suppressed"
    back = client.post(page(mailed), data={"again": "1"}).text
    assert 'You can receive survey <span class="whole">e-mails</span> from us again.' in back
    assert 'name="List-Unsubscribe"' in back
    assert "Do you no longer want" in client.get(page(mailed)).text
    assert decision() == "scheduled"


def test_the_way_back_leads_from_never_too(client, mailed):
    """Else the page would say that mail may come, and none would."""
    Person.update(never_ask=True).execute()
    client.post(page(mailed), data=ONE_CLICK)
    client.post(page(mailed), data={"again": "1"})
    person = again(mailed.person)
    assert (person.unsubscribed_at, person.never_ask) == (None, False)


def test_an_old_mail_takes_back_nothing_of_who_moved_to_another_address(api, client, mailed):
    api.patch(f"/api/people/{mailed.person_id}", {"email": "ann@new.example"})
    api.post(f"/api/people/{mailed.person_id}/unsubscribe", {}, 200)
    shown = client.get(page(mailed)).text
    assert "You have been unsubscribed" in shown
    assert 'name="again"' not in shown
    assert "ann@new.example" not in seen(client.post(page(mailed), data={"again": "1"}).text)
    assert again(mailed.person).unsubscribed_at is not None


def test_the_way_back_is_for_every_row_of_the_address(api, client, mailed):
    api.post("/api/people", {"id": "c-1", "email": "ann@customer.example"})
    client.post(page(mailed), data=ONE_CLICK)
    client.post(page(mailed), data={"again": "1"})
    assert [person.unsubscribed_at for person in Person.select()] == [None, None]


def test_an_address_in_other_letters_is_shown_as_its_owner_writes_it(world, api, client, make):
    invitation = invite(api, make.survey(), "kim@xn--d-uga0v4h.example")
    assert "kim@łódź.example" in seen(client.get(page(invitation)).text)
