"""What is taken for a logo, and what is left of a drawing."""

import base64
import contextlib
import re
import struct
import zlib

import pytest

from surveys.domain import drawings, fonts, pictures
from surveys.domain.pictures import BadPicture
from tests import effort

#: What a logo of the largest size may take, about 0.2 seconds (`effort.units`).
MOST = 20


def chunk(name, data=b""):
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width=3, height=2, *more):
    """A PNG that is one colour."""
    rows = (b"\0" + b"\x17\x71\x4f" * min(width, 9)) * min(height, 9)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = b"".join(more) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND")


def jpeg(width=30, height=20, *more):
    """The segments of a JPEG."""
    frame = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12\x34"
    return b"\xff\xd8" + b"".join(more) + frame + scan + b"\xff\xd9"


def webp(width=30, height=20, *more, flags=0, frame=None):
    """An extended WebP: its head, what else is given, and a frame of one colour."""
    head = bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    wide, high = frame or (width, height)
    lossless = b"\x2f" + ((wide - 1) | (high - 1) << 14).to_bytes(4, "little") + b"\x88\x88\x08"
    body = b"WEBP" + part(b"VP8X", head) + b"".join(more) + part(b"VP8L", lossless)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def part(name, data=b""):
    """One chunk of a WebP."""
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def svg(inside='<path d="M0 0h9v9z"/>', attributes='viewBox="0 0 120 40"'):
    """A drawing."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>'.encode()


def exif(turned, order=">"):
    """A camera's notes: who took the picture, and how it is turned."""
    entries = [struct.pack(order + "HHI", 0x013B, 2, 4) + b"Ann\0"]
    entries += [struct.pack(order + "HHIHH", 0x0112, 3, 1, turned, 0)]
    head = {">": b"MM\0*", "<": b"II*\0"}[order] + struct.pack(order + "IH", 8, len(entries))
    return head + b"".join(entries) + bytes(4)


def camera(turned, order=">"):
    """A JPEG as a camera wrote it."""
    notes = b"Exif\0\0" + exif(turned, order)
    return jpeg(30, 20, b"\xff\xe1" + struct.pack(">H", len(notes) + 2) + notes)


def url(type, content):
    """As it is sent."""
    return pictures.data_url(f"image/{type}", content)


@pytest.mark.parametrize(
    ("type", "content", "size"),
    [
        ("png", png(), (3, 2)),
        ("jpeg", jpeg(), (30, 20)),
        ("webp", webp(), (30, 20)),
        ("svg+xml", svg(), (120, 40)),
    ],
)
def test_each_kind_is_taken_and_says_its_size(type, content, size):
    found = pictures.of_data_url(url(type, content))
    assert (found.type, (found.width, found.height)) == (f"image/{type}", size)
    assert pictures.of_data_url(pictures.data_url(found.type, found.content)) == found
    assert re.fullmatch("[0-9a-f]{32}", found.hash)


def test_what_tells_of_people_and_what_follows_the_picture_is_left_out():
    told = png(3, 2, chunk(b"tEXt", b"Author\0Ann Lee")) + b"<script>"
    assert pictures.of_data_url(url("png", told)).content == png()
    camera = jpeg(30, 20, b"\xff\xe1\x00\x0aExif\0\0Ln", b"\xff\xfe\x00\x05Ann") + b"<script>"
    assert pictures.of_data_url(url("jpg", camera)).content == jpeg()
    # A second scan, a remark between the two, and a page between two ends.
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\xff\x00\x34\xff\xd0\x56"
    twice = jpeg()[:-2] + b"\xff\xfe\x00\x05Ann" + scan + b"\xff\xd9"
    kept = pictures.of_data_url(url("jpg", twice + b"<script></script>\xff\xd9")).content
    assert kept == jpeg()[:-2] + scan + b"\xff\xd9"
    notes = webp(30, 20, part(b"EXIF", b"Ann"), part(b"XMP ", b"<x:xmpmeta/>"), part(b"ZZZZ"), flags=0x1C)
    kept = pictures.of_data_url(url("webp", notes + b"<script>")).content
    assert kept == webp(flags=0x10)
    colours = webp(30, 20, part(b"ICCP", b"abc"), flags=0x20)
    assert pictures.of_data_url(url("webp", colours)).content == colours


def test_bytes_that_fill_up_before_a_marker_say_nothing():
    remark = b"\xff\xff\xff\xfe\x00\x05Ann\xff"
    segments, end = jpeg()[2:-2].split(b"\xff\xda"), b"\xff\xff\xff\xd9"
    filled = b"\xff\xd8\xff" + segments[0] + remark + b"\xff\xda" + segments[1] + remark[1:] + end
    found = pictures.of_data_url(url("jpeg", filled))
    assert (found.content, found.width, found.height) == (jpeg(), 30, 20)
    # Also where it ends with them.
    for cut in range(len(filled)):
        with contextlib.suppress(BadPicture):
            pictures.of_data_url(url("jpeg", filled[:cut]))


