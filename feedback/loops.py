"""Closing the loop: whoever spoke of a topic is told what came of it, by one mail that a person has seen first.

One such mail a person and week over all topics: the letter is the row, and the table holds one of each.
"""

import contextlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from feedback import letters
from feedback.domain import quoting, statistics
from feedback.letters import CANCELLED, FAILED, FIXED, NOT_YET, SCHEDULED, SENT, UNKNOWN
from feedback.models import FollowUp, Letter, Loop, Placement, Telling, Topic, TopicStatus
from feedback.topics import topics
from surveys import ask_history, daily_counts, people, responses, wording
from surveys.base import db, delivery, ids, jobs, signing
from surveys.base.accounts import members
from surveys.base.accounts.caller import Caller
from surveys.base.accounts.members import Member
from surveys.base.delivery.message import DeliveryUnknown, Message
from surveys.base.errors import Clash
from surveys.domain import schedule
from surveys.mail import letters as the_mail
from surveys.models import Person, Response, Survey

#: The kind of these letters.
TOLD = "told"

#: A mail to oneself, to see it before others do.
TRIED = "loop tried out"

#: What is told: that it was done, or that it will not be.
SHIPPED, DECLINED = TELLABLE = ("shipped", "wont_do")

#: So long nothing leaves, and it can be undone.
UNDO = timedelta(minutes=10)

#: Who is held out is told so much later.
HELD_OUT = timedelta(days=60)

#: What respondents are shown of the topics that they speak of.
SHOWN = ("seen", "planned", "in_progress", "shipped", "wont_do")

#: What an answer allows.
NEWS = ("news", "both")

#: Why most are not told: nobody asked them, or they said no.
NO_CONSENT = "no consent"

#: People that one loop tells at most.
MOST = 20_000


@dataclass(frozen=True)
class Heard:
    """Somebody who would be told, and what: their own sentence and nobody else's."""

    person: Person
    response: Response
    email: str
    language: str
    sentence: str


@dataclass(frozen=True)
class Audience:
    """Who would be told of a topic; and how many who spoke of it would not be, by the reason."""

    told: Sequence[Heard]
    left_out: Mapping[str, int]


@dataclass(frozen=True)
class Outcome:
    """What became of a loop so far. `interval`: of the share of those who say fixed among who say anything, in percent;
    silence is counted as neither."""

    told: int
    waiting: int
    unsure: int
    bounced: int
    left_out: int
    held_out: int
    fixed: int
    not_yet: int
    interval: tuple[float, float] | None


def since(topic: Topic) -> datetime:
    """From when on a topic is what there is to be told of."""
    lines = TopicStatus.select().where(TopicStatus.topic == topic.id, TopicStatus.status == topic.status)
    last = lines.order_by(TopicStatus.at.desc(), TopicStatus.id.desc()).first()
    return last.at if last is not None else topic.created_at


def waiting() -> list[Topic]:
    """The topics of which nobody was told yet what came of them."""
    rows = list(
        Topic.select().where(Topic.status.in_(TELLABLE), Topic.merged_into.is_null()).order_by(Topic.label)
    )
    changed: Any = TopicStatus.select(
        TopicStatus.topic, TopicStatus.status, fn.MAX(TopicStatus.at).alias("at")
    )
    last = {
        (line.topic_id, line.status): line.at
        for line in changed.group_by(TopicStatus.topic, TopicStatus.status)
    }
    closed: dict[tuple[str, str], datetime] = {}
    for each in Loop.select().where(Loop.undone_at.is_null()).order_by(Loop.created_at):
        closed[each.topic_id, each.status] = each.created_at
    told = {key for key, at in closed.items() if at >= last.get(key, at)}
    return [row for row in rows if (row.id, row.status) not in told]


def recent(most: int = 20) -> list[Loop]:
    """The loops that were closed last."""
    return list(Loop.select().order_by(Loop.created_at.desc(), Loop.id).limit(most))


def audience(topic: Topic, texts: Collection[str], now: datetime) -> Audience:
    """Who would be told of a topic now, each once, in one of the languages of `texts` (none: in their own)."""
    told: list[Heard] = []
    reasons: dict[str, str] = {}
    known, answered, week = _told_since(topic), _answered_before(topic), week_of(now + UNDO)
    settled: set[str] = set()
    for response, person, evidence in _speakers(topic):
        if person.id in settled:
            continue
        if response.contact is None:
            # Nobody asked them there; an earlier answer of theirs may allow it. Most are such, and nothing is asked
            # about them.
            reasons[person.id] = NO_CONSENT
            continue
        rows = _rows(person)
        one = rows[0]
        settled.update(row.id for row in rows)
        for row in rows:
            reasons.pop(row.id, None)
        is_told = one.id in known or response.key in answered
        reason = "told already" if is_told else _against(rows, response, week, now)
        if reason is not None:
            reasons[one.id] = reason
            continue
        if len(told) < MOST:
            sentence = quoting.telling(response.comment or "", evidence, response.survey.redact)
            language = _language(texts, one, response)
            told.append(Heard(one, response, the_mail.address_of(rows) or "", language, sentence))
    return Audience(told, dict(Counter(reasons.values())))


