"""Every setting, read from the environment once."""

import contextlib
import functools
import importlib.util
import ipaddress
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from email.utils import getaddresses
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, available_timezones

import click
import psycopg
from psycopg import conninfo

from surveys.base import cores, origins

#: Values people copy from samples. A service that starts with one of them signs tokens anybody can forge.
SAMPLE_SECRETS = ("changeme", "change-me", "secret", "password", "example", "insecure", "test", "dev")

MINIMUM_SECRET = 32

#: Before the @ an address has 64 octets (RFC 5321, 4.5.3.1.1); the invitation and its signature take 50 of them.
MOST_BOUNCE_NAME = 14

#: Where the code lies.
ROOT = Path(__file__).resolve().parents[2]


#: What a process ends with that cannot run with these settings (EX_CONFIG in sysexits.h). Starting it again does not
#: help, so neither `serve` nor the unit in deploy/ does.
UNUSABLE = 78


class SettingsError(click.ClickException):
    """A setting that cannot be used; the message names it and says what would do. Commands end with it alone."""

    exit_code = UNUSABLE


def _setting(name: str, meaning: str, default: str) -> Any:
    """A dataclass field that remembers its environment name and its row in docs/settings.md."""
    return field(metadata={"name": name, "meaning": meaning, "default": default})


