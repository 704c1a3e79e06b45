"""The mail that asks: what is in it, and that it leaves at most once whatever happens."""

import contextlib
import re
import socket
import threading
from datetime import timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest

from surveys import catalogue, invitations, people, wording
from surveys.base import clock, delivery, jobs
from surveys.base.delivery.mail import Smtp, as_bytes
from surveys.base.delivery.memory import Memory
from surveys.base.delivery.message import DeliveryFailed, DeliveryUnknown, clean
from surveys.mail import invitation_mail
from surveys.models import Survey
from tests.conftest import ON_SQLITE
from tests.mailserver import MailServer, serving
from tests.surveys.mailbox import again, invite, links_of, outbox, read

SENDER = "Acme <care@acme.example>"


@pytest.fixture
def memory(world):
    mailer = Memory()
    delivery.use("mail", mailer)
    return mailer


# ------------------------------------------------------------------------------------------ what is in it


def test_an_invitation_arrives_with_a_link_for_each_score_and_every_header(world, api, make):
    survey = make.survey(product="Acme", mail={"from_name": "Acme Care", "reply_to": "care@acme.example"})
    invitation = invite(api, survey)
    world.work()
    [mail] = outbox(world)
    scores = [link for link in links_of(mail) if "score=" in link]
    assert [int(link.rpartition("=")[2]) for link in scores] == list(range(11))
    assert str(mail["To"]) == "Ann <ann@customer.example>"
    assert mail["From"].addresses[0].display_name == "Acme Care"
    assert str(mail["Reply-To"]) == "care@acme.example"
    assert re.fullmatch(r"<http://localhost/u/[^>]+>", mail["List-Unsubscribe"])
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert mail["Message-ID"].startswith(f"<{invitation.id}@")
    assert mail["List-Id"] == f"<{survey.id}.localhost>"
    assert mail["Feedback-ID"].count(":") == 3
    text = mail.get_body(("plain",)).get_content()
    assert "How likely are you to recommend Acme" in text
    assert all(link in text for link in scores)


def test_one_link_that_no_person_sees_names_no_score(world, api, make):
    invite(api, make.survey())
    world.work()
    [mail] = outbox(world)
    html, text = (mail.get_body((kind,)).get_content() for kind in ("html", "plain"))
    [decoy] = [link for link in links_of(mail) if "/i/" in link and "score=" not in link]
    assert decoy not in text
    assert re.search(r'style="display: none;[^"]*"><a href="' + re.escape(decoy), html)


def test_the_mail_speaks_the_persons_language_and_direction(world, api, make):
    invite(api, make.survey(languages=["en", "he"]), person={"language": "iw"})
    world.work()
    [mail] = outbox(world)
    html = mail.get_body(("html",)).get_content()
    assert '<html lang="he" dir="rtl">' in html
    assert "prefers-color-scheme: dark" in html
    assert "<img" not in html


def test_the_ready_survey_writes_english_to_whom_nobody_knows(world, api):
    ready = catalogue.make_first(clock.now()) or Survey.get()
    invite(api, ready)
    world.work()
    [mail] = outbox(world)
    assert str(mail["Subject"]) == "How likely are you to recommend us to a friend or colleague?"


@ON_SQLITE
@pytest.mark.parametrize("metric", ["nps", "csat", "ces", "thumbs", "pmf"])
def test_every_metric_has_its_scale_in_the_mail(world, api, make, metric):
    survey = make.survey(metric)
    invite(api, survey)
    world.work()
    [mail] = outbox(world)
    found = [int(link.rpartition("=")[2]) for link in links_of(mail) if "score=" in link]
    assert found == list(invitation_mail.METRICS[metric].scores)


HOSTILE = [
    "http://evil.example/x",
    "evil.example",
    "<a href=https://evil.example>click</a>",
    "=?utf-8?q?hi=0D=0ABcc:_x=40evil.example?=",
    "\u202eelpmaxe.live//:ptth",
    "{product.__class__} {{7*7}}",
]


