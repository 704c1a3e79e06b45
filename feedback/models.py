"""The tables of listening: what comments say, where they belong, what the team notes, saved views of the feed."""

from collections.abc import Sequence
from typing import Any

import peewee
from peewee import SQL, BigIntegerField, DoubleField, TextField, fn

from surveys.base.accounts import makers
from surveys.base.accounts.caller import Caller
from surveys.base.accounts.makers import Made
from surveys.base.accounts.members import Member
from surveys.base.db import FREE_TEXT, IDENTIFIER, PSEUDONYM, SCORE, TECHNICAL, JSONField, Table, UTCField
from surveys.base.sealing import SealedField, SealedJSONField
from surveys.models import Person, Response, Survey


class Reading(Table):
    """What the worker read in one response's comment. `label` is null where we say nothing rather than guess;
    `text_label` is what the words alone say, to find where they and the score disagree; `shipped_label` what the
    engine says without people's corrections, to show what those changed. `says_nothing`: the comment names no matter at
    all ("n/a"), `leaves`: it speaks of leaving; null where that was read before it was asked.
    """

    key = BigIntegerField(primary_key=True)
    language = TextField(null=True)
    label = TextField(null=True)
    score = DoubleField(null=True)
    words = JSONField(null=True)
    text_label = TextField(null=True)
    text_score = DoubleField(null=True)
    shipped_label = TextField(null=True)
    engine = TextField()
    by_person = peewee.BooleanField(default=False)
    read_at = UTCField()
    says_nothing = peewee.BooleanField(null=True)
    leaves = peewee.BooleanField(null=True)

    class Meta:
        indexes = ((("label", "key"), False), (("language", "key"), False))
        about = "response"
        holds = {"words": FREE_TEXT}


# Corrections are few, and all of a survey's are read for each comment that is read.
Reading.add_index(Reading.read_at, name="reading_corrected", where=Reading.by_person)
Reading.add_index(Reading.key, name="reading_says_nothing", where=Reading.says_nothing)
Reading.add_index(Reading.key, name="reading_leaves", where=Reading.leaves)


class Learnt(Table):
    """What people's corrections of a survey's sentiments taught: words and how far their reading moved."""

    survey = peewee.ForeignKeyField(Survey, primary_key=True, on_delete="CASCADE", column_name="survey_id")
    learnt_from = peewee.IntegerField()
    words = JSONField()
    learnt_at = UTCField()

    survey_id: str


