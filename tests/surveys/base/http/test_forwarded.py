"""Who called a proxy, in every form that proxies write."""

import pytest

from surveys.base.http import forwarded, limits


@pytest.mark.parametrize(
    ("entry", "node"),
    [
        ("9.9.9.9", "9.9.9.9"),
        (" 9.9.9.9 ", "9.9.9.9"),
        ("9.9.9.9:1234", "9.9.9.9"),
        ("9.9.9.9:_port", "9.9.9.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ('"[2001:db8::1]:4711"', "2001:db8::1"),
        ('"9.9.9.9:80"', "9.9.9.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]:80", "fe80::1"),
        ("::ffff:9.9.9.9", "::ffff:909:909"),
        ("_hidden", "_hidden"),
        ("_SEVKISEK:_4711", "_SEVKISEK"),
        ("unknown", None),
        ("unknown:80", None),
        ("", None),
        ("-", None),
        ("9.9.9", None),
        ("9.9.9.999:80", None),
        ("shop.example", None),
        ("_", None),
        ("_" + "x" * 64, None),
        ("[" * 10_000, None),
        ("9.9.9.9 evil", None),
        ("1" * 10_000, None),
    ],
)
def test_an_entry_names_a_caller_or_nobody(entry, node):
    assert forwarded.node(entry) == node


@pytest.mark.parametrize(
    ("header", "entries"),
    [
        ("for=192.0.2.60;proto=http;by=203.0.113.43", ["192.0.2.60"]),
        ('For="[2001:db8:cafe::17]:4711"', ['"[2001:db8:cafe::17]:4711"']),
        ("for=192.0.2.43, for=198.51.100.17;by=203.0.113.60", ["192.0.2.43", "198.51.100.17"]),
        ('proto=https;for="a,b;c", for=_x', ['"a,b;c"', "_x"]),
        ("proto=https, for=1.2.3.4", ["unknown", "1.2.3.4"]),
        ("before=1.2.3.4", ["unknown"]),
        ('for="evil, for="[2001:db8::1]:80"', ["", '"[2001:db8::1]:80"']),
        ('for=evil", for=1.2.3.4', ["evil", "1.2.3.4"]),
        ("", []),
        (",,", []),
    ],
)
def test_the_standard_header_names_one_caller_a_proxy(header, entries):
    assert forwarded.nodes(header) == entries


@pytest.mark.parametrize(
    "killer", ['"' * 8000, "for=" * 2000, ";" * 8000, 'for="' * 2000, " " * 8000, "for =" * 1600]
)
def test_a_long_header_is_read_quickly(killer):
    assert len(forwarded.nodes(killer)) <= 1


def test_a_name_in_place_of_an_address_is_a_caller_of_its_own():
    assert limits.network("_a", 32, 64) != limits.network("_b", 32, 64)
    assert limits.network("_a", 24, 48) == "_a"