@ON_SQLITE
@pytest.mark.parametrize("name", HOSTILE)
def test_what_others_said_becomes_neither_link_nor_header_nor_markup(world, api, make, name):
    survey = make.survey(mail={"subject": {"en": "{name}: {ticket_subject}"}})
    invite(api, survey, person={"name": name}, ticket={"id": "7", "subject": name}, agent={"name": name})
    world.work()
    [mail] = outbox(world)
    assert all(link.startswith("http://localhost/") for link in links_of(mail))
    for kind in ("plain", "html"):
        content = mail.get_body((kind,)).get_content()
        assert "evil.example" not in content
        assert "\u202e" not in content
    assert mail["Bcc"] is None
    assert "49" not in str(mail["Subject"])


#: What mail programs make a link of: something with a scheme, `www.`, a host, a mailbox.
LINKED = re.compile(r"\w://\S|\bwww\d*\.\S|\bmailto:\S|\\\\\w|[^\W_]\.[^\W\d_][\w-]", re.IGNORECASE)


@ON_SQLITE
@pytest.mark.parametrize(
    "words",
    [
        "Book now: https://evil.example/x?y=1",
        "www.1und2.example www.x WWW3.evil.test",
        "Booking.com or help@evil.example",
        "mailto:help@evil.example //evil.example/",
        "\\\\evil\\share",
        "магазин.рф भारत.भारत evil.\u200bexample hindi\u0940.example",
    ],
)
def test_what_the_team_wrote_becomes_no_link_either(world, api, make, words):
    given = {
        "product": words,
        "question": {"en": f"How was {words}?"},
        "labels": {"en": {"low": words, "high": words}},
        "mail": {"from_name": words},
    }
    survey = make.survey(name=words, **given)
    # A survey that says so may still be changed.
    api.patch(f"/api/surveys/{survey.id}", {**given, "priority": 1})
    # Placeholders may put together what is none in pieces.
    own = {"subject": {"en": "{product} {agent}.{team}"}, "text": {"en": "At {agent}.{team}\nwww.{agent}"}}
    second = make.survey(product=words, quarantine_days=0, mail=own)
    invite(api, survey)
    invite(
        api, second, person={"email": "bo@customer.example"}, agent={"name": "evil"}, team={"name": "example"}
    )
    world.work()
    for mail in outbox(world):
        assert all(link.startswith("http://localhost/") for link in links_of(mail))
        text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
        shown = re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)
        sender = mail["From"].addresses[0].display_name
        for part in (text, shown, str(mail["Subject"]), sender):
            assert not LINKED.search(re.sub(r"http://localhost/\S*", "", part)), part


def test_standard_words_stay_as_they_are():
    for language in wording.LANGUAGES:
        for words in wording._texts(language).values():
            assert invitation_mail.unlinked(words) == words
    for words in (
        "U.S.A., z.B. and J.R. Smith",
        "10:30, 1.5 of 3",
        "Kund:innen",
        "wait...what",
        "終わり。次に",
    ):
        assert invitation_mail.unlinked(words) == words


def test_a_stored_address_for_replies_that_no_mail_can_hold_keeps_no_mail_back(world, api, make):
    invite(api, make.survey(mail={"reply_to": "jürgen@acme.example"}))
    world.work()
    [mail] = outbox(world)
    assert mail["Reply-To"] is None


#: Subjects, products and names of every length, with what no single byte holds.
LONG = "Müller & Söhne 株式会社アクメ 👩🏽‍🚀🏳️‍🌈 Служба заботы שירות ग्राहक "


