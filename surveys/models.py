"""The tables of asking: what is asked, whom, and what came back."""

from typing import Any

import peewee
from peewee import (
    SQL,
    BigIntegerField,
    BooleanField,
    DoubleField,
    IntegerField,
    SmallIntegerField,
    TextField,
    fn,
)

from surveys.base.accounts.caller import Caller
from surveys.base.accounts.makers import Made
from surveys.base.db import FREE_TEXT, IDENTIFIER, PSEUDONYM, SCORE, TECHNICAL, JSONField, Table, UTCField
from surveys.base.sealing import SealedField, SealedJSONField


class Survey(Table):
    """One survey. Wording columns are null for the standard wording, or a map language → text.

    `segments`: names of the properties that are counted by day, see `SegmentCount`.
    """

    id = TextField(primary_key=True)
    name = TextField()
    metric = TextField()
    product = TextField(null=True)
    question = JSONField(null=True)
    follow_up = JSONField(null=True)
    thanks = JSONField(null=True)
    follow_up_type = TextField(default="text")
    choices = JSONField(null=True)
    thanks_link = JSONField(null=True)
    labels = JSONField(null=True)
    mail = JSONField(null=True)
    languages = JSONField()
    status = TextField(default="active")
    allowed_origins = JSONField()
    sampling = DoubleField(default=1.0)
    delay_minutes = IntegerField(default=0)
    quarantine_days = IntegerField(default=30)
    wait_after_answer_days = IntegerField()
    wait_after_decline_days = IntegerField(default=30)
    answer_window_days = IntegerField(default=30)
    edit_window_hours = IntegerField(default=168)
    priority = IntegerField(default=0)
    person_budget = IntegerField(null=True)
    company_budget = IntegerField(null=True)
    responses_per_week = IntegerField(null=True)
    paced_sampling = DoubleField(null=True)
    skip_tags = JSONField()
    staff_domains = JSONField()
    excluded_addresses = JSONField()
    send_window = JSONField(null=True)
    reminder_days = IntegerField(null=True)
    require_signed_identity = BooleanField(default=False)
    redact = BooleanField(default=False)
    identity_generation = IntegerField(default=1)
    widget = JSONField()
    definition = IntegerField(default=1)
    created_at = UTCField()
    updated_at = UTCField()
    archived_at = UTCField(null=True)
    signature_version = IntegerField(default=1, constraints=[SQL("DEFAULT 1")])
    open_follow_ups = JSONField(null=True)
    ask_contact = BooleanField(default=False, constraints=[SQL("DEFAULT false")])
    segments = JSONField(default=list, constraints=[SQL("DEFAULT '[]'")])
    brand = JSONField(null=True)
    test_mode = BooleanField(default=False, constraints=[SQL("DEFAULT false")])
    formality = TextField(null=True)

    class Meta:
        constraints = [
            SQL("CHECK (status IN ('active', 'paused', 'archived'))"),
            SQL("CHECK (sampling >= 0 AND sampling <= 1)"),
        ]


class Brand(Table):
    """Row 1: what the service shows of the company it asks for; `Survey.brand` stands over it, in the same form.

    `said` leaves out what was not said; its `logo` has for `light` and `dark` the hash and facts of a `Logo`.
    """

    id = SmallIntegerField(primary_key=True)
    said = JSONField()
    updated_at = UTCField()


class Logo(Table):
    """A picture that pages and mails show, in base64, known by the hash of its bytes.

    `shown_at`: when a brand was last seen to have it.
    """

    hash = TextField(primary_key=True)
    type = TextField()
    content = TextField()
    width = IntegerField()
    height = IntegerField()
    shown_at = UTCField()


class RefusedOrigin(Table):
    """A website whose calls were refused because the survey does not allow its origin: how many, and the last."""

    survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id", index=False)
    origin = TextField()
    count = IntegerField(constraints=[SQL("DEFAULT 1")])
    last_at = UTCField()

    survey_id: str

    class Meta:
        table_name = "refused_origin"
        primary_key = peewee.CompositeKey("survey", "origin")


class Definition(Table):
    """What was asked from a moment on: a change of metric, scale or wording makes a new one."""

    survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id")
    number = IntegerField()
    metric = TextField()
    wording = JSONField()
    created_at = UTCField()

    survey_id: str

    class Meta:
        primary_key = peewee.CompositeKey("survey", "number")


