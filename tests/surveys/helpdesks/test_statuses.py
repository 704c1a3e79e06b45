"""Which words mean solved, and what a change from one to another means."""

import pytest

from surveys.helpdesks import statuses
from tests.surveys.helpdesks.cases import connection


@pytest.mark.parametrize(
    "word",
    [
        "Solved",
        "SOLVED",
        "closed",
        " Resolved ",
        "Gelöst",
        "GESCHLOSSEN",
        "Résolu",
        "Re\u0301solu",
        "Fermé",
        "Resuelto",
        "Cerrado",
        "Resolvido",
        "Risolto",
        "Opgelost",
        "Løst",
        "Löst",
        "Rozwiązane",
        "Vyřešeno",
        "Решено",
        "Çözüldü",
        "解決済み",
        "已解决",
        "해결됨",
        "تم الحل",
        "נפתר",
        "Đã giải quyết",
        "Ratkaistu",
        "Megoldva",
        "ＣＬＯＳＥＤ",
    ],
)
def test_a_solved_status_is_known_in_many_languages(word):
    assert statuses.kind(connection("zendesk"), [word]) == ("solved", "")


@pytest.mark.parametrize(
    "word",
    ["Open", "Pending", "New", "On-hold", "Offen", "Ouvert", "unsolved", "not closed", "pending close"],
)
def test_another_status_reopens_and_says_so(word):
    assert statuses.kind(connection("zendesk"), [word]) == (
        "reopened",
        f"the ticket is {word}, which is not solved",
    )


@pytest.mark.parametrize(
    ("now", "before", "kind"),
    [
        ("Solved", "Open", "solved"),
        ("Closed", "Solved", "other"),
        ("Open", "Solved", "reopened"),
        ("Open", "New", "other"),
        ("Merged", "Open", "withdrawn"),
        ("spam", None, "withdrawn"),
        (None, "Solved", "other"),
        ("{{ticket.status}}", None, "other"),
    ],
)
def test_a_change_of_status(now, before, kind):
    assert statuses.kind(connection("zendesk"), [now], [before])[0] == kind


def test_the_administrators_words_replace_ours():
    own = connection("zammad", solved_statuses=["Versandt ", "FERTIG"])
    assert statuses.kind(own, ["fertig"]) == ("solved", "")
    assert statuses.kind(own, ["versandt"]) == ("solved", "")
    assert statuses.kind(own, ["closed"])[0] == "reopened"
    assert statuses.kind(connection("zammad", solved_statuses=[]), ["closed"])[0] == "reopened"


def test_any_of_a_statuss_names_may_be_the_one_meant():
    assert (
        statuses.kind(connection("front", solved_statuses=["sts_5x"]), [None, "waiting", "sts_5x"])[0]
        == "solved"
    )