def test_headers_of_every_language_are_read_back(world, api, make):
    """By two readers; `tests/surveys/base/delivery/test_headers.py` has the third, and every length."""
    for language, known in wording.LANGUAGES.items():
        own = {"from_name": known.name}
        survey = make.survey(product=LONG * 2, languages=[language], mail=own)
        for reminder in (False, True):
            message = invitation_mail.example(survey, language, "robin@example.com", reminder)
            content = as_bytes(message, SENDER, clock.now())
            head = content.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
            assert all(
                len(word) <= 75 for line in head for word in re.findall(r"=\?\S+?\?[bq]\?\S*?\?=", line)
            )
            assert all(len(line) <= 76 for line in head if "=?" in line)
            today, before = (message_from_bytes(content, policy=p) for p in (policy.default, policy.compat32))
            subject = str(make_header(decode_header(before["Subject"].replace("\r\n", ""))))
            assert str(today["Subject"]) == subject == clean(message.subject)
            name = parseaddr(str(make_header(decode_header(before["From"].replace("\r\n", "")))))[0]
            assert today["From"].addresses[0].display_name == name == message.from_name


def test_own_words_replace_subject_and_text(world, api, make):
    words = {
        "subject": {"en": "{name}, about #{ticket_number}"},
        "text": {"en": "Dear {name},\n{agent} helped."},
    }
    survey = make.survey(mail=words)
    invite(api, survey, ticket={"id": "9", "number": "35"}, agent={"name": "Sam"})
    world.work()
    [mail] = outbox(world)
    text = mail.get_body(("plain",)).get_content()
    assert str(mail["Subject"]) == "Ann, about #35"
    assert text.splitlines()[:2] == ["Dear Ann,", "Sam helped."]
    assert "Hello" not in text


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"subject": {"en": "{email}"}}, "mail.subject"),
        ({"text": {"en": "See https://acme.example"}}, "mail.text"),
        ({"reply_to": "no address"}, "mail.reply_to"),
        ({"html": "<b>"}, "mail.html"),
    ],
)
def test_words_that_cannot_be_are_refused(api, make, words, field):
    error = api.patch(f"/api/surveys/{make.survey().id}", {"mail": words}, 422)["error"]
    assert list(error["fields"]) == [field]


@pytest.mark.parametrize("name", ["subject", "text"])
def test_words_without_a_language_are_told_their_form(api, make, name):
    error = api.patch(f"/api/surveys/{make.survey().id}", {"mail": {name: "Hello"}}, 422)["error"]
    assert error["fields"] == {f"mail.{name}": ['Give it by language, such as {"en": "…"}.']}


def test_a_preview_looks_like_the_mail_and_leads_nowhere(api, make, client):
    survey = make.survey(languages=["en", "de"])
    answer = api.call("GET", f"/api/surveys/{survey.id}/preview.eml?lang=de")
    assert (answer.status_code, answer.mimetype) == (200, "message/rfc822")
    mail = read(answer.data)
    assert "Wie" in str(mail["Subject"])
    assert "Guten Tag Robin Vale," in mail.get_body(("plain",)).get_content()
    for link in links_of(mail):
        assert link.startswith("http://localhost/")
    page = next(link for link in links_of(mail) if "score=" in link)
    assert client.get(page.removeprefix("http://localhost")).status_code == 404


# ---------------------------------------------------------------------------------------- at most once


def test_a_mail_is_sent_once_however_often_its_job_runs(world, api, make, memory):
    invitation = invite(api, make.survey())
    world.work()
    for _ in range(3):
        invitation_mail.send({"invitation": invitation.id}, clock.now())
    assert len(memory.sent) == 1
    assert again(invitation).status == "sent"


def test_a_sender_that_died_half_way_leaves_it_unknown_and_nobody_sends_it_again(world, api, make, memory):
    class Died(BaseException):
        """Stands for kill -9: nothing in the process sees it."""

    invitation = invite(api, make.survey())
    memory.failing = Died()
    with pytest.raises(Died):
        jobs.run_due(clock.now)
    assert again(invitation).status == "sending"
    memory.failing = None
    later = clock.now() + jobs.LEASE + timedelta(seconds=1)
    jobs.run_due(lambda: later)
    assert memory.sent == []
    shown = api.get(f"/api/invitations/{invitation.id}")
    assert (shown["status"], shown["reason"]) == ("unknown", "the sender stopped half-way")
    jobs.run_due(lambda: later + timedelta(days=2))
    assert memory.sent == []


