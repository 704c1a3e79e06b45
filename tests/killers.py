"""Texts that made regular expressions and engines slow, or might: one piece over and over, to any length."""

from collections.abc import Iterator

#: Letters of the longest comment.
LONGEST = 10_000

PIECES = (
    # blanks and lines
    "\n", " ", "\t", "\r\n", " \n", "\n \n", ",\n", "a\n", "x. \n", "\u00a0", "\u2028", "\u200d", "\x07", "> ",
    # punctuation
    ".", ",", "!", "?", "-", "_", "'", '"', "…", "–", "*", "/", "\\", "&", "#", "%", "|", "=", ". ", "! ", " - ", "• ",
    # brackets and quotes within each other
    "(", "[", "{", "<", '"(', "('\"", "{{", "<a", '."', '"\' ', "«“",
    # letters, digits, and both
    "a", "A", "1", "a1", "A1b", "a-", "a'", "a.", "a;", "1.", "1,", "1 ", "1-", "0 ", "+1 ", "1/", "1:", "ha", "DE12 ",
    # addresses
    "http://", "https://a.example/", "www.", "a@", "@", "@a", "@ ", "(at)", "a at a.", "a@a.", "a.a@", "a.com/!",
    "a.com ", "\n@a", "=?a?b?", "=?utf-8?q?a",
    # what engines look for
    "\n--", "--\n", "\n--\n", "\nregards", "regards\n", "\nsent from my ", "RT ", "&amp;", " but ", ", but ", "but, ",
    ", and ", "however\n", "no ", "no, ", "nothing ", "nothing at all. ", "not ", "n't ", "n/a ", "n.a.", "k. ", "i ",
    "um", "so far ", "least ", "like a ", "don't a ", "do a ", "Mr. ", "e.g. ", "never so ", "great ", "Great. ",
    "bad, ", "top-up top up ", "car park ", ":)", ":-", ":( ", "<3", "status from a to ", "##a", "{%", "smtp; ",
    # other scripts, signs and marks
    "é", "ß", "中", "ก", "ที่", "ا", "ﷺ", "हि", "각", "𝒜", "😀", "👍🏽", "😡", "😡. ", "❤️", "🇩🇪", "👩‍🚀",
    "\u0301", "\u0301\u0323", "a\u0301\u0323\u0315", "\u0344", "\u0f71\u0f72", "\u1ac1\u0338",
)  # fmt: skip


def texts(letters: int = LONGEST) -> Iterator[str]:
    """Each piece over and over, and all of them after each other."""
    for piece in PIECES:
        yield long(piece, letters)
    yield long("".join(PIECES), letters)


def long(piece: str, letters: int) -> str:
    """`piece` repeated to just so many letters."""
    return (piece * (letters // len(piece) + 1))[:letters]