class Topic(Table):
    """A subject that comments share. It keeps its id for good; `merged_into` tells where it went.

    `named`: a person chose the label; `taught`: a person made the topic. Neither is undone by a review.
    `theme` is the id of what stands above it where there are many topics, `theme_by_person`: a person put it there, or
    under none. `settled_at`: when a person last put a comment into a taught topic or took one out, from which it
    learns. `status` is one of `STATUSES`; `shipped_at`: when what was wrong was mended; `note`: what people
    who spoke of it are told, by language. `names`: what it is called in each language of its comments, empty where a
    person chose the label.
    """

    #: How far the team is with it. `came_back` is set by the service alone.
    STATUSES = ("new", "seen", "planned", "in_progress", "shipped", "wont_do", "came_back")

    id = TextField(primary_key=True)
    label = TextField()
    status = TextField(default="new")
    owner = TextField(null=True)
    issue_url = TextField(null=True)
    merged_into = TextField(null=True)
    named = peewee.BooleanField(default=False)
    taught = peewee.BooleanField(default=False)
    candidates = JSONField(default=list)
    terms = JSONField(default=list)
    examples = JSONField(default=list)
    theme = TextField(null=True)
    settled_at = UTCField(null=True, index=True)
    created_at = UTCField()
    theme_by_person = peewee.BooleanField(default=False, constraints=[SQL("DEFAULT false")])
    shipped_at = UTCField(null=True)
    note = JSONField(null=True)
    names = JSONField(default=dict, constraints=[SQL("DEFAULT '{}'")])

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: the topics with a response to one of these."""
        said = Placement.select(Placement.topic).join(Response, on=(Response.key == Placement.response))
        return cls.id.in_(said.where(Response.survey.in_(sorted(caller.surveys or ()))))

    @classmethod
    def standing(cls, topic_id: str) -> Any:
        """As a part of a statement: the ids of a topic and of those it went into, one after the other.

        What was in it is in the last of them, however many merges ago that was; a circle ends where it began.
        """
        first = cls.select(cls.id.alias("id")).where(cls.id == topic_id).cte("chain", recursive=True)
        merged = cls.alias()
        into = peewee.Select([merged], [merged.merged_into]).join(first, on=(merged.id == first.c.id))
        chain = first.union(into.where(merged.merged_into.is_null(False)))
        return chain.select_from(chain.c.id)


class Theme(Table):
    """What stands above topics, where these are many. It keeps its id for good; `merged_into` tells where it went.

    `status` is one of a topic's, `named`: a person chose the label. `settled`: a person made it, or merged another into
    it, so no review takes topics out. `names` are like a topic's.
    """

    id = TextField(primary_key=True)
    label = TextField()
    status = TextField(default="new")
    owner = TextField(null=True)
    merged_into = TextField(null=True)
    named = peewee.BooleanField(default=False)
    settled = peewee.BooleanField(default=False)
    created_at = UTCField()
    names = JSONField(default=dict, constraints=[SQL("DEFAULT '{}'")])

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: the themes of topics with a response to one of these."""
        said = Placement.select(Placement.topic).join(Response, on=(Response.key == Placement.response))
        said = said.where(Response.survey.in_(sorted(caller.surveys or ())))
        return cls.id.in_(Topic.select(Topic.theme).where(Topic.theme.is_null(False), Topic.id.in_(said)))

    @classmethod
    def standing(cls, theme_id: str) -> Any:
        """As a part of a statement: the id of a theme, or of the one it went into."""
        return cls.select(peewee.fn.COALESCE(cls.merged_into, cls.id)).where(cls.id == theme_id)

    @classmethod
    def placed(cls, theme_id: str) -> Any:
        """As a part of a statement: the keys of the responses in some topic of a theme, or of the one it went into."""
        topics = Topic.select(Topic.id).where(Topic.theme.in_(cls.standing(theme_id)))
        return Placement.select(Placement.response).where(Placement.topic.in_(topics))


class TopicChange(Table):
    """One line of lineage: what happened to a topic, and which other one it concerns.

    `label` and `other_label`: what they were called from then on, `former_label` what a renamed one was called until
    then; null where that is not known, or was made of words that nobody says any more.
    """

    id = peewee.BigAutoField()
    kind = TextField()
    topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id")
    other = TextField(null=True)
    by_person = peewee.BooleanField(default=False)
    at = UTCField()
    label = TextField(null=True)
    other_label = TextField(null=True)
    former_label = TextField(null=True)

    topic_id: str

    class Meta:
        table_name = "topic_change"


class ThemeChange(Table):
    """One line of a theme's lineage, like a topic's: it was `found` by a review, `taught` (a person made it), `split`
    off another one by a person, `merged` or `renamed`; which other one it concerns, and the names of that time."""

    id = peewee.BigAutoField()
    kind = TextField()
    theme = peewee.ForeignKeyField(Theme, on_delete="CASCADE", column_name="theme_id")
    other = TextField(null=True)
    by_person = peewee.BooleanField(default=False)
    at = UTCField()
    label = TextField(null=True)
    other_label = TextField(null=True)
    former_label = TextField(null=True)

    theme_id: str

    class Meta:
        table_name = "theme_change"


class TopicStatus(Table):
    """A line of a topic's history: which status it was given, when and by whom (null: by an upgrade).

    `former`: what it was until then, in the words of that time.
    """

    id = peewee.BigAutoField()
    topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id")
    status = TextField()
    former = TextField()
    made_by = TextField(null=True)
    at = UTCField()

    topic_id: str

    class Meta:
        table_name = "topic_status"


class PublicCard(Table):
    """An address at which others see a topic's card, until it is taken back: what a fix did to it (`proof`), or who
    speaks of it (`badge`)."""

    id = TextField(primary_key=True)
    topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id", index=False)
    kind = TextField()
    made_by = TextField(null=True)
    created_at = UTCField()

    topic_id: str

    class Meta:
        table_name = "public_card"
        constraints = [SQL("CHECK (kind IN ('proof', 'badge'))")]
        indexes = ((("topic", "kind"), True),)


