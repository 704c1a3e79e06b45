"""Origins in the spelling of browsers. What is expected was compared with `new URL(…).origin` of Node 20."""

import re

import pytest

from surveys.base import origins


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("https://shop.example:80", "https://shop.example:80"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("https://shop.example:0443", "https://shop.example"),
        ("https://shop.example:08443", "https://shop.example:8443"),
        ("https://shop.example:", "https://shop.example"),
        ("https://shop.example/", "https://shop.example"),
        ("  https://shop.example\n", "https://shop.example"),
        ("HTTPS://Shop.Example", "https://shop.example"),
        ("https://shop.example.", "https://shop.example."),
        ("https://a_b.example", "https://a_b.example"),
        ("https://müller.example:443", "https://xn--mller-kva.example"),
        ("https://MÜLLER.example", "https://xn--mller-kva.example"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://xn--mller-kva.example", "https://xn--mller-kva.example"),
        ("https://日本語.example", "https://xn--wgv71a119e.example"),
        ("https://shop。example", "https://shop.example"),
        ("https://☕.example", "https://xn--53h.example"),
        ("http://localhost", "http://localhost"),
        ("https://localhost", "https://localhost"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.1", "http://127.0.0.1"),
        ("http://0x7f.1:8000", "http://127.0.0.1:8000"),
        ("http://0177.0.0.1", "http://127.0.0.1"),
        ("http://1.2.3", "http://1.2.0.3"),
        ("http://2130706433", "http://127.0.0.1"),
        ("https://[0:0:0:0:0:0:0:1]:443", "https://[::1]"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://[1:0:2:0:0:3:0:0]", "https://[1:0:2::3:0:0]"),
        ("https://[::ffff:127.0.0.1]", "https://[::ffff:7f00:1]"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("Capacitor://localhost/", "capacitor://localhost"),
        ("ionic://localhost", "ionic://localhost"),
        ("tauri://localhost", "tauri://localhost"),
        ("app://localhost", "app://localhost"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("app://-", "app://-"),
        ("app://localhost:80", "app://localhost:80"),
        ("chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb", "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb"),
        ("moz-extension://5b9a0c3e-1d1f-4b0e-9a53-6f2d1c8f7a10", "moz-extension://5b9a0c3e-1d1f-4b0e-9a53-6f2d1c8f7a10"),
    ],
)  # fmt: skip
def test_an_origin_is_written_as_browsers_send_it(typed, sent):
    assert origins.normal(typed) == sent
    assert origins.normal(sent) == sent


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("https://shop.example/checkout", "without a path, such as https://shop.example."),
        ("https://Shop.example:443/a?b#c", "without a path, such as https://shop.example."),
        ("https://shop.example?x", "without a path, such as https://shop.example."),
        ("https://shop.example#x", "without a path, such as https://shop.example."),
        ("capacitor://localhost/index.html", "without a path, such as capacitor://localhost."),
        ("https://user@shop.example", "without a user's name"),
        ("https://user:pass@shop.example", "without a user's name"),
        ("https://@shop.example", "without a user's name"),
        ("null", "would stand for any page"),
        ("NULL", "would stand for any page"),
        ("*", "would stand for any page"),
        ("file:///index.html", "from a file"),
        ("file://", "from a file"),
        ("https://*.shop.example", "one exact origin"),
        ("https://", "one exact origin"),
        ("https://a b", "one exact origin"),
        ("https://a;b", "one exact origin"),
        ("https://a'b", "one exact origin"),
        ("https://a..b", "one exact origin"),
        ("https://shop%2eexample", "one exact origin"),
        ("https://" + "a." * 130 + "example", "one exact origin"),
        ("https://1.2.3.256", "no IPv4 address"),
        ("https://1.2.3.4.5", "no IPv4 address"),
        ("https://08.1", "no IPv4 address"),
        ("https://shop.1", "no IPv4 address"),
        ("https://[::g]", "address"),
        ("https://[fe80::1%25eth0]", "zone"),
        ("https://[::1", "its port or address is none"),
        ("https://shop.example:99999", "its port or address is none"),
        ("https://shop.example:x", "its port or address is none"),
        ("https://shop.example:٤٤٣", "its port or address is none"),
        ("https:\\\\shop.example", "begins with one of"),
        ("https://shop.example\\x", "such as"),
        ("shop.example", "begins with one of"),
        ("https:shop.example", "begins with one of"),
        ("ftp://shop.example", "begins with one of"),
        ("javascript://localhost", "begins with one of"),
        ("data:text/html,x", "begins with one of"),
        ("", "begins with one of"),
        ("app://", "name the app"),
        ("app://*", "name the app"),
        ("app://a;b", "name the app"),
    ],
)
def test_what_is_no_origin_is_refused_with_the_reason(typed, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        origins.normal(typed)
