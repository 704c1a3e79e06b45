"""Closing the loop: whoever spoke of a topic is told what came of it, by one mail that a person has seen first.

One such mail a person and week over all topics: the letter is the row, and the table holds one of each.
"""

import contextlib
import functools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import peewee
from peewee import SQL, fn

from feedback import letters
from feedback.domain import quoting, statistics
from feedback.letters import CANCELLED, FAILED, FIXED, NOT_YET, SCHEDULED, SENT, UNKNOWN
from feedback.models import FollowUp, Letter, Loop, Meaning, OwnWord, Placement, Telling, Topic, TopicStatus
from feedback.topics import topics
from surveys import ask_history, daily_counts, people, responses, wording
from surveys.base import clock, db, delivery, ids, jobs, signing
from surveys.base.accounts import members
from surveys.base.accounts.caller import Caller
from surveys.base.accounts.members import Member
from surveys.base.delivery.message import DeliveryUnknown, Message
from surveys.base.errors import Clash, Missing
from surveys.domain import schedule
from surveys.mail import letters as the_mail
from surveys.models import Person, Response, Survey

#: The kind of these letters, and the job that has those of one loop sent when it is due.
TOLD, SEND_OUT = "told", "loop due"

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

#: Why a letter does not leave any more.
DELETED, UNDONE = "what they said is deleted", "it was taken back"

#: What an answer allows.
NEWS = ("news", "both")

#: Why most are not told: nobody asked them, or they said no; or they were.
NO_CONSENT, TOLD_ALREADY = "no consent", "told already"

#: People that one loop tells at most, and those of one transaction: answers wait for no longer one. So many are looked
#: up together too.
MOST, AT_ONCE = 20_000, 300

#: Letters of a word in a topic's name that tells anything, where it is no sign by itself.
SHORTEST = 3

NOBODY = "There is nobody who may be told."

#: What is not written to its end, and had no part written for so long, was cut off.
CUT_OFF = timedelta(minutes=5)


