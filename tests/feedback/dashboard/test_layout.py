"""The frame of the team's pages: errors as pages, files under their hash, words that are there."""

import gzip
import inspect
import re
import sys
from pathlib import Path

import jinja2.nodes
import pytest
from flask import g
from jinja2 import Environment

from feedback.dashboard import assets, layout, registry, words
from surveys.base import clock, signing
from surveys.base.accounts import audit, members
from surveys.base.http import lists
from surveys.base.http import signed_in as signed_in_
from surveys.models import Person
from tests.conftest import ON_POSTGRES, ON_SQLITE
from tests.visitor import signed_in

TEMPLATES = Path(layout.__file__).parents[1] / "templates" / "dashboard"


def test_an_address_under_team_that_is_no_page_is_told_as_a_page(world):
    answer = world.client.get("/team/nowhere", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "There is nothing here" in answer.get_data(as_text=True)
    assert "script-src 'nonce-" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert world.client.get("/nowhere").mimetype == "application/json"


@ON_POSTGRES
def test_no_page_hands_the_database_a_nul_of_its_query(world):
    visitor, tried = signed_in(world), set()
    for page in registry.PAGES:
        module = sys.modules[world.app.view_functions[page.endpoint].__module__]
        names = set(re.findall(r'request\.args(?:\.get\(|\[)"(\w+)"', inspect.getsource(module)))
        names |= set(re.findall(r'"(\w+)" in request\.args', inspect.getsource(module)))
        queries = [each for name, each in vars(module).items() if re.fullmatch(r"\w+(Query|Filters)", name)]
        for name in sorted(names.union({"next"}, *(query().fields for query in queries))):
            for value in ("%00", "sv_%00"):
                status = visitor.get(f"{re.sub('<[^>]+>', '0', page.address)}?{name}={value}").status_code
                assert status < 500, (page.address, name)
            tried.add((page.address, name))
    assert {("/team/admin/audit", "thing"), ("/team/feed", "person"), ("/team/mine", "cursor")} <= tried


def test_a_dead_end_leads_to_the_first_page_that_its_reader_may_open(world):
    visitors = {role: signed_in(world, role) for role in members.ROLES}
    agent = visitors["agent"]
    for role, visitor in visitors.items():
        first = members.home(role)
        for dead in ("/team/nowhere", "/team/feed/nothing"):
            answer = visitor.get(dead)
            assert answer.status_code in (403, 404)
            assert f'class="button" href="{first}"' in answer.get_data(as_text=True)
        assert visitor.get(first).status_code == 200
        with world.app.test_request_context(first, headers={"Cookie": f"earshot={visitor.secret}"}):
            g.caller = signed_in_.way()
            assert next(registry.navigation())[1][0].address == first
    assert agent.get("/team?period=30d").headers["Location"] == "/team/mine"
    assert agent.post("/team", {}).status_code == 403
    assert "Go to the sign-in" in world.client.get("/team/nowhere").get_data(as_text=True)
    assert 'href="team"' in world.client.get("/").get_data(as_text=True)


def test_files_are_kept_for_good_under_the_hash_of_their_bytes(world):
    with world.app.test_request_context():
        addresses = {name: assets.address(name) for name in assets.KINDS}
    for name, address in addresses.items():
        answer = world.client.get(address, headers={"Accept-Encoding": "identity"})
        assert answer.data == (assets.FOLDER / name).read_bytes()
        assert "immutable" in answer.headers["Cache-Control"]
        packed = world.client.get(address, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == answer.data
    assert world.client.get("/team/static/0000000000000000/team.css").status_code == 404


@ON_SQLITE
def test_a_page_is_compressed_where_no_other_site_asked_for_it(world):
    visitor = signed_in(world)

    def asked(by, takes="gzip, br"):
        headers = {"Accept-Encoding": takes} | ({"Sec-Fetch-Site": by} if by else {})
        answer = visitor.get("/team", headers=headers)
        assert {"Accept-Encoding", "Sec-Fetch-Site"} <= set(answer.vary)
        return answer

    for by in ("none", "same-origin"):
        answer = asked(by)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        assert b"<h1>Overview</h1>" in gzip.decompress(answer.data)
    for plain in (
        asked("cross-site"), asked("same-site"), asked("anything"), asked(None), asked("none", "br, gzip;q=0")
    ):  # fmt: skip
        assert "Content-Encoding" not in plain.headers
        assert b"<h1>Overview</h1>" in plain.data


@ON_SQLITE
def test_a_token_is_spelt_otherwise_in_each_answer(world):
    visitor = signed_in(world)

    def tokens():
        return {given["token"] for _, given in visitor.forms("/team") if "token" in given}

    (one,), (other,) = tokens(), tokens()
    bare = signing.derive("csrf", visitor.secret)
    assert one != other
    assert bare not in (one[:64], one[64:])
    for token in (one, other, one):
        assert visitor.post("/team", {"token": token, "do": "unpin", "id": "none"}).status_code == 404
    for token in (bare, one[64:], one[:64] + other[64:], one + "00", one[:-1], "", "\u0661" * 128):
        assert visitor.post("/team", {"token": token, "do": "unpin", "id": "none"}).status_code == 403


@ON_SQLITE
def test_a_long_page_is_laid_out_in_parts(world, make):
    survey = make.survey()
    for at in range(60):
        Person.create(id=f"per_{at}", created_at=clock.now(), name=f"Person {at}", verified=True)
        score, comment = (0, "Great, thank you, I love it") if at % 2 else (10, "Terrible, slow and broken")
        make.response(survey, score, comment=comment)
        audit.note("a script", None, "survey.changed", survey.id, ["name"], None, clock.now())
    world.work()
    visitor, long = signed_in(world), set()
    for page in registry.PAGES:
        answer = visitor.get(page.address) if "<" not in page.address else None
        if answer is None or answer.mimetype != "text/html" or answer.status_code != 200:
            continue
        body = re.sub(
            r"<details(?![^>]* open).*?</details>", "", answer.get_data(as_text=True), flags=re.DOTALL
        )
        parts = [len(re.findall("<[a-z]", part)) for part in body.split(">document.body.offsetHeight<")]
        assert max(parts) <= 250, page.address
        if sum(parts) > 500:
            long.add(page.address)
    assert {"/team/feed", "/team/people", "/team/admin/audit", "/team/mismatches"} <= long


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.stem)
def test_templates_find_their_words_in_the_catalogue_and_their_icons_in_the_sprite(template):
    tree = Environment(autoescape=True).parse(template.read_text())
    sprite = (assets.FOLDER / "icons.svg").read_text()
    for call in tree.find_all(jinja2.nodes.Call):
        name = call.node.name if isinstance(call.node, jinja2.nodes.Name) else ""
        given = call.args[0] if call.args else None
        if isinstance(given, jinja2.nodes.Const):
            if name == "say":
                assert given.value in words.WORDS
            if name == "icon":
                assert f'id="{given.value}"' in sprite, given.value
    assert not re.search(r"\sstyle=|\son[a-z]+=", template.read_text()), "the policy forbids both"


@ON_SQLITE
def test_the_first_page_leads_a_signed_in_member_to_the_overview(world):
    assert world.client.get("/").status_code == 200
    answer = signed_in(world, "viewer").get("/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/team")


@ON_SQLITE
def test_no_list_takes_the_cursor_of_another(world):
    visitor = signed_in(world)
    of_answers, of_places = (lists.encode_cursor(at) for at in (1_795_000_000_000_000, 5))
    for page in ("feed", "mismatches", "mine"):
        assert visitor.get(f"/team/{page}?cursor={of_answers}").status_code == 200
        assert visitor.get(f"/team/{page}?cursor={of_places}").status_code == 422
    for page in ("topics", "themes"):
        for cursor in (of_answers, of_places, lists.encode_cursor(-1)):
            answer = visitor.get(f"/team/{page}?cursor={cursor}")
            assert answer.status_code == 422
            assert "Is not a cursor of this list." in answer.get_data(as_text=True)


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_what_scrolls_in_a_section_has_a_name_of_its_own(template):
    """Whoever goes from landmark to landmark hears which is which."""
    text = template.read_text()
    sections = set(re.findall(r'<section[^>]* aria-labelledby="([^"]+)"', text))
    regions = set(re.findall(r'role="region"[^>]* aria-labelledby="([^"]+)"', text))
    assert not sections & regions
