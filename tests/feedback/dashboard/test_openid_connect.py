"""In by OpenID Connect: whom the provider vouches for comes in, and what is forged, replayed or old does not."""

import base64
import hashlib
import html
import importlib.util
import json
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from surveys.base import clock, db, delivery, settings
from surveys.base.accounts import members, passwords, second_factor, sessions
from surveys.base.accounts.audit import AuditEntry
from surveys.base.delivery.client import Answer
from surveys.base.delivery.message import DeliveryFailed
from tests.conftest import ON_SQLITE
from tests.visitor import PASSWORD, Visitor, member, signed_in

ISSUER = "https://login.acme.example"
CLIENT, SECRET = "earshot client", "a+b/c=%"
OPENID = {"OIDC_ISSUER": ISSUER, "OIDC_CLIENT_ID": CLIENT, "OIDC_CLIENT_SECRET": SECRET}
CALLBACK = "http://localhost/team/sign-in/oidc/callback"
WAY, OPEN = "/team/sign-in/oidc", "/team/profile"
BOB = "bob@acme.example"

KEY, OTHER = (RSAKey.generate_key(2048, {"kid": name, "alg": "RS256"}) for name in ("k1", "k2"))


@pytest.fixture
def settings_overrides():
    return OPENID


class Standin:
    """A provider: what it says of itself, of its keys, and of whoever signed in. `lies` change the ID token."""

    def __init__(self):
        self.codes, self.about = {}, {"email": BOB, "email_verified": True, "name": "Bob"}
        self.lies, self.header, self.key, self.keys, self.more = (
            {},
            {"alg": "RS256", "kid": "k1"},
            KEY,
            [KEY],
            {},
        )

    def call(self, method, url, body=None, headers=None):
        return Answer(*self.answer(urlsplit(url).path, body, headers or {}))

    def answer(self, path, body, headers):
        if path == "/.well-known/openid-configuration":
            paths = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/keys",
                     "userinfo_endpoint": "/me"}  # fmt: skip
            found = {"issuer": ISSUER, **{name: ISSUER + path for name, path in paths.items()}, **self.more}
            return 200, {}, json.dumps(found).encode()
        if path == "/keys":
            return 200, {}, json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()
        if path == "/me":
            return 200, {}, json.dumps({"sub": "s1", **self.about}).encode()
        assert path == "/token"
        given = dict(parse_qsl(body.decode()))
        proof = "Basic " + base64.b64encode(b"earshot%20client:a%2Bb%2Fc%3D%25").decode()
        asked = self.codes.pop(given["code"], None)
        if asked is None or headers["Authorization"] != proof or given["redirect_uri"] != CALLBACK:
            return 400, {}, b'{"error": "invalid_grant"}'
        digest = base64.urlsafe_b64encode(hashlib.sha256(given["code_verifier"].encode()).digest())
        if (asked["code_challenge_method"], asked["code_challenge"]) != ("S256", digest.decode().rstrip("=")):
            return 400, {}, b'{"error": "invalid_grant"}'
        now = int(clock.now().timestamp())
        claims = {"iss": ISSUER, "sub": "s1", "aud": CLIENT, "exp": now + 300, "iat": now, "auth_time": now,
                  "nonce": asked["nonce"], **self.lies}  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(self.header, claims, self.key, algorithms=[self.header["alg"]])
        return 200, {}, json.dumps({"access_token": "at", "token_type": "Bearer", "id_token": token}).encode()


@pytest.fixture
def provider(world):
    standin = Standin()
    delivery.use_client(standin)
    return standin


def there(visitor, provider, query=""):
    """The way to the provider, which lets whoever comes in: the address that it leads back to."""
    answer = visitor.get(WAY + query)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    address = urlsplit(answer.headers["Location"])
    asked = {name: value[0] for name, value in parse_qs(address.query).items()}
    assert (f"{address.scheme}://{address.netloc}", address.path) == (ISSUER, "/auth")
    assert (asked["client_id"], asked["redirect_uri"], asked["response_type"]) == (CLIENT, CALLBACK, "code")
    assert "openid" in asked["scope"].split()
    code = uuid.uuid4().hex
    provider.codes[code] = asked
    return f"{WAY}/callback?code={code}&state={asked['state']}", asked


