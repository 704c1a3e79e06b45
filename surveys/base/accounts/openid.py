"""Signing in by OpenID Connect (Core 1.0, authorization code with PKCE): the way to the provider, and what it says.

Needs the extra of requirements-oidc.txt. Every call leaves by the one client for everything that leaves.
"""

import base64
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from surveys.base import clock, delivery, signing
from surveys.base.accounts.identity import Identity
from surveys.base.delivery.message import DeliveryFailed
from surveys.base.settings import Settings

#: How long somebody may take at the provider.
GOOD_FOR = timedelta(minutes=10)

#: What the provider says of itself is asked anew after so long.
_KNOWN_FOR = timedelta(hours=1)

#: After the provider failed to say it, nobody asks again for so long: each who waits holds a thread of the service.
_AWAY_FOR = timedelta(seconds=30)

#: So many at most wait for the provider at one moment to prove who somebody is.
_PROVING = 8

#: Seconds that the provider's clock may be off.
_LEEWAY = 60

#: Signatures by a key that the provider alone has; neither none at all, nor one that our own secret could make.
_SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")

_SCOPE = "openid email profile"

_BASIC = "client_secret_basic"


class Unproven(Exception):
    """What came back proves nobody; the reason is for the log."""


class Away(Exception):
    """The provider cannot be reached, or says what is no OpenID Connect; the reason is for the log."""


@dataclass(frozen=True)
class Attempt:
    """One way there and back. The browser keeps it sealed in between, so that no other can end it.

    `at`: when it began, in seconds. `next`: the page wanted. `again`: whoever is signed in is to prove it anew.
    """

    state: str
    nonce: str
    verifier: str
    at: int
    next: str | None
    again: bool
    #: The member who wants to sign in at the provider from then on.
    connect: str | None = None