def test_a_picture_that_its_notes_leave_upright_is_taken_without_them():
    for turned in (0, 1, 9):
        assert pictures.of_data_url(url("jpeg", camera(turned, "<"))).content == jpeg()
    for cut in range(len(exif(6))):
        assert (
            b"Ann" not in pictures.of_data_url(url("png", png(3, 2, chunk(b"eXIf", exif(1)[:cut])))).content
        )


def test_a_png_that_moves_stands_still():
    moving = png(3, 2, chunk(b"acTL", bytes(8)), chunk(b"fcTL", bytes(26)), chunk(b"fdAT", b"more"))
    assert pictures.of_data_url(url("png", moving)).content == png()


BAD = {
    "no data URL": ("https://acme.example/logo.png", "data URL"),
    "another kind": (url("gif", b"GIF89a"), "PNG, JPEG, WebP or SVG"),
    "no base64": ("data:image/png;base64,####", "base64"),
    "nothing": ("data:image/png;base64,", "empty"),
    "too large": (url("png", png(3, 2, chunk(b"zTXt", bytes(102_400)))), "100 KiB; it has 101 KiB"),
    "another than it says": (url("png", jpeg()), "Says that it is image/png, and holds image/jpeg"),
    "text": (url("png", b"Hello"), "holds something else"),
    "cut off": (url("png", png()[:-9]), "damaged or cut off"),
    "one bit off": (url("png", png().replace(b"\x00\x03", b"\x00\x04", 1)), "damaged"),
    "without data": (url("png", png()[:33] + chunk(b"IEND")), "damaged"),
    "a bomb": (url("png", png(30_000, 30_000)), "4000 pixels a side; it says 30000 × 30000"),
    "of no size": (url("png", png(0, 2)), "pixels a side"),
    "a JPEG cut off": (url("jpeg", jpeg()[:-2]), "damaged"),
    "a JPEG without a frame": (url("jpeg", b"\xff\xd8\xff\xda\x00\x02\xff\xd9"), "damaged"),
    "a JPEG without an end": (url("jpeg", jpeg()[:-2] + b"<script>\xff\xd8"), "damaged"),
    "a JPEG on its side": (url("jpeg", camera(6)), "Turn the picture itself"),
    "a JPEG that is mirrored": (url("jpeg", camera(2, "<")), "Turn the picture itself"),
    "a PNG on its side": (url("png", png(3, 2, chunk(b"eXIf", exif(8)))), "Turn the picture itself"),
    "a WebP on its side": (url("webp", webp(30, 20, part(b"EXIF", exif(3, "<")))), "Turn the picture itself"),
    "a WebP cut off": (url("webp", webp()[:-1]), "damaged"),
    "a WebP without a frame": (url("webp", b"RIFF\x16\0\0\0" + webp()[8:30]), "damaged"),
    "a WebP of two sizes": (url("webp", webp(30, 20, frame=(9000, 9000))), "damaged"),
    "a WebP that is a bomb": (url("webp", webp(16_000, 16_000)), "4000 pixels a side"),
    "a WebP that moves": (url("webp", webp(30, 20, part(b"ANIM", bytes(6)), flags=0x02)), "still picture"),
    "a WebP that moves and does not say so": (url("webp", webp(30, 20, part(b"ANMF", bytes(24)))), "still"),
    "no SVG": (url("svg+xml", b"<html/>"), "no SVG"),
    "broken XML": (url("svg+xml", b"<svg"), "cannot be read"),
    "no XML's encoding": (url("svg+xml", b'<?xml version="1.0" encoding="x"?><svg/>'), "cannot be read"),
    "an empty drawing": (url("svg+xml", svg("<g/>")), "nothing is drawn"),
    "scripts alone": (url("svg+xml", svg("<script>alert(1)</script>")), "nothing is drawn"),
    "no size": (url("svg+xml", svg(attributes='width="100%"')), "neither viewBox nor width"),
    "entities": (
        url("svg+xml", b'<!DOCTYPE svg [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>' + svg("<text>&b;</text>")),
        "declares entities",
    ),
    "many rules": (
        url("svg+xml", svg("<style>" + ".a{}" * 600 + '</style><path d="M0 0"/>')),
        "rules of style",
    ),
    "deep": (url("svg+xml", svg("<g>" * 70 + '<path d="M0 0"/>' + "</g>" * 70)), "deep in each other"),
    "many copies": (url("svg+xml", svg('<path id="a" d="M0 0"/>' + '<use href="#a"/>' * 60)), "copies parts"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_in_words(case):
    given, said = BAD[case]
    with pytest.raises(BadPicture, match=re.escape(said)):
        pictures.of_data_url(given)


def drawn(inside, **options):
    """What is left of a drawing."""
    content = svg(inside, **options)
    return pictures.of_data_url("data:image/svg+xml," + content.decode().replace("%", "%25")).content.decode()


HARMFUL = [
    "<script>alert(1)</script>",
    '<path d="M0 0" onload="alert(1)"/>',
    '<a href="javascript:alert(1)"><path d="M0 0"/></a>',
    '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><img src="https://evil.example"/></body></foreignObject>',
    '<image href="https://evil.example/x.png"/>',
    '<use href="https://evil.example/x.svg#a"/>',
    '<animate attributeName="href" to="javascript:alert(1)"/>',
    '<set attributeName="onload" to="alert(1)"/>',
    "<style>@import url(https://evil.example/x.css); path{fill:url(https://evil.example/x)}</style>",
    '<path d="M0 0" style="fill:url(//evil.example/x#a)"/>',
    '<path d="M0 0" fill="\\75rl(evil.example)"/>',
    '<rect fill="url(https://evil.example)" width="1" height="1"/>',
    '<filter id="f"><feImage href="https://evil.example"/></filter>',
    '<svg><handler type="application/ecmascript">alert(1)</handler></svg>',
    '<path xml:base="https://evil.example/" d="M0 0"/>',
    '<!-- https://evil.example --><?xml-stylesheet href="https://evil.example"?>',
    '<style>.a{background:image-set("https://evil.example/x" 1x)}</style>',
]


def test_nothing_in_a_drawing_acts_or_leads_elsewhere():
    text = drawn('<path d="M1 1h2"/>' + "".join(HARMFUL))
    assert 'd="M1 1h2"' in text
    assert not re.search(r"evil|alert|script|style|href|\bon\w+=|<(?!/?(svg|path|rect)\b)", text), text


def test_copies_of_copies_which_make_millions_are_left_out():
    # Two of one name: the second copies nothing.
    twice = '<g id="a2"/>'
    lines = twice + "".join(f'<g id="a{n}">' + f'<use href="#a{n - 1}"/>' * 9 + "</g>" for n in range(1, 6))
    text = drawn('<path id="a0" d="M0 0"/>' + lines)
    assert text.count("<use") == 9


FULL = 100 * 1024
HOSTILE = {
    "letters without a rule": "a" * FULL,
    "comments that do not end": "/*" * (FULL // 2),
    "comments that overlap": "/*/" * (FULL // 3),
    "braces that open": "{" * FULL,
    "braces that close": "}" * FULL,
    "a rule for everybody": ",".join("a" for _ in range(480)) + "{" + "fill:red;" * 11_000 + "}",
    "selectors without end": "a," * (FULL // 2) + "{fill:red}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_style_sheet_takes_long(text):
    drawing = svg(f"<style>{text}</style><g/>" + "<path d='M0 0h9v9z'/>" * 50)

    def work():
        with contextlib.suppress(drawings.BadDrawing):
            drawings.harmless(drawing)

    assert effort.units(work, MOST) < MOST


def test_many_elements_under_many_rules_take_no_long_time():
    rules = "".join(f".a{number}{{fill:red}}" for number in range(500))
    drawing = svg(f"<style>{rules}</style>" + "<path d='M0 0h9'/>" * 4500)
    assert effort.units(lambda: drawings.harmless(drawing), MOST) < MOST


def test_rules_within_an_at_rule_hold_at_times_only():
    drawn, _ = drawings.harmless(
        svg("<style>@media print{path{fill:red}}path{fill:blue}/*{*/</style><path d='M0 0'/>")
    )
    assert b"red" not in drawn
    assert b'fill="blue"' in drawn


def test_what_draws_stays_and_rules_of_style_become_attributes():
    text = drawn(
        "<defs><style>/* x */ .a,.b{fill:#17714f;opacity:.5} path{fill:red;stroke:blue} "
        "#c{stroke:none !important}</style>"
        '<linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient></defs>'
        '<g transform="translate(1 2)"><path class="a" id="c" d="M0 0h9"/></g>'
        '<rect fill="url(#g)" style="stroke-width:2; stroke: url(\'#g\')" width="9" height="9"/>'
        '<text x="1">A &amp; B</text>'
    )
    for kept in (
        'fill="#17714f"', 'opacity=".5"', 'stroke="none"', 'fill="url(#g)"', 'stroke-width="2"', "A &amp; B",
        'transform="translate(1 2)"', 'stop-color="#fff"', 'width="120" height="40"',
    ):  # fmt: skip
        assert kept in text, (kept, text)
    assert "<style" not in text


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("Inter, 'Open Sans' ,serif", '"Inter", "Open Sans", serif'),
        ("-apple-system, Söhne 2.0", '-apple-system, "Söhne 2.0"'),
        ("a;}body{display:none", None),
        ('x", y</style>', None),
        ("url(https://evil.example)", None),
        ("Inter,,serif", None),
        ("", None),
    ],
)
def test_a_list_of_fonts_is_made_of_names(given, made):
    assert fonts.normal(given) == made


def test_base64_may_be_wrapped_and_percent_encoded():
    wrapped = re.sub("(.{20})", r"\1\n", base64.b64encode(png()).decode()).replace("+", "%2B")
    assert pictures.of_data_url(f"data:image/png;base64,{wrapped}").content == png()
