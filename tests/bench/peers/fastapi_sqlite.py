"""A bare peer: FastAPI and SQLAlchemy on SQLite; one durable insert, then the answer.

Run by uvicorn in its own virtual environment; it sees nothing of Earshot.
"""

import os
from datetime import UTC, datetime
from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, Field
from sqlalchemy import JSON, create_engine, event, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

# As many connections as uvicorn has threads, so that no request waits for one.
engine = create_engine(f"sqlite:///{os.environ['DATA_DIR']}/peer.sqlite", pool_size=40)


@event.listens_for(engine, "connect")
def _durable(connection, _record):
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


class Base(DeclarativeBase):
    """The tables of this peer."""


class Response(Base):
    """One answer."""

    __tablename__ = "response"
    id: Mapped[str] = mapped_column(primary_key=True)
    survey: Mapped[str]
    score: Mapped[int]
    comment: Mapped[str | None]
    touchpoint: Mapped[str | None]
    language: Mapped[str | None]
    page: Mapped[str | None]
    properties: Mapped[dict[str, str]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class Answer(BaseModel):
    """What comes in."""

    id: str
    survey: str
    score: Annotated[int, Field(strict=True, ge=0, le=10)]
    comment: str | None = None
    touchpoint: str | None = None
    language: str | None = None
    page: str | None = None
    properties: dict[str, str] = {}


Base.metadata.create_all(engine)
app = FastAPI()


@app.post("/r", status_code=201)
def record(answer: Answer):
    """Insert, commit (one flush), acknowledge."""
    with Session(engine) as session:
        session.add(Response(**answer.model_dump(), created_at=datetime.now(UTC)))
        session.commit()
    return {"id": answer.id, "score": answer.score}


@app.get("/readyz")
def ready():
    """Up."""
    return {}


@app.get("/count")
def count():
    """How many answers are stored."""
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(Response))