@dataclass(frozen=True)
class Settings:
    """What the operator decided. Made by `read`; never changed afterwards."""

    host: str = _setting("HOST", "address to listen on, IPv4 or IPv6, or a name", "127.0.0.1")
    port: int = _setting("PORT", "port to listen on", "8000")
    web_concurrency: int = _setting(
        "WEB_CONCURRENCY",
        "web processes; any value is safe",
        "1 on SQLite; on PostgreSQL one for each core that the process may use",
    )
    data_dir: Path = _setting("DATA_DIR", "where the embedded default keeps its files", "./data")
    database_url: str = _setting("DATABASE_URL", "`sqlite:///…` or `postgresql://…`", "SQLite in `DATA_DIR`")
    database_direct_url: str | None = _setting(
        "DATABASE_DIRECT_URL",
        "a way to PostgreSQL around a pooler such as PgBouncer, for LISTEN and migrations; without it the worker polls",
        "none",
    )
    base_url: str = _setting(
        "BASE_URL", "the public address; every link starts with it", "http://$HOST:$PORT"
    )
    given_secret_key: str | None = _setting(
        "SECRET_KEY", "signs tokens; weak or sample values are refused", "made, kept in `DATA_DIR`"
    )
    secret_keys_before: tuple[str, ...] = _setting(
        "SECRET_KEY_BEFORE",
        "earlier values of `SECRET_KEY`, comma-separated: their links still work, what they sealed is still read",
        "none",
    )
    admin_key: str | None = _setting(
        "ADMIN_KEY",
        "a first API key with scope `admin`, 32 characters or more; created at start if no key exists",
        "made, kept in `DATA_DIR/admin-key`",
    )
    smtp_url: str | None = _setting(
        "SMTP_URL",
        "`smtp://user:pass@host:port` (`smtps://`, `?starttls=1`)",
        "mail goes to `DATA_DIR/outbox`",
    )
    mail_from: str | None = _setting("MAIL_FROM", "sender of all mail; required with `SMTP_URL`", "none")
    bounce_address: str | None = _setting(
        "BOUNCE_ADDRESS",
        "where reports of undelivered mail go, such as `bounce@mail.example.com`; each mail gets its own "
        "(`bounce+…@`) as envelope sender",
        "`MAIL_FROM`, the same for all",
    )
    mail_dkim_selector: str | None = _setting(
        "MAIL_DKIM_SELECTOR", "selector whose DKIM record `mail-records` looks up", "none"
    )
    trusted_proxies: int = _setting("TRUSTED_PROXIES", "number of proxy hops to believe", "0")
    public_limit: int = _setting(
        "PUBLIC_LIMIT", "public writes in any 60 s and client address; 0 means no limit", "120"
    )
    outbound_allow: tuple[str, ...] = _setting(
        "OUTBOUND_ALLOW", "private networks or hosts that outgoing calls may reach, comma-separated", "none"
    )
    time_zone: ZoneInfo = _setting(
        "TIME_ZONE", "IANA name for days and weeks; `flask recount` after a change", "UTC"
    )
    keep_receipts_days: int = _setting(
        "KEEP_RECEIPTS_DAYS",
        "days that a trigger's receipt is kept, with what it said; 0 means for ever",
        "400",
    )
    keep_people_days: int = _setting(
        "KEEP_PEOPLE_DAYS",
        "who was neither asked nor heard of for so many days is erased, with their answers; 0 means never",
        "0",
    )
    backup_dir: Path | None = _setting(
        "BACKUP_DIR", "folder, by its whole path, for a backup every night (7 days and 4 weeks kept)", "none"
    )
    oidc_issuer: str | None = _setting(
        "OIDC_ISSUER",
        "OpenID Connect provider at which members sign in, such as `https://login.example.com`; needs the extra "
        "`requirements-oidc.txt`",
        "none",
    )
    oidc_client_id: str | None = _setting("OIDC_CLIENT_ID", "what the provider knows us by", "none")
    oidc_client_secret: str | None = _setting("OIDC_CLIENT_SECRET", "how we prove that it is us", "none")
    oidc_role: str | None = _setting(
        "OIDC_ROLE",
        "role of whoever the provider vouches for and nobody has invited: `viewer`, `agent`, `editor` or "
        "`administrator`",
        "none: only who is invited gets in",
    )
    metrics_token: str | None = _setting(
        "METRICS_TOKEN", "lets a scraper that is not on loopback read `/metrics`", "none"
    )
    welcome: bool = _setting("WELCOME", "the page at `/`; `0` turns it off", "1")
    log_level: str = _setting("LOG_LEVEL", "`DEBUG`, `INFO`, `WARNING` or `ERROR`", "INFO")

    @property
    def secret_key_in_data_dir(self) -> bool:
        """False: the environment gives SECRET_KEY. True: it lies in DATA_DIR, where a restore may replace it."""
        return self.given_secret_key is None

    @functools.cached_property
    def secret_key(self) -> str:
        """What signs tokens. Where the environment gives none it is made in DATA_DIR when it is first asked for, so
        that what needs none leaves nothing behind. Raises SettingsError."""
        if self.given_secret_key is not None:
            return self.given_secret_key
        with self._writing():
            return kept_secret(self.data_dir / "secret-key")

    def make_ready(self) -> None:
        """Make DATA_DIR and, where the environment gives none, the secret in it. Raises SettingsError."""
        with self._writing():
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        assert self.secret_key

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SettingsError(
                f"DATA_DIR cannot be {self.data_dir}: {error.filename} ({error.strerror}). It must be a folder in "
                "which the user who runs Earshot may write"
            ) from None

    @property
    def base_url_is_a_guess(self) -> bool:
        """True when nobody has said where the service is, and it may listen elsewhere than this process knows."""
        return self.base_url == _own_address(self.host, self.port)

    @property
    def on_sqlite(self) -> bool:
        """True when the embedded database is in use."""
        return self.database_url.startswith("sqlite:")

    @functools.cached_property
    def origin(self) -> str:
        """`BASE_URL` as browsers name it in the header Origin, where it has no path."""
        return _origin_of(self.base_url)


def table() -> list[tuple[str, str, str]]:
    """Rows (name, meaning, default) for docs/settings.md."""
    rows = [f.metadata for f in fields(Settings) if f.metadata]
    return [(row["name"], row["meaning"], row["default"]) for row in rows]


#: Settings that are shown to nobody, but for whether they are set.
_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD")