def test_a_sender_that_died_before_marking_sends_it_later(world, api, make, memory, monkeypatch):
    class Died(BaseException):
        """Stands for kill -9."""

    def die(*_):
        raise Died

    invitation = invite(api, make.survey())
    with monkeypatch.context() as patch:
        patch.setattr(invitations, "start_sending", die)
        with pytest.raises(Died):
            jobs.run_due(clock.now)
    later = clock.now() + jobs.LEASE + timedelta(seconds=1)
    jobs.run_due(lambda: later)
    assert len(memory.sent) == 1
    assert again(invitation).status == "sent"


def test_silence_after_the_text_is_unknown_and_not_repeated(world, api, make, memory):
    invitation = invite(api, make.survey())
    memory.failing = DeliveryUnknown("TimeoutError")
    world.work()
    memory.failing = None
    jobs.run_due(lambda: clock.now() + timedelta(days=3))
    assert memory.sent == []
    assert again(invitation).status == "unknown"


def test_a_fault_while_sending_is_unknown_and_not_repeated(world, api, make, memory):
    invitation = invite(api, make.survey())
    memory.failing = jobs.TooSlow("took longer than 30 s")
    world.work()
    memory.failing = None
    jobs.run_due(lambda: clock.now() + timedelta(seconds=10))
    assert memory.sent == []
    assert again(invitation).status == "unknown"


def test_a_refusal_for_now_is_tried_again_and_then_sent_once(world, api, make, memory):
    invitation = invite(api, make.survey())
    memory.failing = DeliveryFailed("451", again=True)
    world.work()
    assert again(invitation).status == "scheduled"
    memory.failing = None
    jobs.run_due(lambda: clock.now() + timedelta(seconds=10))
    assert (len(memory.sent), again(invitation).status) == (1, "sent")


def test_a_refusal_for_good_is_failed_and_nobody_was_asked(world, api, make, memory):
    invitation = invite(api, make.survey())
    memory.failing = DeliveryFailed("550", again=False)
    world.work()
    assert again(invitation).status == "failed"
    assert again(invitation.person).last_asked_at is None


@pytest.mark.parametrize("change", ["unsubscribed", "bounced", "never_ask", "cancelled", "paused"])
def test_what_changed_meanwhile_keeps_the_mail_back(world, api, make, memory, change):
    survey = make.survey()
    invitation = invite(api, survey, delay_minutes=60)
    person = invitation.person
    if change == "cancelled":
        api.delete(f"/api/invitations/{invitation.id}")
    elif change == "paused":
        Survey.update(status="paused").where(Survey.id == survey.id).execute()
    elif change == "unsubscribed":
        people.unsubscribe(person, clock.now())
    else:
        setattr(person, *{"bounced": ("bounced_at", clock.now()), "never_ask": ("never_ask", True)}[change])
        person.save()
    jobs.run_due(lambda: clock.now() + timedelta(hours=2))
    assert memory.sent == []
    assert again(invitation).status == "cancelled"


def test_one_reminder_goes_out_and_none_once_answered(world, api, make, memory):
    survey = make.survey(reminder_days=3)
    silent, quick = invite(api, survey), invite(api, survey, "bob@customer.example")
    world.work()
    make.response(survey, 9, invitation=invitation_mail.links.invitation_token(quick.id))
    later = clock.now() + timedelta(days=3, minutes=1)
    jobs.run_due(lambda: later)
    jobs.run_due(lambda: later + timedelta(days=1))
    assert [message.to for message in memory.sent].count(silent.email) == 2
    assert [message.to for message in memory.sent].count(quick.email) == 1
    assert memory.sent[-1].id == f"{silent.id}.reminder"


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("en", "Reminder: How likely are you to recommend Acme to a friend or colleague?"),
        ("de", "Erinnerung: Ihre Rechnung {x}"),
        ("fr", "Rappel : How was it"),
    ],
)
def test_a_reminder_says_so_and_is_shown_with_the_first_mail(world, api, make, language, subject):
    own = {"subject": {"de": "Ihre Rechnung {x}", "fr": "How was it"}} if language != "en" else None
    survey = make.survey(product="Acme", languages=["en", "de", "fr"], mail=own, reminder_days=1)
    invite(api, survey, person={"language": language})
    world.work()
    jobs.run_due(lambda: clock.now() + timedelta(days=1, minutes=1))
    first, reminder = outbox(world)
    assert str(reminder["Subject"]) == subject
    assert str(first["Subject"]) == subject.partition(": ")[2]
    assert reminder["In-Reply-To"] == reminder["References"] == first["Message-ID"]
    assert reminder["Message-ID"] != first["Message-ID"]
    assert first["In-Reply-To"] is None