def is_in(visitor):
    return visitor.get(OPEN).status_code == 200


def text_of(answer):
    return html.unescape(answer.get_data(as_text=True))


def test_an_invited_member_comes_in_and_is_known_by_the_subject_from_then_on(world, provider):
    bob = members.invite({"email": BOB, "role": "viewer"}, clock.now())
    visitor = Visitor(world)
    page = text_of(visitor.get("/team/sign-in?next=/team/feed"))
    assert f'href="{WAY}?next=%2Fteam%2Ffeed">Sign in at login.acme.example' in page
    back, _ = there(visitor, provider, "?next=/team/feed")
    answer = visitor.get(back)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/team/feed")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert is_in(visitor)
    found = members.get(bob.id)
    assert (found.name, found.oidc_subject, found.password_hash) == ("Bob", f"{ISSUER} s1", None)
    assert found.joined_at is not None
    assert "GET /team/sign-in/oidc/callback" in [row.action for row in AuditEntry.select()]
    # The address at the provider is another by now, and proves nothing any more: the subject is the same.
    provider.about = {"email": "robert@acme.example", "email_verified": False}
    again = Visitor(world)
    assert again.get(there(again, provider)[0]).headers["Location"] == "/team"
    members.remove(bob.id)
    assert not is_in(again)
    assert again.get(there(again, provider)[0]).status_code == 403


def _lying(provider, header):
    """An ID token without its signature; `header` takes the place of the token's own, if given."""
    answer = provider.answer

    def lying(path, body, headers):
        status, told, found = answer(path, body, headers)
        if path == "/token" and status == 200:
            token = json.loads(found)
            own, claims, _ = token["id_token"].split(".")
            found = json.dumps({**token, "id_token": f"{header or own}.{claims}."}).encode()
        return status, told, found

    provider.answer = lying


NONE = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")

#: What is wrong, and what makes it so.
FORGED = {
    "another nonce": lambda provider: provider.lies.update(nonce="n"),
    "no nonce": lambda provider: provider.lies.update(nonce=None),
    "another issuer": lambda provider: provider.lies.update(iss="https://evil.example"),
    "another audience": lambda provider: provider.lies.update(aud="somebody else"),
    "two audiences, and not for us": lambda provider: provider.lies.update(aud=[CLIENT, "x"], azp="x"),
    "expired": lambda provider: provider.lies.update(exp=int(clock.now().timestamp()) - 120),
    "of the future": lambda provider: provider.lies.update(iat=int(clock.now().timestamp()) + 900),
    "no subject": lambda provider: provider.lies.update(sub=""),
    "no end": lambda provider: provider.lies.update(exp=None),
    "alg none": lambda provider: _lying(provider, NONE),
    "no signature": lambda provider: _lying(provider, None),
    "another key under the same name": lambda provider: setattr(
        provider, "key", RSAKey.import_key({**OTHER.as_dict(private=True), "kid": "k1"})
    ),
    "our own secret as the key": lambda provider: (
        setattr(provider, "key", OctKey.import_key("a+b/c=%" * 6)),
        provider.header.update(alg="HS256"),
    ),
    "a key nobody knows": lambda provider: (
        setattr(provider, "key", OTHER),
        provider.header.update(kid="k2"),
    ),
    "userinfo of somebody else": lambda provider: provider.about.update(sub="s2"),
    "an address that is not proved": lambda provider: provider.about.update(email_verified=False),
    "an address of which nothing is said": lambda provider: provider.about.pop("email_verified"),
    "an address that is none": lambda provider: provider.about.update(email="bob" * 100),
    "no address": lambda provider: provider.about.pop("email"),
    "an address that nobody invited": lambda provider: provider.about.update(email="eve@acme.example"),
    "keys that are none": lambda provider: setattr(provider, "keys", []),
}


