"""The house keeps its own rules: who imports whom, contents pages, tables, access, and what the pages say."""

import ast
import importlib
import logging.config
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import peewee
import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

import feedback.views
import surveys.domain.metrics
import surveys.helpdesks
import surveys.views
from surveys import wording
from surveys.base import db
from surveys.base.db import migrations
from surveys.domain.metrics import METRICS
from tests import tables
from tests.conftest import ADMIN_KEY, ON_SQLITE
from tests.servers import ROOT

SNAPSHOT = Path(__file__).with_name("access.snapshot")


def test_nobody_imports_what_is_above(monkeypatch):
    # It would end every log that it does not know for the rest of the process, and with it the tests that count in one.
    monkeypatch.setattr(logging.config, "dictConfig", lambda _: None)
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_logo=True) == EXIT_STATUS_SUCCESS
    assert not logging.getLogger("peewee").disabled


def test_nothing_happens_on_import(tmp_path):
    """No file is made, no thread started, no database looked for."""
    code = "import threading, wsgi; assert threading.active_count() == 1, threading.enumerate()"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": "postgresql://nowhere/x",
    }
    subprocess.run([sys.executable, "-B", "-c", code], cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", [surveys.views, feedback.views])
def test_every_blueprint_is_on_its_contents_page(package):
    made = set()
    for module in pkgutil.iter_modules(package.__path__):
        contents = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
        made |= {id(value) for value in contents.values() if type(value).__name__ == "Routes"}
    assert made == {id(blueprint) for blueprint in package.BLUEPRINTS}


def test_every_metric_is_on_the_contents_page():
    files = {module.name for module in pkgutil.iter_modules(surveys.domain.metrics.__path__)} - {"metric"}
    assert files == set(METRICS)
    assert all(METRICS[key].key == key for key in METRICS)


def test_every_helpdesk_is_on_the_contents_page():
    shared = {
        *("helpdesk", "reception", "proofs", "bounds", "body"),
        *("reading", "statuses", "notes", "conversations"),
    }
    files = {module.name for module in pkgutil.iter_modules(surveys.helpdesks.__path__)} - shared
    assert files == set(surveys.helpdesks.HELPDESKS)


def test_every_wording_is_on_the_contents_page():
    files = {path.stem for path in Path(wording.__file__).parent.glob("*.json")}
    assert files == set(wording.LANGUAGES)


def test_every_way_out_is_on_the_contents_page():
    import surveys.base.delivery as delivery

    names = {module.name for module in pkgutil.iter_modules(delivery.__path__)}
    assert names == set(re.findall(r"^(\w+)  ", delivery.__doc__ or "", re.MULTILINE))


# --------------------------------------------------------------------------------------------- patterns

_LOOKS = ("compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")


def patterns(tree):
    """What a module hands to `re` and to Regexp as a pattern: (the function's name, line, texts in it)."""
    named = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        function = node.func if isinstance(node, ast.Call) and node.args else None
        if not isinstance(function, ast.Attribute):
            continue
        of_re = isinstance(function.value, ast.Name) and function.value.id == "re" and function.attr in _LOOKS
        if of_re or function.attr == "Regexp":
            given = node.args[0]
            given = named.get(given.id, given) if isinstance(given, ast.Name) else given
            texts = [
                part.value
                for part in ast.walk(given)
                if isinstance(part, ast.Constant) and isinstance(part.value, str | bytes)
            ]
            yield function.attr, node.lineno, texts


def ends_before_a_line_feed(pattern):
    """Whether a pattern holds a `$` that means an end: it also stands before a line feed at the very end."""
    text = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    bare = re.sub(r"\\.", "", text, flags=re.DOTALL)
    return "$" in re.sub(r"\[\^?\]?[^\]]*\]", "", bare)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"a$", True),
        (b"a$", True),
        (r"(a|$)b", True),
        (r"\\$", True),
        (r"[^\]]$", True),
        (r"a\Z", False),
        (r"a\$", False),
        (r"[a$]", False),
        (r"[]$]", False),
    ],
)
def test_a_dollar_sign_that_means_an_end_is_seen(pattern, found):
    assert ends_before_a_line_feed(pattern) is found