def begun(wanted: str | None, again: bool, connect: str | None, now: datetime) -> Attempt:
    """A new attempt."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Attempt(state, nonce, verifier, int(now.timestamp()), wanted, again, connect)


class Provider:
    """The provider that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.oidc_issuer or ""
        self.client_id, self._secret = settings.oidc_client_id or "", settings.oidc_client_secret or ""
        self._metadata: dict[str, Any] = {}
        self._keys: Any = None
        self._known_until: datetime | None = None
        self._away: tuple[datetime, str] | None = None
        self._asking, self._proving = threading.Lock(), threading.BoundedSemaphore(_PROVING)

    def way(self, attempt: Attempt, callback: str) -> str:
        """The address at the provider that the browser is led to. Raises Away."""
        more = {"prompt": "login", "max_age": "0"} if attempt.again else {}
        address, _ = self._client(callback).create_authorization_url(
            self._endpoint("authorization_endpoint"),
            state=attempt.state,
            code_verifier=attempt.verifier,
            nonce=attempt.nonce,
            **more,
        )
        return str(address)

    def identity(self, attempt: Attempt, callback: str, given: Mapping[str, str], now: datetime) -> Identity:
        """Who came back to `callback` with the parameters `given`. Raises Unproven and Away."""
        if not self._proving.acquire(blocking=False):
            raise Away("too many wait for it already")
        try:
            return self._proved(attempt, callback, given, now)
        finally:
            self._proving.release()

    # --------------------------------------------------------------------------------------------------

    def _proved(self, attempt: Attempt, callback: str, given: Mapping[str, str], now: datetime) -> Identity:
        if now.timestamp() > attempt.at + GOOD_FOR.total_seconds():
            raise Unproven("it took too long")
        if not signing.same(given.get("state", ""), attempt.state):
            raise Unproven("another state")
        told = given.get("iss")
        if told != self.issuer and (
            told is not None or self._metadata_now().get("authorization_response_iss_parameter_supported")
        ):
            # RFC 9207: an answer of another provider is not for us.
            raise Unproven("another issuer answers")
        if "error" in given or not given.get("code"):
            raise Unproven(f"the provider says {given.get('error', 'nothing')[:100]}")
        token = self._exchanged(given["code"], attempt, callback)
        claims = self._claims(token, attempt, now)
        if attempt.again and not _is_since(claims.get("auth_time"), attempt.at):
            raise Unproven("nobody was asked again")
        about = {**self._told_of_user(token, claims), **claims}
        email = about.get("email")
        return Identity(
            subject=f"{self.issuer} {claims['sub']}",
            email=email if isinstance(email, str) and "@" in email and len(email) <= 254 else None,
            email_verified=about.get("email_verified") in (True, "true"),
            name=about["name"][:200] if isinstance(about.get("name"), str) and about["name"] else None,
        )

    def _client(self, callback: str) -> OAuth2Client:
        # Where the provider names none, it takes this one (Discovery 1.0, 3).
        methods = self._metadata_now().get("token_endpoint_auth_methods_supported") or [_BASIC]
        client = OAuth2Client(
            _Session(),
            client_id=self.client_id,
            client_secret=self._secret,
            token_endpoint_auth_method=_BASIC if _BASIC in methods else "client_secret_post",
            scope=_SCOPE,
            redirect_uri=callback,
            code_challenge_method="S256",
        )
        client.register_client_auth_method((_BASIC, _basic))
        return client

    def _exchanged(self, code: str, attempt: Attempt, callback: str) -> Mapping[str, Any]:
        try:
            token: Mapping[str, Any] = self._client(callback).fetch_token(
                self._endpoint("token_endpoint"),
                grant_type="authorization_code",
                code=code,
                code_verifier=attempt.verifier,
            )
        except OAuth2Error as error:
            raise Unproven(f"the provider takes no such code: {error.error}") from None
        except ValueError:
            raise Away("no JSON where tokens are given out") from None
        return token

    def _claims(self, token: Mapping[str, Any], attempt: Attempt, now: datetime) -> dict[str, Any]:
        raw = token.get("id_token")
        if not isinstance(raw, str):
            raise Unproven("no ID token")
        try:
            try:
                read = jwt.decode(raw, self._key_set(), algorithms=list(_SIGNED_BY))
            except InvalidKeyIdError:
                # The provider signs with a key that is newer than what we know.
                read = jwt.decode(raw, self._key_set(anew=True), algorithms=list(_SIGNED_BY))
            claims = CodeIDToken(
                read.claims,
                read.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self.client_id},
                    "sub": {"essential": True},
                },
                {
                    "nonce": attempt.nonce,
                    "client_id": self.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(now=int(now.timestamp()), leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Unproven(f"the ID token is not valid: {type(error).__name__} {error}") from None
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise Unproven("no subject")
        return dict(claims)

    def _told_of_user(self, token: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """What the UserInfo endpoint says, where the ID token names no address."""
        access, address = token.get("access_token"), self._metadata_now().get("userinfo_endpoint")
        if "email" in claims or not access or not address:
            return {}
        found = _json(self._endpoint("userinfo_endpoint"), {"Authorization": f"Bearer {access}"})
        if found.get("sub") != claims["sub"]:
            raise Unproven("UserInfo of somebody else")
        return found

    def _metadata_now(self) -> dict[str, Any]:
        """What the provider says of itself. One caller at a time asks; the others take what was known, or go."""
        if self._known_until is not None and clock.now() <= self._known_until:
            return self._metadata
        if not self._asking.acquire(blocking=False):
            if self._metadata:
                return self._metadata
            raise Away("another caller is asking it just now")
        try:
            return self._asked_anew()
        finally:
            self._asking.release()

    def _asked_anew(self) -> dict[str, Any]:
        if self._away is not None and clock.now() < self._away[0]:
            raise Away(f"{self._away[1]}, a moment ago")
        try:
            found = _json(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise Away(f"the issuer calls itself {str(found.get('issuer'))[:200]}")
        except Away as away:
            self._away = clock.now() + _AWAY_FOR, str(away)
            raise
        self._metadata, self._keys, self._known_until = found, None, clock.now() + _KNOWN_FOR
        return found

    def _endpoint(self, name: str) -> str:
        address = self._metadata_now().get(name)
        # Plain http is spoken on this machine alone, as the settings see to.
        schemes = {"https", urlsplit(self.issuer).scheme}
        if not isinstance(address, str) or urlsplit(address).scheme not in schemes:
            raise Away(f"no {name}")
        return address

    def _key_set(self, anew: bool = False) -> Any:
        if self._keys is None or anew:
            found = _json(self._endpoint("jwks_uri")).get("keys")
            mine = [
                key
                for key in (found if isinstance(found, list) else [])
                if isinstance(key, dict) and key.get("kty") in ("RSA", "EC") and key.get("use") != "enc"
            ]
            if not mine:
                raise Away("no keys")
            self._keys = KeySet.import_key_set({"keys": mine})
        return self._keys


class _Session:
    """What the library sends by: our own client."""

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> "_Reply":
        url, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return _Reply(_called(lambda: delivery.outbound().call("POST", url, body.encode(), sent)))


class _Reply:
    """An answer as the library reads it."""

    def __init__(self, answer: Any) -> None:
        self.status_code, self._body = answer.status, answer.body

    def raise_for_status(self) -> None:
        """Raises Away for what is no good answer."""
        if self.status_code >= 400:
            raise Away(f"status {self.status_code}")

    def json(self) -> Any:
        """The body. Raises ValueError."""
        return json.loads(self._body)


def _basic(client: Any, method: str, url: str, headers: dict[str, str], body: str) -> tuple[Any, ...]:
    """Prove ourselves by id and secret, each encoded first (RFC 6749, 2.3.1), which the library leaves out."""
    pair = ":".join(quote(part, safe="") for part in (client.client_id, client.client_secret))
    headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return url, headers, body


def _json(address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    wanted = {"Accept": "application/json", **(headers or {})}
    reply = _Reply(_called(lambda: delivery.outbound().call("GET", address, headers=wanted)))
    reply.raise_for_status()
    try:
        found = reply.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Away("no JSON")
    return found


def _called(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except DeliveryFailed as error:
        raise Away(str(error)) from None


def _is_since(auth_time: Any, at: int) -> bool:
    is_number = isinstance(auth_time, int | float) and not isinstance(auth_time, bool)
    return is_number and auth_time >= at - _LEEWAY
