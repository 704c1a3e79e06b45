"""Writing to the person of a case: an answer, or the question whether it is solved; and what they say to that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback import letters
from feedback.domain import redaction
from feedback.domain.follow_ups import ASKED
from feedback.domain.values import plain
from feedback.follow_ups import alerts, cases
from feedback.letters import LOST, SENT, UNKNOWN, Reach
from feedback.models import FollowUp, FollowUpResponse, Letter, OwnWord, Telling
from surveys.base import db, delivery
from surveys.base.accounts import makers, members
from surveys.base.accounts.caller import Caller
from surveys.base.accounts.members import Member
from surveys.base.delivery.message import Message
from surveys.base.errors import Clash, Missing
from surveys.mail import letters as the_mail
from surveys.models import Response, Survey
from surveys.tickets import notes

#: The kinds of letters that a case knows.
REPLY, ASK = "reply", "ask"


def reach(case: FollowUp) -> Reach:
    """Whether the person of a case may be written to, and where."""
    rows = _answers(case.id)
    return letters.reach(
        case.person, [row.contact for row in rows], any(row.survey.ask_contact for row in rows)
    )


def reply(
    case: FollowUp, text: str, language: str | None, caller: Caller, now: datetime
) -> tuple[Letter, bool]:
    """Answer the person by one mail. Gives the letter, and whether it is new: the same text is not sent twice.

    Raises Clash where they may not be written to, or the case is closed; Missing.
    """

    def earlier() -> Letter | None:
        same = (Letter.kind == REPLY) & (Letter.text == text)
        found = _last(case, same & Letter.state.not_in(LOST))
        # What was only filed may go once there is a server.
        return None if found is not None and found.is_filed and delivery.mail_leaves() else found

    return _write(case, REPLY, text, language, caller, now, earlier)


def ask(case: FollowUp, language: str | None, caller: Caller, now: datetime) -> tuple[Letter, bool]:
    """Ask by one mail whether it is solved; the letter, and whether it is new: one that waits for a word is enough.

    Raises Clash where they may not be written to, or the case is closed; Missing.
    """

    def earlier() -> Letter | None:
        open_ = (Letter.kind == ASK) & Letter.answer.is_null() & Letter.state.not_in(LOST)
        return _last(case, open_) if _status(case) == ASKED else None

    return _write(case, ASK, None, language, caller, now, earlier)


def answer(letter: Letter, said: str, text: str | None, now: datetime) -> Letter:
    """What the person says to the question of a letter: `fixed` solves the case, `not_yet` opens it again.

    Any number of times the same is once; another word takes the place of the one before.
    """

    def verb() -> Letter:
        row = _locked(letter.id)
        if row is None:
            raise Missing
        if (row.answer, row.said) == (said, text):
            return row
        row.answer, row.said, row.answered_at = said, text, now
        row.save()
        told = Telling.get_or_none(Telling.letter == row.id) if row.follow_up_id is None else None
        key = told.response_key if told is not None else None
        _heard(row.id, row.follow_up_id, key, row.person_id, said, text, now)
        return row

    return db.write(verb)


def hear(key: int, said: str, text: str | None, now: datetime) -> None:
    """What a person says on their own page to what came of an answer of theirs: as if to the letter that told them,
    where one left. Any number of times the same is once. Raises Missing for an answer that is gone.
    """
    told: Any = Telling.select(Telling.letter).join(Letter, on=(Letter.id == Telling.letter))
    left = Letter.state.in_((SENT, UNKNOWN))
    last = told.where(Telling.response == key, left).order_by(Telling.due_at.desc()).first()
    if last is not None:
        answer(last.letter, said, text, now)
        return

    def verb() -> None:
        row = _answer(key)
        if row is None or row.person_id is None:
            raise Missing
        known = OwnWord.get_or_none(OwnWord.response == key)
        if known is not None and (known.answer, known.said) == (said, text):
            return
        values = {"answer": said, "said": text, "answered_at": now}
        OwnWord.insert(response=key, **values).on_conflict(
            conflict_target=[OwnWord.response], update=values
        ).execute()
        _heard(row.id, None, key, row.person_id, said, text, now)

    db.write(verb)


def heard_as(key: int) -> list[str]:
    """The ids that cases know words by which are about an answer: of the letters that told its person what came of it,
    and its own for those said on their own page.
    """
    told: Any = Telling.select(Telling.letter).join(Letter, on=(Letter.id == Telling.letter))
    own: Any = OwnWord.select(Response.id).join(Response, on=(Response.key == OwnWord.response))
    told = told.where(Telling.response == key, Letter.answer.is_null(False))
    return [each for (each,) in [*told.tuples(), *own.where(OwnWord.response == key).tuples()]]


def forget(payload: dict[str, Any], now: datetime) -> None:
    """What somebody said of an answer goes with it: their words to its letters, and those that their cases noted."""
    for each in payload.get("heard_as", ()):
        db.write(Letter.update(said=None).where(Letter.id == each, Letter.said.is_null(False)).execute)
        cases.forget_words(each)


def quote_of(letter: Letter) -> str | None:
    """What a letter reminds its reader of: a sentence of their own."""
    told = Telling.get_or_none(Telling.letter == letter.id)
    if told is not None:
        return told.quote
    return quote(letter.follow_up) if letter.follow_up is not None else None


def survey_of(letter: Letter) -> Survey | None:
    """The survey that a letter goes back to, whose brand it wears; None once the answer is gone."""
    told = Telling.get_or_none(Telling.letter == letter.id)
    if told is not None:
        survey: Survey = told.response.survey
        return survey
    found = _answers(letter.follow_up_id) if letter.follow_up_id is not None else []
    return found[0].survey if found else None


def quote(case: FollowUp) -> str | None:
    """What the person of a case wrote: the words that opened it, or the first that they added."""
    rows = [row for row in _answers(case.id) if row.comment and row.person_id == case.person_id]
    return rows[0].comment if rows else None


@dataclass(frozen=True, slots=True)
class WholeCase(cases.CaseReport):
    """A case that is looked at by itself: with its letters, and whether its person may be written to."""

    letters: Sequence[Letter]
    reach: Reach


def whole(case: FollowUp, shown: cases.CaseReport) -> WholeCase:
    """A case as it is told of, with what was written about it."""
    return WholeCase(**plain(shown), letters=letters_of(case), reach=reach(case))


def letters_of(case: FollowUp) -> list[Letter]:
    """The letters of a case, the first first, as they are shown to the team."""
    found = letters.of_case(case.id)
    if cases.redacts(case.id):
        for row in found:
            row.said = redaction.redact_all(row.said)
    return found


@dataclass(frozen=True, slots=True)
class Around:
    """What a letter says around the words of the team, and where the person's answer to it goes.

    `owner`: the member who gets the answer; None: it goes to `address`, that of the survey. Without either nobody does.
    """

    frame: the_mail.Frame
    owner: str | None
    address: str | None
    survey: str


def around(case: FollowUp, language: str, caller: Caller) -> Around | None:
    """What a letter would say around the words of a caller who writes now, as it is shown to the team; None where
    nobody could get one.
    """
    rows = _answers(case.id)
    if not rows or case.person is None:
        return None
    survey = rows[0].survey
    said = quote(case)
    if cases.redacts(case.id):
        said = redaction.redact_all(said)
    frame = the_mail.frame(language, case.person, survey, said)
    owner = _reached(case.owner if case.owner is not None else caller.member)
    if owner is not None:
        return Around(frame, owner.id, owner.email, survey.id)
    return Around(frame, None, frame.reply_to, survey.id)


def language_of(case: FollowUp, *wishes: str | None) -> str:
    """The language to write in: as wished, as the person is known to read, as they answered."""
    person = case.person
    said = [row.language for row in _answers(case.id)]
    return the_mail.language_for(*wishes, person.language if person else None, *said)


def against(letter: Letter, now: datetime) -> str | None:
    """Why a letter must not leave any more."""
    case = letter.follow_up
    if case is None:
        return "the case is gone"
    found = reach(case)
    if found.why_not is not None:
        return found.why_not
    if found.email != letter.email:
        return "the person has another address by now"
    if letter.kind == ASK and case.status != ASKED:
        return "the case does not wait for this word any more"
    return None


def compose(letter: Letter) -> Message:
    """The mail of a letter."""
    case, asks = FollowUp.get_by_id(letter.follow_up_id), letter.kind == ASK
    owner, survey = _reached(case.owner), _answers(case.id)[0].survey
    mail = the_mail.Letter(
        id=letter.id,
        to=letter.email,
        language=letter.language,
        subject=the_mail.subject("letter.question" if asks else "letter.subject", letter.language, survey),
        text=letter.text or "",
        quote=quote(case),
        asks=asks,
        # A machine may pass on what somebody else typed.
        by_hand=letter.made_by["id"].startswith(makers.MEMBER),
    )
    return the_mail.compose(mail, letter.person, survey, owner.email if owner else None)


def became(letter: Letter, now: datetime) -> None:
    """What follows from a letter's end: a note in the ticket of one that was sent, none of one that was only filed; the
    case hears of any other. A case goes on as if a filed letter had gone, so that the loop can be tried without a mail
    server; the report leaves it out.
    """
    case_id = letter.follow_up_id
    if case_id is None:
        return
    if letter.state == SENT:
        rows = [row for row in _answers(case_id) if notes.has_ticket(row) and not letter.is_filed]
        if rows:
            notes.tell(rows[-1].key, _told(letter), now)
    elif letter.state == UNKNOWN:
        cases.remark(case_id, {"unsure": letter.kind}, letter.reason, now)
    else:
        left = [each.created_at for each in letters.of_case(case_id) if each.state not in LOST]
        cases.unwrite(case_id, letter.kind, letter.created_at, letter.reason, left, now)


#: What `letters` has to know of these.
KINDS = {kind: letters.Kind(against, compose, became) for kind in (REPLY, ASK)}


# ------------------------------------------------------------------------------------------------------


_locked = db.Lookup(Letter.id, lock=True)
_answer = db.Lookup(Response.key, lock=True)


def _reached(owner: str | None) -> Member | None:
    """The member who gets what a customer answers; None where they are gone, or have not joined yet."""
    found = members.get(owner) if owner is not None else None
    return found if found is not None and found.joined_at else None


def _write(
    case: FollowUp,
    kind: str,
    text: str | None,
    language: str | None,
    caller: Caller,
    now: datetime,
    earlier: Any,
) -> tuple[Letter, bool]:
    def verb() -> tuple[Letter, bool]:
        row = cases.hold(case.id)
        if row is None:
            raise Missing
        known = earlier()
        if known is not None:
            return known, False
        found = reach(row)
        if found.why_not is not None or found.email is None or row.person_id is None:
            raise Clash(f"No mail may go to this person: {found.why_not}.")
        cases.write(row, kind, kind == ASK, caller, now)
        letter = letters.put(
            kind,
            row.person_id,
            caller,
            now,
            follow_up=row.id,
            email=found.email,
            language=language_of(row, language),
            text=text,
            marked=found.unsubscribed,
        )
        return letter, True

    return db.write(verb)


def _heard(
    asked_by: str,
    case_id: str | None,
    key: int | None,
    person_id: str,
    said: str,
    text: str | None,
    now: datetime,
) -> None:
    """The case hears of it, and somebody of a "not yet". Without a case it is about the answer `key`, which gets one
    then. `asked_by`: the letter's id, or that of the answer on its person's own page.
    """
    if case_id is None and key is not None:
        if said == letters.NOT_YET:
            case_id = cases.admit(key, letters.NOT_YET, now)[0].id
        else:
            case_id = cases.opened_by(key)
    case = cases.hear(case_id, said, text, asked_by, now) if case_id is not None else None
    if said == letters.FIXED:
        cases.calm(person_id, text, asked_by, now)
    elif case is not None:
        alerts.tell(case, f"{letters.NOT_YET} {asked_by}", now)


def _answers(case_id: str) -> list[Response]:
    """The answers in a case, the one that opened it first."""
    query = (
        Response.select()
        .join(FollowUpResponse, on=(FollowUpResponse.response == Response.key))
        .where(FollowUpResponse.follow_up == case_id)
        .order_by(FollowUpResponse.joined_at, Response.key)
    )
    return list(query)


def _last(case: FollowUp, where: Any) -> Letter | None:
    mine = Letter.select().where((Letter.follow_up == case.id) & where)
    return mine.order_by(Letter.created_at.desc(), Letter.id.desc()).first()


def _status(case: FollowUp) -> str | None:
    row = FollowUp.get_or_none(FollowUp.id == case.id)
    return row.status if row is not None else None


def _told(letter: Letter) -> str:
    who = letter.made_by["name"]
    if letter.kind == ASK:
        return f"{who} asked the customer by mail whether it is solved."
    return f"{who} wrote to the customer by mail:\n\n{letter.text}"
