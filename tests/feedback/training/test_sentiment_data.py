"""What the sentiment model learns from: own comments with slots, ratings near a border, several sentences in one."""

import csv
import random
from pathlib import Path

import pytest

from feedback.training import sentiment_data
from feedback.training.sentiment_data import DOMAINS, NEGATIVE, NEUTRAL, POSITIVE

WRITTEN = """
# A list, and comments.
thing: bag | ticket | card

negative: you lost my {thing}
neutral: see above
"""


def test_slots_are_filled_and_the_fillings_weigh_together_what_a_plain_comment_weighs() -> None:
    *filled, plain = sentiment_data.own(WRITTEN, random.Random(1))
    assert {row.text for row in filled} <= {"you lost my bag", "you lost my ticket", "you lost my card"}
    assert len(filled) > 1
    assert {row.label for row in filled} == {NEGATIVE}
    assert (plain.text, plain.label) == ("see above", NEUTRAL)
    assert sum(row.weight for row in filled) == pytest.approx(plain.weight)


def test_every_slot_of_the_shipped_comments_has_a_list() -> None:
    rows = list(sentiment_data.own(sentiment_data.OWN.read_text(encoding="utf-8"), random.Random(1)))
    assert {row.label for row in rows} == {NEGATIVE, NEUTRAL, POSITIVE}
    assert not any("{" in row.text for row in rows)


def test_a_rating_near_the_border_counts_partly_as_either_label(tmp_path: Path) -> None:
    rows = {row.text: row for row in sentiment_data.read(_sets(tmp_path))}
    assert rows["vgt_tweets plainly"].target[POSITIVE] > 0.99
    assert rows["vgt_tweets nearly"].target[POSITIVE] == pytest.approx(0.5, abs=0.01)
    assert rows["vgt_tweets nearly"].target[NEUTRAL] == pytest.approx(0.5, abs=0.01)
    assert all(sum(row.target) == pytest.approx(1) for row in rows.values())


def test_praise_and_blame_in_one_comment_are_neither(tmp_path: Path) -> None:
    rows = sentiment_data.read(_sets(tmp_path))
    composed = [row for row in rows if row.source == "sls_yelp composed"]
    assert {row.domain for row in composed} == {"restaurants"}
    mixed = {row.target for row in composed if row.text.count("awful") == row.text.count("lovely") == 1}
    assert mixed == {(0, 1, 0)}


def test_what_is_read_is_the_same_every_time(tmp_path: Path) -> None:
    folder = _sets(tmp_path)
    assert sentiment_data.read(folder) == sentiment_data.read(folder)


def _sets(folder: Path) -> Path:
    """Write the smallest sets that can be read."""
    for source in DOMAINS:
        rated = source.startswith("vgt")
        _write(
            folder / "sentiment" / f"{source}.csv",
            [
                {"text": "awful", "label": "neg", "mean": -3.0},
                {"text": "lovely", "label": "pos", "mean": 3.0},
                {"text": f"{source} plainly", "label": "pos", "mean": 2.0},
                {"text": f"{source} nearly", "label": "pos", "mean": 0.5},
            ]
            if rated
            else [{"text": "awful", "label": "neg"}, {"text": "lovely", "label": "pos"}],
        )
    _write(folder / "topics" / "banking77_train.csv", [{"text": "it failed", "topic": "top_up_failed"}])
    _write(folder / "topics" / "clinc150_val.csv", [{"text": "what time is it", "topic": "time"}])
    return folder


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