def in_force(chosen: Settings) -> list[tuple[str, str, str | None]]:
    """Rows (name, meaning, value) of what holds. Secrets are "set"; of an address only scheme, host and path are told.

    None: it is not set.
    """
    rows = []
    for each in fields(Settings):
        if not each.metadata:
            continue
        name, value = each.metadata["name"], getattr(chosen, each.name)
        rows.append((name, each.metadata["meaning"], None if value in (None, ()) else _told(name, value)))
    return rows


def _told(name: str, value: Any) -> str:
    if _SECRET.search(name):
        return "set"
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    if "://" not in text:
        return text
    parts = urlsplit(text)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def cleaned(environ: Mapping[str, str]) -> dict[str, str]:
    """Our settings out of `environ` without what surrounds them; those that are empty are left out.

    A secret that is mounted as a file, or made with `echo`, ends with a line break that nobody means. Quotation marks
    around a value are a shell's: Docker's --env-file hands them on. Compose files and systemd units write an empty
    value for "not given". Raises SettingsError for a control character inside.
    """
    found = {}
    for name, _, _ in table():
        value = _without_quotes(environ.get(name, "").strip().strip(_BYTE_ORDER_MARK).strip())
        if _CONTROL.search(value):
            raise SettingsError(f"{name} has a line break or another control character in it")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise SettingsError(f"{name} is not in UTF-8") from None
        if value:
            found[name] = value
    return found