def test_what_is_forged_lets_nobody_in(world, provider):
    bob = members.invite({"email": BOB, "role": "administrator"}, clock.now())
    for what, lie in FORGED.items():
        standin = Standin()
        delivery.use_client(standin)
        world.app.extensions.pop("openid", None)
        lie(standin)
        visitor = Visitor(world)
        answer = visitor.get(there(visitor, standin)[0])
        assert answer.status_code == (502 if what.startswith("keys") else 403), what
        assert not is_in(visitor), what
        assert members.get(bob.id).joined_at is None, what
    assert not sessions.Session.select().exists()


def test_a_key_that_is_new_is_asked_for(world, provider):
    members.invite({"email": BOB, "role": "viewer"}, clock.now())
    first = Visitor(world)
    first.get(there(first, provider)[0])
    provider.key, provider.keys, provider.header = OTHER, [KEY, OTHER], {"alg": "RS256", "kid": "k2"}
    second = Visitor(world)
    assert second.get(there(second, provider)[0]).status_code == 303
    assert is_in(second)


def test_an_answer_ends_the_attempt_that_this_browser_began_and_no_other(world, provider):
    members.invite({"email": BOB, "role": "viewer"}, clock.now())
    visitor, thief = Visitor(world), Visitor(world)
    back, asked = there(visitor, provider)
    for wrong in (
        "code={code}&state=" + "x" * 43,
        "code={code}&state={state}~",
        "code={code}&state=" + asked["state"],
        "code={code}",
        "",
        "state={state}",
        "code={code}&state={state}&iss=https://evil.example",
        "error=access_denied&state={state}",
    ):
        other = Visitor(world)
        mine, own = there(other, provider)
        code = dict(parse_qsl(urlsplit(mine).query))["code"]
        query = wrong.format(code=code, state=own["state"])
        assert other.get(f"{WAY}/callback?{query}").status_code in (400, 403), wrong
        assert not is_in(other), wrong
    assert thief.get(back).status_code == 400, "the code of another's attempt"
    # Two tabs: neither ends the other's.
    second, _ = there(visitor, provider)
    cookies = [visitor.client.get_cookie(f"earshot-oidc-{asked['state'][:16]}", path=WAY)]
    assert cookies[0].http_only
    assert cookies[0].same_site == "Lax"
    assert visitor.get(back).status_code == 303
    assert visitor.get(second).status_code == 303
    assert is_in(visitor)
    # Played again: by the same browser, and with the cookie kept.
    visitor.send("/team/sign-out", on=OPEN)
    assert visitor.get(back).status_code == 400
    kept = cookies[0]
    visitor.client.set_cookie(kept.key, kept.value, path=WAY)
    assert visitor.get(back).status_code == 403
    assert not is_in(visitor)
    late, _ = there(visitor, provider)
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        assert visitor.get(late).status_code in (400, 403)
    assert not is_in(visitor)


def test_no_address_opens_the_account_of_somebody_who_has_joined(world, provider):
    ann = member(email=BOB)
    visitor = Visitor(world)
    answer = visitor.get(there(visitor, provider)[0])
    assert answer.status_code == 403
    assert "no invitation is waiting for your address" in text_of(answer)
    assert members.get(ann.id).oidc_subject is None
    assert not is_in(visitor)


def test_a_provider_that_is_away_or_another_is_told(world, provider):
    calls = provider.call
    for what in ("away", "html", "500", "another issuer", "plain http"):
        world.app.extensions.pop("openid", None)
        provider.call, provider.more = calls, {}
        if what == "away":
            provider.call = lambda *_, **__: (_ for _ in ()).throw(DeliveryFailed("too slow", again=True))
        elif what == "another issuer":
            provider.more = {"issuer": ISSUER + "/"}
        elif what == "plain http":
            provider.more = {"authorization_endpoint": "http://login.acme.example/auth"}
        else:
            provider.call = lambda *_, what=what, **__: Answer(500 if what == "500" else 200, {}, b"<html>")
        answer = Visitor(world).get(WAY)
        assert answer.status_code == 502, what
        assert "cannot be reached just now" in text_of(answer)


