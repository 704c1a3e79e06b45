"""Which comments say nothing, in each language."""

from feedback.analysis import nothing, phrasebook
from feedback.analysis.nothing import says_nothing

SAID = {
    "en": ["nothing", "N/A", "none.", "-", "ok thanks", "no comment", "x", "...", "Nope!",
           "nothing at the moment", "12"],
    "de": ["keine", "Nichts", "k.A.", "im Moment nichts", "passt, danke", "fällt mir nichts ein", "keine Beschwerden"],
    "fr": ["rien", "Aucune suggestion", "rien à redire", "je ne sais pas", "RAS", "merci", "pour l'instant rien"],
    "es": ["nada", "ninguna", "nada que añadir", "no sé", "sin comentarios", "por ahora nada", "ok gracias"],
    "it": ["niente", "nessuna", "niente da aggiungere", "non saprei", "va bene grazie", "per ora nulla"],
    "pt": ["nada", "nenhuma sugestão", "nada a acrescentar", "não sei", "por enquanto nada", "obrigada"],
    "nl": ["niets", "geen", "n.v.t.", "weet ik niet", "geen opmerkingen", "op dit moment niets", "ok bedankt"],
    "sv": ["inget", "inga synpunkter", "vet ej", "Nej.", "ingenting just nu", "inget särskilt", "tack"],
    "da": ["intet", "ingen kommentarer", "ved ikke", "Nej", "ikke noget", "ingenting lige nu", "mange tak"],
    "nb": ["ingenting", "ingen kommentar", "vet ikke", "Nei", "ikke noe spesielt", "ingen forslag", "takk"],
    "pl": ["nic", "brak uwag", "nie wiem", "Nie.", "nie mam uwag", "na razie nic", "dziękuję", "brak"],
    "cs": ["nic", "žádné připomínky", "nevím", "Ne", "zatím nic", "nic mě nenapadá", "děkuji"],
    "ru": ["ничего", "нет замечаний", "не знаю", "Нет", "пока ничего", "без комментариев", "спасибо"],
    "tr": ["hiçbir şey", "yok", "bilmiyorum", "Hayır", "şimdilik yok", "önerim yok", "teşekkürler"],
    "ja": ["特になし", "ありません", "わからない", "なし", "特にありません。", "今のところなし", "ありがとう"],
    "zh": ["没有", "无", "不知道", "暂时没有", "没有意见", "没了", "谢谢"],
    "ar": ["لا شيء", "لا يوجد", "لا أعرف", "لا", "حاليا لا شيء", "ليس لدي اقتراحات", "شكرا"],
    "hi": ["कुछ नहीं", "पता नहीं", "नहीं", "कोई सुझाव नहीं", "अभी कुछ नहीं", "धन्यवाद"],
    "fi": ["ei mitään", "ei", "Ei kommentoitavaa", "en tiedä", "ei muuta", "eos", "kiitos", "ei valittamista"],
    "hu": ["semmi", "Nincs", "nem", "nincs javaslatom", "nem tudom", "egyelőre semmi", "köszönöm", "nincs panasz"],
    "ro": ["nimic", "Nu", "nimic de adăugat", "nu știu", "momentan nimic", "fără comentarii", "mulțumesc"],
    "he": ["כלום", "אין", "אין הערות", "לא יודע", "כרגע כלום", "תודה", "אין תלונות"],
    "ko": ["없음", "없습니다", "특별히 없음", "모르겠습니다", "현재 없음", "감사합니다", "불만 없음"],
}  # fmt: skip

SAYS = {
    "en": ["nothing works", "no parking", "thanks to Anna", "👍", "10/10", "price", "it", "Nothing " * 30],
    "de": ["keine Parkplätze", "nichts funktioniert", "danke an Frau Meier", "Preise"],
    "fr": ["rien ne marche", "aucune réponse", "merci à toute l'équipe"],
    "es": ["nada funciona", "no hay aparcamiento", "gracias por la paciencia"],
    "it": ["niente wifi", "nessuna risposta"], "pt": ["nada funciona", "sem resposta ao email"],
    "nl": ["geen parkeerplaats", "niets werkt"], "ja": ["駐車場がない"], "zh": ["没有停车位"],
    "fi": ["ei pysäköintipaikkaa"], "hu": ["nincs parkoló"], "ro": ["nimic nu merge"], "he": ["אין חניה"],
    "ko": ["주차장이 없음"],
}  # fmt: skip


def test_what_says_nothing_is_known_in_every_language() -> None:
    assert set(SAID) == phrasebook.LANGUAGES
    missed = [
        (language, each)
        for language, some in SAID.items()
        for each in some
        if not says_nothing(each, language)
    ]
    assert missed == []


def test_what_names_a_matter_says_something() -> None:
    taken = [
        (language, each) for language, some in SAYS.items() for each in some if says_nothing(each, language)
    ]
    assert taken == []


def test_without_a_language_all_are_looked_at_and_english_always() -> None:
    assert says_nothing("keine Wünsche")
    assert not says_nothing("keine Wünsche", "en")
    assert says_nothing("nothing to add", "de-AT")
    assert nothing.how("rien à redire", "fr-CA") is nothing.Nothing.NO_FAULT
