"""A bare peer: Flask and Peewee on PostgreSQL; one durable insert, then the answer. Run by gunicorn."""

import os
from datetime import UTC, datetime

from flask import Flask, request
from peewee import CharField, DateTimeField, IntegerField, Model, TextField
from playhouse.db_url import connect
from playhouse.postgres_ext import BinaryJSONField

# Each thread keeps its connection open, the fastest way to use Peewee.
db = connect(os.environ["DATABASE_URL"], prefer_psycopg3=True)


class Response(Model):
    """One answer."""

    id = CharField(primary_key=True)
    survey = CharField()
    score = IntegerField()
    comment = TextField(null=True)
    touchpoint = CharField(null=True)
    language = CharField(null=True)
    page = TextField(null=True)
    properties = BinaryJSONField(index=False)
    created_at = DateTimeField()

    class Meta:
        database = db


def create_app() -> Flask:
    """The application; gunicorn calls this in each worker."""
    app = Flask(__name__)
    with db.connection_context():
        db.execute_sql("SELECT pg_advisory_lock(1)")  # two workers must not create the table at once
        db.create_tables([Response])

    @app.before_request
    def connected():
        db.connect(reuse_if_open=True)

    @app.post("/r")
    def record():
        answer = request.get_json()
        score = answer["score"]
        if type(score) is not int or not 0 <= score <= 10:
            return {"error": "score"}, 422
        Response.insert(
            id=answer["id"],
            survey=answer["survey"],
            score=score,
            comment=answer.get("comment"),
            touchpoint=answer.get("touchpoint"),
            language=answer.get("language"),
            page=answer.get("page"),
            properties=answer.get("properties", {}),
            created_at=datetime.now(UTC),
        ).execute()
        return {"id": answer["id"], "score": score}, 201

    @app.get("/readyz")
    def ready():
        return {}

    @app.get("/count")
    def count():
        return str(Response.select().count()), {"Content-Type": "application/json"}

    return app
