"""The first tables."""

import peewee
from peewee import (
    SQL,
    BigIntegerField,
    BooleanField,
    DoubleField,
    Field,
    IntegerField,
    Model,
    PostgresqlDatabase,
    SmallIntegerField,
    SqliteDatabase,
    TextField,
)


class UTCField(Field):
    """TIMESTAMPTZ, or on SQLite RFC 3339 text."""

    field_type = "UTC"


class JSONField(peewee.JSONField):
    """TEXT on SQLite, JSONB on PostgreSQL."""


def tables(db):
    """Every table as it was when this migration was written."""
    kind = SqliteDatabase if isinstance(db, SqliteDatabase) else PostgresqlDatabase
    db._field_types = {**db._field_types, "UTC": "TEXT" if kind is SqliteDatabase else "TIMESTAMPTZ"}

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class ApiKey(Table):
        id = peewee.TextField(primary_key=True)
        name = peewee.TextField()
        scopes = JSONField()
        surveys = JSONField(null=True)
        prefix = peewee.TextField()
        digest = peewee.TextField(unique=True)
        created_at = UTCField()
        revoked_at = UTCField(null=True)

        class Meta:
            table_name = "api_key"

    class Job(Table):
        id = peewee.BigAutoField()
        kind = peewee.TextField()
        payload = JSONField()
        state = peewee.TextField(default="new")
        due_at = UTCField()
        attempts = peewee.IntegerField(default=0)
        lease_until = UTCField(null=True)
        error = peewee.TextField(null=True)
        created_at = UTCField()

        class Meta:
            table_name = "job"
            indexes = ((("state", "due_at"), False),)

    class IdempotentCall(Table):
        digest = peewee.TextField(primary_key=True)
        body_digest = peewee.TextField()
        status = peewee.SmallIntegerField(null=True)
        answer = peewee.TextField(null=True)
        sealed = peewee.BooleanField(default=False)
        created_at = UTCField(index=True)

        class Meta:
            table_name = "idempotent_call"

    class Clock(Table):
        id = peewee.IntegerField(primary_key=True)
        tick = peewee.BigIntegerField(default=0)

    class Survey(Table):
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

        class Meta:
            constraints = [
                SQL("CHECK (status IN ('active', 'paused', 'archived'))"),
                SQL("CHECK (sampling >= 0 AND sampling <= 1)"),
            ]

    class Definition(Table):
        survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id")
        number = IntegerField()
        metric = TextField()
        wording = JSONField()
        created_at = UTCField()

        class Meta:
            primary_key = peewee.CompositeKey("survey", "number")

    class Person(Table):
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

        class Meta:
            indexes = ((("external_id", "verified"), True), (("email", "verified"), True))

    class Invitation(Table):
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

        class Meta:
            indexes = (
                (("person", "created_at"), False),
                (("survey", "sent_at"), False),
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

    class ScannedDomain(Table):
        domain = TextField(primary_key=True)
        invitations = IntegerField(default=0)

    class Connection(Table):
        id = TextField(primary_key=True)
        name = TextField()
        kind = TextField()
        survey = peewee.ForeignKeyField(Survey, null=True, on_delete="CASCADE", column_name="survey_id")
        secret = TextField()
        proof = TextField(null=True)
        solved_statuses = JSONField(null=True)
        skip_tags = JSONField()
        write_back = TextField(null=True)
        snippet_generation = IntegerField(default=1)
        created_at = UTCField()

    class Trigger(Table):
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

        class Meta:
            indexes = ((("survey", "created_at"), False), (("created_at",), False))
            constraints = [
                SQL(
                    "CHECK (decision IN ('scheduled', 'deferred', 'suppressed', 'sampled_out', 'duplicate', "
                    "'ignored'))"
                )
            ]

    class Resolution(Table):
        source = TextField()
        ticket_id = TextField()
        resolution = TextField()
        invitation = peewee.ForeignKeyField(
            Invitation, null=True, on_delete="SET NULL", column_name="invitation_id"
        )
        created_at = UTCField()

        class Meta:
            primary_key = peewee.CompositeKey("source", "ticket_id", "resolution")

    class Response(Table):
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

    class Alias(Table):
        id = TextField(primary_key=True)
        response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
        offset = IntegerField(column_name="revision_offset")

    class ResponseTag(Table):
        tag = TextField()
        response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")

        class Meta:
            table_name = "response_tag"
            primary_key = peewee.CompositeKey("tag", "response")

    class Erased(Table):
        id = TextField(primary_key=True)
        key = BigIntegerField()
        survey_id = TextField()
        changed_tick = BigIntegerField()
        version = IntegerField()
        erased_at = UTCField()

        class Meta:
            indexes = ((("changed_tick", "key"), False),)

    class Tombstone(Table):
        digest = TextField(primary_key=True)
        erased_at = UTCField()

    class DailyCount(Table):
        survey = peewee.ForeignKeyField(Survey, on_delete="CASCADE", column_name="survey_id", index=False)
        day = TextField()
        definition = IntegerField()
        score = SmallIntegerField()
        slot = SmallIntegerField()
        n = IntegerField()

        class Meta:
            table_name = "daily_count"
            primary_key = peewee.CompositeKey("survey", "day", "definition", "score", "slot")

    class Reading(Table):
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

        class Meta:
            indexes = ((("label", "key"), False), (("language", "key"), False))

    Reading.add_index(Reading.read_at, name="reading_corrected", where=Reading.by_person)

    class Learnt(Table):
        survey = peewee.ForeignKeyField(
            Survey, primary_key=True, on_delete="CASCADE", column_name="survey_id"
        )
        learnt_from = peewee.IntegerField()
        words = JSONField()
        learnt_at = UTCField()

    class Topic(Table):
        id = TextField(primary_key=True)
        label = TextField()
        status = TextField(default="active")
        owner = TextField(null=True)
        issue_url = TextField(null=True)
        merged_into = TextField(null=True)
        named = peewee.BooleanField(default=False)
        taught = peewee.BooleanField(default=False)
        candidates = JSONField(default=list)
        terms = JSONField(default=list)
        examples = JSONField(default=list)
        wider = TextField(null=True)
        settled_at = UTCField(null=True)
        created_at = UTCField()

    class TopicChange(Table):
        id = peewee.BigAutoField()
        kind = TextField()
        topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id")
        other = TextField(null=True)
        by_person = peewee.BooleanField(default=False)
        at = UTCField()

        class Meta:
            table_name = "topic_change"

    class Placement(Table):
        topic = peewee.ForeignKeyField(Topic, on_delete="CASCADE", column_name="topic_id", index=False)
        response = peewee.ForeignKeyField(Response, on_delete="CASCADE", column_name="response_key")
        evidence = JSONField()
        by_person = peewee.BooleanField(default=False)
        main = peewee.BooleanField(default=True)
        closeness = DoubleField(default=0.0)
        sentiment = TextField(null=True)

        class Meta:
            primary_key = peewee.CompositeKey("topic", "response")
            indexes = ((("topic", "closeness"), False),)

    class Meaning(Table):
        key = BigIntegerField(primary_key=True)
        vector = TextField(null=True)
        blurred = TextField(null=True)
        by_person = peewee.BooleanField(default=False)

    Meaning.add_index(Meaning.key, name="meaning_voters", where=Meaning.blurred.is_null(False))

    class TopicReview(Table):
        id = peewee.BigAutoField()
        state = TextField()
        step = TextField(null=True)
        share = DoubleField(default=0.0)
        comments = peewee.IntegerField(null=True)
        moved = peewee.IntegerField(null=True)
        asked_at = UTCField()
        started_at = UTCField(null=True)
        beat_at = UTCField(null=True)
        ended_at = UTCField(null=True)

        class Meta:
            table_name = "topic_review"

    class FollowUp(Table):
        id = TextField(primary_key=True)
        response = peewee.ForeignKeyField(
            Response, unique=True, on_delete="CASCADE", column_name="response_key"
        )
        status = TextField(default="open")
        created_at = UTCField()
        closed_at = UTCField(null=True)

        class Meta:
            table_name = "follow_up"
            indexes = ((("status", "response"), False),)

    class SavedFeed(Table):
        id = TextField(primary_key=True)
        name = TextField()
        filters = JSONField()
        surveys = JSONField(null=True)
        api_key = TextField()
        digest = TextField(unique=True)
        created_at = UTCField()

        class Meta:
            table_name = "saved_feed"

    for _column in (Person.known_email, Person.claimed_email):
        Person.add_index(_column, name=f"person_{_column.column_name}", where=_column.is_null(False))
    for _name in ("delivery", "fingerprint", "ticket_id"):
        _column = Trigger._meta.fields[_name]
        Trigger.add_index(
            Trigger.connection_id, _column, name=f"trigger_{_name}", where=_column.is_null(False)
        )
    Trigger.add_index(Trigger.created_at, name="trigger_lookup", where=SQL("rule = 'lookup'"))
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
    for _column in (
        Response.agent_id,
        Response.team_id,
        Response.touchpoint,
        Response.person,
        Response.language,
    ):
        Response.add_index(
            _column, Response.key, name=f"response_{_column.column_name}", where=_column.is_null(False)
        )

    return [
        ApiKey,
        Job,
        IdempotentCall,
        Clock,
        Survey,
        Definition,
        Person,
        Invitation,
        ScannedDomain,
        Connection,
        Trigger,
        Resolution,
        Response,
        Alias,
        ResponseTag,
        Erased,
        Tombstone,
        DailyCount,
        Reading,
        Learnt,
        Topic,
        TopicChange,
        Placement,
        Meaning,
        TopicReview,
        FollowUp,
        SavedFeed,
    ]


SEARCH_SQLITE = (
    "CREATE VIRTUAL TABLE response_search USING fts5("
    "search_text, content='response', content_rowid='key', tokenize='unicode61 remove_diacritics 0')",
    "INSERT INTO response_search (response_search, rank) VALUES ('secure-delete', 1)",
    "CREATE TRIGGER response_search_insert AFTER INSERT ON response WHEN new.search_text IS NOT NULL BEGIN "
    "INSERT INTO response_search (rowid, search_text) VALUES (new.key, new.search_text); END",
    "CREATE TRIGGER response_search_delete AFTER DELETE ON response WHEN old.search_text IS NOT NULL BEGIN "
    "INSERT INTO response_search (response_search, rowid, search_text) "
    "VALUES ('delete', old.key, old.search_text); END",
    "CREATE TRIGGER response_search_update AFTER UPDATE OF search_text ON response "
    "WHEN old.search_text IS NOT new.search_text BEGIN "
    "INSERT INTO response_search (response_search, rowid, search_text) "
    "SELECT 'delete', old.key, old.search_text WHERE old.search_text IS NOT NULL; "
    "INSERT INTO response_search (rowid, search_text) "
    "SELECT new.key, new.search_text WHERE new.search_text IS NOT NULL; END",
)

SEARCH_POSTGRES = (
    "ALTER TABLE response ADD COLUMN search tsvector "
    "GENERATED ALWAYS AS (to_tsvector('simple', search_text)) STORED",
    "CREATE INDEX response_search ON response USING gin (search)",
    "CREATE UNLOGGED TABLE limit_hit (key TEXT, slot INTEGER, at DOUBLE PRECISION, PRIMARY KEY (key, slot))",
    "CREATE UNLOGGED TABLE limit_ring (key TEXT PRIMARY KEY, n BIGINT)",
)


def up(migrator, db):
    models = tables(db)
    db.create_tables(models)
    db.execute_sql("INSERT INTO clock (id, tick) VALUES (1, 0)")
    for statement in SEARCH_SQLITE if isinstance(db, SqliteDatabase) else SEARCH_POSTGRES:
        db.execute_sql(statement)


def down(migrator, db):
    if isinstance(db, SqliteDatabase):
        db.execute_sql("DROP TABLE response_search")
    else:
        db.execute_sql("DROP TABLE limit_hit, limit_ring")
    db.drop_tables(tables(db))
