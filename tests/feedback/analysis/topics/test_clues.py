"""Comments that say the words of one matter are drawn together, the more the fewer they are."""

import numpy as np

from feedback.analysis.topics import clues, vectors

VECTORS = vectors.load()


def test_comments_that_say_the_words_of_one_matter_are_drawn_together():
    texts = ["Where is my order? It should be here", "Nice, I could track my parcel up to the door"]
    rows = VECTORS.encode(texts)
    drawn = clues.draw(rows, texts, VECTORS)
    assert drawn[0] @ drawn[1] > rows[0] @ rows[1] + 0.03
    assert drawn[0] @ rows[0] > 0.95


def test_what_is_said_in_another_language_is_drawn_too():
    (row, stock) = VECTORS.encode(["Immer alles ausverkauft", "Out of stock"])
    (drawn,) = clues.draw(row[None, :], ["Immer alles ausverkauft"], VECTORS)
    assert drawn @ stock > row @ stock + 0.03


def test_what_says_the_words_of_no_matter_means_what_it_did():
    texts = ["Hello my dear", "Purple elephants sing", "?"]
    rows = VECTORS.encode(texts)
    assert np.allclose(clues.draw(rows, texts, VECTORS), rows, atol=1e-6)


def test_many_comments_tell_by_themselves_what_belongs_together():
    texts = ["Where is my order?"] * 10_000
    rows = VECTORS.encode(texts[:1]).repeat(len(texts), axis=0)
    assert clues.draw(rows, texts, VECTORS) is rows