class Person(Table):
    """Whoever may be asked. `verified` false: known only by an unsigned claim, kept apart from the verified.

    `known_email`: the address that a key's holder gave beside an id; mail may go there, never to a claimed one.
    `bounce_lifted_at`: when somebody said that mail arrives there after all; older reports say nothing any more.
    """

    id = TextField(primary_key=True)
    external_id = TextField(null=True)
    email = TextField(null=True)
    claimed_email = TextField(null=True)
    known_email = TextField(null=True)
    name = TextField(null=True)
    language = TextField(null=True)
    company = TextField(null=True)
    properties = JSONField(null=True)
    verified = BooleanField()
    last_asked_at = UTCField(null=True)
    last_answered_at = UTCField(null=True)
    last_declined_at = UTCField(null=True)
    unsubscribed_at = UTCField(null=True)
    bounced_at = UTCField(null=True)
    bounce_lifted_at = UTCField(null=True)
    never_ask = BooleanField(default=False)
    days_between_asks = IntegerField(default=0)
    created_at = UTCField()

    @property
    def shown_email(self) -> str | None:
        """The address to show: what is known before what was claimed."""
        found: str | None = self.email or self.known_email or self.claimed_email
        return found

    @property
    def email_claimed(self) -> bool:
        """Whether nobody vouches for the address that is shown; mail never goes there."""
        return bool(self.shown_email) and not (self.verified and bool(self.email or self.known_email))

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """Whom a caller limited to some surveys may see: whom these asked or heard."""
        mine = sorted(caller.surveys or ())
        heard = Response.select().where(Response.person == cls.id, Response.survey.in_(mine))
        asked = Invitation.select().where(Invitation.person == cls.id, Invitation.survey.in_(mine))
        return fn.EXISTS(heard) | fn.EXISTS(asked)

    class Meta:
        # The name first: who is looked up by an address may be verified or not.
        indexes = ((("external_id", "verified"), True), (("email", "verified"), True))
        about = "person"
        holds = {
            "id": PSEUDONYM,
            "external_id": IDENTIFIER,
            "email": IDENTIFIER,
            "claimed_email": IDENTIFIER,
            "known_email": IDENTIFIER,
            "name": IDENTIFIER,
            "company": IDENTIFIER,
            "properties": FREE_TEXT,
        }


class Invitation(Table):
    """One survey put to one person, with agent, team and ticket as they were at that moment.

    `unverified`: printed links lead to it. Nobody was asked by it, nobody knows who answers, and no answer counts.
    """

    id = TextField(primary_key=True)
    survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id")
    person = peewee.ForeignKeyField(Person, null=True, on_delete="CASCADE", column_name="person_id")
    connection_id = TextField(null=True)
    email = TextField(null=True)
    company = TextField(null=True)
    channel = TextField()
    status = TextField()
    touchpoint = TextField(null=True)
    language = TextField(null=True)
    agent_id = TextField(null=True)
    agent_name = TextField(null=True)
    team_id = TextField(null=True)
    team_name = TextField(null=True)
    ticket = JSONField(null=True)
    ticket_ref = TextField(null=True)
    unverified = BooleanField(default=False)
    tags = JSONField(null=True)
    properties = JSONField(null=True)
    intents = JSONField(null=True)
    scanned = BooleanField(default=False)
    send_at = UTCField(null=True)
    sent_at = UTCField(null=True)
    answered_at = UTCField(null=True)
    declined_at = UTCField(null=True)
    expires_at = UTCField(null=True)
    reminded_at = UTCField(null=True)
    reason = TextField(null=True)
    noted_revision = IntegerField(null=True)
    created_at = UTCField()

    survey_id: str
    person_id: str | None

    class Meta:
        indexes = (
            (("person", "created_at"), False),
            (("survey", "sent_at", "answered_at"), False),
            (("created_at",), False),
            (("company", "send_at"), False),
            (("status", "expires_at"), False),
        )
        constraints = [
            SQL(
                "CHECK (status IN ('scheduled', 'sending', 'sent', 'unknown', 'answered', 'declined', "
                "'expired', 'cancelled', 'failed'))"
            )
        ]
        about = "person"
        holds = {
            "id": PSEUDONYM,
            "person": PSEUDONYM,
            "email": IDENTIFIER,
            "company": IDENTIFIER,
            "touchpoint": FREE_TEXT,
            "agent_id": IDENTIFIER,
            "agent_name": IDENTIFIER,
            "team_id": IDENTIFIER,
            "team_name": IDENTIFIER,
            "ticket": FREE_TEXT,
            "ticket_ref": PSEUDONYM,
            "tags": FREE_TEXT,
            "properties": FREE_TEXT,
            "intents": SCORE,
            "noted_revision": TECHNICAL,
        }


