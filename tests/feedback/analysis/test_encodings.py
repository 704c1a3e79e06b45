"""Tables are read in the encoding they were written in, or refused: never as other letters."""

import itertools
import json
from pathlib import Path

import pytest

from feedback.analysis import encodings
from surveys import wording

#: Each language with the encodings in which Excel, LibreOffice and older programs save its tables.
WRITTEN = {
    "zh-Hans": ("gbk", "gb18030", "utf-16-le"),
    "ja": ("shift_jis", "cp932", "euc_jp", "iso2022_jp", "utf-16-be"),
    "ko": ("euc_kr", "cp949", "iso2022_kr"),
    "ru": ("cp1251", "koi8-r"),
    "ar": ("cp1256",),
    "he": ("cp1255",),
    "tr": ("cp1254",),
    "pl": ("cp1250", "iso8859-2"),
    "cs": ("cp1250", "iso8859-2"),
    "hu": ("cp1250",),
    "de": ("cp1252", "iso8859-15", "mac-roman"),
    "fr": ("cp1252", "mac-roman"),
    **dict.fromkeys(("es", "it", "nl", "pt-BR", "sv", "da", "nb", "fi"), ("cp1252",)),
}
#: The wording is in simplified characters alone.
TRADITIONAL = ["配送很慢，客服沒有回覆", "價格合理，品質也很好", "網站很難使用", "謝謝你們的幫忙"]

#: Comments as people write them, four a line, behind all encodings in which Windows, macOS and MS-DOS save such tables:
#: also of languages without wording, which must not be taken for one that has.
COMMENTS = Path(__file__).parents[2] / "data" / "encodings.txt"


def sentences(language):
    """Texts of a language that hold more than ASCII, names of months among them."""
    file = Path(wording.__file__).with_name(f"{language}.json")
    return [text for text in texts(json.loads(file.read_text())) if not text.isascii()]


def texts(found):
    """Every text in a wording."""
    for value in found.values() if isinstance(found, dict) else found:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list | tuple):
            yield from texts(value)


def read_or_not(raw):
    """What `raw` was taken for; None when it was refused."""
    try:
        return encodings.decoded(raw)
    except encodings.Unreadable:
        return None


def tables():
    """(encoding, comments): twelve of a language in each table."""
    for language, names in WRITTEN.items():
        found = sentences(language)
        for name, start in itertools.product(names, range(0, len(found) - 11, 12)):
            yield name, found[start : start + 12]
    yield "big5", TRADITIONAL
    yield "cp950", TRADITIONAL


def test_every_language_is_read_as_it_was_written_or_refused():
    read, refused = 0, []
    for name, comments in tables():
        raw = ("id,text\r\n" + "".join(f'{at},"{text}"\r\n' for at, text in enumerate(comments))).encode(
            name, "ignore"
        )
        found = read_or_not(raw)
        if found is None:
            refused.append(name)
            continue
        read += 1
        assert found.text == raw.decode(name), (name, found.encoding)
        assert found.damaged == 0
    assert read > 60
    assert len(refused) <= read / 20, refused


def test_tables_of_a_few_short_texts_are_never_read_as_something_else():
    """Each short text by itself, forty times, and with the two that follow it."""
    wrong, seen = [], 0
    for language, names in WRITTEN.items():
        short = [text for text in sentences(language) if len(text) <= 6]
        alone = [[text] * times for text in short[::2] for times in (1, 40)]
        for name, comments in itertools.product(
            names, alone + [short[at : at + 3] for at in range(0, len(short), 3)]
        ):
            raw = ("id,text\r\n" + "".join(f'{at},"{text}"\r\n' for at, text in enumerate(comments))).encode(
                name, "ignore"
            )
            found = read_or_not(raw)
            seen += 1
            if found is not None and found.text != raw.decode(name):
                wrong.append((name, found.encoding, comments[:3]))
    assert wrong == []
    assert seen > 500


def test_small_tables_of_every_old_encoding_are_read_as_they_were_written_or_refused():
    """Of each one comment, two and four."""
    read = refused = 0
    for line in COMMENTS.read_text().splitlines():
        names, *comments = line.split("\t")
        slices = [comments[at : at + count] for count in (1, 2, 4) for at in range(0, 4, count)]
        for name, few in itertools.product(names.split(), slices):
            raw = ("id,text\r\n" + "".join(f"{at},{text}\r\n" for at, text in enumerate(few))).encode(
                name, "ignore"
            )
            found = read_or_not(raw)
            assert found is None or found.text == raw.decode(name), (name, found.encoding, few)
            read, refused = read + (found is not None), refused + (found is None)
    assert read > 2 * refused, (read, refused)