def test_every_pattern_says_where_it_ends():
    r"""No `$`, which lets a last line feed pass: `\Z` and `fullmatch` do not. marshmallow's Regexp looks from the
    beginning only, so each of ours names its end."""
    seen, wrong = 0, []
    for folder in ("surveys", "feedback", "migrations"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for function, line, texts in patterns(ast.parse(path.read_text())):
                seen += 1
                ends = texts and str(texts[-1]).endswith(r"\Z")
                if any(map(ends_before_a_line_feed, texts)) or (function == "Regexp" and not ends):
                    wrong.append(f"{path.relative_to(ROOT)}:{line}")
    assert wrong == []
    assert seen > 50


# ------------------------------------------------------------------------------------------- migrations


def tables_of(world):
    """What the database says of its own tables, columns, indexes and checks."""
    if world.kind == "sqlite":
        rows = db.database.execute_sql(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
        ).fetchall()
        return {row[1]: _canonical(row[3] or "") for row in rows}
    found = {}
    for name, kind, query in (
        ("columns", "table", "SELECT table_name || '.' || column_name, data_type, is_nullable, column_default, "
         "generation_expression FROM information_schema.columns WHERE table_schema = 'public'"),
        ("indexes", "index", "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"),
        ("constraints", "check", "SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) "
         "FROM pg_constraint WHERE connamespace = 'public'::regnamespace"),
    ):  # fmt: skip
        found |= {(name, kind, row[0]): row[1:] for row in db.database.execute_sql(query).fetchall()}
    return found


def _canonical(sql):
    return " ".join(sql.replace("IF NOT EXISTS ", "").split())


def own(found, names):
    """Only what belongs to the application's tables: not what searches, the bell and migrations keep."""
    kept = {}
    for key, value in found.items():
        text = key if isinstance(key, str) else key[2]
        table = text.partition(".")[0]
        foreign = (
            table.startswith(("response_search", "response_properties", "limit_", "huey_", "migration"))
            or text == "response.search"
        )
        if not foreign and (table in names or not isinstance(key, str) or not value.startswith("CREATE T")):
            kept[key] = value
    return kept


def test_the_models_are_what_the_migrations_build(world):
    """Columns, keys, partial indexes and checks, table by table."""
    models = db.registered()
    names = {model._meta.table_name for model in models}
    migrated = own(tables_of(world), names)
    migrations.down(world.settings, schema_first())
    for model in models:
        assert not db.database.table_exists(model._meta.table_name)
    db.database.create_tables(models)
    assert own(tables_of(world), names) == migrated
    assert names <= set(db.database.get_tables())


def test_migrations_can_be_taken_back_and_applied_again(world):
    before = tables_of(world)
    applied = migrations.down(world.settings, schema_first())
    assert applied
    left = set(db.database.get_tables())
    assert not left & {model._meta.table_name for model in db.registered()}
    assert migrations.pending() == sorted(applied)
    assert migrations.up(world.settings) == sorted(applied)
    assert migrations.pending() == []
    assert tables_of(world) == before
    with pytest.raises(peewee.IntegrityError):
        db.database.execute_sql("INSERT INTO clock (id, tick) VALUES (1, 0)")


def schema_first():
    """The name of the first migration."""
    return min(path.stem for path in migrations.DIRECTORY.glob("[0-9]*.py"))


# ----------------------------------------------------------------------------------------------- pages


def test_the_pages_name_every_route_and_every_setting(app):
    again = "run: .venv/bin/python -m tests.tables"
    assert tables.between("routes", tables.ROUTES.read_text()) == tables.routes(app), again
    assert tables.between("settings", tables.SETTINGS.read_text()) == tables.setting_rows(), again


def test_the_page_on_privacy_says_what_every_column_holds():
    assert tables.between("privacy", tables.PRIVACY.read_text()) == tables.privacy_rows(), (
        "run: .venv/bin/python -m tests.tables"
    )


# ----------------------------------------------------------------------------------------------- access


@ON_SQLITE
def test_access_is_what_the_snapshot_says(world, make):
    """Every route × every kind of caller. `foreign`: an admin's key that is limited to another survey.

    A change of this file is a change of who may do what: review it as one. To accept one, delete the file
    and run this test; it writes the file anew, and fails once so that nobody overlooks it.
    """
    callers = {"none": {}, **keys_of_all_kinds(make)}
    there = _There(make)
    lines = [f"{'route':64}" + "".join(f"{caller:>9}" for caller in callers)]
    for rule in sorted(world.app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted(rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
            statuses = [_status(world, there, rule, method, headers) for headers in callers.values()]
            lines.append(f"{method + ' ' + rule.rule:64}" + "".join(f"{status:>9}" for status in statuses))
    found = "\n".join(lines) + "\n"
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(found)
        pytest.fail(f"{SNAPSHOT.name} was written anew: read it, then commit it")
    assert found == SNAPSHOT.read_text()


def keys_of_all_kinds(make):
    """What each kind of key sends with a call. Other ways to prove oneself stand beside it, as further columns."""
    keys = {scope: make.key(scope) for scope in ("read", "write", "trigger")}
    keys |= {"admin": ADMIN_KEY, "foreign": make.key("admin", surveys=[make.survey().id])}
    return {name: {"Authorization": f"Bearer {key}"} for name, key in keys.items()}


def test_only_one_family_asks_which_surveys_a_caller_may_see():
    """Everybody else asks `surveys.visible`, a table's own `seen_by`, or `makers` of what goes on by itself."""
    files = [path for folder in ("surveys", "feedback") for path in sorted((ROOT / folder).rglob("*.py"))]
    asking = {
        str(path.relative_to(ROOT)) for path in files if re.search(r"caller\.surveys\b", path.read_text())
    }
    tables = {"surveys/models.py", "feedback/models.py"}
    assert asking == {"surveys/visible.py", "surveys/base/accounts/makers.py", *tables}


class _There:
    """A survey, a response and a person that are there for a call; made anew once a call may have changed them."""

    def __init__(self, make):
        self.make, self.known = make, None

    def ids(self):
        """Their ids, by the names that routes give them."""
        if self.known is None:
            survey = self.make.survey()
            response = self.make.response(survey, 9, person={"id": survey.id})
            self.known = {
                "survey_id": survey.id,
                "response_id": response.id,
                "person_id": response.person_id,
            }
        return self.known

    def took(self, method, status):
        """A call came through."""
        if method != "GET" and status < 400:
            self.known = None


def _status(world, there, rule, method, headers):
    """What one caller gets who asks for something that is there, with an empty body."""
    known = there.ids()
    path = re.sub(r"<any\('?([^,')]+)[^)]*\):\w+>", r"\1", rule.rule)
    path = re.sub(r"<(?:int:)?(\w+)>", lambda match: str(known.get(match.group(1), "0")), path)
    body = {"json": {}} if method in ("POST", "PUT", "PATCH") else {}
    status = world.client.open(path, method=method, headers=headers, **body).status_code
    there.took(method, status)
    return status