class ScannedDomain(Table):
    """A domain of recipients at which machines opened links: in how many mails so far."""

    domain = TextField(primary_key=True)
    invitations = IntegerField(default=0)


class Connection(Table):
    """One helpdesk account, or one sender of reports about mail, which concern no survey in particular.

    Calls are checked and made with the secret and the credentials, so they are kept: sealed.
    """

    id = TextField(primary_key=True)
    name = TextField()
    kind = TextField()
    survey = peewee.ForeignKeyField(Survey, null=True, on_delete="CASCADE", column_name="survey_id")
    secret = SealedField()
    proof = TextField(null=True)
    solved_statuses = JSONField(null=True)
    skip_tags = JSONField()
    write_back = SealedJSONField(null=True)
    snippet_generation = IntegerField(default=1)
    created_at = UTCField()

    survey_id: str | None

    @property
    def own_survey(self) -> Survey:
        """What a helpdesk's tickets are asked about. Raises LookupError where there is none."""
        if self.survey is None:
            raise LookupError(self.id)
        return self.survey


class Trigger(Table):
    """Something that happened, as it was understood, and the receipt: what was decided, and why."""

    id = TextField(primary_key=True)
    survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id", index=False)
    person = peewee.ForeignKeyField(Person, null=True, on_delete="CASCADE", column_name="person_id")
    connection_id = TextField(null=True)
    decision = TextField()
    rule = TextField(null=True)
    reason = TextField(null=True)
    next_eligible_at = UTCField(null=True)
    invitation = peewee.ForeignKeyField(
        Invitation, null=True, on_delete="SET NULL", column_name="invitation_id"
    )
    dry_run = BooleanField(default=False)
    body = JSONField(null=True)
    delivery = TextField(null=True)
    fingerprint = TextField(null=True)
    ticket_id = TextField(null=True)
    created_at = UTCField()

    survey_id: str
    person_id: str | None
    invitation_id: str | None

    class Meta:
        indexes = ((("survey", "created_at"), False), (("created_at",), False))
        constraints = [
            SQL(
                "CHECK (decision IN ('scheduled', 'deferred', 'suppressed', 'sampled_out', 'duplicate', "
                "'ignored'))"
            )
        ]
        about = "person"
        holds = {
            "id": PSEUDONYM,
            "person": PSEUDONYM,
            "reason": FREE_TEXT,
            "body": FREE_TEXT,
            "delivery": PSEUDONYM,
            "fingerprint": TECHNICAL,
            "ticket_id": PSEUDONYM,
        }


class Resolution(Table):
    """One resolution of one ticket that was asked about; `source` is a connection, or a survey for the API.

    `resolution` is "" where the helpdesk has no mark for it: then a ticket has one until it is reopened.
    """

    source = TextField()
    ticket_id = TextField()
    resolution = TextField()
    invitation = peewee.ForeignKeyField(
        Invitation, null=True, on_delete="SET NULL", column_name="invitation_id"
    )
    created_at = UTCField()

    invitation_id: str | None

    class Meta:
        primary_key = peewee.CompositeKey("source", "ticket_id", "resolution")
        about = "invitation"
        holds = {"ticket_id": PSEUDONYM}