def close(
    topic: Topic,
    texts: Mapping[str, str],
    without: Collection[str],
    holdout: float,
    caller: Caller,
    now: datetime,
    shown: Mapping[str, int] | None = None,
) -> tuple[Loop, int, int]:
    """Have everybody told but those in `without`; the loop, how many are told, and how many of them later.

    `shown`: the key of the response that a person was shown of each, by the person's id; of others, and of what they
    said since, nobody is told. Nothing leaves for UNDO. Raises Clash for a topic of which there is nothing to tell, or
    nobody to be told.
    """

    if topic.status not in TELLABLE:
        raise Clash("Only what is shipped or declined can be told.", "status")
    # Outside the transaction, so that answers wait for nothing; whether they may be told is looked at again before each
    # letter leaves.
    found = [
        each
        for each in audience(topic, texts, now).told
        if each.person.id not in without and (shown is None or shown.get(each.person.id) == each.response.key)
    ]
    if not found:
        raise Clash("There is nobody who may be told.")

    def verb() -> tuple[Loop, int, int]:
        db.serialise("loops")
        row = Topic.get_by_id(topic.id)
        if row.status != topic.status or _told_since(row) & {each.person.id for each in found}:
            raise Clash("Somebody changed it, or had people told, meanwhile.")
        loop = Loop.create(
            id=ids.new("loop"),
            topic=row.id,
            status=row.status,
            text=dict(texts),
            holdout=holdout,
            made_by={"id": caller.id, "name": caller.name},
            created_at=now,
            send_at=now + UNDO,
        )
        counts = [0, 0]
        for each in found:
            later = _is_held_out(loop, each.person.id)
            due = now + UNDO + (HELD_OUT if later else timedelta())
            counts[later] += _put(loop, each, texts, later, due, caller, now)
        return loop, counts[0], counts[1]

    return db.write(verb)


def undo(loop: Loop, now: datetime) -> int:
    """Take back what has not left, held-out people included; how many. Raises Clash when it is too late."""

    def verb() -> int:
        row = Loop.get_by_id(loop.id)
        if row.undone_at is not None:
            return 0
        mine = Letter.id.in_(Telling.select(Telling.letter).where(Telling.loop == row.id))
        count = Letter.delete().where(mine & (Letter.state == SCHEDULED)).execute()
        # What has begun to leave cannot be taken back, and then nothing is.
        if now >= row.send_at or Letter.select().where(mine).exists():
            raise Clash("It is too late: the ten minutes are over.")
        row.undone_at = now
        row.save(only=[Loop.undone_at])
        return count

    return db.write(verb)


def preview(topic: Topic, texts: Mapping[str, str], now: datetime) -> list[str]:
    """What the first in each language would get, as plain text."""
    first: dict[str, Heard] = {}
    for each in audience(topic, texts, now).told:
        first.setdefault(each.language, each)
    return [
        _mail(
            _NOBODYS,
            each.email,
            tag,
            texts[tag],
            each.sentence,
            topic.status,
            each.person,
            each.response.survey,
        ).text
        for tag, each in first.items()
    ]


def try_out(topic: Topic, texts: Mapping[str, str], member: Member, now: datetime) -> None:
    """Have a member get what others would, in each language, with a word in the place of a sentence of theirs."""
    told = {"topic": topic.id, "member": member.id}
    db.write(
        lambda: jobs.enqueue_all(
            TRIED, [({**told, "language": tag, "text": texts[tag]}, now) for tag in texts]
        )
    )


@jobs.on(TRIED, lane=jobs.MAIL)
def send_test(payload: dict[str, Any], now: datetime) -> None:
    """Send one such test; it is not tried again when nobody knows whether it arrived."""
    member, topic = members.get(payload["member"]), Topic.get_or_none(Topic.id == payload["topic"])
    survey = Survey.select().order_by(Survey.created_at).first()
    if member is None or topic is None or survey is None:
        return
    person = Person(id="per_" + "0" * 24, name=member.name, email=member.email, verified=True)
    quote = "(here stands a sentence of their own)"
    mail = _mail(
        _NOBODYS, member.email, payload["language"], payload["text"], quote, topic.status, person, survey
    )
    with contextlib.suppress(DeliveryUnknown):
        delivery.transport("mail").send(replace(mail, id=None), now)