class Tracker(Table):
    """A place in an issue tracker, such as a repository, in which issues of topics are made.

    `settings` name the place, as `feedback.trackers` says for its kind. It is called with `credentials` (`user`,
    `token`), and its own calls are proved by `secret`; all three are kept sealed. `checked_at`, `problem`: when it was
    last called, and what was wrong then. `heard_at`: when it last called.
    """

    id = TextField(primary_key=True)
    name = TextField()
    kind = TextField()
    settings = JSONField()
    credentials = SealedJSONField()
    secret = SealedField(null=True)
    created_at = UTCField()
    checked_at = UTCField(null=True)
    problem = TextField(null=True)
    heard_at = UTCField(null=True)


class TopicIssue(Table):
    """The issue of a topic in a tracker: one that we make, or one that was there.

    `state`: it is to be made (`wanted`), being made (`trying`), may have been made (`unknown`), could not be made
    (`failed`), stands (`linked`), or the tracker has none any more (`gone`). `marker` stands in what we make, so that
    it is found again; `address` is that of one that was there. `title`, `text`: what a person wrote for it, until it is
    made. `reason`: what went wrong last. `told`: how far the tracker said that it is; `proposal`: the status that the
    topic would have by that, until a person decides; `proposed_by`: who moved it in the tracker. `former`: the topic's
    status before one was taken over. `paused`: why the tracker is not listened to (a `person` said so, or gave the
    topic a `status` by hand).
    """

    topic = peewee.ForeignKeyField(Topic, primary_key=True, on_delete="CASCADE", column_name="topic_id")
    tracker = peewee.ForeignKeyField(Tracker, on_delete="CASCADE", column_name="tracker_id", index=False)
    state = TextField()
    marker = TextField()
    title = TextField(null=True)
    text = TextField(null=True)
    address = TextField(null=True)
    ref = TextField(null=True)
    key = TextField(null=True)
    url = TextField(null=True)
    reason = TextField(null=True)
    told = TextField()
    proposal = TextField(null=True)
    proposed_by = TextField(null=True)
    proposed_at = UTCField(null=True)
    former = TextField(null=True)
    paused = TextField(null=True)
    made_by = TextField()
    created_at = UTCField()

    topic_id: str
    tracker_id: str

    class Meta:
        table_name = "topic_issue"
        constraints = [
            SQL("CHECK (state IN ('wanted', 'trying', 'unknown', 'failed', 'linked', 'gone'))"),
            SQL("CHECK (paused IN ('person', 'status'))"),
            SQL("CHECK ((state IN ('linked', 'gone')) = (ref IS NOT NULL))"),
        ]
        indexes = ((("tracker", "ref"), False),)


class IssueEvent(Table):
    """A line of a topic's history: what happened to its issue, when, and by whom (null: by Earshot).

    `status`: the topic's status that it is about, where it is about one. `key`: what people call the issue.
    """

    id = peewee.BigAutoField()
    topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id")
    what = TextField()
    status = TextField(null=True)
    key = TextField(null=True)
    made_by = TextField(null=True)
    at = UTCField()

    topic_id: str

    class Meta:
        table_name = "issue_event"


class ReadComment(Table):
    """A comment that a member has read; `reading_plan` tells from it what else there is to know."""

    member = peewee.ForeignKeyField(Member, on_delete="CASCADE", column_name="member_id", index=False)
    response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
    at = UTCField()

    response_key: int

    class Meta:
        table_name = "read_comment"
        primary_key = peewee.CompositeKey("member", "response")
        about = "response"


class Placement(Table):
    """One comment in one topic, with the phrases that put it there.

    `main`: the comment is about this topic before all its others. `closeness`: cosine to the topic's centre.
    `sentiment`: where a comment makes several statements, that of the statement about the topic, by its words.
    """

    topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id", index=False)
    response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
    evidence = JSONField()
    by_person = peewee.BooleanField(default=False)
    main = peewee.BooleanField(default=True)
    closeness = DoubleField(default=0.0)
    sentiment = TextField(null=True)

    topic_id: str
    response_key: int

    class Meta:
        primary_key = peewee.CompositeKey("topic", "response")
        indexes = ((("topic", "closeness", "response"), False),)
        about = "response"
        holds = {"evidence": FREE_TEXT}


