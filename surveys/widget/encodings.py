"""Files as browsers take them: brotli or gzip, made once and kept."""

import gzip
from functools import lru_cache

import brotli

#: Files that are kept compressed: two for each survey and language.
KEPT = 512


def best(accepted: str | None) -> str:
    """The smallest encoding an Accept-Encoding header allows (RFC 9110, 12.5.3): "br", "gzip", or "" for none."""
    weights: dict[str, float] = {}
    for entry in (accepted or "").lower().split(","):
        name, _, parameter = entry.partition(";")
        _, _, quality = parameter.partition("q=")
        try:
            weights[name.strip()] = float(quality) if quality else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    return next((name for name in ("br", "gzip") if weights.get(name, weights.get("*", 0.0)) > 0), "")


@lru_cache(maxsize=KEPT)
def encoded(content: bytes, encoding: str) -> bytes:
    """`content` in one of the encodings `best` names, at the highest level."""
    if encoding == "br":
        # Small files sometimes come out shorter with a small window.
        return min((brotli.compress(content, lgwin=window) for window in (10, 16, 22)), key=len)
    return gzip.compress(content, 9, mtime=0) if encoding == "gzip" else content