@ON_SQLITE
def test_a_provider_that_hangs_holds_one_caller_and_is_left_alone_a_while(world, provider):
    calls, entered, end = [], threading.Event(), threading.Event()

    def hangs(*_, **__):
        calls.append(1)
        entered.set()
        assert end.wait(60)
        raise DeliveryFailed("too slow", again=True)

    answers, provider.call = provider.call, hangs

    def first():
        try:
            return Visitor(world).get(WAY).status_code
        finally:
            db.forget_connection()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(first)
        assert entered.wait(60)
        try:
            assert [Visitor(world).get(WAY).status_code for _ in range(3)] == [502] * 3
        finally:
            end.set()
        assert waiting.result() == 502
    assert Visitor(world).get(WAY).status_code == 502
    assert calls == [1], "nobody asked again"
    statuses = [Visitor(world).get(WAY).status_code for _ in range(40)]
    assert 429 in statuses
    provider.call, now = answers, clock.now()
    with time_machine.travel(now + timedelta(seconds=121)):
        visitor = Visitor(world)
        back, _ = there(visitor, provider)
        assert visitor.get(WAY).status_code == 303, "who was led there counts for nothing"
        provider.call = lambda *_, **__: (_ for _ in ()).throw(DeliveryFailed("too slow", again=True))
        statuses = []
        for _ in range(32):
            # The browser's attempt is over after each, so it keeps a copy.
            kept = visitor.client._cookies.copy()
            statuses.append(visitor.get(back))
            visitor.client._cookies = kept
        assert [each.status_code for each in statuses[:30]] == [502] * 30
        assert statuses[-1].status_code == 429
        assert int(statuses[-1].headers["Retry-After"]) > 0


@ON_SQLITE
def test_a_code_after_the_provider_is_no_password(world, provider):
    bob = members.invite({"email": BOB, "role": "administrator"}, clock.now())
    visitor = Visitor(world)
    visitor.get(there(visitor, provider)[0])
    secret = second_factor.new_secret()
    codes = second_factor.switch_on(bob.id, secret, 0)
    for again in (False, True):
        if again:
            # Whoever gives the password first is not asked for it a second time.
            members.change(bob.id, {"password_hash": passwords.hashed(PASSWORD)})
        fresh = Visitor(world)
        answer = fresh.sign_in(BOB) if again else fresh.get(there(fresh, provider)[0])
        assert answer.headers["Location"].startswith("/team/sign-in/code")
        assert fresh.send("/team/sign-in/code", code=codes.pop()).status_code == 303
        token = dict(fresh.forms(OPEN))["/team/sign-out"]["token"]
        given = {"token": token, "do": "invite", "role": "viewer", "email": f"eve{again}@acme.example"}
        answer = fresh.post("/team/admin/members", given)
        assert answer.status_code == (303 if again else 403)


def test_who_has_no_password_proves_it_at_the_provider_again(world, provider):
    bob = members.invite({"email": BOB, "role": "administrator"}, clock.now())
    visitor = Visitor(world)
    visitor.get(there(visitor, provider)[0])
    given = {"token": dict(visitor.forms(OPEN))["/team/sign-out"]["token"], "do": "invite", "role": "viewer"}
    asked = visitor.post("/team/admin/members", {**given, "email": "eve@acme.example"})
    assert asked.status_code == 403, "the provider may have asked nothing"
    assert 'type="password"' not in text_of(asked)
    again = re.search(rf'href="({WAY}\?again=1[^"]*)"', text_of(asked))[1].partition(WAY)[2]
    _, sent = there(visitor, provider, again)
    assert (sent["prompt"], sent["max_age"]) == ("login", "0")
    now = int(clock.now().timestamp())
    for lie in ({"auth_time": now - 900}, {"auth_time": None}, {"auth_time": "now"}, {"sub": "s2"}):
        provider.lies = lie
        provider.about = {"email": BOB, "email_verified": True, "sub": lie.get("sub", "s1")}
        assert visitor.get(there(visitor, provider, again)[0]).status_code == 403, lie
        assert visitor.post("/team/admin/members", {**given, "email": "e@acme.example"}).status_code == 403
    provider.lies, provider.about = {}, {"email": BOB, "email_verified": True}
    assert visitor.get(there(visitor, provider, again)[0]).headers["Location"] == "/team/admin/members"
    assert visitor.post("/team/admin/members", {**given, "email": "eve@acme.example"}).status_code == 303
    assert members.get(bob.id).password_hash is None
    # Whoever has a password is asked for that, and a stranger's subject opens nothing of theirs.
    ann = signed_in(world, email="ann@acme.example")
    assert ann.get(there(ann, provider, again)[0]).status_code == 403