class Meaning(Table):
    """What a comment means, as a vector; and whether a person said which topics it is in, perhaps none.

    `vector` and, for comments that vote on where new ones belong, `blurred` (averaged with its neighbours) are
    base64 of int8; see `feedback.meanings`. `representation` names what made them: vectors of another one are as
    good as none.
    """

    key = BigIntegerField(primary_key=True)
    vector = TextField(null=True)
    blurred = TextField(null=True)
    representation = TextField(null=True)
    by_person = peewee.BooleanField(default=False)

    class Meta:
        about = "response"
        holds = dict.fromkeys(("vector", "blurred", "representation"), TECHNICAL)


Meaning.add_index(Meaning.key, name="meaning_voters", where=Meaning.blurred.is_null(False))


class TopicReview(Table):
    """One review of all topics: asked for, running (`step`, `share` done 0–1), done or failed. `representation`
    names what made the vectors that it compared.
    """

    id = peewee.BigAutoField()
    state = TextField()
    step = TextField(null=True)
    share = DoubleField(default=0.0)
    comments = peewee.IntegerField(null=True)
    moved = peewee.IntegerField(null=True)
    representation = TextField(null=True)
    asked_at = UTCField()
    started_at = UTCField(null=True)
    beat_at = UTCField(null=True)
    ended_at = UTCField(null=True)

    class Meta:
        table_name = "topic_review"


class OpeningHours(Table):
    """Row 1: when the team is open, how soon it promises to answer and to solve, and who leads it.

    `time_zone`: null for TIME_ZONE. `open`: weekdays (0 is Monday) with `opens` and `closes`. `lead`: a member's id.
    """

    id = peewee.IntegerField(primary_key=True)
    time_zone = TextField(null=True)
    open = JSONField()
    holidays = JSONField()
    answer_within_hours = DoubleField()
    solve_within_hours = DoubleField()
    lead = TextField(null=True)
    updated_at = UTCField()

    class Meta:
        table_name = "opening_hours"


class FollowUp(Table):
    """A case: somebody has to get in touch with a person. `domain.follow_ups` says what its states are.

    `person` is null where nobody knows who answered. `rule`: what opened it. `owner`: a member's id. `waits`: when the
    customer was waited for, `[from, until]`. `history`: what was done when and by whom, with their notes. The due times
    are of opening hours, `…_why` says how they came about; null while the customer is waited for. `overdue_at`: when
    somebody was told that it is overdue, once; `alerted`: which mails about it members got, or one may have got.
    `answer_hours`, `solve_hours`: how long the first answer and the solution took, in hours of opening.
    """

    id = TextField(primary_key=True)
    person = peewee.ForeignKeyField(
        Person, null=True, on_delete="CASCADE", column_name="person_id", index=False
    )
    rule = TextField()
    status = TextField()
    priority = peewee.IntegerField(default=0)
    owner = TextField(null=True)
    reason = TextField(null=True)
    steps = JSONField(default=list)
    waits = JSONField(default=list)
    history = JSONField(default=list)
    opened_at = UTCField(index=True)
    first_answer_at = UTCField(null=True)
    asked_at = UTCField(null=True)
    closed_at = UTCField(null=True)
    answer_due_at = UTCField(null=True)
    answer_why = TextField()
    solve_due_at = UTCField(null=True)
    solve_why = TextField()
    overdue_at = UTCField(null=True)
    alerted = JSONField(default=list, constraints=[SQL("DEFAULT '[]'")])
    answer_hours = DoubleField(null=True)
    solve_hours = DoubleField(null=True)

    person_id: str | None

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: the cases that hold an answer to one of these."""
        joined = FollowUpResponse.select(FollowUpResponse.follow_up).join(
            Response, on=(Response.key == FollowUpResponse.response)
        )
        return cls.id.in_(joined.where(Response.survey.in_(sorted(caller.surveys or ()))))

    class Meta:
        table_name = "follow_up"
        constraints = [
            peewee.SQL(
                "CHECK (status IN ('new', 'handled', 'waiting', 'asked', 'solved', 'unconfirmed', 'given_up'))"
            ),
            peewee.SQL("CHECK ((status IN ('solved', 'unconfirmed', 'given_up')) = (closed_at IS NOT NULL))"),
        ]
        about = "person"
        holds = {"id": PSEUDONYM, "person": PSEUDONYM, "history": FREE_TEXT, "alerted": TECHNICAL}


# One open case a person.
FollowUp.add_index(
    FollowUp.person,
    name="follow_up_open",
    unique=True,
    where=FollowUp.closed_at.is_null() & FollowUp.person.is_null(False),
)
FollowUp.add_index(FollowUp.person, name="follow_up_person", where=FollowUp.person.is_null(False))


class FollowUpResponse(Table):
    """A response in a case: the one that opened the case, or one that joined it. `rule` says why."""

    response = peewee.ForeignKeyField(
        Response, primary_key=True, on_delete="CASCADE", column_name="response_key"
    )
    follow_up = peewee.ForeignKeyField(FollowUp, on_delete="CASCADE", column_name="follow_up_id")
    rule = TextField()
    joined_at = UTCField()

    response_key: int
    follow_up_id: str

    class Meta:
        table_name = "follow_up_response"
        about = "response"
        holds = {"follow_up": PSEUDONYM}


class Loop(Table):
    """What people who spoke of a topic are told, by language: that it is shipped, or (`wont_do`) why it will not be.

    Nothing leaves before `send_at`; until then it can be undone. `holdout`: the share that is told later. `ready_at`:
    when the last of its letters was written; one without was cut off, and tells nobody.
    """

    id = TextField(primary_key=True)
    topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id")
    status = TextField()
    text = JSONField()
    holdout = DoubleField(default=0.0)
    made_by = JSONField()
    created_at = UTCField()
    send_at = UTCField()
    undone_at = UTCField(null=True)
    ready_at = UTCField(null=True)

    topic_id: str

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: nothing, for topics are shared by all."""
        return cls.id.is_null()