@dataclass(frozen=True)
class Heard:
    """Somebody who would be told, and what: their own sentence and nobody else's. `rows`: the ids that they go by."""

    person: Person
    rows: Sequence[str]
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
    silence is counted as neither. `filed`: those of `told` who got nothing, for no mail server was set."""

    told: int
    waiting: int
    unsure: int
    bounced: int
    left_out: int
    held_out: int
    fixed: int
    not_yet: int
    interval: tuple[float, float] | None
    filed: int


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
    stands = Loop.undone_at.is_null() & Loop.ready_at.is_null(False)
    for each in Loop.select().where(stands).order_by(Loop.created_at):
        closed[each.topic_id, each.status] = each.created_at
    told = {key for key, at in closed.items() if at >= last.get(key, at)}
    return [row for row in rows if (row.id, row.status) not in told]


def is_waiting(topic: Topic) -> bool:
    """Whether nobody was told yet what came of a topic."""
    return topic.status in TELLABLE and any(row.id == topic.id for row in waiting())


def recent(most: int = 20) -> list[Loop]:
    """The loops that were closed last, each with its topic."""
    query = Loop.select(Loop, Topic).join(Topic, on=(Topic.id == Loop.topic))
    query = query.where(Loop.ready_at.is_null(False))
    return list(query.order_by(Loop.created_at.desc(), Loop.id).limit(most))


def audience(topic: Topic, texts: Collection[str], now: datetime) -> Audience:
    """Who would be told of a topic now, each once, in one of the languages of `texts` (none: in their own)."""
    told: list[Heard] = []
    reasons: dict[str, str] = {}
    known, answered, week = _told_since(topic), _answered_before(topic), week_of(now + UNDO)
    settled: set[str] = set()
    everybody, said = _spoke(topic)
    # Most of those who were asked want no news: of whoever is one row alone nothing more has to be known.
    refused = {each.person for each in said if each.contact not in NEWS}
    alone = refused - people.linked(refused)
    asked = [each for each in said if each.person not in alone]
    last = 0
    for response, person, evidence, what in _looked_up(topic, asked, week, now):
        if person.id in settled:
            continue
        rows = _rows(person, what.found)
        one = rows[0]
        settled.update(row.id for row in rows)
        for row in rows:
            reasons.pop(row.id, None)
        is_told = one.id in known or response.key in answered
        reason = TOLD_ALREADY if is_told else _against(rows, response, week, what)
        if reason is not None:
            reasons[one.id] = reason
            continue
        sentence, language = sentence_of(topic, response, evidence), language_of(texts, one, response)
        mine, email = [row.id for row in rows], the_mail.address_of(rows) or ""
        told.append(Heard(one, mine, response, email, language, sentence))
        if len(told) == MOST:
            # Whoever comes after them is told by another loop.
            last = response.key
            break
    for each in said:
        if each.person in alone and each.key > last:
            is_told = each.person in known or each.key in answered
            reasons[each.person] = TOLD_ALREADY if is_told else NO_CONSENT
    counts = Counter(reasons.values())
    # Most were not asked whether they want it, and nothing more has to be known of them.
    silent = everybody - settled - {each.person for each in said}
    return Audience(told, dict(counts + Counter({NO_CONSENT: len(silent)})))


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
    forget_cut_off(now)
    # Outside any transaction, so that answers wait for nothing; whether they may be told is looked at again before each
    # letter leaves.
    found = [
        each
        for each in audience(topic, texts, now).told
        if each.person.id not in without and (shown is None or shown.get(each.person.id) == each.response.key)
    ]
    if not found:
        raise Clash(NOBODY)
    loop = db.write(functools.partial(_begin, topic, texts, found, holdout, caller, now))
    counts = Counter[bool]()
    for start in range(0, len(found), AT_ONCE):
        part = found[start : start + AT_ONCE]
        counts.update(db.write(functools.partial(_put, loop.id, part, texts, caller, now)))
    if not counts:
        # Somebody had all of them told of something else meanwhile.
        db.write(Loop.delete().where(Loop.id == loop.id).execute)
        raise Clash(NOBODY)
    # Thousands take a while to write, and the ten minutes begin when the last one stands.
    loop = db.write(functools.partial(_finish, loop.id, max(now, clock.now())))
    return loop, counts[False], counts[True]


def put_away(topic: Topic, caller: Caller, now: datetime) -> Loop:
    """Take a topic off the list of those of which nobody was told yet, without telling anybody.

    It comes back once its status changes. Raises Clash for a topic of which there is nothing to tell.
    """

    def verb() -> Loop:
        db.serialise("loops")
        row = Topic.get_by_id(topic.id)
        if row.status not in TELLABLE or row.status != topic.status:
            raise Clash("Only what is shipped or declined stands in this list.", "status")
        if not is_waiting(row):
            raise Clash("This was told or put away already.", "status")
        made_by = {"id": caller.id, "name": caller.name}
        values = {"text": {}, "made_by": made_by, "created_at": now, "send_at": now, "ready_at": now}
        return Loop.create(id=ids.new("loop"), topic=row.id, status=row.status, **values)

    return db.write(verb)


@jobs.on(SEND_OUT, lane=jobs.MAIL)
def send_out(payload: dict[str, Any], now: datetime) -> None:
    """Have the letters of a loop sent, those of the people who were held out by a job of their own."""
    loop = Loop.get_or_none(Loop.id == payload["loop"])
    if loop is None or loop.ready_at is None or loop.undone_at is not None:
        return
    mine = (Telling.loop == loop.id) & (Telling.held_out == payload["held_out"])
    last: str | None = ""
    while last is not None:
        last = db.write(functools.partial(_queue_some, mine, last, now))


def forget_cut_off(now: datetime) -> int:
    """Take away what was begun and never written to its end, and what is left of what was undone, or of words that are
    deleted; how many letters."""
    begun = Loop.ready_at.is_null() & (Loop.send_at <= now + UNDO - CUT_OFF)
    gone = 0
    for loop in list(Loop.select().where(begun | (Loop.undone_at.is_null(False) & _has_letters()))):
        gone += _drop_letters(loop.id)
        if loop.ready_at is None and loop.undone_at is None:
            db.write(Loop.delete().where(Loop.id == loop.id, Loop.ready_at.is_null()).execute)
    told = fn.EXISTS(Telling.select().where(Telling.letter == Letter.id))
    idle = (Letter.kind == TOLD) & (Letter.state == SCHEDULED) & ~told
    return gone + db.write(Letter.delete().where(idle).execute)


def undo(loop: Loop, now: datetime) -> int:
    """Take back what has not left, held-out people included; how many. Raises Clash when it is too late."""

    def verb() -> bool:
        # A letter that begins to leave locks it too: either it sees this, or this sees that it left.
        row = _locked(loop.id)
        if row is None:
            raise Missing
        if row.undone_at is not None:
            return False
        begun = Letter.select().join(Telling, on=(Telling.letter == Letter.id))
        begun = begun.where(Telling.loop == row.id, Letter.state != SCHEDULED)
        # What has begun to leave cannot be taken back, and then nothing is. The lock may have been waited for.
        if max(now, clock.now()) >= row.send_at or begun.exists():
            raise Clash("It is too late: the ten minutes are over.")
        row.undone_at = now
        row.save(only=[Loop.undone_at])
        return True

    return _drop_letters(loop.id) if db.write(verb) else 0


def preview(topic: Topic, found: Audience, texts: Mapping[str, str]) -> list[str]:
    """What the first of an audience in each language of `texts` would get, as plain text."""
    first: dict[str, Heard] = {}
    for each in found.told:
        first.setdefault(language_of(texts, each.person, each.response), each)
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
    return outcomes([loop])[loop.id]


def outcomes(loops: Sequence[Loop]) -> dict[str, Outcome]:
    """What became of some loops so far, by their ids."""
    came_back = Letter.sent_at.is_null(False) & (Person.bounced_at >= Letter.sent_at)
    filed = Letter.reason.is_null(False)
    kinds = (Telling.loop, Letter.state, Telling.held_out, Letter.answer, came_back, filed)
    rows: Any = (
        Telling.select(*kinds, fn.COUNT(Telling.letter))
        .join(Letter, on=(Letter.id == Telling.letter))
        .join(Person, on=(Person.id == Letter.person))
        .where(Telling.loop.in_([loop.id for loop in loops]))
        .group_by(*kinds)
        .tuples()
    )
    found: dict[str, Counter[_Became]] = {loop.id: Counter() for loop in loops}
    for loop_id, state, held_out, answer, bounced, is_filed, n in rows:
        found[loop_id][_Became(state, bool(held_out), answer, bool(bounced), bool(is_filed))] += n
    return {loop_id: _summed(counts) for loop_id, counts in found.items()}


def came_of(keys: Sequence[int], language: str) -> dict[int, list[responses.Outcome]]:
    """What came of answers, by their keys: the status of the topics that they are in, and what the team says to it."""
    rows: Any = (
        Placement.select(Placement.response, Topic.status, Topic.note)
        .join(Topic, on=(Topic.id == Placement.topic))
        .where(Placement.response.in_(list(keys)), Topic.status.in_(SHOWN), Topic.merged_into.is_null())
        .order_by(Placement.response, Topic.id)
        .tuples()
    )
    said, found = _said_of(keys), dict[int, list[responses.Outcome]]()
    for key, status, note in rows:
        tag = wording.choose([language], list(note), "") if note else ""
        asks = status == SHIPPED
        outcome = responses.Outcome(status, note[tag] if tag else None, asks, said.get(key) if asks else None)
        if outcome not in found.setdefault(key, []):
            found[key].append(outcome)
    return found


def mailed(person_ids: Sequence[str], begin: datetime, end: datetime) -> dict[str, int]:
    """How many such mails people get in a period, by the ids of their rows: they count in the budget of asks."""
    mine: Any = Telling.select(Telling.person, fn.COUNT(Telling.letter)).join(
        Letter, on=(Letter.id == Telling.letter)
    )
    mine = mine.where(Telling.person.in_(list(person_ids)), Letter.state.not_in(letters.LOST))
    mine = mine.where(Telling.due_at >= begin, Telling.due_at < end)
    return dict(mine.group_by(Telling.person).tuples())


def sentence_of(topic: Topic, response: Response, evidence: Sequence[str]) -> str:
    """What somebody is reminded of: the sentence of their answer that put it into the topic, by its phrases; where a
    person put it there, by what the topic is called.
    """
    names = (topic.label, *(topic.names or {}).values())
    words = [word for name in names for word in name.split() if len(word) >= SHORTEST or not word.isascii()]
    return quoting.telling(response.comment or "", evidence, response.survey.redact, [*words, *topic.terms])


def may_still_be_told() -> Any:
    """The condition of what somebody said of a topic, by the rows of response, person and placement alone, that they
    may be told what came of it. The rest is looked at before a letter leaves."""
    speaks = Placement.topic.is_null(False) & Response.comment.is_null(False)
    counts = ~Response.test & ~Response.excluded
    wants = Response.contact.in_(NEWS) & Person.unsubscribed_at.is_null() & ~Person.never_ask
    return speaks & counts & wants & Person.bounced_at.is_null()


def language_of(texts: Collection[str], person: Person, response: Response) -> str:
    """The language of the text that they get; without texts the one that they would like."""
    wishes = [each for each in (person.language, response.language) if each]
    if not texts:
        return the_mail.language_for(*wishes)
    own = response.survey.languages
    first = next((each for each in (*own, wording.FALLBACK) if each in texts), sorted(texts)[0])
    return wording.choose(wishes, list(texts), first)


def standing(keys: Sequence[int]) -> set[int]:
    """Those of some responses that are still there, and stay until the transaction ends."""
    rows = Response.select(Response.key).where(Response.key.in_(list(keys))).order_by(Response.key)
    return {row.key for row in (rows if db.on_sqlite() else rows.for_update())}


def week_of(moment: datetime) -> str:
    """The Monday of the week in which a mail leaves."""
    day = schedule.day_of(moment, daily_counts.time_zone())
    return schedule.first_day(day, "week").isoformat()


def against(letter: Letter, now: datetime) -> str | None:
    """Why such a letter must not leave any more."""
    told = Telling.get_or_none(Telling.letter == letter.id)
    if told is None:
        return DELETED
    if told.loop.undone_at is not None:
        return UNDONE
    topic = told.loop.topic
    if topic.merged_into is not None:
        topic = Topic.get_by_id(topic.merged_into)
    if topic.status != told.loop.status:
        return f"the topic is {topic.status} by now"
    if _is_elsewhere(told, topic):
        return "a person put what they said into other topics"
    what = _known([(letter.person, told.response.survey)], None, now)
    rows = _rows(letter.person, what.found)
    reason = _against(rows, told.response, None, what)
    if reason is not None:
        return reason
    if the_mail.address_of(rows) != letter.email:
        return "the person has another address by now"
    return "told of something this week" if _has_another(told, [row.id for row in rows], now) else None


def taken_back(letter: Letter) -> str | None:
    """Whether such a letter is gone, or was taken back. Holds its loop as it is until the transaction ends."""
    told = Telling.get_or_none(Telling.letter == letter.id)
    loop = _locked(told.loop_id) if told is not None else None
    if loop is None:
        return DELETED
    return UNDONE if loop.undone_at is not None else None


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
KINDS = {TOLD: letters.Kind(against, compose, became, taken_back)}


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


def _said_of(keys: Sequence[int]) -> dict[int, str]:
    """What people said so far of what came of answers, by a letter's page or by their own."""
    by_letter: Any = Telling.select(Telling.response, Letter.answer).join(
        Letter, on=(Letter.id == Telling.letter)
    )
    by_letter = by_letter.where(Telling.response.in_(list(keys)), Letter.answer.is_null(False))
    own: Any = OwnWord.select(OwnWord.response, OwnWord.answer).where(OwnWord.response.in_(list(keys)))
    return dict([*own.tuples(), *by_letter.order_by(Letter.answered_at).tuples()])


