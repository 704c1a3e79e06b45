"""Every reason not to ask, its place in the order, and the date it promises."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from surveys.domain import eligibility
from surveys.domain.eligibility import Ask, Budget, PersonFacts, SurveyFacts

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
QUARTER_END = datetime(2027, 1, 1, tzinfo=UTC)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def make_ask(*, by_mail=True, already_asked=False, tags=(), zone=UTC, person=None, **survey) -> Ask:
    facts = {"key": "per_1", "address": "ann@shop.example", **(person or {})}
    return Ask(
        survey=SurveyFacts(id="sv_1", **survey),
        person=PersonFacts(**facts),
        by_mail=by_mail,
        already_asked=already_asked,
        tags=tags,
        zone=zone,
    )


def budget(limit: int, sent: int, waiting: tuple[int, ...] = (), of: str = "person") -> Budget:
    return Budget(of=of, limit=limit, sent=sent, waiting=waiting, ends_at=QUARTER_END)


# One ask for each rule that only this rule refuses, in the order in which the rules are tried.
REFUSED = {
    "paused": {"status": "paused"},
    "no_address": {"person": {"address": None}},
    "unsubscribed": {"person": {"unsubscribed_at": days_ago(40)}},
    "bounced": {"person": {"bounced_at": days_ago(2)}},
    "owed_help": {"person": {"owed_help": True}},
    "duplicate": {"already_asked": True},
    "excluded": {"tags": ("VIP",), "skip_tags": ("other", " vip")},
    "quarantine": {"person": {"last_asked_at": days_ago(3)}},
    "wait_after_answer": {"person": {"last_answered_at": days_ago(3)}},
    "wait_after_decline": {"person": {"last_declined_at": days_ago(3)}},
    "budget": {"person": {"budgets": (budget(2, sent=2),)}},
    "sampling": {"sampling": 0.0},
}


def test_the_rules_are_tried_in_the_documented_order():
    assert [rule.__name__ for rule in eligibility.RULES] == list(REFUSED)


def test_who_gives_no_reason_not_to_is_asked():
    assert eligibility.decide(make_ask(), NOW) == eligibility.Decision(allowed=True)


@pytest.mark.parametrize(("rule", "facts"), REFUSED.items(), ids=REFUSED)
def test_a_rule_alone_refuses(rule, facts):
    decision = eligibility.decide(make_ask(**facts), NOW)
    assert (decision.allowed, decision.rule) == (False, rule)
    assert decision.reason


@pytest.mark.parametrize("first", range(len(REFUSED)))
def test_of_several_rules_the_first_gives_the_reason(first):
    facts, person = {}, {}
    for each in list(REFUSED.values())[first:]:
        facts |= each
        person |= each.get("person", {})
    decision = eligibility.decide(make_ask(**{**facts, "person": person}), NOW)
    assert decision.rule == list(REFUSED)[first]


@pytest.mark.parametrize(
    ("facts", "reason", "next_eligible_at"),
    [
        ({"status": "archived"}, "the survey is archived", None),
        ({"person": {"address": ""}}, "no e-mail address is known", None),
        (REFUSED["unsubscribed"], "unsubscribed on 2026-10-12", None),
        ({"person": {"never_ask": True}}, "asked us not to ask any more", None),
        (REFUSED["bounced"], "mail to this address bounced on 2026-11-19", None),
        (REFUSED["duplicate"], "this resolution of the ticket was asked about already", None),
        (REFUSED["excluded"], 'the tag "VIP" is to be skipped', None),
        (
            {"person": {"last_asked_at": datetime(2026, 11, 18, 9, 30, tzinfo=UTC)}, "quarantine_days": 32},
            "asked 3 days ago; may be asked again on 2026-12-20",
            datetime(2026, 12, 20, 9, 30, tzinfo=UTC),
        ),
        (
            {"person": {"last_asked_at": days_ago(0.1)}, "quarantine_days": 7},
            "asked less than a day ago; may be asked again on 2026-11-28",
            days_ago(0.1) + timedelta(days=7),
        ),
        (
            {"person": {"last_asked_at": NOW + timedelta(days=2)}, "quarantine_days": 7},
            "already to be asked on 2026-11-23; may be asked again on 2026-11-30",
            NOW + timedelta(days=9),
        ),
        (
            {"person": {"last_asked_at": days_ago(40), "days_between_asks": 90}},
            "asked 40 days ago; may be asked again on 2027-01-10",
            days_ago(40) + timedelta(days=90),
        ),
        (
            {"person": {"last_answered_at": days_ago(1)}, "wait_after_answer_days": 90},
            "answered this survey 1 day ago; may be asked again on 2027-02-18",
            days_ago(1) + timedelta(days=90),
        ),
        (
            REFUSED["wait_after_decline"],
            "declined this survey 3 days ago; may be asked again on 2026-12-18",
            days_ago(3) + timedelta(days=30),
        ),
        (
            REFUSED["budget"],
            "the person's 2 asks of this quarter are used up; may be asked again on 2027-01-01",
            QUARTER_END,
        ),
        ({"person": {"budgets": (budget(0, 0),)}}, "the person's 0 asks of this quarter are used up", None),
        (
            {"person": {"budgets": (budget(5, 1), budget(9, 9, of="company"))}},
            "the company's 9 asks of this quarter are used up; may be asked again on 2027-01-01",
            QUARTER_END,
        ),
        (REFUSED["sampling"], "not among the 0 % of people whom this survey asks", None),
    ],
)
def test_a_refusal_says_why_and_until_when(facts, reason, next_eligible_at):
    decision = eligibility.decide(make_ask(**facts), NOW)
    assert (decision.reason, decision.next_eligible_at) == (reason, next_eligible_at)


def test_days_are_named_in_the_time_zone_of_the_service():
    asked = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
    ask = make_ask(person={"last_asked_at": asked}, quarantine_days=7, zone=ZoneInfo("Asia/Tokyo"))
    assert eligibility.decide(ask, NOW).reason.endswith("may be asked again on 2026-11-28")


@pytest.mark.parametrize("field", ["last_asked_at", "last_answered_at", "last_declined_at"])
def test_a_wait_ends_to_the_second(field):
    days = {"quarantine_days": 10, "wait_after_answer_days": 10, "wait_after_decline_days": 10}
    ended = make_ask(person={field: days_ago(10)}, **days)
    assert eligibility.decide(ended, NOW).allowed
    assert not eligibility.decide(ended, NOW - timedelta(seconds=1)).allowed


@pytest.mark.parametrize("field", ["last_asked_at", "last_answered_at", "last_declined_at"])
@pytest.mark.parametrize("when", [NOW, NOW + timedelta(hours=1)])
def test_no_days_are_no_wait(field, when):
    days = {"quarantine_days": 0, "wait_after_answer_days": 0, "wait_after_decline_days": 0}
    assert eligibility.decide(make_ask(person={field: when}, **days), NOW).allowed


def test_the_promised_moment_holds_against_every_other_rule():
    ask = make_ask(
        person={
            "last_asked_at": days_ago(20),
            "last_answered_at": days_ago(20),
            "last_declined_at": days_ago(5),
            "budgets": (budget(1, sent=1),),
        },
        wait_after_answer_days=90,
    )
    decision = eligibility.decide(ask, NOW)
    assert decision.rule == "quarantine"
    assert decision.reason == "asked 20 days ago; may be asked again on 2027-01-30"
    assert eligibility.decide(ask, decision.next_eligible_at).allowed
    assert not eligibility.decide(ask, decision.next_eligible_at - timedelta(seconds=1)).allowed


def test_no_moment_is_promised_to_somebody_outside_the_sample():
    decision = eligibility.decide(make_ask(person={"last_asked_at": days_ago(3)}, sampling=0.0), NOW)
    assert (decision.rule, decision.reason) == ("quarantine", "asked 3 days ago")
    assert decision.next_eligible_at is None


@pytest.mark.parametrize(
    "person", [{"address": None}, {"unsubscribed_at": days_ago(1)}, {"bounced_at": days_ago(1)}]
)
def test_what_hinders_mail_does_not_hinder_the_widget(person):
    assert eligibility.decide(make_ask(by_mail=False, person=person), NOW).allowed


def test_who_never_wants_to_be_asked_is_not_asked_by_the_widget_either():
    decision = eligibility.decide(make_ask(by_mail=False, person={"never_ask": True}), NOW)
    assert decision.rule == "unsubscribed"


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("noreply@shop.example", True),
        ("No-Reply@shop.example", True),
        ("no_reply+7@shop.example", True),
        ("orders-noreply@shop.example", True),
        ("do-not-reply@shop.example", True),
        ("donotreply2@shop.example", True),
        ("mailer-daemon@shop.example", True),
        ("postmaster@shop.example", True),
        ("bounces+17@shop.example", True),
        ("bob@staff.example", True),
        ("bob@mail.STAFF.example", True),
        ("ceo@client.example", True),
        ("bob@notstaff.example", False),
        ("noreplyson@shop.example", False),
        ("casino.reply@shop.example", False),
        ("postmasterson@shop.example", False),
        ("ceo@client.example.org", False),
    ],
)
def test_staff_listed_addresses_and_unread_mailboxes_are_not_asked(address, refused):
    ask = make_ask(
        person={"address": address},
        staff_domains=("@Staff.example",),
        excluded_addresses=(" CEO@client.example",),
    )
    assert (eligibility.decide(ask, NOW).rule == "excluded") is refused


@pytest.mark.parametrize(
    ("priority", "budgets", "allowed", "replaces"),
    [
        (0, (budget(2, sent=1),), True, ()),
        (0, (budget(2, sent=1, waiting=(0,)),), False, ()),
        (1, (budget(2, sent=1, waiting=(0,)),), True, ("person",)),
        (1, (budget(2, sent=1, waiting=(1,)),), False, ()),
        (1, (budget(2, sent=2, waiting=(0,)),), False, ()),
        (5, (budget(3, 0, waiting=(0, 5, 9)),), True, ("person",)),
        (5, (budget(3, 0, waiting=(0,)), budget(2, 1, (4,), of="company")), True, ("company",)),
    ],
)
def test_a_waiting_invitation_gives_way_to_a_higher_priority_and_nothing_else_does(
    priority, budgets, allowed, replaces
):
    decision = eligibility.decide(make_ask(priority=priority, person={"budgets": budgets}), NOW)
    assert (decision.allowed, decision.replaces) == (allowed, replaces)


def test_a_new_quarter_has_a_new_budget():
    ask = make_ask(**REFUSED["budget"])
    assert eligibility.decide(ask, QUARTER_END).allowed


def test_sampling_asks_the_share_it_was_told_and_always_the_same_people():
    people = [f"per_{number}" for number in range(4000)]

    def chosen(survey: str, share: float) -> set[str]:
        return {
            key
            for key in people
            if eligibility.decide(
                Ask(
                    survey=SurveyFacts(id=survey, sampling=share),
                    person=PersonFacts(key=key),
                    by_mail=False,
                ),
                NOW,
            ).allowed
        }

    quarter = chosen("sv_1", 0.25)
    assert 900 < len(quarter) < 1100
    assert quarter == chosen("sv_1", 0.25)
    assert quarter < chosen("sv_1", 0.5)
    assert quarter != chosen("sv_2", 0.25)
    assert chosen("sv_1", 1.0) == set(people)
    assert chosen("sv_1", 0.0) == set()
