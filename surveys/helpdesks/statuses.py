"""Whether a status word means solved: the administrator's own words, else those helpdesks ship with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from surveys.domain import folding
from surveys.helpdesks.helpdesk import Connection, Kind
from surveys.helpdesks.reading import line

# "Solved", "resolved" and "closed" as helpdesks translate them, in the grammatical genders that occur.
SOLVED = frozenset(
    word
    for words in (
        "solved resolved closed completed complete done",
        "gelöst erledigt geschlossen abgeschlossen",
        "résolu résolue résolus clos close clôturé clôturée fermé fermée terminé terminée",
        "resuelto resuelta solucionado solucionada cerrado cerrada",
        "resolvido resolvida solucionado encerrado encerrada fechado fechada concluído concluída",
        "risolto risolta chiuso chiusa completato completata",
        "opgelost gesloten afgesloten afgehandeld",
        "løst lukket afsluttet lukka avsluttet",
        "löst stängd stängt avslutad avslutat",
        "ratkaistu suljettu",
        "rozwiązane rozwiązany rozwiązana zamknięte zamknięty zamknięta",
        "vyřešeno vyřešený vyřešené uzavřeno uzavřený uzavřené zavřeno",
        "vyriešené vyriešený uzavreté uzavretý zatvorené",
        "megoldva megoldott lezárva lezárt",
        "rezolvat închis",
        "rešeno riješeno zaprto zatvoreno решено затворено",
        "çözüldü çözümlendi kapandı kapatıldı kapalı",
        "решено решён решен решена закрыто закрыт закрыта",
        "вирішено вирішений закрито закритий",
        "решен затворен",
        "επιλύθηκε επιλυμένο κλειστό έκλεισε",
        "נפתר סגור",
        "محلول مغلق مغلقة",
        "解決済み 解決 クローズ 終了 完了",
        "已解决 已解決 已关闭 已關閉 已完成",
        "해결됨 해결 종료 종료됨 완료 닫힘",
        "selesai terselesaikan ditutup",
    )
    for word in words.split()
) | {"تم الحل", "تم حلها", "đã giải quyết", "đã đóng", "ปิดแล้ว", "แก้ไขแล้ว", "closed complete"}

# Tickets that nobody solved: they were taken away.
GONE = frozenset({"merged", "removed", "deleted", "spam", "trash", "trashed", "junk"})


def kind(connection: Connection, now: Sequence[Any], before: Sequence[Any] = ()) -> tuple[Kind, str]:
    """What a change of status means, and why it is not a resolution.

    `now` holds all the words the payload has for the present status (name, id, category), any of which may
    be the one meant; `before` those for the previous one, empty when the payload does not tell. Without it
    every unsolved status is "reopened": the ticket is not solved now.
    """
    words = [word for word in map(_folded, now) if word]
    if not words:
        return "other", "the call does not say the ticket's status"
    earlier = [word for word in map(_folded, before) if word]
    shown = line(next(each for each in now if _folded(each)), 60)
    if _solved(connection, words):
        return (
            ("other", f"the ticket was solved already ({shown})")
            if _solved(connection, earlier)
            else ("solved", "")
        )
    if any(word in GONE for word in words):
        return "withdrawn", f"the ticket is {shown}"
    if earlier and not _solved(connection, earlier):
        return "other", f"the ticket is {shown}, which is not solved"
    return "reopened", f"the ticket is {shown}, which is not solved"


def _solved(connection: Connection, words: Sequence[str]) -> bool:
    meant = (
        SOLVED
        if connection.solved_statuses is None
        else {_folded(each) for each in connection.solved_statuses}
    )
    return any(word in meant for word in words)


def _folded(value: Any) -> str:
    text = line(value, 100)
    return folding.normal(text, "NFKC").casefold() if text else ""
