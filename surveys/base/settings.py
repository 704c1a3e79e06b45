"""Every setting, read from the environment once."""

import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import click

#: Values people copy from samples. A service that starts with one of them signs tokens anybody can forge.
SAMPLE_SECRETS = ("changeme", "change-me", "secret", "password", "example", "insecure", "test", "dev")

MINIMUM_SECRET = 32

#: Before the @ an address has 64 octets (RFC 5321, 4.5.3.1.1); the invitation and its signature take 50 of them.
MOST_BOUNCE_NAME = 14

#: Where the code lies.
ROOT = Path(__file__).resolve().parents[2]


class SettingsError(click.ClickException):
    """A setting that cannot be used; the message names it and says what would do. Commands end with it alone."""


def _setting(name: str, meaning: str, default: str) -> Any:
    """A dataclass field that remembers its environment name and its row in the README."""
    return field(metadata={"name": name, "meaning": meaning, "default": default})


@dataclass(frozen=True)
class Settings:
    """What the operator decided. Made by `read`; never changed afterwards."""

    host: str = _setting("HOST", "address to listen on", "127.0.0.1")
    port: int = _setting("PORT", "port to listen on", "8000")
    web_concurrency: int = _setting(
        "WEB_CONCURRENCY", "web processes; any value is safe", "1 on SQLite, one a core on PostgreSQL"
    )
    data_dir: Path = _setting("DATA_DIR", "where the embedded default keeps its files", "./data")
    database_url: str = _setting("DATABASE_URL", "`sqlite:///…` or `postgresql://…`", "SQLite in `DATA_DIR`")
    base_url: str = _setting(
        "BASE_URL", "the public address; every link starts with it", "http://127.0.0.1:$PORT"
    )
    secret_key: str = _setting(
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
    metrics_token: str | None = _setting(
        "METRICS_TOKEN", "lets a scraper that is not on loopback read `/metrics`", "none"
    )
    welcome: bool = _setting("WELCOME", "the page at `/`; `0` turns it off", "1")
    log_level: str = _setting("LOG_LEVEL", "`DEBUG`, `INFO`, `WARNING` or `ERROR`", "INFO")

    @property
    def on_sqlite(self) -> bool:
        """True when the embedded database is in use."""
        return self.database_url.startswith("sqlite:")


def table() -> list[tuple[str, str, str]]:
    """Rows (name, meaning, default) for the README."""
    return [(f.metadata["name"], f.metadata["meaning"], f.metadata["default"]) for f in fields(Settings)]


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Read all settings from `environ` (default: the process environment).

    Makes `DATA_DIR` and, when `SECRET_KEY` is not given, a key in it (mode 0600).
    Raises SettingsError naming the setting that cannot be used.
    """
    env = dict(os.environ if environ is None else environ)
    values = _Reader(env)
    data_dir = Path(env.get("DATA_DIR") or "./data").resolve()
    port = values.integer("PORT", 8000, 0, 65535)
    database_url = env.get("DATABASE_URL") or f"sqlite:///{data_dir / 'earshot.db'}"
    if not re.match(r"(sqlite:///.|postgres(ql)?://.)", database_url):
        raise SettingsError("DATABASE_URL must start with sqlite:/// or postgresql://")
    on_sqlite = database_url.startswith("sqlite:")
    smtp_url, mail_from = env.get("SMTP_URL") or None, env.get("MAIL_FROM") or None
    if smtp_url and not mail_from:
        raise SettingsError("MAIL_FROM is required with SMTP_URL: it is the sender of every mail")
    if smtp_url and urlsplit(smtp_url).scheme not in ("smtp", "smtps"):
        raise SettingsError("SMTP_URL must start with smtp:// or smtps://")
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Settings(
        host=env.get("HOST") or "127.0.0.1",
        port=port,
        web_concurrency=values.integer("WEB_CONCURRENCY", 1 if on_sqlite else (os.cpu_count() or 1), 1, 512),
        data_dir=data_dir,
        database_url=database_url,
        base_url=_base_url(env.get("BASE_URL") or f"http://127.0.0.1:{port}"),
        secret_key=_secret_key(env.get("SECRET_KEY"), data_dir),
        secret_keys_before=tuple(
            _strong("SECRET_KEY_BEFORE", each) for each in _names(env.get("SECRET_KEY_BEFORE") or "")
        ),
        admin_key=_admin_key(env.get("ADMIN_KEY")),
        smtp_url=smtp_url,
        mail_from=mail_from,
        bounce_address=_bounce_address(env.get("BOUNCE_ADDRESS")),
        trusted_proxies=values.integer("TRUSTED_PROXIES", 0, 0, 16),
        public_limit=values.integer("PUBLIC_LIMIT", 120, 0, 1_000_000),
        outbound_allow=_networks(env.get("OUTBOUND_ALLOW") or ""),
        time_zone=_time_zone(env.get("TIME_ZONE") or "UTC"),
        keep_receipts_days=values.integer("KEEP_RECEIPTS_DAYS", 400, 0, 36500),
        keep_people_days=values.integer("KEEP_PEOPLE_DAYS", 0, 0, 36500),
        metrics_token=env.get("METRICS_TOKEN") or None,
        welcome=values.truth("WELCOME", True),
        log_level=values.one_of("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
    )


class _Reader:
    """Typed look-ups with our error class and bounds."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        # An empty value means "not given": compose files and systemd units write them that way.
        self.environ = {name: value.strip() for name, value in environ.items() if value.strip()}

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        text = self.environ.get(name, str(default))
        if not re.fullmatch(r"-?\d{1,9}", text) or not low <= int(text) <= high:
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


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise SettingsError("BASE_URL must look like https://surveys.example.com")
    return value.rstrip("/")


def _secret_key(given: str | None, data_dir: Path) -> str:
    return _strong("SECRET_KEY", given) if given else kept_secret(data_dir / "secret-key")


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
    if not re.fullmatch(rf"[A-Za-z0-9_.-]{{1,{MOST_BOUNCE_NAME}}}@[A-Za-z0-9.-]+", given.strip()):
        raise SettingsError(
            f"BOUNCE_ADDRESS must look like bounce@mail.example.com, with "
            f"at most {MOST_BOUNCE_NAME} characters before the @"
        )
    return given.strip()


def _admin_key(given: str | None) -> str | None:
    if given and len(given) < MINIMUM_SECRET:
        raise SettingsError(f"ADMIN_KEY must have {MINIMUM_SECRET} characters or more")
    return given or None


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[str, ...]:
    entries = _names(text)
    for entry in entries:
        if re.fullmatch(r"[0-9a-fA-F.:]+(/\d+)?", entry):
            try:
                ipaddress.ip_network(entry, strict=False)
            except ValueError:
                raise SettingsError(f"OUTBOUND_ALLOW: {entry} is no network") from None
    return entries


def _time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise SettingsError(f"TIME_ZONE {name!r} is no IANA time zone, such as Europe/Berlin") from None