def _told_since(topic: Topic) -> set[str]:
    rows: Any = (
        Telling.select(Telling.person)
        .join(Loop, on=(Loop.id == Telling.loop))
        .join(Letter, on=(Letter.id == Telling.letter), src=Telling)
        .where(
            Loop.topic == topic.id,
            Loop.status == topic.status,
            Loop.created_at >= since(topic),
            Loop.undone_at.is_null(),
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


@dataclass(frozen=True, slots=True)
class _Spoke:
    """What somebody said last of a topic where they were asked whether they want to be told: its key, the id of their
    row, and what they allow."""

    key: int
    person: str
    contact: str


def _spoke(topic: Topic) -> tuple[set[str], list[_Spoke]]:
    """The ids of all who spoke of a topic; and of those who were asked, what they said last, the newest first."""
    everybody: set[str] = set()
    last: dict[str, tuple[int, str]] = {}
    for key, person, contact in _spoken(topic=topic.id).fetchall():
        everybody.add(person)
        if contact is not None and (person not in last or last[person][0] < key):
            last[person] = key, contact
    found = [_Spoke(key, person, contact) for person, (key, contact) in last.items()]
    return everybody, sorted(found, key=lambda each: -each.key)


def _build_spoken() -> Any:
    """What people who are known said of a topic, read from an index of nothing else."""
    placed = Placement.select(Placement.response).where(Placement.topic == db.slot("topic"))
    query = Response.select(Response.key, Response.person, Response.contact).where(
        Response.person.is_null(False),
        Response.comment.is_null(False),
        ~Response.test,
        ~Response.excluded,
        Response.key.in_(placed),
    )
    if not db.on_sqlite():
        return query
    # SQLite takes a row by its key to be as near as an entry of an index, and looks up each of tens of thousands.
    return query.from_(peewee.NodeList((Response, SQL('INDEXED BY "response_spoken"'))))


_spoken = db.Prepared(_build_spoken)


@dataclass(frozen=True)
class _Known:
    """What may speak against telling some people, read for all of them together: their rows, and by the ids of these
    who is being helped, who is told of something in the week, and how much of a budget they had.
    """

    found: people.Together
    helped: Collection[str]
    told: Collection[str]
    had: Counter[str]


#: What somebody said, who they are, and the phrases that put it into a topic.
_Speaker = tuple[Response, Person, list[str]]


def _looked_up(
    topic: Topic, speakers: Sequence[_Spoke], week: str, now: datetime
) -> Iterator[tuple[Response, Person, list[str], _Known]]:
    """Each speaker with what is known of them; it is read for AT_ONCE of them when the first comes."""
    surveys = {row.id: row for row in Survey.select()}
    for start in range(0, len(speakers), AT_ONCE):
        part = _read([each.key for each in speakers[start : start + AT_ONCE]], topic, surveys)
        known = _known([(person, response.survey) for response, person, _ in part], week, now)
        for response, person, evidence in part:
            yield response, person, evidence, known


#: What is read of a response: there are hundreds on a page.
_SAID = (
    Response.key,
    Response.id,
    Response.survey,
    Response.person,
    Response.comment,
    Response.language,
    Response.contact,
)


def _read(keys: Sequence[int], topic: Topic, surveys: Mapping[str, Survey]) -> list[_Speaker]:
    """What was said of a topic in some responses, in the order of these; without those that are gone."""
    rows: Any = (
        Placement.select(Placement.evidence, *_SAID, Person)
        .join(Response, on=(Response.key == Placement.response))
        .join(Person, on=(Person.id == Response.person))
        .where(Placement.topic == topic.id, Placement.response.in_(list(keys)))
    )
    found: dict[int, _Speaker] = {}
    for row in rows:
        row.response.survey = surveys[row.response.survey_id]
        found[row.response.key] = row.response, row.response.person, row.evidence
    return [found[key] for key in keys if key in found]


def _known(asked: Sequence[tuple[Person, Survey]], week: str | None, now: datetime) -> _Known:
    """What is known of people. `week`: in which they would be told, None where that says nothing more."""
    found = people.together([person for person, _ in asked if person.verified])
    mine = sorted({row.id for person, _ in asked for row in _rows(person, found)})
    if not mine:
        return _Known(found, (), (), Counter())
    cases: Any = FollowUp.select(FollowUp.person).where(
        FollowUp.person.in_(mine), FollowUp.closed_at.is_null()
    )
    helped = {person for (person,) in cases.tuples()}
    if week is None:
        return _Known(found, helped, (), Counter())
    told: Any = Telling.select(Telling.person).where(Telling.person.in_(mine), Telling.week == week)
    limited = any(survey.person_budget is not None for _, survey in asked)
    had = ask_history.had(mine, now) if limited else Counter[str]()
    return _Known(found, helped, {person for (person,) in told.tuples()}, had)


def _rows(person: Person, found: people.Together) -> list[Person]:
    """Every row of one person, always in one order."""
    return found.same(people.identity_of(person)) or [person] if person.verified else [person]


def _against(rows: Sequence[Person], response: Response, week: str | None, what: _Known) -> str | None:
    """Why somebody is not told. `week`: in which they would be; None where their row of it stands already."""
    if response.contact not in NEWS:
        return NO_CONSENT
    mine = {row.id for row in rows}
    email = the_mail.address_of(list(rows))
    if email is None:
        return "no address"
    addressed = what.found.at_address(email)
    if people.is_unsubscribed([*rows, *addressed]) or any(row.never_ask for row in rows):
        return "unsubscribed"
    if any(row.bounced_at is not None for row in addressed):
        return "bounced"
    if mine.intersection(what.helped):
        return "open follow-up"
    if week is None:
        return None
    if mine.intersection(what.told):
        return "told of something this week"
    budget = response.survey.person_budget
    return "budget" if budget is not None and sum(what.had[each] for each in mine) >= budget else None


def _is_held_out(loop: Loop, person_id: str) -> bool:
    place = int(signing.keyed_hash("holdout", f"{loop.id} {person_id}"), 16) / 16**32
    return place < loop.holdout


def _begin(
    topic: Topic,
    texts: Mapping[str, str],
    found: Sequence[Heard],
    holdout: float,
    caller: Caller,
    now: datetime,
) -> Loop:
    db.serialise("loops")
    row = Topic.get_by_id(topic.id)
    being_written = Loop.select().where(
        Loop.topic == row.id, Loop.ready_at.is_null(), Loop.undone_at.is_null()
    )
    told = _told_since(row)
    if row.status != topic.status or any(told.intersection(each.rows) for each in found):
        raise Clash("Somebody changed it, or had people told, meanwhile.")
    if being_written.exists():
        raise Clash("Somebody has people told of it at this moment. Try again in some minutes.")
    return Loop.create(
        id=ids.new("loop"),
        topic=row.id,
        status=row.status,
        text=dict(texts),
        holdout=holdout,
        made_by={"id": caller.id, "name": caller.name},
        created_at=now,
        send_at=max(now, clock.now()) + UNDO,
    )


def _put(
    loop_id: str, part: Sequence[Heard], texts: Mapping[str, str], caller: Caller, now: datetime
) -> Counter[bool]:
    """Write the letters of some people; how many of them are held out, and how many not. Left out is who is told of
    something in that week already, in whatever row, and whose words are deleted by now."""
    # Of two who have people told at once, the second sees whom the first one tells this week.
    db.serialise("loops")
    loop = Loop.get_or_none(Loop.id == loop_id)
    if loop is None or loop.undone_at is not None:
        raise Clash("Somebody took it back meanwhile.")
    there = standing([each.response.key for each in part])
    everybody = [row for each in part for row in each.rows]
    known: Any = Telling.select(Telling.person, Telling.week).where(Telling.person.in_(everybody)).tuples()
    taken = set(known)
    written, tellings, counts = [], [], Counter[bool]()
    for each in part:
        later = _is_held_out(loop, each.person.id)
        due = now + UNDO + (HELD_OUT if later else timedelta())
        week = week_of(due)
        if each.response.key not in there or any((row, week) in taken for row in each.rows):
            continue
        taken.update((row, week) for row in each.rows)
        values = {"email": each.email, "language": each.language, "text": texts[each.language]}
        letter = letters.written(TOLD, each.person.id, caller, now, **values)
        written.append(letter)
        tellings.append(
            {
                "letter": letter.id,
                "loop": loop.id,
                "person": each.person.id,
                "week": week,
                "held_out": later,
                "response": each.response.key,
                "quote": each.sentence,
                "due_at": due,
            }
        )
        counts[later] += 1
    letters.put_all(written)
    _insert.many(tellings)
    # By this it is known to go on.
    Loop.update(send_at=max(now, clock.now()) + UNDO).where(Loop.id == loop.id).execute()
    return counts


_insert = db.Insert(Telling)
_locked = db.Lookup(Loop.id, lock=True)


def _finish(loop_id: str, now: datetime) -> Loop:
    """The last letter stands: from now on they can be undone for UNDO, and then they leave."""
    loop = Loop.get_or_none(Loop.id == loop_id)
    if loop is None or loop.undone_at is not None:
        raise Clash("Somebody took it back meanwhile.")
    loop.ready_at, loop.send_at = now, now + UNDO
    loop.save(only=[Loop.ready_at, Loop.send_at])
    for held_out, due in ((False, loop.send_at), (True, loop.send_at + HELD_OUT)):
        if not held_out or loop.holdout:
            jobs.enqueue(SEND_OUT, {"loop": loop.id, "held_out": held_out}, now, due_at=due)
    return loop


def _queue_some(mine: Any, after: str, now: datetime) -> str | None:
    """Have the next AT_ONCE letters after an id sent; the last one's, None at the end."""
    rows: Any = Letter.select(Letter.id).join(Telling, on=(Telling.letter == Letter.id))
    # Whoever finds one half sent says that nobody knows whether it arrived.
    waits = Letter.state.in_((SCHEDULED, letters.SENDING))
    rows = rows.where(mine, waits, Letter.id > after).order_by(Letter.id).limit(AT_ONCE)
    found = [letter_id for (letter_id,) in rows.tuples()]
    letters.queue(found, now)
    return found[-1] if len(found) == AT_ONCE else None


#: What has not left. A letter whose turn came while its loop was taken back is cancelled: it would count in its week.
_UNSENT = (SCHEDULED, CANCELLED)


def _has_letters() -> Any:
    """The condition of loops with letters that have not left."""
    waits = Letter.select().join(Telling, on=(Telling.letter == Letter.id))
    return fn.EXISTS(waits.where(Telling.loop == Loop.id, Letter.state.in_(_UNSENT)))


def _drop_letters(loop_id: str) -> int:
    """Take away the letters of a loop that have not left, some at a time; how many."""
    waits = Letter.select(Letter.id).join(Telling, on=(Telling.letter == Letter.id))
    some = waits.where(Telling.loop == loop_id, Letter.state.in_(_UNSENT)).limit(AT_ONCE)
    gone = count = db.write(Letter.delete().where(Letter.id.in_(some)).execute)
    while count:
        count = db.write(Letter.delete().where(Letter.id.in_(some)).execute)
        gone += count
    return gone


def _is_elsewhere(told: Telling, topic: Topic) -> bool:
    """Whether a person said that the answer is not about this topic; what a review moves by itself says less."""
    settled = Meaning.select().where(Meaning.key == told.response_key, Meaning.by_person)
    placed = Placement.select().where(Placement.response == told.response_key, Placement.topic == topic.id)
    return settled.exists() and not placed.exists()


def _has_another(told: Telling, mine: Sequence[str], now: datetime) -> bool:
    """Whether somebody, by the ids of their rows, is told of something else this week, or of the same by another
    letter that goes first: when these were written, nobody knew that two people are one."""
    zone = daily_counts.time_zone()
    monday = schedule.starts_at(schedule.first_day(schedule.day_of(now, zone), "week"), zone)
    left = Letter.state.in_((letters.SENDING, SENT, UNKNOWN))
    sooner = (Telling.due_at < told.due_at) | ((Telling.due_at == told.due_at) & (Letter.id < told.letter_id))
    first = left | ((Letter.state == SCHEDULED) & sooner)
    same = (Telling.week == told.week) | (Telling.loop == told.loop_id)
    lately = left & (fn.COALESCE(Letter.sent_at, Telling.due_at) >= Telling.due_at.db_value(monday))
    others = Telling.select().join(Letter, on=(Letter.id == Telling.letter))
    others = others.where(Telling.person.in_(list(mine)), Telling.letter != told.letter_id)
    return others.where((same & first) | lately).exists()


@dataclass(frozen=True)
class _Became:
    """What became of a letter of a loop."""

    state: str
    held_out: bool
    answer: str | None
    bounced: bool
    filed: bool


def _summed(counts: Counter[_Became]) -> Outcome:
    def of(*states: str, **more: Any) -> int:
        return sum(
            n
            for each, n in counts.items()
            if each.state in states and all(getattr(each, name) == value for name, value in more.items())
        )

    fixed, not_yet = (of(SENT, UNKNOWN, answer=answer) for answer in (FIXED, NOT_YET))
    return Outcome(
        told=of(SENT, UNKNOWN),
        waiting=of(SCHEDULED, letters.SENDING, held_out=False),
        unsure=of(UNKNOWN),
        bounced=of(SENT, UNKNOWN, bounced=True) + of(FAILED),
        left_out=of(CANCELLED),
        held_out=of(SCHEDULED, held_out=True),
        fixed=fixed,
        not_yet=not_yet,
        interval=statistics.share_interval(fixed, fixed + not_yet),
        filed=of(SENT, filed=True),
    )