class Response(Table):
    """Score, comment and answers of one person to one survey.

    `key`: microseconds since 1970 of the first recording, made unique; so the key's order is the order of time.
    `revisions`: for each field the revision that set it, so that every order of arrival gives the same row.
    `first_tick`, `changed_tick`: see `db.tick`. `contact`: whether the respondent may be answered, told news, or both.
    `seconds`: from when the survey was seen until it was last sent; None where nobody told.
    """

    key = BigIntegerField(primary_key=True)
    id = TextField(unique=True)
    survey = peewee.ForeignKeyField(Survey, on_delete="RESTRICT", column_name="survey_id", index=False)
    definition = IntegerField()
    score = SmallIntegerField(null=True)
    group = TextField(null=True, column_name="score_group")
    comment = TextField(null=True)
    answers = JSONField(null=True)
    search_text = TextField(null=True)
    language = TextField(null=True)
    person = peewee.ForeignKeyField(
        Person, null=True, on_delete="CASCADE", column_name="person_id", index=False
    )
    invitation = peewee.ForeignKeyField(
        Invitation, null=True, unique=True, on_delete="SET NULL", column_name="invitation_id"
    )
    touchpoint = TextField(null=True)
    page = TextField(null=True)
    properties = JSONField(null=True)
    channel = TextField()
    agent_id = TextField(null=True)
    agent_name = TextField(null=True)
    team_id = TextField(null=True)
    team_name = TextField(null=True)
    ticket_id = TextField(null=True)
    ticket_channel = TextField(null=True)
    ticket = JSONField(null=True)
    tags = JSONField(null=True)
    flags = JSONField(null=True)
    final = BooleanField(default=False)
    test = BooleanField(default=False)
    excluded = BooleanField(default=False)
    counted = BooleanField(default=False)
    day = TextField()
    abuse_key = TextField(null=True)
    revision = IntegerField()
    revisions = JSONField()
    edit_key_hash = TextField(null=True)
    version = IntegerField(default=1)
    first_tick = BigIntegerField()
    changed_tick = BigIntegerField()
    created_at = UTCField()
    updated_at = UTCField()
    contact = TextField(null=True)
    seconds = IntegerField(null=True)

    survey_id: str
    person_id: str | None
    invitation_id: str | None

    class Meta:
        about = "person"
        holds = {
            "id": PSEUDONYM,
            "person": PSEUDONYM,
            "score": SCORE,
            "group": SCORE,
            "comment": FREE_TEXT,
            "answers": FREE_TEXT,
            "search_text": FREE_TEXT,
            "touchpoint": FREE_TEXT,
            "page": FREE_TEXT,
            "properties": FREE_TEXT,
            "agent_id": IDENTIFIER,
            "agent_name": IDENTIFIER,
            "team_id": IDENTIFIER,
            "team_name": IDENTIFIER,
            "ticket_id": PSEUDONYM,
            "ticket": FREE_TEXT,
            "tags": FREE_TEXT,
            "abuse_key": PSEUDONYM,
            # How revisions merge and followers are served.
            "revision": TECHNICAL,
            "revisions": TECHNICAL,
            "edit_key_hash": TECHNICAL,
            "version": TECHNICAL,
            "first_tick": TECHNICAL,
            "changed_tick": TECHNICAL,
        }


# Mostly null: with the nulls inside, SQLite's statistics make a scan look cheaper than the index.
for _address in (Person.known_email, Person.claimed_email):
    Person.add_index(_address, name=f"person_{_address.column_name}", where=_address.is_null(False))

# The feed of a company's people.
Person.add_index(Person.company, name="person_company", where=Person.company.is_null(False))
Person.add_index(Person.created_at, Person.id, name="person_newest")

# What repeats, and what a reopened ticket takes back, is looked up by connection.
for _name in ("delivery", "fingerprint", "ticket_id"):
    _column = Trigger._meta.fields[_name]
    Trigger.add_index(Trigger.connection_id, _column, name=f"trigger_{_name}", where=_column.is_null(False))

# The few that wait for a helpdesk's word, among millions that do not.
Trigger.add_index(Trigger.created_at, name="trigger_lookup", where=SQL("rule = 'lookup'"))

# A survey's feed newest first; and what numbers by segment are read from without touching the rows.
Response.add_index(Response.survey, Response.key, name="response_survey_key")
Response.add_index(
    Response.survey,
    Response.key,
    Response.score,
    Response.agent_id,
    Response.team_id,
    name="response_counted",
    where=Response.counted,
)
Response.add_index(Response.survey, Response.group, Response.key, name="response_group")
Response.add_index(Response.first_tick, Response.key, name="response_first")
Response.add_index(Response.changed_tick, Response.key, name="response_changed")
Response.add_index(
    Response.survey,
    Response.abuse_key,
    Response.key,
    name="response_abuse",
    where=Response.abuse_key.is_null(False),
)
for _column in (Response.person, Response.language):
    Response.add_index(
        _column, Response.key, name=f"response_{_column.column_name}", where=_column.is_null(False)
    )