def test_a_preview_shows_the_reminder(api, make):
    path = f"/api/surveys/{make.survey(product='Acme').id}/preview.eml"
    first, reminder = (
        read(api.call("GET", path, query_string=query).data) for query in ({}, {"reminder": "1"})
    )
    assert str(reminder["Subject"]) == f"Reminder: {first['Subject']}"
    assert reminder["In-Reply-To"] == first["Message-ID"]
    api.get(path, 422, reminder="yes")


# ------------------------------------------------------------------------------------- no attempt is left


def try_for_days():
    """Be the worker over all attempts of a job."""
    at = clock.now()
    for _ in range(len(jobs.RETRY_AFTER) + 1):
        at += timedelta(days=2)
        jobs.run_due(lambda at=at: at)
    return at


def test_a_mail_whose_every_attempt_failed_is_shown_as_failed_with_the_reason(world, api, make, memory):
    invitation = invite(api, make.survey())
    memory.failing = DeliveryFailed("ConnectionRefusedError", again=True)
    world.work()
    shown = api.get(f"/api/invitations/{invitation.id}")
    assert (shown["status"], shown["reason"]) == ("scheduled", "not sent: ConnectionRefusedError")
    try_for_days()
    [shown] = api.call("GET", "/api/invitations", 200, query_string={"status": "failed"})["items"]
    assert shown["reason"] == "given up: not sent: ConnectionRefusedError"
    assert again(invitation.person).last_asked_at is None
    metrics = world.client.get("/metrics").get_data(as_text=True)
    assert 'earshot_invitations{state="failed"} 1.0' in metrics
    assert 'earshot_jobs{state="dead"} 1.0' in metrics


def test_a_mail_that_cannot_be_made_was_never_on_its_way(world, api, make, memory, monkeypatch):
    invitation = invite(api, make.survey())
    with monkeypatch.context() as patch:
        patch.setattr(invitation_mail, "compose", lambda *_: 1 / 0)
        world.work()
        assert again(invitation).reason == "the mail could not be made (ZeroDivisionError)"
        try_for_days()
    assert again(invitation).status == "failed"
    assert again(invitation).reason == "given up: the mail could not be made (ZeroDivisionError)"
    assert memory.sent == []


def test_a_worker_that_dies_each_time_leaves_no_invitation_behind(world, api, make, memory):
    invitation = invite(api, make.survey())
    attempts = {jobs.Job.state: jobs.RUNNING, jobs.Job.attempts: len(jobs.RETRY_AFTER) + 1}
    jobs.Job.update({**attempts, jobs.Job.lease_until: clock.now()}).execute()
    jobs.run_due(lambda: clock.now() + timedelta(minutes=1))
    assert (again(invitation).status, again(invitation).reason) == ("failed", "given up: WorkerDied")
    assert memory.sent == []


def test_one_that_was_cut_off_half_way_stays_unknown_when_it_is_given_up(world, api, make, memory):
    invitation = invite(api, make.survey())
    invitations.start_sending(invitation.id, clock.now())
    invitation_mail.give_up({"invitation": invitation.id}, "WorkerDied", clock.now())
    assert again(invitation).status == "unknown"


