"""The columns of answers from which two segments are crossed."""

from feedback import crossings


def test_a_column_tells_any_number_of_values_apart_and_comes_back_as_it_was_packed():
    many = crossings.column(f"order {number}" for number in range(70_000))
    more = crossings.column(["order 1", None, "another"])
    many.extend(more.values, more.codes)
    back = crossings.unpacked(many.packed())
    assert [back.values[code] for code in back.codes[-4:]] == ["order 69999", "order 1", None, "another"]
    assert len(back.codes) == 70_003
