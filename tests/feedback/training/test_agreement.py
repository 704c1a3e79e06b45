"""The measures of agreement give the values that others publish for the same partitions."""

import pytest

from feedback.training import agreement

TRUTH = [0, 0, 0, 1, 1, 1]
FOUND = [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("measure", "value"),
    [  # scikit-learn 1.9 for the same two partitions
        (agreement.v_measure, 0.5158037429793889),
        (agreement.adjusted_rand, 0.24242424242424243),
        (agreement.adjusted_mutual_information, 0.2987924581708901),
    ],
)
def test_measures_give_published_values(measure, value):
    assert measure(TRUTH, FOUND) == pytest.approx(value)


@pytest.mark.parametrize(
    "measure", [agreement.v_measure, agreement.adjusted_rand, agreement.adjusted_mutual_information]
)
def test_names_of_groups_do_not_matter(measure):
    assert measure(["x", "x", "y", "z"], [3, 3, 1, 2]) == pytest.approx(1.0)


@pytest.mark.parametrize("measure", [agreement.adjusted_rand, agreement.adjusted_mutual_information])
def test_chance_is_worth_nothing(measure):
    truth = [at % 5 for at in range(1000)]
    found = [(at * 7919 // 13) % 4 for at in range(1000)]
    assert abs(measure(truth, found)) < 0.02


def test_macro_f1_counts_a_rare_class_like_a_frequent_one():
    truth, found = [0, 0, 0, 0, 1, 2], [0, 0, 0, 0, 2, 2]
    assert agreement.macro_f1(truth, found) == pytest.approx((1 + 0 + 2 / 3) / 3)
