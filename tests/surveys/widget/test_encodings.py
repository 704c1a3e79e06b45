"""Which encoding a browser gets, and that it can read it."""

import gzip

import brotli
import pytest

from surveys.widget import encodings


@pytest.mark.parametrize(
    ("accepted", "best"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("*", "br"),
        ("*;q=0", ""),
        ("br;q=much", ""),
        ("identity", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_smallest_allowed_encoding_is_taken(accepted, best):
    assert encodings.best(accepted) == best


@pytest.mark.parametrize(
    ("encoding", "decode"), [("br", brotli.decompress), ("gzip", gzip.decompress), ("", bytes)]
)
def test_what_is_encoded_reads_as_before(encoding, decode):
    assert decode(encodings.encoded(b"some text" * 100, encoding)) == b"some text" * 100