# Whoever is known and said something: of a topic there may be tens of thousands, and most want no news.
Response.add_index(
    Response.key,
    Response.person,
    Response.contact,
    name="response_spoken",
    where=Response.person.is_null(False)
    & Response.comment.is_null(False)
    & ~Response.test
    & ~Response.excluded,
)
# The few that are looked for among all others.
Response.add_index(Response.key, name="response_excluded", where=Response.excluded | Response.test)
# Of a year of asks, those that were answered.
Invitation.add_index(
    Invitation.survey,
    Invitation.sent_at,
    name="invitation_answered",
    where=Invitation.answered_at.is_null(False),
)
# Whose answers there may be tens of thousands of, most of another group: these are passed over in the index.
for _column in (Response.agent_id, Response.team_id, Response.touchpoint):
    Response.add_index(
        _column,
        Response.key,
        Response.group,
        name=f"response_{_column.column_name}",
        where=_column.is_null(False),
    )


class Alias(Table):
    """A second response id that amends the first answer to an invitation; its revisions count on from `offset`."""

    id = TextField(primary_key=True)
    response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
    offset = IntegerField(column_name="revision_offset")

    class Meta:
        about = "response"
        holds = {"id": PSEUDONYM, "offset": TECHNICAL}


class ResponseTag(Table):
    """Where a tag stands, newest first; `Response.tags` is what is shown."""

    tag = TextField()
    response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")

    class Meta:
        table_name = "response_tag"
        primary_key = peewee.CompositeKey("tag", "response")
        about = "response"
        holds = {"tag": FREE_TEXT}


class Erased(Table):
    """What is left of a deleted response: its id, so that whoever follows the feed can delete a copy."""

    id = TextField(primary_key=True)
    key = BigIntegerField()
    survey_id = TextField()
    changed_tick = BigIntegerField()
    version = IntegerField()
    erased_at = UTCField()

    class Meta:
        indexes = ((("changed_tick", "key"), False),)
        holds = {"id": PSEUDONYM}


class Tombstone(Table):
    """A keyed hash of a person who was erased, so that an erasure can be replayed after a restore."""

    digest = TextField(primary_key=True)
    erased_at = UTCField()

    class Meta:
        holds = {"digest": PSEUDONYM}


class DailyCount(Table):
    """How often each score was given to a survey on a day; written in the same transaction as the response.

    `slot` spreads concurrent writers over several rows (PostgreSQL): one row would make them wait in line.
    """

    survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id", index=False)
    day = TextField()
    definition = IntegerField()
    score = SmallIntegerField()
    slot = SmallIntegerField()
    n = IntegerField()

    class Meta:
        table_name = "daily_count"
        primary_key = peewee.CompositeKey("survey", "day", "definition", "score", "slot")


class AskCount(Table):
    """How many asks a survey sent on a day (of UTC) whose asks are over, and how many of them were answered.

    A day without a row is not counted, or was changed since: triggers of the database take the row of an ask away.
    """

    survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id", index=False)
    day = TextField()
    sent = IntegerField()
    answered = IntegerField()

    survey_id: str

    class Meta:
        table_name = "ask_count"
        primary_key = peewee.CompositeKey("survey", "day")


class SegmentPeriod(Table):
    """A day (`2026-09-14`) or month (`2026-09`) of which the counts by segment are kept, for all surveys.

    They tell of all that had happened by `tick`; answers with a higher `changed_tick` may have changed since. `zone`:
    whose midnights its days end at. `mark`: what these counts alone have: whoever keeps sums of them sees by it that
    they were made anew.
    """

    period = TextField(primary_key=True)
    zone = TextField()
    tick = BigIntegerField()
    mark = BigIntegerField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        table_name = "segment_period"


