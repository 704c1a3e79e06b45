"""The one HTTP client for everything that leaves: it reaches no private address, follows nothing, hurries."""

import functools
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import idna
import requests
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES
from urllib3.connection import HTTPConnection, HTTPSConnection

from surveys.base.delivery.deadline import Deadline
from surveys.base.delivery.message import DeliveryFailed

#: For the whole of a call: the name, the connection, TLS, headers and body.
TIMEOUT_SECONDS = 10.0
MOST_BYTES = 64 * 1024
USER_AGENT = "Earshot"

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Reached by no setting whatever: cloud metadata services hand out credentials to anybody who asks.
NEVER = (
    "169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32",
)  # fmt: skip

_NEVER = tuple(ipaddress.ip_network(entry) for entry in NEVER)

#: All of IPv6 that is given out to be reached from everywhere (IANA, "IPv6 Global Unicast Address Assignments").
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")

#: In these the last 32 bits are an IPv4 address: compatible (RFC 4291, 2.5.5.1), translated (RFC 2765, 2.1; RFC 7915),
#: NAT64 (RFC 6052, 2.1).
_LAST_BITS = tuple(ipaddress.IPv6Network(entry) for entry in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96"))

#: NAT64 of one's own network (RFC 8215): the IPv4 address stands where the prefix ends, whose length nobody tells.
_OWN_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")

#: Interface identifiers of ISATAP (RFC 5214, 6.1), before the last 32 bits.
_ISATAP = (0x5EFE, 0x0200_5EFE)


class Unreached(DeliveryFailed):
    """No connection came about: whoever was to be called knows nothing of it."""


class Blocked(Unreached):
    """The address may not be reached. Trying again changes nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, again=False)


@dataclass(frozen=True)
class Answer:
    """What came back: as much of the body as was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Calls to the outside. `allow`: the networks and hosts of OUTBOUND_ALLOW, which may be private."""

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self.allow = tuple(entry.lower() for entry in allow)

    def check(self, url: str) -> None:
        """Raise Blocked when `url` may not be called, DeliveryFailed when its host is not known now."""
        with Deadline(TIMEOUT_SECONDS) as deadline:
            self.resolve(url, deadline)

    def call(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most: int = MOST_BYTES,
    ) -> Answer:
        """Send one request and return the answer, whatever its status; a redirect is an answer too.

        Of its body `most` bytes are read. Raises Blocked, Unreached before there was a connection, and DeliveryFailed
        when there is no whole answer within TIMEOUT_SECONDS.
        """
        with Deadline(TIMEOUT_SECONDS) as deadline:
            address = self.resolve(url, deadline)
            try:
                with self._session(address, deadline) as session:
                    given = {"data": body, "headers": dict(headers or {}), "timeout": deadline.left}
                    with session.request(method, url, stream=True, **given) as said:
                        answer = Answer(said.status_code, dict(said.headers), _read(said, most))
            except (requests.RequestException, OSError, UnicodeError, ValueError) as error:
                reason = "too slow" if deadline.passed else type(error).__name__
                failed = DeliveryFailed if deadline.connected else Unreached
                raise failed(reason, again=True) from error
            if deadline.passed:
                # What looks like the end of the answer may be where we hung up.
                raise DeliveryFailed("too slow", again=True)
        return answer

    def resolve(self, url: str, deadline: Deadline) -> IPAddress:
        """The address that is then connected to: checked once, so that it cannot change in between."""
        parts = _parts(url)
        host = parts.hostname
        if not host.isascii():
            try:
                host = idna.encode(host, uts46=True).decode()
            except idna.IDNAError as error:
                raise Unreached("unknown host", again=True) from error
        try:
            found = deadline.addresses(host, parts.port or (443 if parts.scheme == "https" else 80))
        except DeliveryFailed as error:
            raise Unreached(str(error), again=True) from error
        address = _unwrapped(ipaddress.ip_address(str(found[0][4][0]).partition("%")[0]))
        if not self._permits(host, address):
            raise Blocked("a private address")
        return address

    def _permits(self, host: str, address: IPAddress) -> bool:
        behind = _embedded(address)
        if any(each in network for each in (address, *behind) for network in _NEVER):
            return False
        for entry in self.allow:
            if entry == host.lower().rstrip("."):
                return True
            try:
                if address in ipaddress.ip_network(entry, strict=False):
                    return True
            except ValueError:
                continue
        return all(map(_is_public, (address, *behind)))

    def _session(self, address: IPAddress, deadline: Deadline) -> HTTPSession:
        session = HTTPSession(
            Config(
                ip_filter_enable=False,
                ip_filter_allow_loopback_ips=False,
                never_redirect=True,
                default_timeout=(TIMEOUT_SECONDS, TIMEOUT_SECONDS),
                user_agent_override=USER_AGENT,
            )
        )
        # No proxy, no .netrc: what this machine's environment says is not about our calls.
        session.trust_env = False
        session.adapters.clear()
        for scheme in ("http", "https"):
            session.mount(f"{scheme}://", _Pinned(address, deadline))
        return session


class _Pinned(HTTPAdapter):
    """Connects to the address that was checked, while name and certificate stay those of the host.

    The library's own filter knows no networks to be let through, which OUTBOUND_ALLOW needs.
    """

    def __init__(self, address: IPAddress, deadline: Deadline) -> None:
        super().__init__()
        self.address, self.deadline = address, deadline

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        kind = _Secure if pool.scheme == "https" else _Plain
        pool.ConnectionCls = functools.partial(kind, deadline=self.deadline)
        return pool

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host_params, pool_kwargs = super().build_connection_pool_key_attributes(request, verify, cert)
        name, port, secure = host_params["host"], host_params["port"], host_params["scheme"] == "https"
        host = f"[{name}]" if ":" in name and not name.startswith("[") else name
        request.headers["Host"] = f"{host}:{port}" if port else host
        if secure:
            names: Any = {"assert_hostname": name.strip("[]"), "server_hostname": name.strip("[]")}
            pool_kwargs.update(names)
        host_params["host"] = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return host_params, pool_kwargs


class _Watched:
    """A connection under a deadline."""

    def __init__(self, *args: Any, deadline: Deadline, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline = deadline

    def _new_conn(self) -> Any:
        line = self._deadline.watch(super()._new_conn())  # type: ignore[misc]
        # TLS is agreed on within this time as a whole.
        line.settimeout(self._deadline.left)
        return line


class _Plain(_Watched, HTTPConnection):
    """With http."""


class _Secure(_Watched, HTTPSConnection):
    """With https."""


def _parts(url: str) -> Any:
    try:
        parts = urlsplit(url)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        raise Blocked("not an address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_one:
        raise Blocked("not an http address")
    if parts.username is not None:
        raise Blocked("credentials in an address")
    return parts


def _unwrapped(address: IPAddress) -> IPAddress:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _is_public(address: IPAddress) -> bool:
    if address.is_multicast or any(address in network for network in EXTRA_BLOCKED_NET_RANGES):
        return False
    return address.is_global and (address.version == 4 or address in _GIVEN_OUT)


def _embedded(address: IPAddress) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses inside an IPv6 address, at one of which packets to it may end."""
    if not isinstance(address, ipaddress.IPv6Address):
        return []
    found = [each for each in (address.sixtofour, *(address.teredo or ())) if each is not None]
    bits = int(address)
    if any(address in network for network in _LAST_BITS) or bits >> 32 & 0xFFFFFFFF in _ISATAP:
        found.append(ipaddress.IPv4Address(bits & 0xFFFFFFFF))
    if address in _OWN_NAT64:
        # RFC 6052, 2.2: for prefixes of 48, 56, 64 and 96 bits; bits 64 to 71 are no part of it.
        whole = (bits >> 64 & 0xFFFFFFFFFFFFFFFF) << 56 | bits & 0xFFFFFFFFFFFFFF
        found += [ipaddress.IPv4Address(whole >> 88 - length & 0xFFFFFFFF) for length in (48, 56, 64)]
        found.append(ipaddress.IPv4Address(bits & 0xFFFFFFFF))
    return found


def _read(answer: requests.Response, most: int) -> bytes:
    body = bytearray()
    for piece in answer.iter_content(8192):
        body += piece
        if len(body) >= most:
            break
    return bytes(body[:most])