def outcome(loop: Loop) -> Outcome:
    """What became of a loop so far."""
    rows: Any = (
        Telling.select(Letter.state, Telling.held_out, Letter.answer, Letter.sent_at, Person.bounced_at)
        .join(Letter, on=(Letter.id == Telling.letter))
        .join(Person, on=(Person.id == Letter.person))
        .where(Telling.loop == loop.id)
        .tuples()
    )
    rows = list(rows)
    left = [row for row in rows if row[0] in (SENT, UNKNOWN)]
    said = [row[2] for row in left]
    fixed, not_yet = said.count(FIXED), said.count(NOT_YET)
    came_back = [row for row in left if row[3] is not None and row[4] is not None and row[4] >= row[3]]
    return Outcome(
        told=len(left),
        waiting=sum(row[0] in (SCHEDULED, letters.SENDING) and not row[1] for row in rows),
        unsure=sum(row[0] == UNKNOWN for row in rows),
        bounced=len(came_back) + sum(row[0] == FAILED for row in rows),
        left_out=sum(row[0] == CANCELLED for row in rows),
        held_out=sum(bool(row[1]) and row[0] == SCHEDULED for row in rows),
        fixed=fixed,
        not_yet=not_yet,
        interval=statistics.share_interval(fixed, fixed + not_yet),
    )


def came_of(keys: Sequence[int], language: str) -> dict[int, list[responses.Outcome]]:
    """What came of answers, by their keys: the status of the topics that they are in, and what the team says to it."""
    rows: Any = (
        Placement.select(Placement.response, Topic.status, Topic.note)
        .join(Topic, on=(Topic.id == Placement.topic))
        .where(Placement.response.in_(list(keys)), Topic.status.in_(SHOWN), Topic.merged_into.is_null())
        .order_by(Placement.response, Topic.id)
        .tuples()
    )
    found: dict[int, list[responses.Outcome]] = {}
    for key, status, note in rows:
        tag = wording.choose([language], list(note), "") if note else ""
        outcome = responses.Outcome(status, note[tag] if tag else None)
        if outcome not in found.setdefault(key, []):
            found[key].append(outcome)
    return found


def mailed(person_ids: Sequence[str], begin: datetime, end: datetime) -> int:
    """How many such mails somebody, by the ids of their rows, gets in a period: they count in the budget of asks."""
    mine = Telling.select().join(Letter, on=(Letter.id == Telling.letter))
    mine = mine.where(Telling.person.in_(list(person_ids)), Letter.state.not_in(letters.LOST))
    return mine.where(Telling.due_at >= begin, Telling.due_at < end).count()


def week_of(moment: datetime) -> str:
    """The Monday of the week in which a mail leaves."""
    day = schedule.day_of(moment, daily_counts.time_zone())
    return schedule.first_day(day, "week").isoformat()


def against(letter: Letter, now: datetime) -> str | None:
    """Why such a letter must not leave any more."""
    told = Telling.get_or_none(Telling.letter == letter.id)
    if told is None:
        return "what they said is deleted"
    if told.loop.undone_at is not None:
        return "it was taken back"
    if told.loop.topic.status != told.loop.status:
        return f"the topic is {told.loop.topic.status} by now"
    rows = _rows(letter.person)
    reason = _against(rows, told.response, None, now)
    if reason is not None:
        return reason
    return None if the_mail.address_of(rows) == letter.email else "the person has another address by now"


def compose(letter: Letter) -> Message:
    """The mail of such a letter."""
    told = Telling.get_by_id(letter.id)
    return _mail(
        letter.id,
        letter.email,
        letter.language,
        letter.text or "",
        told.quote,
        told.loop.status,
        letter.person,
        told.response.survey,
    )


def became(letter: Letter, now: datetime) -> None:
    """Nothing follows from such a letter's end: `outcome` counts it."""


#: What `letters` has to know of these.
KINDS = {TOLD: letters.Kind(against, compose, became)}


# ------------------------------------------------------------------------------------------------------


#: In the place of a letter's id, where none is sent to anybody.
_NOBODYS = "let_" + "0" * 24


def _mail(
    letter_id: str,
    to: str,
    language: str,
    text: str,
    quote: str | None,
    status: str,
    person: Person,
    survey: Survey,
) -> Message:
    mail = the_mail.Letter(
        id=letter_id,
        to=to,
        language=language,
        subject=the_mail.subject("letter.told", language, survey),
        text=text,
        quote=quote,
        asks=status == SHIPPED,
    )
    return the_mail.compose(mail, person, survey, None)