class SegmentCount(Table):
    """How often each score was given in a period in each value of a segment; without a row: never.

    `counts`: for each value `[value, key of the last response, score, n, score, n …]`; null where there are too many
    values to keep. What has its period not in `SegmentPeriod` says nothing.
    """

    survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id", index=False)
    segment = TextField()
    period = TextField(index=True)
    counts = JSONField(null=True)

    survey_id: str

    class Meta:
        table_name = "segment_count"
        primary_key = peewee.CompositeKey("survey", "segment", "period")
        holds = {"counts": FREE_TEXT}


class Webhook(Table):
    """An address that wants to hear of events. `surveys`: only of these, null for all. `made_by`: the caller's id.

    `kind`: the transport that carries them. `owner`: the rule whose notices alone it hears; null for whoever hears of
    events. Where the address itself is the secret, as that of a chat, it stands in `secret`, and `url` is empty.
    Until `former_until` the secrets of before sign along, with spaces between. `failures`: tries in a row that failed;
    until `rests_until` it is left alone. Until `lease_until` one process delivers to it.
    """

    id = TextField(primary_key=True)
    url = TextField()
    events = JSONField()
    surveys = JSONField(null=True)
    secret = SealedField()
    made_by = TextField()
    enabled = BooleanField(default=True)
    failures = IntegerField(default=0)
    rests_until = UTCField(null=True)
    lease_until = UTCField(null=True)
    created_at = UTCField()
    kind = TextField(default="webhook", constraints=[SQL("DEFAULT 'webhook'")])
    owner = TextField(null=True, index=True)
    former_secret = SealedField(null=True)
    former_until = UTCField(null=True)

    #: How it stands with whoever reads its mails, where that is shown.
    state: str | None = None

    #: See `makers.sights`.
    paused: str | None = None

    @classmethod
    def seen_by(cls, caller: Caller) -> Any:
        """What a caller limited to some surveys may see: what they made themselves."""
        return cls.made_by == caller.id

    def made(self) -> Made:
        """Who made it; of a rule's own, who had the rule lead there."""
        return Made(self.made_by, self.surveys, "write")


class WebhookEvent(Table):
    """Something that a webhook wanted to hear of. What is told is looked up by `subject` when it is delivered.

    `test`: somebody tried a webhook out; it is never sent again. `owner`: the rule whose notice it is.
    """

    key = peewee.BigAutoField()
    id = TextField(unique=True)
    type = TextField()
    survey_id = TextField(null=True)
    response = peewee.ForeignKeyField(Response, null=True, on_delete="CASCADE", column_name="response_key")
    subject = TextField()
    test = BooleanField(default=False)
    created_at = UTCField()
    owner = TextField(null=True)

    class Meta:
        table_name = "webhook_event"
        indexes = ((("subject", "key"), False), (("created_at",), False))
        about = "response"
        holds = {"subject": PSEUDONYM, "test": TECHNICAL, "owner": TECHNICAL}


class WebhookDelivery(Table):
    """One event to one webhook. `queued_at`: when it was last asked for; `status`: of the last answer.

    `gone`: what it was about was not there any more, or not for this webhook, so nothing was sent.
    """

    webhook = peewee.ForeignKeyField(Webhook, on_delete="CASCADE", column_name="webhook_id", index=False)
    event = peewee.ForeignKeyField(WebhookEvent, on_delete="CASCADE", column_name="event_key")
    state = TextField(default="pending")
    attempts = IntegerField(default=0)
    queued_at = UTCField()
    due_at = UTCField()
    status = SmallIntegerField(null=True)
    error = TextField(null=True)
    ended_at = UTCField(null=True)

    webhook_id: str
    event_key: int

    class Meta:
        table_name = "webhook_delivery"
        primary_key = peewee.CompositeKey("webhook", "event")
        constraints = [SQL("CHECK (state IN ('pending', 'delivered', 'dead', 'gone'))")]


# The few that wait, among all that were delivered.
WebhookDelivery.add_index(
    WebhookDelivery.webhook,
    WebhookDelivery.due_at,
    name="webhook_delivery_due",
    where=SQL("state = 'pending'"),
)


class WebhookTotal(Table):
    """How many deliveries of a type of event were ever asked for."""

    type = TextField(primary_key=True)
    n = BigIntegerField()

    class Meta:
        table_name = "webhook_total"