class Letter(Table):
    """A mail that somebody of the team wrote to one person. `made_by`: who. `marked`: it went to somebody who gets no
    surveys by mail, because they asked to be answered.

    It leaves at most once: `sending` is written before the first byte, and what is found so later is `unknown`.
    `answer`: what the person said to its question, on the page behind it, with `said` in their words.
    """

    id = TextField(primary_key=True)
    kind = TextField()
    person = peewee.ForeignKeyField(Person, on_delete="CASCADE", column_name="person_id")
    follow_up = peewee.ForeignKeyField(FollowUp, null=True, on_delete="CASCADE", column_name="follow_up_id")
    email = TextField()
    language = TextField()
    text = TextField(null=True)
    made_by = JSONField()
    marked = peewee.BooleanField(default=False)
    state = TextField(default="scheduled")
    reason = TextField(null=True)
    created_at = UTCField()
    sent_at = UTCField(null=True)
    answer = TextField(null=True)
    said = TextField(null=True)
    answered_at = UTCField(null=True)

    person_id: str
    follow_up_id: str | None

    @property
    def is_filed(self) -> bool:
        """Whether it counts as sent and reached nobody, for there was no mail server."""
        return self.state == "sent" and self.reason is not None

    class Meta:
        constraints = [
            SQL("CHECK (state IN ('scheduled', 'sending', 'sent', 'unknown', 'failed', 'cancelled'))"),
            SQL("CHECK (answer IN ('fixed', 'not_yet'))"),
        ]
        about = "person"
        holds = {
            "id": PSEUDONYM,
            "person": PSEUDONYM,
            "follow_up": PSEUDONYM,
            "email": IDENTIFIER,
            "text": FREE_TEXT,
            "answer": SCORE,
            "said": FREE_TEXT,
        }


class Telling(Table):
    """What one person is told of a `loop`, by a letter that does not leave before `due_at`: one a person and `week`
    (its Monday), whatever the topic. It quotes what they said in `response`, and goes with that.

    `held_out`: it leaves later than the others, to see what telling does.
    """

    letter = peewee.ForeignKeyField(Letter, primary_key=True, on_delete="CASCADE", column_name="letter_id")
    loop = peewee.ForeignKeyField(Loop, on_delete="CASCADE", column_name="loop_id")
    person = peewee.ForeignKeyField(Person, on_delete="CASCADE", column_name="person_id", index=False)
    week = TextField()
    held_out = peewee.BooleanField(default=False)
    response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
    quote = TextField()
    due_at = UTCField()

    letter_id: str
    loop_id: str
    person_id: str
    response_key: int

    class Meta:
        indexes = ((("person", "week"), True),)
        about = "person"
        holds = {"letter": PSEUDONYM, "person": PSEUDONYM, "response": PSEUDONYM, "quote": FREE_TEXT}