def test_who_has_a_password_connects_the_two_and_nobody_does_it_for_them(world, provider):
    ann, eve = member(email="ann@acme.example"), member("viewer", "eve@acme.example")
    visitor, other = Visitor(world), Visitor(world)
    visitor.sign_in(ann.email)
    other.sign_in(eve.email)
    link = re.search(rf'href="({WAY}\?connect=[^"]+)"', text_of(visitor.get(OPEN)))[1]
    assert other.get(link).status_code == 400, "another member's link"
    assert visitor.get(link[:-1]).status_code == 400
    assert Visitor(world).get(link).headers["Location"].startswith("/team/sign-in?")
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        assert visitor.get(link).headers["Location"].startswith("/team/confirm?")
    back, _ = there(visitor, provider, link.partition(WAY)[2])
    assert other.get(back).status_code == 400
    assert visitor.get(back).headers["Location"] == "/team/profile?done=connected"
    assert members.get(ann.id).oidc_subject == f"{ISSUER} s1"
    fresh = Visitor(world)
    assert fresh.get(there(fresh, provider)[0]).status_code == 303
    assert is_in(fresh)
    # One account at the provider is one member.
    link = re.search(rf'href="({WAY}\?connect=[^"]+)"', text_of(other.get(OPEN)))[1]
    assert other.get(there(other, provider, link.partition(WAY)[2])[0]).status_code == 409
    given = next(each for _, each in visitor.forms(OPEN) if each.get("do") == "disconnect")
    assert visitor.post(OPEN, given).headers["Location"] == "/team/profile?done=disconnect"
    assert members.get(ann.id).oidc_subject is None
    last = Visitor(world)
    assert last.get(there(last, provider)[0]).status_code == 403


@pytest.mark.parametrize("settings_overrides", [{**OPENID, "OIDC_ROLE": "agent"}])
def test_who_is_new_gets_the_role_of_the_settings(world, provider):
    visitor = Visitor(world)
    assert visitor.get(there(visitor, provider)[0]).headers["Location"] == "/team/mine"
    [found] = members.Member.select()
    assert (found.email, found.role, found.name) == (BOB, "agent", "Bob")
    unproved = Visitor(world)
    provider.lies, provider.about = {"sub": "s2"}, {"email": "eve@acme.example", "sub": "s2"}
    assert unproved.get(there(unproved, provider)[0]).status_code == 403


def test_settings_are_whole_safe_and_say_what_is_missing(monkeypatch):
    assert settings.read({**OPENID, "OIDC_ROLE": "agent"}).oidc_role == "agent"
    assert settings.read({**OPENID, "OIDC_ISSUER": "http://127.0.0.1:9000"}).oidc_issuer
    assert settings.read({}).oidc_issuer is None
    for given, word in (
        ({"OIDC_ISSUER": ISSUER}, "OIDC_CLIENT_ID and OIDC_CLIENT_SECRET must be given too"),
        ({"OIDC_ROLE": "viewer"}, "OIDC_ISSUER"),
        ({**OPENID, "OIDC_ROLE": "king"}, "OIDC_ROLE"),
        ({**OPENID, "OIDC_ISSUER": "http://login.acme.example"}, "must look like"),
        ({**OPENID, "OIDC_ISSUER": "https://["}, "must look like"),
        ({**OPENID, "OIDC_ISSUER": ISSUER + "?a=b"}, "must look like"),
    ):
        with pytest.raises(settings.SettingsError, match=word):
            settings.read(given)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(settings.SettingsError, match=r"not installed.*requirements-oidc\.txt"):
        settings.read(OPENID)
    assert settings.read({}).oidc_issuer is None
