"""What a process keeps of what it worked out."""

from feedback.remembered import Remembered


def test_what_was_asked_for_longest_ago_makes_room():
    kept = Remembered(10, 5)
    for name in "abc":
        kept.put(name, name.upper(), 3)
    assert kept.get("a") == "A"
    kept.put("d", "D", 4)
    assert [kept.get(name) for name in "abcd"] == ["A", None, "C", "D"]
    kept.put("a", "again", 4)
    assert [kept.get(name) for name in "abcd"] == ["again", None, None, "D"]


def test_what_takes_more_than_half_of_the_room_is_not_kept():
    kept = Remembered(10, 5)
    kept.put("small", 1, 5)
    kept.put("large", 2, 6)
    assert (kept.get("small"), kept.get("large")) == (1, None)


def test_what_weighs_nothing_makes_room_as_well():
    kept = Remembered(10, 2)
    for number in range(100):
        kept.put(number, "nothing", 0)
    assert [number for number in range(100) if kept.get(number)] == [98, 99]