class LoopList(Table):
    """Who would be told of a topic, as somebody was shown it: it stays as it was, whoever speaks meanwhile.

    `digest`: changes with the people and what each is told of. `left_out`: how many would not be told, by the reason.
    """

    id = TextField(primary_key=True)
    topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id")
    digest = TextField()
    left_out = JSONField()
    created_at = UTCField()

    topic_id: str

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: nothing, for topics are shared by all."""
        return cls.id.is_null()

    class Meta:
        table_name = "loop_list"


class Listed(Table):
    """Somebody on a list of whom to tell, and what they said; whoever spoke last has the first place."""

    loop_list = peewee.ForeignKeyField(LoopList, on_delete="CASCADE", column_name="loop_list_id", index=False)
    place = peewee.IntegerField()
    person = peewee.ForeignKeyField(Person, on_delete="CASCADE", column_name="person_id")
    response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")

    person_id: str
    response_key: int

    class Meta:
        primary_key = peewee.CompositeKey("loop_list", "place")
        about = "person"
        holds = {"person": PSEUDONYM, "response": PSEUDONYM}


class OwnWord(Table):
    """What a person says, on their own page, to what came of an answer of theirs: `fixed` or `not_yet`, and `said` in
    their words. Of what they were told by a letter, the letter knows.
    """

    response = peewee.ForeignKeyField(
        Response, primary_key=True, on_delete="CASCADE", column_name="response_key"
    )
    answer = TextField()
    said = TextField(null=True)
    answered_at = UTCField()

    response_key: int

    class Meta:
        table_name = "own_word"
        constraints = [SQL("CHECK (answer IN ('fixed', 'not_yet'))")]
        about = "response"
        holds = {"answer": SCORE, "said": FREE_TEXT}


class LostSign(Table):
    """A reason why a person may be lost (`domain.lost` knows the kinds), and the response that it was seen in.

    One of a kind for each survey that it was seen in: who sees some surveys alone sees the reasons of these.
    """

    person = peewee.ForeignKeyField(Person, on_delete="CASCADE", column_name="person_id", index=False)
    kind = TextField()
    survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id", index=False)
    points = peewee.IntegerField()
    response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
    at = UTCField()

    person_id: str
    survey_id: str
    response_key: int

    class Meta:
        table_name = "lost_sign"
        primary_key = peewee.CompositeKey("person", "kind", "survey")
        about = "person"
        holds = {"person": PSEUDONYM, "response": PSEUDONYM}


class LostLook(Table):
    """Row 1: when everybody was last looked at for reasons why they may be lost; no row: nobody was yet."""

    id = peewee.IntegerField(primary_key=True)
    at = UTCField()

    class Meta:
        table_name = "lost_look"


class SavedFeed(Table):
    """A saved view of the feed. Everybody who knows its token may read it; the token is kept as a hash.

    `api_key`: with whose end it ends. `made_by`: the key or member; null where that is not known any more.
    """

    id = TextField(primary_key=True)
    name = TextField()
    filters = JSONField()
    surveys = JSONField(null=True)
    api_key = TextField()
    digest = TextField(unique=True)
    created_at = UTCField()
    made_by = TextField(null=True)

    #: See `makers.sights`.
    paused: str | None = None

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: what they made themselves."""
        return cls.made_by == caller.id

    def made(self) -> Made:
        """Who made it; of a key that was revoked it is the service's."""
        of_member = (
            self.made_by if self.made_by and self.made_by.startswith(makers.MEMBER) else makers.SERVICE
        )
        return Made(self.api_key or of_member, self.surveys, "read", self.filters.get("survey"))

    class Meta:
        table_name = "saved_feed"


class Pin(Table):
    """A note on charts: something that happened at a moment, in one survey or (null) for all."""

    id = TextField(primary_key=True)
    at = UTCField(index=True)
    text = TextField()
    kind = TextField()
    survey = peewee.ForeignKeyField(Survey, null=True, on_delete="CASCADE", column_name="survey_id")
    made_by = TextField(null=True)
    created_at = UTCField()

    survey_id: str | None

    KINDS = ("release", "incident", "change", "other")

    class Meta:
        constraints = [SQL("CHECK (kind IN ('release', 'incident', 'change', 'other'))")]


