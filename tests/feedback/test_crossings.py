"""The columns of answers from which two segments are crossed."""

import random
from collections import Counter

from feedback import crossings


def test_a_column_tells_any_number_of_values_apart_and_comes_back_as_it_was_packed():
    many = crossings.column(f"order {number}" for number in range(70_000))
    more = crossings.column(["order 1", None, "another"])
    many.extend(more.values, more.codes)
    back = crossings.unpacked(many.packed())
    assert [back.values[code] for code in back.codes[-4:]] == ["order 69999", "order 1", None, "another"]
    assert len(back.codes) == 70_003


def test_answers_are_counted_alike_however_many_values_there_are():
    chance = random.Random(5)

    def drawn(most):
        return crossings.column(chance.choices(range(most), k=300))

    for mosts in ((1, 1, 1), (40, 60, 11), (3, 250, 2)):
        columns = [drawn(most) for most in mosts]
        # Beyond what four bytes can number, pairs are counted themselves.
        wide = [crossings.Column([*each.values, *map(str, range(2000))], each.codes) for each in columns]
        given = Counter(zip(*([each.values[code] for code in each.codes] for each in columns), strict=True))
        for found in (crossings.count(*columns), crossings.count(*wide)):
            assert {each[:3]: each[3] for each in found} == given
    assert list(crossings.count(crossings.Column(), crossings.Column(), crossings.Column())) == []