def _told_since(topic: Topic) -> set[str]:
    rows: Any = (
        Telling.select(Telling.person)
        .join(Loop, on=(Loop.id == Telling.loop))
        .join(Letter, on=(Letter.id == Telling.letter), src=Telling)
        .where(
            Loop.topic == topic.id,
            Loop.status == topic.status,
            Loop.created_at >= since(topic),
            Letter.state.not_in(letters.LOST),
        )
    )
    return {person for (person,) in rows.tuples()}


def _answered_before(topic: Topic) -> set[int]:
    """The keys of the responses that people were told of in topics which have gone into this one since."""
    into: Any = Topic.select(Topic.id, Topic.merged_into).where(Topic.merged_into.is_null(False)).tuples()
    merged = dict(into)
    gone = [each for each in merged if topics.final(each, merged) == topic.id]
    rows: Any = (
        Telling.select(Telling.response)
        .join(Loop, on=(Loop.id == Telling.loop))
        .join(Letter, on=(Letter.id == Telling.letter), src=Telling)
        .where(Loop.topic.in_(gone), Letter.state.not_in(letters.LOST))
    )
    return {key for (key,) in rows.tuples()} if gone else set()


def _speakers(topic: Topic) -> list[tuple[Response, Person, list[str]]]:
    """Who spoke of a topic, what they said last first, with the phrases that put it there."""
    surveys = {row.id: row for row in Survey.select()}
    rows: Any = (
        Placement.select(Placement, Response, Person)
        .join(Response, on=(Response.key == Placement.response))
        .join(Person, on=(Person.id == Response.person))
        .where(
            Placement.topic == topic.id,
            Response.comment.is_null(False),
            ~Response.test,
            ~Response.excluded,
        )
        .order_by(Response.key.desc())
    )
    found = []
    for row in rows:
        row.response.survey = surveys[row.response.survey_id]
        found.append((row.response, row.response.person, row.evidence))
    return found


def _rows(person: Person) -> list[Person]:
    """Every row of one person, always in one order."""
    return people.same(people.identity_of(person)) or [person] if person.verified else [person]


def _against(rows: Sequence[Person], response: Response, week: str | None, now: datetime) -> str | None:
    """Why somebody is not told. `week`: in which they would be; None where their row of it stands already."""
    if response.contact not in NEWS:
        return NO_CONSENT
    mine = [row.id for row in rows]
    email = the_mail.address_of(list(rows))
    if email is None:
        return "no address"
    addressed = people.at_address(email)
    if people.is_unsubscribed([*rows, *addressed]) or any(row.never_ask for row in rows):
        return "unsubscribed"
    if any(row.bounced_at is not None for row in addressed):
        return "bounced"
    if FollowUp.select().where(FollowUp.person.in_(mine), FollowUp.closed_at.is_null()).exists():
        return "open follow-up"
    if week is None:
        return None
    if Telling.select().where(Telling.person.in_(mine), Telling.week == week).exists():
        return "told of something this week"
    return "budget" if ask_history.is_used_up(response.survey, mine, now) else None


def _language(texts: Collection[str], person: Person, response: Response) -> str:
    """The language of the text that they get; without texts the one that they would like."""
    wishes = [each for each in (person.language, response.language) if each]
    if not texts:
        return the_mail.language_for(*wishes)
    own = response.survey.languages
    first = next((each for each in (*own, wording.FALLBACK) if each in texts), sorted(texts)[0])
    return wording.choose(wishes, list(texts), first)


def _is_held_out(loop: Loop, person_id: str) -> bool:
    place = int(signing.keyed_hash("holdout", f"{loop.id} {person_id}"), 16) / 16**32
    return place < loop.holdout


def _put(
    loop: Loop,
    heard: Heard,
    texts: Mapping[str, str],
    later: bool,
    due: datetime,
    caller: Caller,
    now: datetime,
) -> bool:
    """Write the letter of one person; False where their row of that week stands already."""
    week = week_of(due)
    if Telling.select().where(Telling.person == heard.person.id, Telling.week == week).exists():
        return False
    letter = letters.put(
        TOLD,
        heard.person.id,
        caller,
        now,
        due_at=due,
        email=heard.email,
        language=heard.language,
        text=texts[heard.language],
    )
    Telling.insert(
        letter=letter.id,
        loop=loop.id,
        person=heard.person.id,
        week=week,
        held_out=later,
        response=heard.response.key,
        quote=heard.sentence,
        due_at=due,
    ).execute()
    return True
