"""Settings: what cannot be used is refused by name, before anything starts."""

import dataclasses
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from surveys import links
from surveys.base import ids, settings
from tests.servers import ROOT

GOOD = "9f2c4be1a07d36580e1b4c7f93a2d8605c1e7b94"

BAD = [
    ("PORT", "http"), ("PORT", "-1"), ("PORT", "0"), ("HOST", "0.0.0"), ("HOST", "256.0.0.1"), ("HOST", "::g"),
    ("HOST", "[::1"), ("HOST", "localhost:8000"), ("HOST", "unix:/run/x"), ("HOST", "two words"),
    ("DATABASE_URL", "postgresql://u:p%zz@db.example/x"),
    ("BASE_URL", "https://a b.example"), ("BASE_URL", "https://example.com:99999"), ("BASE_URL", "https://u@example.com"),
    ("SMTP_URL", "smtp://"), ("SMTP_URL", "smtp://mail.example:smtp"), ("MAIL_FROM", "Acme"), ("DATA_DIR", "/dev/null"),
    ("DATA_DIR", "/dev/null/data"), ("PORT", "65536"), ("PORT", "80.0"), ("WEB_CONCURRENCY", "0"),
    ("WEB_CONCURRENCY", "two"), ("DATABASE_URL", "mysql://x"), ("DATABASE_URL", "sqlite://"),
    ("BASE_URL", "example.com"),
    ("BASE_URL", "ftp://example.com"), ("BASE_URL", "https://a_%.example"), ("BASE_URL", "https://"), ("BASE_URL", "https://example.com/?x=1"),
    ("BASE_URL", "https://example.com/#x"), ("SECRET_KEY", "short"), ("SECRET_KEY", "a" * 64),
    ("SECRET_KEY", "changeme" + GOOD), ("SECRET_KEY", "Secret-" + GOOD), ("SECRET_KEY", "insecure-" + GOOD),
    ("SECRET_KEY", "abcd" * 16), ("ADMIN_KEY", "too-short"), ("SMTP_URL", "http://mail.example"),
    ("TRUSTED_PROXIES", "-1"), ("TRUSTED_PROXIES", "all"), ("PUBLIC_LIMIT", "-1"), ("PUBLIC_LIMIT", "1.5"),
    ("OUTBOUND_ALLOW", "10.0.0.0/99"), ("TIME_ZONE", "Mars/Olympus"), ("TIME_ZONE", "../etc/passwd"),
    ("WELCOME", "maybe"),
    ("LOG_LEVEL", "LOUD"),
    ("BASE_URL", "https://[::1"), ("BASE_URL", "https://example.com?"), ("BASE_URL", "https://example.com/a#"),
    ("BASE_URL", "https://example.com/a/../b"), ("BASE_URL", "https://example.com/./a"),
    ("BASE_URL", "https://example.com/a//b"), ("BASE_URL", "https://example.com/<a>"),
    ("BASE_URL", "https://example.com/50%"),
    ("SMTP_URL", "smtp://mail.example?starttls=yes"), ("SMTP_URL", "smtp://mail.example?tls=1"),
    ("SMTP_URL", "smtp://mail.example/?starttls=1&starttls=0"), ("SMTP_URL", "smtp://mail.example/inbox"),
    ("MAIL_FROM", "a@example.com, b@example.com"), ("MAIL_FROM", "Acme a@example.com"),
    ("MAIL_FROM", "a b@example.com"), ("MAIL_FROM", "a@example.com b"), ("MAIL_FROM", "A, B <a@example.com>"),
    ("MAIL_FROM", "ü@example.com"), ("MAIL_FROM", "a@exa mple.com"), ("MAIL_FROM", "a@example..com"),
    ("ADMIN_KEY", f"{GOOD}\u200b"), ("ADMIN_KEY", f"{GOOD}ü"), ("METRICS_TOKEN", "schlüssel"),
    ("OUTBOUND_ALLOW", "*.intern"), ("OUTBOUND_ALLOW", "http://help.intern"), ("OUTBOUND_ALLOW", "help.intern:8080"),
    ("OUTBOUND_ALLOW", "10.0.0.0/8 192.168.0.0/16"), ("OUTBOUND_ALLOW", "10.0.0.0/8;help.intern"),
    ("OUTBOUND_ALLOW", "10.*"), ("OUTBOUND_ALLOW", "10.0"), ("OUTBOUND_ALLOW", "10.0.0.0/eight"),
    ("TIME_ZONE", "localtime"), ("TIME_ZONE", "right/UTC"), ("TIME_ZONE", "posixrules"),
    ("TIME_ZONE", "europe/berlin"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_value_that_cannot_be_used_is_refused_by_name(tmp_path, name, value):
    given = {"DATA_DIR": str(tmp_path), "SECRET_KEY": GOOD, "MAIL_FROM": "a@example.com", name: value}
    with pytest.raises(settings.SettingsError, match=name):
        settings.read(given).make_ready()


def test_a_refusal_never_shows_a_secret(tmp_path):
    for name, value in (
        ("SECRET_KEY", "changeme-my-very-own-words-0123456789"),
        ("ADMIN_KEY", "my-own-words"),
    ):
        with pytest.raises(settings.SettingsError) as refusal:
            settings.read({"DATA_DIR": str(tmp_path), name: value})
        assert "own-words" not in str(refusal.value)


def test_a_sender_is_required_with_a_mail_server(tmp_path):
    with pytest.raises(settings.SettingsError, match="MAIL_FROM"):
        settings.read({"DATA_DIR": str(tmp_path), "SMTP_URL": "smtp://mail.example"})


def test_defaults_are_those_of_the_contract(tmp_path):
    found = settings.read({"DATA_DIR": str(tmp_path)})
    assert (found.host, found.port, found.base_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert found.database_url == f"sqlite:///{tmp_path / 'earshot.db'}"
    assert (found.web_concurrency, found.trusted_proxies, found.public_limit) == (1, 0, 120)
    assert (found.time_zone.key, found.outbound_allow, found.metrics_token, found.welcome) == (
        "UTC",
        (),
        None,
        True,
    )


@pytest.mark.parametrize("name", [row[0] for row in settings.table()])
def test_an_empty_value_means_not_given(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    plain = {"DATA_DIR": str(tmp_path / "data"), "SECRET_KEY": GOOD}
    assert settings.read({**plain, name: ""}) == settings.read({k: v for k, v in plain.items() if k != name})


def test_the_key_is_made_once_and_for_the_owner_alone(tmp_path):
    first, second = (settings.read({"DATA_DIR": str(tmp_path)}).secret_key for _ in range(2))
    assert first == second
    assert len(first) == 64
    assert stat.S_IMODE(os.stat(tmp_path / "secret-key").st_mode) == 0o600


def test_processes_that_start_at_once_agree_on_one_key(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: settings.kept_secret(tmp_path / "key"), range(64)))
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize(
    "value",
    [
        "bounce",
        "@mail.example.com",
        "a-name-of-fifteen@mail.example.com",
        "bounce+x@mail.example.com",
        "Bounces <bounce@mail.example.com>",
        "bounce@mail.example.com\r\nX: y",
    ],
)
def test_an_address_that_leaves_no_room_for_an_invitation_is_refused(tmp_path, value):
    with pytest.raises(settings.SettingsError, match="BOUNCE_ADDRESS"):
        settings.read({"DATA_DIR": str(tmp_path), "BOUNCE_ADDRESS": value})


def test_the_longest_bounce_address_is_no_longer_than_a_server_takes(tmp_path):
    longest = "b" * settings.MOST_BOUNCE_NAME + "@mail.example.com"
    found = settings.read({"DATA_DIR": str(tmp_path), "BOUNCE_ADDRESS": longest})
    links.use_bounce_address(found.bounce_address)
    try:
        assert len(links.bounce(ids.new("inv")).partition("@")[0]) == 64
    finally:
        links.use_bounce_address(None)


def test_keys_that_were_in_force_before_are_as_strong(tmp_path):
    plain = {"DATA_DIR": str(tmp_path), "SECRET_KEY": GOOD}
    assert settings.read({**plain, "SECRET_KEY_BEFORE": f"{GOOD}x, {GOOD}y"}).secret_keys_before == (
        f"{GOOD}x",
        f"{GOOD}y",
    )
    with pytest.raises(settings.SettingsError, match="SECRET_KEY_BEFORE"):
        settings.read({**plain, "SECRET_KEY_BEFORE": f"{GOOD},short"})


@pytest.mark.parametrize(
    "around",
    ["{}\n", "{}\r\n", " {}", "\t{}\t\n\n", "\ufeff{}", "{}\u00a0", '"{}"', "'{}'\n", ' "{}\n" '],
)
@pytest.mark.parametrize("name", [row[0] for row in settings.table()])
def test_what_surrounds_a_value_is_not_part_of_it(tmp_path, name, around):
    """A secret mounted as a file, or made with `echo`, ends with a line break. Docker hands on an env-file's quotes."""
    plain = {
        "HOST": "0.0.0.0", "PORT": "8123", "WEB_CONCURRENCY": "3", "DATA_DIR": str(tmp_path),
        "DATABASE_URL": "postgresql://u:p@db.example/x", "DATABASE_DIRECT_URL": "postgresql://u:p@direct.example/x",
        "BASE_URL": "https://example.com/surveys",
        "SECRET_KEY": GOOD, "SECRET_KEY_BEFORE": f"{GOOD}x", "ADMIN_KEY": f"{GOOD}y",
        "SMTP_URL": "smtp://u:p@mail.example:587?starttls=1", "MAIL_FROM": "Acme <a@example.com>",
        "BOUNCE_ADDRESS": "b@example.com", "TRUSTED_PROXIES": "1", "PUBLIC_LIMIT": "9", "OUTBOUND_ALLOW": "10.0.0.0/8",
        "TIME_ZONE": "Europe/Berlin", "KEEP_RECEIPTS_DAYS": "7", "KEEP_PEOPLE_DAYS": "8", "METRICS_TOKEN": "t0ken",
        "WELCOME": "0", "LOG_LEVEL": "DEBUG", "BACKUP_DIR": "/srv/backups", "MAIL_DKIM_SELECTOR": "s1",
        "OIDC_ISSUER": "https://login.example.com", "OIDC_CLIENT_ID": "us", "OIDC_CLIENT_SECRET": "s3cret",
        "OIDC_ROLE": "viewer",
    }  # fmt: skip
    found = settings.read({**plain, name: around.format(plain[name])})
    expected = settings.read(plain)
    if name == "SECRET_KEY":
        # What earlier versions signed with the blanks, or with quotation marks, is still taken.
        whole = around.format(GOOD)
        earlier = [each for each in dict.fromkeys((whole, whole.strip())) if each != GOOD]
        assert found.secret_keys_before == (*expected.secret_keys_before, *earlier)
        expected = dataclasses.replace(expected, secret_keys_before=found.secret_keys_before)
    assert found == expected


@pytest.mark.parametrize("inside", ["\n", "\r\n", "\t", "\x00", "\x7f", "\x85", "\u2028", "\udcff"])
@pytest.mark.parametrize("name", [row[0] for row in settings.table()])
def test_a_control_character_inside_a_value_is_refused(tmp_path, name, inside):
    given = {"DATA_DIR": str(tmp_path), "SECRET_KEY": GOOD, name: f"{GOOD}{inside}{GOOD}"}
    with pytest.raises(settings.SettingsError, match=name) as refusal:
        settings.read(given)
    assert GOOD not in str(refusal.value)


def test_quotes_that_belong_to_a_value_stay(tmp_path):
    given = {"DATA_DIR": str(tmp_path), "MAIL_FROM": '"Acme, Inc." <a@example.com>', "ADMIN_KEY": f'"{GOOD}'}
    found = settings.read(given)
    assert (found.mail_from, found.admin_key) == (given["MAIL_FROM"], given["ADMIN_KEY"])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("HELP.Intern.", "help.intern"),
        ("münchen.intern", "xn--mnchen-3ya.intern"),
        ("[fd00::1]", "fd00::1/128"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("192.168.7.1", "192.168.7.1/32"),
        ("help_desk", "help_desk"),
    ],
)
def test_what_outgoing_calls_may_reach_is_kept_as_it_is_compared(tmp_path, given, kept):
    found = settings.read({"DATA_DIR": str(tmp_path), "OUTBOUND_ALLOW": f"::1/128, {given}"})
    assert found.outbound_allow == ("::1/128", kept)


@pytest.mark.parametrize(
    ("host", "listens", "address"),
    [
        ("::1", "::1", "http://[::1]:8000"),
        ("[::1]", "::1", "http://[::1]:8000"),
        ("2001:DB8::0007", "2001:db8::7", "http://[2001:db8::7]:8000"),
        ("::", "::", "http://127.0.0.1:8000"),
        ("0.0.0.0", "0.0.0.0", "http://127.0.0.1:8000"),
        ("192.0.2.7", "192.0.2.7", "http://192.0.2.7:8000"),
        ("localhost", "localhost", "http://localhost:8000"),
    ],
)
def test_the_address_is_where_the_service_listens(tmp_path, host, listens, address):
    found = settings.read({"DATA_DIR": str(tmp_path), "HOST": host})
    assert (found.host, found.base_url) == (listens, address)


def test_without_a_word_postgresql_gets_a_process_for_each_core_that_may_be_used(tmp_path):
    """The system's own affinity, as `taskset` and container runtimes set it."""
    code = "from surveys.base import settings; print(settings.read().web_concurrency)"
    given = {"DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://db.example/x"}
    one = min(os.sched_getaffinity(0))
    said = subprocess.run(
        [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{one}}}); {code}"],
        cwd=ROOT, env={"PATH": os.environ["PATH"], **given}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout == "1\n"


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("https://surveys.example.com", "https://surveys.example.com"),
        ("https://Example.com:443/surveys/", "https://example.com"),
        ("http://example.com:80", "http://example.com"),
        ("http://127.0.0.1:8000/a/b", "http://127.0.0.1:8000"),
        ("https://example.com:80", "https://example.com:80"),
        ("https://müller.example/umfragen", "https://xn--mller-kva.example"),
    ],
)
def test_the_origin_is_what_a_browser_makes_of_the_public_address(tmp_path, base_url, origin):
    assert settings.read({"DATA_DIR": str(tmp_path), "BASE_URL": base_url}).origin == origin


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ("https://Müller.example:443/über%20uns/", "https://xn--mller-kva.example/%C3%BCber%20uns"),
        ("http://müller.example:8080", "http://xn--mller-kva.example:8080"),
        ("https://Example.com:443/a/", "https://Example.com:443/a"),
        ("HTTPS://example.com/A//", "https://example.com/A"),
    ],
)
def test_links_are_written_in_letters_that_mail_headers_hold(tmp_path, given, base_url):
    assert settings.read({"DATA_DIR": str(tmp_path), "BASE_URL": given}).base_url == base_url


@pytest.mark.parametrize(
    ("url", "direct"),
    [
        ("sqlite:///x.db", "postgresql://a/b"),
        ("postgresql://a/b", "mysql://a/b"),
        ("postgresql://a/b", "postgresql://a b:/c"),
    ],
)
def test_a_way_around_no_pooler_is_refused(tmp_path, url, direct):
    with pytest.raises(settings.SettingsError, match="DATABASE_DIRECT_URL"):
        settings.read({"DATA_DIR": str(tmp_path), "DATABASE_URL": url, "DATABASE_DIRECT_URL": direct})
