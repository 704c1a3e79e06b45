"""Every mail that the service sends, to customers, members and readers: what each of them keeps to."""

import re

from feedback import digest_mail, proofs
from feedback.follow_ups import alerts
from feedback.models import Digest, FollowUp, Topic
from surveys import daily_counts, links
from surveys.base import clock, db, delivery
from surveys.base.accounts import one_time_links
from surveys.base.delivery.memory import Memory
from surveys.mail import invitation_mail, letters, member_mail
from surveys.models import Person
from tests.conftest import ON_SQLITE
from tests.surveys.mail import rules
from tests.visitor import member

#: What a stranger may have called a thing, and what a mail program would make a link of.
NAMED = "Win at evil.example"


@ON_SQLITE
def test_every_mail_keeps_to_the_rules_and_leads_to_us_alone(world, api, make):
    found = Memory()
    delivery.use("mail", found)
    survey = make.survey(name="Checkout", product="Acme", mail={"from_name": "Acme"})
    ann = member("administrator", "ann@example.com", name="Ann")
    # Members and readers.
    api.post("/api/members", {"email": "bob@example.com", "name": "Bob", "role": "viewer"})
    member_mail.enqueue(one_time_links.RESET, ann.email, clock.now())
    api.post("/api/digests", {"email": "board@paper.example", "when": "daily"})
    api.post("/api/digests", {"email": ann.email, "when": "daily"})
    low = {"kind": "score", "at_or_below": 3}
    to = [{"kind": "mail", "address": "press@paper.example"}]
    api.post("/api/rules", {"name": NAMED, "when": low, "to": to})
    # Customers.
    said = {
        "survey": survey.id,
        "score": 1,
        "comment": NAMED,
        "person": {"email": "cy@x.example", "name": "Cy"},
    }
    answer = api.post("/api/responses", said)
    case = api.post("/api/follow-ups", {"response": answer["id"]})["id"]
    api.post(f"/api/follow-ups/{case}/reply", {"text": f"Hello.\n{NAMED}", "language": "de"}, 202)
    api.post(f"/api/follow-ups/{case}/ask", None, 202)
    invited = {"survey": survey.id, "person": {"email": "dee@x.example", "name": NAMED}}
    api.post("/api/triggers", invited | {"ticket": {"id": "9", "subject": NAMED}}, 200)
    world.work()
    # Members about customers.
    row = FollowUp.get_by_id(case)
    for about in (alerts.OVERDUE, "not_yet"):
        db.write(lambda about=about: alerts.tell(row, f"{about} 1", clock.now()))
    topic = api.post("/api/topics", {"label": NAMED})["id"]
    Topic.update(status=proofs.CAME_BACK).where(Topic.id == topic).execute()
    proofs.tell_owner({"topic": topic, "member": ann.id, "at": "1"}, clock.now())
    world.work()
    row = Digest.get(Digest.email == ann.email)
    digest = digest_mail.compose(
        row, clock.now().date().isoformat(), daily_counts.time_zone(), links.to("/d/1")
    )
    person = Person.get(Person.email == "cy@x.example")
    told = letters.Letter("let_1", "cy@x.example", "en", "About it", "Done.", NAMED)
    mails = [
        *found.sent,
        digest,
        invitation_mail.example(survey, "en", "dee@x.example", reminder=True),
        letters.compose(told, person, survey, None),
    ]
    assert len({mail.subject for mail in mails}) == 13, [mail.subject for mail in mails]
    [overdue] = [mail for mail in mails if "overdue" in mail.subject]
    assert re.search("To be answered: [^<]+<br>To be solved: ", overdue.html)
    for mail in mails:
        assert rules.lacking(mail) == [], (mail.subject, mail.text)
        for words in (mail.subject, mail.text, *re.findall(">([^<]+)<", mail.html or "")):
            assert "evil.example" not in words, (mail.subject, words)
