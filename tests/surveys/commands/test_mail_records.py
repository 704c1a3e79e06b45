"""What a domain says of its mail is looked up and judged as receivers judge it."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from surveys.base.delivery import dns
from surveys.domain import mail_records
from tests import nameserver
from wsgi import create_app


def key(bits):
    made = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(made.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.fixture
def look_up(tmp_path):
    def run(records, *options, **settings):
        environment = {
            "DATA_DIR": str(tmp_path),
            "MAIL_FROM": "Acme <care@shop.example>",
            "MAIL_DKIM_SELECTOR": "s1",
            **settings,
        }
        with nameserver.nameserver(records) as server:
            runner = create_app(environment).test_cli_runner()
            done = runner.invoke(args=["mail-records", "--server", server, *options])
        return done.exit_code, done.output.splitlines()

    return run


def test_a_domain_in_order_is_said_to_be(look_up):
    strong = key(2048)
    records = {
        "shop.example": ["unrelated", "v=spf1 include:mail.example -all"],
        # Longer than a packet, so that it comes over TCP and in pieces.
        "s1._domainkey.shop.example": [f"v=DKIM1; k=rsa; n={'x' * 300}; p={strong}"],
        "_dmarc.shop.example": ["v=DMARC1; p=reject; rua=mailto:d@shop.example"],
    }
    assert look_up(records) == (
        0,
        [
            "ok    SPF    shop.example: v=spf1 include:mail.example -all",
            "ok    DKIM   s1._domainkey.shop.example: RSA, 2048 bits",
            "ok    DMARC  shop.example: v=DMARC1; p=reject; rua=mailto:d@shop.example",
        ],
    )
    # Reports go to another domain, whose record counts for the envelope; DMARC stands above.
    records |= {"b.shop.example": ["v=spf1 ~all"], "_dmarc.shop.example": ["v=DMARC1; p=none"]}
    status, lines = look_up(records, MAIL_FROM="care@b.shop.example", BOUNCE_ADDRESS="b@shop.example")
    assert (status, lines[0]) == (1, "ok    SPF    shop.example: v=spf1 include:mail.example -all")
    assert "s1._domainkey.b.shop.example: missing" in lines[1]
    assert lines[2].startswith("ok    DMARC  b.shop.example: v=DMARC1; p=none (p=none only watches")


def test_what_is_missing_is_said_with_what_to_do(look_up):
    status, lines = look_up({}, MAIL_DKIM_SELECTOR="")
    assert status == 1
    assert [line.partition(":")[0] for line in lines] == [
        *("TODO  SPF    shop.example", "TODO  DKIM   shop.example", "TODO  DMARC  shop.example")
    ]
    assert "_dmarc.shop.example" in lines[2]
    assert "MAIL_DKIM_SELECTOR" in lines[1]
    status, lines = look_up({}, "--domain", "müller.example", "--selector", "k2")
    assert "k2._domainkey.xn--mller-kva.example: missing" in lines[1]
    assert look_up({"shop.example": 2}) == (1, ["Error: The name server failed."])
    assert look_up({}, "--server", "ns1")[0] == 2
    assert look_up({}, MAIL_FROM="")[1][-1] == "Error: Set MAIL_FROM, or give --domain."


def test_a_server_that_is_silent_is_not_waited_for_long(monkeypatch):
    monkeypatch.setattr(dns, "SECONDS", 0.05)
    with nameserver.silent() as server:
        host, _, port = server.rpartition(":")
        with pytest.raises(dns.Unanswered, match="did not answer"):
            dns.txt("shop.example", (host, int(port)))
    with pytest.raises(dns.Unanswered, match="no name that can be asked for"):
        dns.txt("a..example", ("127.0.0.1", 9))


WEAK = key(1024)


@pytest.mark.parametrize(
    ("judge", "records", "ok", "says"),
    [
        ("spf", [], False, "missing"),
        ("spf", ["v=spf10 -all"], False, "missing"),
        ("spf", ["v=spf1 -all", "V=SPF1 ~all"], False, "2 records"),
        ("spf", ["v=spf1 mx +all"], False, "lets everybody send"),
        ("spf", ["v=spf1 all"], False, "lets everybody send"),
        ("spf", ["v=spf1 mx"], False, "does not say what others may do"),
        ("spf", ["v=spf1 redirect=_spf.example"], True, "redirect"),
        ("spf", ["v=spf1 mx ?all"], True, "v=spf1"),
        ("dkim", ["p="], False, "revoked"),
        ("dkim", ["v=DKIM1; p=AAAA"], False, "damaged"),
        ("dkim", ["v=DKIM1; p=***"], False, "damaged"),
        ("dkim", [f"p={WEAK}"], True, "1024 bits; 2048 are advised"),
        ("dkim", [f"p={WEAK}", f"p={WEAK}"], False, "2 records"),
        ("dkim", ["k=ed25519; p=" + base64.b64encode(bytes(32)).decode()], True, "Ed25519"),
        ("dkim", ["k=ed25519; p=AAAA"], False, "damaged"),
        ("dmarc", ["v=DMARC1; p=none", "v=DMARC1; p=none"], False, "2 records"),
        ("dmarc", ["v=DMARC1; sp=none"], False, "no policy"),
        ("dmarc", ["v=DMARC1;p=Quarantine"], True, "Quarantine"),
    ],
)
def test_records_are_judged_as_receivers_do(judge, records, ok, says):
    found = getattr(mail_records, judge)(records)
    assert (found.ok, says in found.says) == (ok, True), found