def test_what_was_given_up_is_sent_once_somebody_releases_it(world, api, make, memory):
    invitation = invite(api, make.survey())
    memory.failing = DeliveryFailed("ConnectionRefusedError", again=True)
    at = try_for_days()
    memory.failing = None
    jobs.run_due(lambda: at + timedelta(days=30))
    assert memory.sent == []
    jobs.release(at)
    assert (again(invitation).status, again(invitation.person).last_asked_at) == ("scheduled", at)
    jobs.run_due(lambda: at)
    jobs.run_due(lambda: at + timedelta(days=1))
    assert (len(memory.sent), again(invitation).status) == (1, "sent")


# ------------------------------------------------------------------------------------------ envelope


@pytest.mark.parametrize("address", [None, "bounce@mail.acme.example"])
def test_the_envelope_sender_leads_bounces_back_to_the_invitation(world, api, make, address):
    invitation_mail.links.use_bounce_address(address)
    invitation = invite(api, make.survey())
    with serving() as server:
        delivery.use("mail", Smtp(server.url, SENDER))
        world.work()
    [envelope] = server.envelopes
    if address is None:
        assert envelope.mail_from == "care@acme.example"
        return
    assert re.fullmatch(rf"bounce\+{invitation.id}\.[0-9a-f]{{20}}@mail\.acme\.example", envelope.mail_from)
    assert invitation_mail.links.bounced_mail_id(envelope.mail_from) == invitation.id
    assert read(envelope.content)["From"].addresses[0].addr_spec == "care@acme.example"
    assert read(envelope.content)["X-Earshot-Invitation"] == invitation.id


def test_the_outbox_shows_the_envelope_sender(world, api, make):
    invitation_mail.links.use_bounce_address("bounce@mail.acme.example")
    invitation = invite(api, make.survey())
    world.work()
    [mail] = outbox(world)
    assert mail["Return-Path"] == f"<{invitation_mail.links.bounce(invitation.id)}>"


# ---------------------------------------------------------------------------------- over a real server


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ({}, "sent"),
        ({"rcpt": "550 No such user"}, "failed"),
        ({"rcpt": "451 Greylisted"}, "scheduled"),
        ({"data": "554 Spam"}, "failed"),
        ({"data": "452 Later"}, "scheduled"),
    ],
)
def test_what_the_server_says_is_what_becomes_of_the_invitation(world, api, make, answers, status):
    invitation = invite(api, make.survey())
    with serving(MailServer(**answers)) as server:
        delivery.use("mail", Smtp(server.url, SENDER))
        world.work()
    assert again(invitation).status == status
    if status == "sent":
        [envelope] = server.envelopes
        assert envelope.rcpt_tos == ["ann@customer.example"]
        assert read(envelope.content)["List-Unsubscribe"].startswith("<http://localhost/u/")


@ON_SQLITE
@pytest.mark.parametrize(
    ("silent_at", "status"), [("greeting", "scheduled"), ("envelope", "scheduled"), ("text", "unknown")]
)
@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_server_that_stalls_or_drops(world, api, make, monkeypatch, silent_at, status, hangs_up):
    monkeypatch.setattr("surveys.base.delivery.mail.TIMEOUT_SECONDS", 0.3)
    invitation = invite(api, make.survey())
    with _falling_silent(silent_at, hangs_up) as url:
        delivery.use("mail", Smtp(url, SENDER))
        world.work()
    assert again(invitation).status == status


@contextlib.contextmanager
def _falling_silent(at, hangs_up):
    """A server that stops answering at one point of the talk; it hangs up then, or holds the line until the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def talk(connection):
        with connection, connection.makefile("rwb") as lines, contextlib.suppress(OSError):
            if at != "greeting":
                lines.write(b"220 here\r\n")
                lines.flush()
                _answer(lines, at)
            if not hangs_up:
                over.wait(20)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()


def _answer(lines, at):
    in_text = False
    for line in lines:
        if in_text:
            if line == b".\r\n":
                return
            continue
        if at == "envelope" and line.upper().startswith(b"RCPT"):
            return
        in_text = line.upper().startswith(b"DATA")
        lines.write(b"354 go on\r\n" if in_text else b"250 OK\r\n")
        lines.flush()
