"""In by a certified OpenID provider that runs on this machine, over real HTTP and by our own client for what leaves."""

import re
import subprocess
from urllib.parse import urljoin

import pytest
import requests

from surveys.base import clock
from surveys.base.accounts import members
from tests import servers
from tests.visitor import ORIGIN, Visitor

FOLDER = servers.ROOT / "tests" / "oidc_provider"
WAY = "/team/sign-in/oidc"

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def issuer():
    """The provider's address."""
    if not (FOLDER / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=FOLDER, check=True)
    port = str(servers.free_port())
    with subprocess.Popen(
        ["node", "server.mjs", port, f"{ORIGIN}{WAY}/callback"],
        cwd=FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert any(line.strip() == "ready" for line in process.stdout), "the provider does not start"
        yield f"http://127.0.0.1:{port}"
        process.kill()


@pytest.fixture
def settings_overrides(issuer):
    return {
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": "earshot",
        "OIDC_CLIENT_SECRET": "a+b/c=% of the tests",
        "OUTBOUND_ALLOW": "127.0.0.1",
    }


def back_from(browser, address, login):
    """Sign in at the provider as `login`, and agree: the address that it leads back to; and what it asked."""
    asked, answer = [], browser.get(address, allow_redirects=False, timeout=20)
    while True:
        while answer.is_redirect:
            following = urljoin(answer.url, answer.headers["Location"])
            if following.startswith(ORIGIN):
                return following.removeprefix(ORIGIN), asked
            answer = browser.get(following, allow_redirects=False, timeout=20)
        assert answer.status_code == 200, answer.text
        action = re.search(r'<form[^>]* action="([^"]+)"', answer.text)[1]
        asked.append(re.search(r'name="prompt" value="(\w+)"', answer.text)[1])
        form = {"prompt": asked[-1], "login": login, "password": "any"}
        answer = browser.post(action, form, allow_redirects=False, timeout=20)


def test_a_member_comes_in_proves_it_again_and_nobody_else_does(world):
    members.invite({"email": "bob@acme.example", "role": "viewer"}, clock.now())
    visitor = Visitor(world)
    with requests.Session() as browser:
        back, asked = back_from(browser, visitor.get(WAY).headers["Location"], "bob")
        assert asked == ["login", "consent"]
        assert visitor.get(back).headers["Location"] == "/team"
        assert "bob at Acme" in visitor.get("/team/profile").get_data(as_text=True)
        assert visitor.get(back).status_code == 400, "a code is good once"
        again = visitor.get(f"{WAY}?again=1&next=/team/feed").headers["Location"]
        back, asked = back_from(browser, again, "bob")
        assert asked[0] == "login", "whoever is signed in at the provider is asked all the same"
        assert visitor.get(back).headers["Location"] == "/team/feed"
    with requests.Session() as stranger:
        again = visitor.get(f"{WAY}?again=1&next=/team/feed").headers["Location"]
        assert visitor.get(back_from(stranger, again, "eve")[0]).status_code == 403
    with requests.Session() as stranger:
        uninvited = Visitor(world)
        back, _ = back_from(stranger, uninvited.get(WAY).headers["Location"], "eve")
        assert uninvited.get(back).status_code == 403
        assert uninvited.get("/team/profile").status_code == 303