class Benchmark(Table):
    """A value from elsewhere that a team holds its own against, and where it is from."""

    id = TextField(primary_key=True)
    survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id")
    value = DoubleField()
    source = TextField()
    made_by = TextField(null=True)
    created_at = UTCField()

    survey_id: str


class TeamTag(Table):
    """A tag of the team's own set, and what it means there."""

    tag = TextField(primary_key=True)
    meaning = TextField()
    color = TextField(null=True)
    position = peewee.IntegerField()

    class Meta:
        table_name = "team_tag"


class Triage(Table):
    """How far the team is with a response; without a row it is unread."""

    response = peewee.ForeignKeyField(
        Response, primary_key=True, on_delete="CASCADE", column_name="response_key"
    )
    state = TextField()
    made_by = TextField(null=True)
    at = UTCField()

    response_key: int

    STATES = ("unread", "done", "archived")

    class Meta:
        constraints = [SQL("CHECK (state IN ('done', 'archived'))")]
        indexes = ((("state", "response"), False),)
        about = "response"


class NoticeRule(Table):
    """What the team wants to be told of; the webhooks that it owns say where to. `domain.notices` knows its kinds.

    `when`: the kind and what belongs to it. `segment`: each of its values is watched by itself. `surveys`: the only
    ones that its maker sees, null for all. `looked_at`: when it was last held against the weeks. `changed_at`: when
    its terms were last changed, null where they never were.
    """

    id = TextField(primary_key=True)
    name = TextField()
    when = JSONField()
    segment = TextField(null=True)
    filters = JSONField()
    surveys = JSONField(null=True)
    enabled = peewee.BooleanField(default=True)
    snoozed_until = UTCField(null=True)
    looked_at = UTCField(null=True)
    made_by = TextField()
    created_at = UTCField()
    changed_at = UTCField(null=True)

    #: See `makers.sights`.
    paused: str | None = None

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: what they made themselves."""
        return cls.made_by == caller.id

    def made(self) -> Made:
        """Who made it, and which survey it watches."""
        about = self.when.get("survey") or self.filters.get("survey")
        return Made(self.made_by, self.surveys, "write", about)

    class Meta:
        table_name = "notice_rule"


class Notice(Table):
    """Something that a rule spoke of, from when it began until it was over; what only happens is over at once.

    `subject`: what it is about, a response's key, a topic, a case or a value of the segment. `why`: its numbers.
    `told`: whether it was sent, or kept back while the rule was snoozed. `useful`: what somebody said of it. Of one
    subject one notice is open at a time; `mark` tells apart what must be told once.
    """

    id = TextField(primary_key=True)
    rule = peewee.ForeignKeyField(NoticeRule, on_delete="CASCADE", column_name="rule_id", index=False)
    response = peewee.ForeignKeyField(
        Response, null=True, on_delete="CASCADE", column_name="response_key", index=False
    )
    follow_up = peewee.ForeignKeyField(
        FollowUp, null=True, on_delete="CASCADE", column_name="follow_up_id", index=False
    )
    subject = TextField()
    mark = TextField()
    why = JSONField()
    told = peewee.BooleanField()
    useful = peewee.BooleanField(null=True)
    began_at = UTCField()
    over_at = UTCField(null=True)

    rule_id: str
    response_key: int | None

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: what their own rules said of surveys that are theirs today."""
        mine = NoticeRule.select(NoticeRule.id).where(NoticeRule.seen_by(caller))
        return cls.rule.in_(mine) & cls.made_of(sorted(caller.surveys or ()))

    @classmethod
    def made_of(cls, surveys: Sequence[str]) -> Any:
        """The condition that all that a notice tells is of these surveys: its answer, its case, its value, or all that
        was looked at (`among`).
        """
        theirs = Response.survey.in_(surveys)
        answer = Response.select(SQL("1")).where(Response.key == cls.response, theirs)
        case = FollowUpResponse.select(SQL("1")).join(
            Response, on=(Response.key == FollowUpResponse.response)
        )
        case = case.where(FollowUpResponse.follow_up == cls.follow_up, theirs)
        of_no_answer = cls.response.is_null() & cls.follow_up.is_null()
        return (
            fn.EXISTS(answer)
            | fn.EXISTS(case)
            | (of_no_answer & cls.why["survey"].as_text().in_(surveys))
            | (of_no_answer & cls.why["among"].contained_by(list(surveys)))
        )

    class Meta:
        indexes = ((("rule", "mark"), True), (("rule", "began_at"), False))
        about = "response"
        holds = {"subject": PSEUDONYM, "mark": TECHNICAL, "told": TECHNICAL, "useful": TECHNICAL}


