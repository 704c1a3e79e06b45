"""The real application on real databases: every test that asks for `app` runs on SQLite and on PostgreSQL."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

from surveys import refused_origins
from surveys.base import db, delivery, jobs, worker
from surveys.base.delivery.client import Answer
from surveys.base.http import openapi
from surveys.base.settings import Settings
from surveys.commands import service
from tests import servers
from tests.copies import Copies
from tests.make import Make
from wsgi import create_app

ADMIN_KEY = "ek_admin_for_tests_0123456789abcdefghij"
SECRET_KEY = "9f2c4be1a07d36580e1b4c7f93a2d8605c1e7b94"

#: Chromium's.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

#: Files that take longest, first. One that began last would keep a single process alone. Those that wait for most of
#: their time stand among those that work.
LONG = (
    "test_schemathesis.py",
    "test_pooler.py",
    "test_interruptions.py",
    "test_hostile.py",
    "test_postgres.py",
    "test_widget.py",
    "test_serving.py",
    "test_page.py",
    "test_hands.py",
    "test_topics.py",
    "test_disk.py",
    "test_mailed.py",
    "test_backup.py",
    "test_taken_back.py",
    "test_sending.py",
    "test_loops.py",
    "test_team.py",
    "test_answers.py",
    "test_welcome.py",
    "test_path.py",
    "test_migrations.py",
    "test_inbox_bounds.py",
    "test_filters.py",
    "test_rollups.py",
    "test_scanners.py",
    "test_feed.py",
    "test_listening.py",
    "test_representation.py",
    "test_proofs.py",
    "test_killers.py",
    "test_patterns.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what takes long first."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONG)))


hypothesis_settings.register_profile("ours", deadline=None)
hypothesis_settings.load_profile("ours")


def _compiled_once(compile_rule: Callable[[Rule], None]) -> Callable[[Rule], None]:
    """Werkzeug takes each route of each application apart and compiles two functions for it: most of the time that
    one takes to make.

    Every test makes an application, and the routes are the same each time.
    """
    made: dict[Any, dict[str, Any]] = {}
    kept = ("_parts", "_trace", "_converters", "arguments", "_argument_weights")
    functions = ("_build", "_build_unknown")

    def compile(rule: Rule) -> None:
        key = (rule.rule, rule.host, rule.subdomain, rule.merge_slashes, repr(rule.defaults))
        if key not in made:
            compile_rule(rule)
            made[key] = {name: vars(rule)[name] for name in kept if name in vars(rule)}
            made[key] |= {name: getattr(rule, name).__func__ for name in functions}
            return
        for name, value in made[key].items():
            setattr(rule, name, value.__get__(rule, None) if name in functions else value)

    return compile


Rule.compile = _compiled_once(Rule.compile)  # type: ignore[method-assign]


class _Kept(BytecodeCache):
    """Templates as compiled by the first application of the process: those after it have the same ones."""

    def __init__(self) -> None:
        self._made: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Jinja's: hand over what was kept under its key, if anything was."""
        if bucket.key in self._made:
            bucket.bytecode_from_string(self._made[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Jinja's: keep it."""
        self._made[bucket.key] = bucket.bytecode_to_string()


Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Kept()}


def _described_once(describe: Callable[[Any, str], dict[str, Any]]) -> Callable[[Any, str], dict[str, Any]]:
    """The document of the routes takes a second to put together, and is the same for every application."""
    made: dict[Any, dict[str, Any]] = {}

    def described(blueprints: Any, base_url: str) -> dict[str, Any]:
        key = (*map(id, blueprints), base_url)
        if key not in made:
            made[key] = describe(blueprints, base_url)
        return made[key]

    return described


openapi.describe = _described_once(openapi.describe)


@dataclass
class World:
    """One application on one fresh, migrated database."""

    app: Flask
    environment: dict[str, str]
    kind: str
    make: "Make" = field(init=False)

    def __post_init__(self) -> None:
        self.make = Make(self)

    @property
    def settings(self) -> Settings:
        """What the application was made with."""
        return self.app.extensions["earshot"]

    @property
    def client(self) -> FlaskClient:
        """A caller without a key."""
        return self.app.test_client()

    def work(self) -> int:
        """Be the worker until nothing is due."""
        return worker.drain()


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Postgres]:
    """One cluster for the whole run. Nothing survives it, so its commits need not reach a disk.

    It does not vacuum by itself: while it does, what is committed comes a moment later in the order of commits, and a
    test that asks once would not see it.
    """
    settings = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "jit": "off"}
    # A test makes four connections and more, and SCRAM makes each three times as dear, by intent.
    with servers.postgres(settings, proof="md5") as server:
        yield server