def _without_quotes(value: str) -> str:
    inside = value[1:-1]
    is_quoted = len(value) > 1 and value[0] in "\"'" and value[0] == value[-1] and value[0] not in inside
    return inside.strip() if is_quoted else value


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Read all settings from `environ` (default: the process environment).

    Touches no file: `Settings.make_ready` does. Raises SettingsError naming the setting that cannot be used.
    """
    given = os.environ if environ is None else environ
    env = cleaned(given)
    values = _Reader(env)
    data_dir = Path(env.get("DATA_DIR", "./data")).resolve()
    host, port = _host(env.get("HOST", "127.0.0.1")), values.integer("PORT", 8000, 1, 65535)
    database_url = _database_url(env.get("DATABASE_URL", f"sqlite:///{data_dir / 'earshot.db'}"))
    smtp_url, mail_from = env.get("SMTP_URL"), env.get("MAIL_FROM")
    if smtp_url and not mail_from:
        raise SettingsError("MAIL_FROM is required with SMTP_URL: it is the sender of every mail")
    if smtp_url:
        _check_smtp_url(smtp_url)
    if mail_from and not _is_one_mailbox(mail_from):
        raise SettingsError("MAIL_FROM must hold one address, such as Acme <surveys@example.com>")
    secret_key = _strong("SECRET_KEY", env["SECRET_KEY"]) if "SECRET_KEY" in env else None
    before = [_strong("SECRET_KEY_BEFORE", each) for each in _names(env.get("SECRET_KEY_BEFORE", ""))]
    if secret_key:
        # Earlier versions signed and sealed with the blanks around it, and those after them with quotation marks.
        typed = given["SECRET_KEY"]
        before += [each for each in dict.fromkeys((typed, typed.strip())) if each != secret_key]
    return Settings(
        host=host,
        port=port,
        web_concurrency=values.integer(
            "WEB_CONCURRENCY", 1 if database_url.startswith("sqlite:") else cores.usable(), 1, 512
        ),
        data_dir=data_dir,
        database_url=database_url,
        database_direct_url=_direct_url(env.get("DATABASE_DIRECT_URL"), database_url),
        base_url=_base_url(env.get("BASE_URL", _own_address(host, port))),
        given_secret_key=secret_key,
        secret_keys_before=tuple(before),
        admin_key=_admin_key(env.get("ADMIN_KEY")),
        smtp_url=smtp_url,
        mail_from=mail_from,
        bounce_address=_bounce_address(env.get("BOUNCE_ADDRESS")),
        mail_dkim_selector=_selector(env.get("MAIL_DKIM_SELECTOR")),
        trusted_proxies=values.integer("TRUSTED_PROXIES", 0, 0, 16),
        public_limit=values.integer("PUBLIC_LIMIT", 120, 0, 1_000_000),
        outbound_allow=_networks(env.get("OUTBOUND_ALLOW", "")),
        time_zone=_time_zone(env.get("TIME_ZONE", "UTC")),
        keep_receipts_days=values.integer("KEEP_RECEIPTS_DAYS", 400, 0, 36500),
        keep_people_days=values.integer("KEEP_PEOPLE_DAYS", 0, 0, 36500),
        backup_dir=_backup_dir(env.get("BACKUP_DIR")),
        **_openid(env),
        metrics_token=_sendable("METRICS_TOKEN", env.get("METRICS_TOKEN")),
        welcome=values.truth("WELCOME", True),
        log_level=values.one_of("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
    )


#: Control characters of ASCII and Latin-1, and the line breaks of Unicode.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

#: What some editors of Windows write at the beginning of a text file.
_BYTE_ORDER_MARK = "\ufeff"


class _Reader:
    """Typed look-ups with our error class and bounds."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        text = self.environ.get(name, str(default))
        if not re.fullmatch(r"-?[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise SettingsError(f"{name} must be a whole number from {low} to {high}, not {text!r}")
        return int(text)

    def truth(self, name: str, default: bool) -> bool:
        text = self.environ.get(name, "1" if default else "0").lower()
        if text not in ("0", "1", "false", "true", "no", "yes", "off", "on"):
            raise SettingsError(f"{name} must be 0 or 1, not {text!r}")
        return text in ("1", "true", "yes", "on")

    def one_of(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.environ.get(name, default).upper()
        if value not in allowed:
            raise SettingsError(f"{name} must be one of {', '.join(allowed)}")
        return value


def _host(value: str) -> str:
    """An address without the brackets that IPv6 has in URLs, or a name."""
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    # What looks like an address must be one: names have no colon, and none ends in a number.
    if ":" in bare or re.fullmatch(r"[0-9.]+", bare):
        try:
            return str(ipaddress.IPv6Address(bare) if ":" in bare else ipaddress.IPv4Address(bare))
        except ValueError:
            pass
    elif re.fullmatch(r"[A-Za-z0-9_.-]{1,253}", bare):
        return bare
    raise SettingsError(
        "HOST must be an address or a name, such as 127.0.0.1, ::1 or localhost; the port is PORT"
    )


def in_url(host: str) -> str:
    """A host as URLs write it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def _own_address(host: str, port: int) -> str:
    """Where a browser on this machine finds the service."""
    # Whoever listens on all addresses listens on this one too.
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else in_url(host)}:{port}"  # noqa: S104


def _reachable(url: str) -> bool:
    """Whether a URL has a host and, if any, a port that exists, and no blank anywhere."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and not re.search(r"\s", url)
    except ValueError:
        return False


def _database_url(value: str) -> str:
    if not re.match(r"(sqlite:///.|postgres(ql)?://.)", value):
        raise SettingsError("DATABASE_URL must start with sqlite:/// or postgresql://")
    if not value.startswith("sqlite:"):
        _check_postgres_url("DATABASE_URL", value)
    return value


def _direct_url(value: str | None, database_url: str) -> str | None:
    if not value:
        return None
    if database_url.startswith("sqlite:") or not re.match(r"postgres(ql)?://.", value):
        raise SettingsError("DATABASE_DIRECT_URL must start with postgresql://, as DATABASE_URL does")
    _check_postgres_url("DATABASE_DIRECT_URL", value)
    return value


def _check_postgres_url(name: str, value: str) -> None:
    try:
        conninfo.conninfo_to_dict(value)
    except psycopg.ProgrammingError:
        # Its message quotes the URL, and with it the password.
        raise SettingsError(
            f"{name} must look like postgresql://user:password@db.example/earshot; in user and password "
            "every other character than letters and digits is written as %XX"
        ) from None


def _check_smtp_url(value: str) -> None:
    parts = urlsplit(value) if _reachable(value) else None
    if parts is None or parts.scheme not in ("smtp", "smtps"):
        raise SettingsError("SMTP_URL must look like smtp://user:password@mail.example.com:587, or smtps://")
    # Whoever writes `?tls=1` means that nothing, least of all the password, is sent in the clear.
    if parts.path not in ("", "/") or parts.query not in ("", "starttls=0", "starttls=1"):
        raise SettingsError(
            "SMTP_URL may end in ?starttls=1, which demands encryption, and in nothing else after the host and port"
        )


def _is_one_mailbox(value: str) -> bool:
    found = [address for name, address in getaddresses([value]) if name or address]
    # Python drops the blanks of an address: it must stand there as it is read.
    if len(found) != 1 or found[0] not in value or not re.fullmatch(r"[!-?A-~]+@[^@\s]+", found[0]):
        return False
    with contextlib.suppress(ValueError):
        return bool(origins.normal(f"https://{found[0].rpartition('@')[2]}"))
    return False


def _base_url(value: str) -> str:
    parts = urlsplit(value if _reachable(value) else "")
    strange = "?" in value or "#" in value or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or strange:
        raise SettingsError("BASE_URL must look like https://surveys.example.com, with nothing after ? or #")
    value = parts.scheme + value[len(parts.scheme) :].rstrip("/")
    if {".", "..", ""} & set(urlsplit(value).path.split("/")[1:]):
        raise SettingsError(
            "BASE_URL must have a path without empty parts, . and .., for browsers change such a path"
        )
    if re.search(r'["<>\\^`{|}]|%(?![0-9A-Fa-f]{2})', parts.path):
        raise SettingsError(
            "BASE_URL must have a path as links have it, in which other letters are written as %XX"
        )
    try:
        _origin_of(value)
    except ValueError:
        raise SettingsError(
            "BASE_URL must name a host as browsers can, such as https://surveys.example.com"
        ) from None
    if not value.isascii():
        # Links stand in headers of mails, which hold no other letters.
        value = _origin_of(value) + quote(parts.path, safe="/%:@!$&'()*+,;=~").rstrip("/")
    return value


def _origin_of(base_url: str) -> str:
    parts = urlsplit(base_url)
    return origins.normal(f"{parts.scheme}://{parts.netloc}")


def _strong(name: str, given: str) -> str:
    if len(given) < MINIMUM_SECRET:
        raise SettingsError(f"{name} must have {MINIMUM_SECRET} characters or more")
    if len(set(given)) < 8 or any(given.lower().startswith(sample) for sample in SAMPLE_SECRETS):
        raise SettingsError(f"{name} looks like a sample value; make one with: openssl rand -hex 32")
    return given


def kept_secret(path: Path) -> str:
    """The secret in `path`, made on first use with mode 0600. Two processes that start at once agree on one."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # link() fails when another process was first; then its secret is the one.
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text().strip()


def _bounce_address(given: str | None) -> str | None:
    if not given:
        return None
    if not re.fullmatch(rf"[A-Za-z0-9_.-]{{1,{MOST_BOUNCE_NAME}}}@[A-Za-z0-9.-]+", given):
        raise SettingsError(
            f"BOUNCE_ADDRESS must look like bounce@mail.example.com, with "
            f"at most {MOST_BOUNCE_NAME} characters before the @"
        )
    return given


def _selector(given: str | None) -> str | None:
    if given and not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", given):
        raise SettingsError("MAIL_DKIM_SELECTOR must be a selector alone, such as s1 or mail2026")
    return given or None


#: Roles that OIDC_ROLE may name; `accounts.members` says what each may do.
_OIDC_ROLES = ("viewer", "agent", "editor", "administrator")


def _openid(env: Mapping[str, str]) -> dict[str, Any]:
    """The settings of OpenID Connect: all, or none."""
    names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    missing = [name for name in names if name not in env]
    if len(missing) == len(names):
        if "OIDC_ROLE" in env:
            raise SettingsError("OIDC_ROLE means nothing without OIDC_ISSUER")
        return dict.fromkeys(("oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_role"))
    if missing:
        raise SettingsError(f"{' and '.join(missing)} must be given too: all of {', '.join(names)}, or none")
    issuer = env["OIDC_ISSUER"]
    parts = urlsplit(issuer if _reachable(issuer) else "")
    on_this_machine = parts.hostname in ("localhost", "127.0.0.1", "::1")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and on_this_machine)
    if not is_safe or parts.query or parts.fragment:
        raise SettingsError("OIDC_ISSUER must look like https://login.example.com, with nothing after ? or #")
    if env.get("OIDC_ROLE", _OIDC_ROLES[0]) not in _OIDC_ROLES:
        raise SettingsError(f"OIDC_ROLE must be one of {', '.join(_OIDC_ROLES)}")
    if importlib.util.find_spec("authlib") is None:
        raise SettingsError(
            "OIDC_ISSUER needs the extra for OpenID Connect, which is not installed: "
            ".venv/bin/python -m pip install --require-hashes -r requirements-oidc.txt"
        )
    return {
        "oidc_issuer": issuer,
        "oidc_client_id": env["OIDC_CLIENT_ID"],
        "oidc_client_secret": env["OIDC_CLIENT_SECRET"],
        "oidc_role": env.get("OIDC_ROLE"),
    }


def _backup_dir(given: str | None) -> Path | None:
    # Whether it is there is seen every night: a disk that is not mounted keeps nobody from answering.
    if given and not Path(given).is_absolute():
        raise SettingsError("BACKUP_DIR must be a whole path, such as /var/backups/earshot")
    return Path(given) if given else None


def _admin_key(given: str | None) -> str | None:
    if given and len(given) < MINIMUM_SECRET:
        raise SettingsError(f"ADMIN_KEY must have {MINIMUM_SECRET} characters or more")
    return _sendable("ADMIN_KEY", given)


def _sendable(name: str, given: str | None) -> str | None:
    """What comes back in a header. Other letters reach us in one encoding or another, and some are not to be seen."""
    if given and not (given.isascii() and given.isprintable()):
        raise SettingsError(f"{name} must be of ASCII letters, digits and signs, for it is sent in a header")
    return given or None


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[str, ...]:
    return tuple(map(_network, _names(text)))


def _network(entry: str) -> str:
    """A network, or the name of a host as the client compares it: what fits none would be of no use, in silence."""
    bare = entry[1:-1] if entry.startswith("[") and entry.endswith("]") else entry
    if re.fullmatch(r"[0-9.]+(/[^/]*)?", bare) or ":" in bare or "/" in bare:
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_network(bare, strict=False))
        raise SettingsError(f"OUTBOUND_ALLOW: {entry} is no network, such as 10.0.0.0/8")
    with contextlib.suppress(ValueError):
        name = urlsplit(origins.normal(f"https://{bare}")).hostname or ""
        if not re.fullmatch(r"[0-9.]+", name):
            return name.rstrip(".")
    raise SettingsError(
        f"OUTBOUND_ALLOW: {entry} is neither a network, such as 10.0.0.0/8, nor the whole name of a host alone. "
        "Entries are separated by commas"
    )


def _time_zone(name: str) -> ZoneInfo:
    # Beside the names there are files that only this machine has, and zones that count leap seconds.
    if name not in available_timezones() - {"localtime", "Factory"}:
        raise SettingsError(f"TIME_ZONE {name!r} is no IANA time zone, such as Europe/Berlin")
    return ZoneInfo(name)
