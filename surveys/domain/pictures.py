"""Pictures that are taken in and shown to everybody: PNG, JPEG, WebP, and SVG with nothing in it but drawing."""

import base64
import binascii
import hashlib
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from surveys.domain import drawings

#: Bytes of a picture at most.
MOST_BYTES = 100 * 1024

#: Pixels of a side at most: few bytes may unpack into more than a telephone can hold.
MOST_PIXELS = 4000

PNG, JPEG, WEBP, SVG = "image/png", "image/jpeg", "image/webp", "image/svg+xml"

KINDS = (PNG, JPEG, WEBP, SVG)

#: What every mail program shows.
MAILED = (PNG, JPEG)

_DATA = re.compile(r"data:([a-z+/-]+)((?:;[a-z0-9=-]+)*),(.*)", re.IGNORECASE | re.DOTALL)


class BadPicture(Exception):
    """It is no picture that is taken; the message says why, as a sentence."""


@dataclass(frozen=True)
class Picture:
    """One picture as it is kept: `width` and `height` in pixels, of an SVG as it says itself."""

    type: str
    content: bytes
    width: int
    height: int

    @property
    def hash(self) -> str:
        """What it is known by: the same bytes have the same (128 bits of SHA-256, in hex)."""
        return hashlib.sha256(self.content).hexdigest()[:32]


def of_data_url(url: str) -> Picture:
    """The picture in a `data:` address (RFC 2397), in base64 or percent-encoded. Raises BadPicture."""
    found = _DATA.fullmatch(url.strip())
    if found is None:
        raise BadPicture("Must be a data URL such as data:image/png;base64,….")
    said, options, data = found[1].lower(), found[2].lower(), found[3]
    said = {"image/jpg": JPEG}.get(said, said)
    if said not in _READERS:
        raise BadPicture("Must be PNG, JPEG, WebP or SVG.")
    content = _decoded(data, ";base64" in options)
    if not content:
        raise BadPicture("Is empty.")
    if len(content) > MOST_BYTES:
        raise BadPicture(f"Must not be larger than 100 KiB; it has {-(-len(content) // 1024)} KiB.")
    kind = _kind(content)
    if kind != said:
        raise BadPicture(f"Says that it is {said}, and holds {kind or 'something else'}.")
    return _READERS[said](content)


def data_url(type: str, content: bytes) -> str:
    """The `data:` address of a picture."""
    return f"data:{type};base64,{base64.b64encode(content).decode()}"


def uploaded(content: bytes) -> str:
    """The `data:` address of a file, of the type that its bytes say; what it is named says nothing."""
    return data_url(_kind(content) or "application/octet-stream", content)


# ------------------------------------------------------------------------------------------------------


def _decoded(data: str, is_base64: bool) -> bytes:
    # As browsers do: percent-decoded first, in either form (RFC 2397; WHATWG Fetch, "data: URL processor").
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda pair: bytes([int(pair[1], 16)]), data.encode())
    if not is_base64:
        return raw
    raw = b"".join(raw.split())
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except binascii.Error:
        raise BadPicture("Is not base64.") from None


def _kind(content: bytes) -> str | None:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    return SVG if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else None


def _picture(type: str, content: bytes, size: tuple[int, int]) -> Picture:
    if not all(1 <= side <= MOST_PIXELS for side in size):
        raise BadPicture(f"Must have 1 to {MOST_PIXELS} pixels a side; it says {size[0]} × {size[1]}.")
    return Picture(type, content, *size)


_EXIF = b"Exif\0\0"


def _demand_upright(notes: bytes) -> None:
    """Raises BadPicture where a camera's notes (EXIF in TIFF 6.0, section 2) have the picture shown turned or mirrored:
    they are left out, and it would lie on its side."""
    notes = notes.removeprefix(_EXIF)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(notes[:4])
    if order is None or len(notes) < 8:
        return
    (at,) = struct.unpack_from(order + "I", notes, 4)
    for entry in range(at + 2, min(at + 2 + 12 * _short(order, notes, at), len(notes) - 11), 12):
        tag, kind = _short(order, notes, entry), _short(order, notes, entry + 2)
        if (tag, kind) == _ORIENTATION and 2 <= _short(order, notes, entry + 8) <= 8:
            raise BadPicture(
                "Is turned by a note of the camera (EXIF), which is left out. Turn the picture itself and save it anew."
            )


#: The tag of how it is turned, and its type: one short number.
_ORIENTATION = (0x0112, 3)


def _short(order: str, notes: bytes, at: int) -> int:
    """A number of two bytes; 0 where the notes end before it."""
    return int(struct.unpack_from(order + "H", notes, at)[0]) if at + 2 <= len(notes) else 0


def _png(content: bytes) -> Picture:
    """Walks the chunks (W3C PNG, 5.3) and keeps what draws: remarks, places and times go."""
    kept, size, has_data = [content[:8]], None, False
    for name, chunk in _png_chunks(content):
        if size is None:
            if name != b"IHDR" or len(chunk) != 25:
                break
            size = struct.unpack(">II", chunk[8:16])
        has_data = has_data or name == b"IDAT"
        if name == b"eXIf":
            _demand_upright(chunk[8:-4])
        if name in _PNG_KEPT:
            kept.append(chunk)
        if name == b"IEND" and has_data:
            return _picture(PNG, b"".join(kept), size)
    raise BadPicture("Is a PNG that is damaged or cut off.")