@pytest.fixture(scope="session")
def templates(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[Callable[[str], Template]]":
    """The template of each kind of database, built once: `template` itself ends whenever the kind changes."""

    made_so_far: list[Template] = []

    @cache
    def of(kind: str) -> Template:
        directory = tmp_path_factory.mktemp("template")
        server = request.getfixturevalue("postgres") if kind == "postgresql" else None
        made = Template(kind, directory, server)
        app = create_app(made.environment(directory, "earshot_template"))
        with app.app_context():
            service.prepare(app.extensions["earshot"])
        db.close_database()
        made_so_far.append(made)
        return made

    yield of
    for each in made_so_far:
        if each.copies:
            each.copies.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def template(request: pytest.FixtureRequest, templates: "Callable[[str], Template]") -> "Template":
    """A database that the migrations built, to be copied for each test."""
    return templates(request.param)


#: For what ends before any database is asked, or asks every database alike, and takes seconds.
ON_SQLITE = pytest.mark.parametrize("template", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("template", ["postgresql"], indirect=True)
#: For what asks every database alike by statements that other tests hold on both, and takes seconds.
POSTGRES_IN_PROVE = pytest.mark.parametrize(
    "template", ["sqlite", pytest.param("postgresql", marks=pytest.mark.prove)], indirect=True
)


@dataclass
class Template:
    """Where the migrated database lies."""

    kind: str
    directory: Path
    server: servers.Postgres | None
    copies: Copies | None = None

    def environment(self, directory: Path, name: str) -> dict[str, str]:
        """Settings for an application whose database is `name`; makes an empty one for the template itself."""
        environment = {
            "DATA_DIR": str(directory),
            "SECRET_KEY": SECRET_KEY,
            "ADMIN_KEY": ADMIN_KEY,
            "PUBLIC_LIMIT": "0",
            "BASE_URL": "http://localhost",
        }
        if self.server:
            if name == "earshot_template":
                self.server.drop_database(name)
                environment["DATABASE_URL"] = self.server.create_database(name)
            else:
                environment["DATABASE_URL"] = self.server.database_url(name)
        return environment

    @contextmanager
    def copy(self, directory: Path) -> "Iterator[dict[str, str]]":
        """The settings of a fresh copy, which ends with the context."""
        if self.server is None:
            shutil.copy(self.directory / "earshot.db", directory / "earshot.db")
            yield self.environment(directory, "")
            return
        self.copies = self.copies or Copies(self.server, "earshot_template")
        address = self.copies.lend()
        yield self.environment(directory, address)
        self.copies.take_back(address)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One Chromium for all tests of a process: a second one of Playwright's cannot begin in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=servers.chromium_path(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def settings_overrides() -> dict[str, str]:
    """Override this in a module or a test to run with other settings."""
    return {}


@pytest.fixture
def world(template: Template, tmp_path: Path, settings_overrides: dict[str, str]) -> Iterator[World]:
    """One application on one fresh, migrated database, without any survey."""
    with template.copy(tmp_path) as given:
        environment = {**given, **settings_overrides}
        app = create_app(environment)
        # `world.work()` looks at the rows by itself. A bell would ring on a thread of its own: a moment later there
        # are files beside the database, or one more open transaction that what is committed waits for in its order.
        worker.close()
        yield World(app, environment, template.kind)
        refused_origins.forget()
        worker.close()
        db.close_database()
        jobs._cut_off.clear()


@pytest.fixture
def bell(world: World) -> None:
    """The worker's bell rings in this test, as it does in the service."""
    worker.install(world.settings)


@pytest.fixture
def app(world: World) -> Flask:
    """The application."""
    return world.app


@pytest.fixture
def client(world: World) -> FlaskClient:
    """A caller without a key."""
    return world.client


@pytest.fixture
def make(world: World) -> Make:
    """Makes what a test is not about."""
    return world.make


@pytest.fixture
def api(world: World) -> "Api":
    """A caller with the first key."""
    return Api(world, ADMIN_KEY)


@dataclass
class Api:
    """Calls with a key; `json` in, `json` out."""

    world: Any
    key: str

    def call(self, method: str, path: str, status: int | None = None, **options: Any) -> Any:
        """The answer's JSON; with `status`, that status is expected."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        answer = self.world.app.test_client().open(path, method=method, headers=headers, **options)
        if status is not None:
            assert answer.status_code == status, (answer.status_code, answer.get_data(as_text=True)[:500])
            return answer.get_json(silent=True)
        return answer

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        """GET."""
        return self.call("GET", path, status, query_string=query)

    def post(self, path: str, body: Any, status: int = 201, **options: Any) -> Any:
        """POST."""
        return self.call("POST", path, status, json=body, **options)

    def patch(self, path: str, body: Any, status: int = 200) -> Any:
        """PATCH."""
        return self.call("PATCH", path, status, json=body)

    def delete(self, path: str, status: int = 204, **query: Any) -> Any:
        """DELETE."""
        return self.call("DELETE", path, status, query_string=query)


@dataclass
class DeskAPI:
    """Stands for a helpdesk's API: keeps the calls, gives `answers` (status, JSON) in order, then 200s."""

    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)

    def call(self, method: str, url: str, body: bytes | None = None, headers: Any = None) -> Answer:
        """What the outbound client does."""
        self.calls.append((method, url, json.loads(body) if body else None))
        status, answer = self.answers.pop(0) if self.answers else (200, {})
        return Answer(status, {}, json.dumps(answer).encode())

    def check(self, url: str) -> None:
        """Every address may be called."""


@pytest.fixture
def desk_api(world: World) -> DeskAPI:
    """A helpdesk's API to which our calls go instead of leaving the house."""
    api = DeskAPI()
    delivery.use_client(api)
    return api