Notice.add_index(Notice.response, name="notice_response", where=Notice.response.is_null(False))
Notice.add_index(Notice.follow_up, name="notice_follow_up", where=Notice.follow_up.is_null(False))


class Digest(Table):
    """A view of the feed that goes by mail to one address, again and again.

    `member`: whose address it is, null for somebody without an account, who confirms it first. `surveys`: the only
    ones that its maker sees, null for all. `queued_for`, `begun_for`: the first day of the time that was last put into
    the queue, and begun to be sent; a time is begun once. `outcome`: what became of that. `told_until`: the moment at
    which that time ended; null before the first.
    """

    id = TextField(primary_key=True)
    email = TextField()
    member = TextField(null=True, index=True)
    when = TextField()
    filters = JSONField()
    surveys = JSONField(null=True)
    made_by = TextField()
    created_at = UTCField()
    confirmed_at = UTCField(null=True)
    stopped_at = UTCField(null=True)
    queued_for = TextField(null=True)
    begun_for = TextField(null=True)
    outcome = TextField(null=True)
    sent_at = UTCField(null=True)
    told_until = UTCField(null=True)

    WHEN = ("daily", "weekly", "monthly")

    #: See `makers.sights`.
    paused: str | None = None

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: what they made themselves."""
        return cls.made_by == caller.id

    def made(self) -> Made:
        """Who made it, and whom it is for: neither has sent what they may not see."""
        return Made(self.made_by, self.surveys, "read", self.filters.get("survey"), self.member)

    class Meta:
        constraints = [SQL("CHECK (\"when\" IN ('daily', 'weekly', 'monthly'))")]
        holds = {"email": IDENTIFIER}


class Reader(Table):
    """Somebody who gets the notices of rules by mail, at one address, whichever rules lead there.

    `member`: whose address it is, null for somebody without an account, who confirms it first. `outcome`: what became
    of the mail that asks. `stopped_at`: since when they want no more; of somebody without an account it is a refusal.
    """

    id = TextField(primary_key=True)
    email = TextField(unique=True)
    member = TextField(null=True)
    outcome = TextField(null=True)
    created_at = UTCField()
    confirmed_at = UTCField(null=True)
    stopped_at = UTCField(null=True)

    class Meta:
        holds = {"email": IDENTIFIER}


class Goal(Table):
    """A value that is to be reached by a day: of one survey, or of all surveys of a metric (`survey` null).

    `start`, `due`: days in TIME_ZONE, due itself not included. `surveys`: the only ones that its maker sees, null for
    all. `judged`: how it stood at `judged_at`, as `goals` makes it. `told`: the last word that was more than "cannot
    tell". `ended_at`: when its result was written down, after it was due.
    """

    id = TextField(primary_key=True)
    name = TextField()
    survey = peewee.ForeignKeyField(Survey, null=True, on_delete="CASCADE", column_name="survey_id")
    metric = TextField()
    filters = JSONField()
    target = DoubleField()
    start = TextField()
    due = TextField()
    surveys = JSONField(null=True)
    made_by = TextField()
    created_at = UTCField()
    judged_at = UTCField(null=True)
    judged = JSONField(null=True)
    told = TextField(null=True)
    ended_at = UTCField(null=True)

    survey_id: str | None

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: what they made, of surveys that are theirs today."""
        theirs = sorted(caller.surveys or ())
        of_all = cls.survey.is_null() & cls.surveys.is_null(False) & cls.surveys.contained_by(theirs)
        return (cls.made_by == caller.id) & (cls.survey.in_(theirs) | of_all)

    class Meta:
        constraints = [SQL("CHECK (start < due)")]