_PNG_KEPT = (
    b"IHDR",
    b"PLTE",
    b"IDAT",
    b"IEND",
    b"tRNS",
    b"gAMA",
    b"cHRM",
    b"sRGB",
    b"iCCP",
    b"cICP",
    b"sBIT",
    b"pHYs",
)


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and the bytes of each whole chunk, up to the first that is not."""
    at = 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        end = at + 12 + length
        if end > len(content) or zlib.crc32(content[at + 4 : end - 4]) != int.from_bytes(
            content[end - 4 : end], "big"
        ):
            return
        yield content[at + 4 : at + 8], content[at:end]
        at = end


def _jpeg(content: bytes) -> Picture:
    """Walks the segments and scans up to the end (ITU-T T.81, B.1); cameras' notes, remarks and what follows go."""
    kept, size, has_scan, at = [content[:2]], None, False, 2
    while content[at : at + 1] == b"\xff":
        # Before a marker may stand any number of them, which say nothing (B.1.1.2).
        at = _JPEG_FILL.match(content, at).end() - 1  # type: ignore[union-attr]
        if has_scan and content[at : at + 2] == _JPEG_END:
            return _picture(JPEG, b"".join([*kept, _JPEG_END]), size or (0, 0))
        if at + 4 > len(content):
            break
        marker, (length,) = content[at + 1], struct.unpack_from(">H", content, at + 2)
        segment = content[at : at + 2 + length]
        if len(segment) != 2 + length or length < 2:
            break
        # Frames of every kind but DHT, JPG and DAC, which lie between them.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and length >= 8:
            height, width = struct.unpack_from(">HH", segment, 5)
            size = (width, height)
        if marker == 0xE1 and segment[4:].startswith(_EXIF):
            _demand_upright(segment[4:])
        # APP0 (JFIF), APP2 (colour profile) and APP14 (Adobe's colours) say how to draw; the others tell of people.
        if marker in (0xE0, 0xE2, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(segment)
        at += 2 + length
        if marker == 0xDA:
            end = _JPEG_MARKER.search(content, at)
            if size is None or end is None:
                break
            has_scan = True
            kept.append(content[at : end.start()].rstrip(b"\xff"))
            at = end.start()
    raise BadPicture("Is a JPEG that is damaged or cut off.")


_JPEG_END = b"\xff\xd9"

_JPEG_FILL = re.compile(rb"\xff+")

#: What ends the data of a scan: a marker that is neither a stuffed byte nor a restart.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def _webp(content: bytes) -> Picture:
    """Walks the chunks (RFC 9649, 2.3 to 2.7) and keeps what draws: notes and what follows go, and nothing moves."""
    kept: list[bytes] = []
    canvas: tuple[int, int] | None = None
    frame: tuple[int, int] | None = None
    for name, data in _webp_chunks(content):
        if name in (b"ANIM", b"ANMF") or (name == b"VP8X" and data and data[0] & _WEBP_MOVES):
            raise BadPicture("Is a WebP that moves. Save it as one still picture.")
        if name == b"EXIF":
            _demand_upright(data)
        if name == b"VP8X" and len(data) == 10 and not kept:
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (4, 7))
            canvas, data = (width, height), bytes([data[0] & _WEBP_DRAWS]) + data[1:]
        elif name == b"VP8L" and data[:1] == b"\x2f" and len(data) > 5:
            bits = int.from_bytes(data[1:5], "little")
            frame = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        elif name == b"VP8 " and data[3:6] == b"\x9d\x01\x2a" and len(data) > 10:
            width, height = (part & 0x3FFF for part in struct.unpack_from("<HH", data, 6))
            frame = (width, height)
        elif name not in (b"ICCP", b"ALPH"):
            continue
        kept.append(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2))
    if frame is None or canvas not in (None, frame):
        raise BadPicture("Is a WebP that is damaged or cut off.")
    body = b"WEBP" + b"".join(kept)
    return _picture(WEBP, b"RIFF" + struct.pack("<I", len(body)) + body, frame)


#: Bits of an extended WebP's head: it moves; it has a colour profile or can be seen through.
_WEBP_MOVES, _WEBP_DRAWS = 0x02, 0x30


def _webp_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and the data of each chunk; none where one of them is cut off."""
    at, end = 12, int.from_bytes(content[4:8], "little") + 8
    chunks = []
    while at + 8 <= end <= len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        if at + 8 + length > end:
            return
        chunks.append((content[at : at + 4], content[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    yield from chunks


def _svg(content: bytes) -> Picture:
    try:
        harmless, size = drawings.harmless(content)
    except drawings.BadDrawing as error:
        raise BadPicture(str(error)) from None
    if len(harmless) > MOST_BYTES:
        raise BadPicture("Must not be larger than 100 KiB once it is written out.")
    return _picture(SVG, harmless, size)


_READERS: dict[str, Callable[[bytes], Picture]] = {PNG: _png, JPEG: _jpeg, WEBP: _webp, SVG: _svg}