def test_english_with_the_quotes_that_a_program_sets_is_read():
    comments = ["It’s good – really", "“nice” staff", "Couldn’t be better", "at 70 °C", "Fine… mostly"]
    for name, few in itertools.product(
        ("cp1252", "mac-roman"), [comments, *([each] for each in comments[:4])]
    ):
        meant = "id,text\r\n" + "".join(f"{at},{text}\r\n" for at, text in enumerate(few))
        assert encodings.decoded(meant.encode(name)).text == meant, name


@pytest.mark.parametrize("name", ["gbk", "big5", "shift_jis", "euc_kr", "euc_jp", "koi8-r", "cp1252"])
def test_one_short_comment_is_never_read_as_something_else(name):
    words = {
        "gbk": "差",
        "big5": "爛",
        "shift_jis": "悪い",
        "euc_kr": "싫어",
        "euc_jp": "遅い",
        "koi8-r": "плохо",
    }
    meant = f"id,text\n1,{words.get(name, 'très bon')}\n"
    found = read_or_not(meant.encode(name))
    assert found is None or found.text == meant
    assert encodings.decoded(meant.encode(name), name).text == meant


def test_what_is_damaged_is_counted():
    assert encodings.decoded("text\nä ö ü ß €".encode() + b"\xff\n").damaged == 1
    assert encodings.decoded("très".encode("cp1252"), "utf-8") == ("tr\ufffds", "utf-8", 1)
    with pytest.raises(encodings.Unreadable, match=r"cannot be told for certain|none that is known"):
        encodings.decoded(b"ab\xf0cd ef\x81 gh")
    with pytest.raises(encodings.Unreadable, match=r"may be \w+ or \w+ .*--encoding \w+"):
        encodings.decoded("id,text\n1,差\n".encode("gbk"))


def test_letters_that_come_late_in_a_large_table_are_seen():
    plain = "id,text\n" + "1,fine\n" * 60_000
    meant = plain + "".join(f"2,{text}\n" for text in sentences("ru")[:12])
    assert encodings.decoded(meant.encode("cp1251")).text == meant


#: An encoding, what a large table begins with, and the words below all that which tell it from its kin.
LATE = [
    ("cp1250", "Die Größe ist schön, aber für mich zu süß", "Wałęsa, Łódź i Kraków: bardzo dobrze, dziękuję"),
    ("cp1250", "Die Größe ist schön, aber für mich zu süß", "Wałęsa war hier"),
    (
        "cp1254",
        "Die Größe ist schön, aber für mich zu süß",
        "Çok iyi, teşekkürler; ışık ve sağlık, İstanbul'da",
    ),
    (
        "cp1252",
        "Die Größe ist schön, aber für mich zu süß",
        "Það er gott að vera hér, þakka þér fyrir; Guðrún",
    ),
    (
        "iso8859-2",
        "Die Größe ist schön, aber für mich zu süß",
        "Děkuji, všechno bylo v pořádku, řidič přijel včas",
    ),
    ("koi8-u", "Доставка быстрая, спасибо за помощь", "Дякую, її їжа є дуже смачна, ґанок"),
    ("gb18030", "送货很快，客服很好", "朱镕基说：谢谢你们的帮忙"),
]


@pytest.mark.parametrize("parted", ["\r\n", " "], ids=["lines", "one line"])
@pytest.mark.parametrize(("name", "often", "late"), LATE, ids=[f"{each[0]} {each[2][:6]}" for each in LATE])
def test_a_large_table_is_never_read_by_its_beginning_alone(name, often, late, parted):
    beginning = parted.join(f"{at},{often}" for at in range(2_000))
    meant = f"id,text{parted}{beginning}{parted}9,{late}{parted}"
    assert len(beginning.encode(name)) > encodings._SAMPLE
    found = read_or_not(meant.encode(name))
    # A single name may leave it open, and then it is refused.
    assert found.text == meant if found is not None else late == "Wałęsa war hier"
