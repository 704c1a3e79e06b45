"""Says of a comment that its writer speaks of leaving: of cancelling, of switching, of a competitor.

Narrow on purpose: "please cancel my order" and "I switched it off" speak of something else. What is found is shown with
the words, for a person to judge.
"""

import re
from functools import cache

from feedback.analysis import phrasebook

LONGEST = 5_000
"""Characters that are looked at."""

_CONTRACT = r"(?:subscription|account|contract|membership|plan|service|policy)"

#: In lower case. Each language's own; English is always looked at.
_WORDS = {
    "en": (
        rf"cancel(?:l?ed|l?ing)?(?: (?:my|our|the|this))? {_CONTRACT}",
        rf"(?:close|closing|closed) (?:my|our) {_CONTRACT}",
        r"(?:switch|chang|mov|go)(?:e|ed|ing)? (?:over )?to (?:a |an |the |your |one of your )?"
        r"(?:competitor|competition|another (?:provider|company|supplier|bank|vendor|tool)|other (?:provider|company))",
        r"switch(?:ed|ing)? (?:provider|supplier|bank|vendor|compan)",
        r"(?:look|shop)(?:ing|ed)? (?:elsewhere|for (?:an )?alternative)",
        r"(?:take|taking|took) (?:my|our) business elsewhere",
        r"(?:will|would|'ll|going to|about to|thinking (?:of|about)|considering|planning (?:to|on)) "
        r"(?:leave|leaving|quit|quitting|cancel|cancelling|canceling|switch|switching)\b"
        r"(?! (?:it|the|my order|off|on)\b)",
        r"(?:never|not) (?:use|buy|order|renew|come back|do business)[^.!?]{0,30} again\b",
        r"(?:won't|will not|not going to|don't) (?:renew|be renewing|be back|come back)",
        r"last time i(?:'ll| will)? (?:use|buy|order|come)",
    ),
    "de": (
        r"(?:vertrag|abo|abonnement|konto|mitgliedschaft|versicherung)\w* (?:\w+ ){0,3}(?:ge)?kündig",
        r"(?:ich|wir) (?:\w+ ){0,3}(?:ge)?kündig(?:e|en|t)\b",
        r"\bkündigung\b",
        r"(?:wechs(?:el|le)|gewechselt|wechseln)\w* (?:\w+ ){0,4}(?:anbieter|konkurren|mitbewerber|bank)",
        r"(?:anbieter|konkurrenz|mitbewerber|bank)\w* (?:\w+ ){0,3}wechs",
        r"(?:zur|bei der) konkurrenz",
        r"(?:nie|nicht) (?:wieder|mehr) (?:bei|mit|zu) (?:euch|ihnen|dieser firma)",
        r"(?:suche|suchen) (?:\w+ ){0,3}(?:alternative|anderen anbieter)",
    ),
    "fr": (
        r"résili(?:er|e|é|ation)",
        r"(?:changer|change|changé) (?:de|d') ?(?:fournisseur|prestataire|opérateur|banque)",
        r"(?:chez|à) (?:la concurrence|un concurrent|vos concurrents|un autre (?:fournisseur|opérateur|prestataire))",
        r"aller voir ailleurs",
        r"annuler (?:mon|notre) (?:abonnement|contrat|compte)",
    ),
    "es": (
        r"(?:dar(?:me|nos)?|darse|dado|doy) de baja",
        r"cancelar (?:mi|nuestra|nuestro|la|el) (?:suscripción|cuenta|contrato|servicio)",
        r"(?:cambi(?:ar|o|é|arme|amos)) (?:de|a) (?:la competencia|compañía|proveedor|banco|otra (?:empresa|compañía))",
        r"(?:a|con) la competencia",
    ),
    "it": (
        r"disd(?:ire|ico|iciamo|irò|etto|etta)",
        r"(?:cambi(?:are|o|amo|erò)) (?:fornitore|operatore|banca|gestore)",
        r"(?:alla|dalla) concorrenza",
        r"(?:cancellare|chiudere) (?:il mio |il nostro |la mia )?(?:abbonamento|conto|account|contratto)",
    ),
    "pt": (
        r"cancelar (?:a |o )?(?:minha |meu |nossa |nosso )?(?:assinatura|subscrição|conta|contrato|plano|serviço)",
        r"(?:mudar|mudei|trocar|troquei) (?:de|para) (?:a concorrência|fornecedor|operadora|banco|(?:outra )?empresa)",
        r"(?:para|na) (?:a )?concorrência",
    ),
    "nl": (
        r"(?:abonnement|contract|account|lidmaatschap) (?:\w+ ){0,3}op(?:zeggen|gezegd|te zeggen)",
        r"zeg(?:gen)? (?:\w+ ){0,3}(?:abonnement|contract|lidmaatschap) op",
        r"over(?:stappen|gestapt|te stappen)",
        r"naar (?:de|een) concurren",
    ),
    "sv": (
        r"säg(?:er|a) upp (?:\w+ ){0,3}(?:abonnemang|avtal|konto|prenumeration)",
        r"byt(?:er|a|t) (?:\w+ )?(?:leverantör|operatör|bank|bolag)",
        r"till (?:en )?konkurrent",
    ),
    "da": (
        r"opsig(?:er|e)",
        r"skift(?:er|e|et) (?:\w+ )?(?:udbyder|leverandør|bank|selskab)",
        r"til (?:en )?konkurrent",
    ),
    "nb": (
        r"s(?:ier|i) opp (?:\w+ ){0,3}(?:abonnement|avtale|konto)",
        r"bytt(?:er|e|et) (?:\w+ )?(?:leverandør|operatør|bank|selskap)",
        r"til (?:en )?konkurrent",
    ),
    "fi": (
        r"irtisano\w*",
        r"vaihd\w* (?:\w+ )?(?:toimittaja|operaattori|pankki|pankin|palveluntarjoaja)",
        r"kilpailija\w*lle",
    ),
    "pl": (
        r"(?:wypowie(?:m|dzieć|dzenie)|rozwiąż\w*|rozwiązać) (?:\w+ )?umow",
        r"(?:zrezygn\w+|rezygnuj\w+) z (?:\w+ )?(?:usług|abonament|konta|umow|subskrypcji)",
        r"(?:do|u) konkurencji",
        r"zmieni\w+ (?:dostawc|operator|bank)",
    ),
    "cs": (
        r"(?:výpověď|vypovědět|vypovím|zrušit) (?:\w+ )?(?:smlouv|účet|předplatné)",
        r"(?:ke|u) konkurenc",
        r"změn\w+ (?:dodavatel|operátor|bank)",
    ),
    "ro": (
        r"(?:reziliez|rezilia|anulez) (?:\w+ )?(?:contract|abonament|cont)",
        r"la concurență",
        r"schimb\w* (?:furnizor|operator|banca)",
    ),
    "hu": (
        r"felmond\w*",
        r"lemond\w* (?:az?|\w+) (?:előfizet|szerződ|szolgáltat)",
        r"(?:szolgáltatót|bankot) vált",
        r"konkurenci?á\w*hoz|versenytárs\w*hoz",
    ),
    "tr": (
        r"(?:aboneli\w+|üyeli\w+|hesab\w+|sözleşme\w+) (?:\w+ )?(?:iptal|feshe|kapat)",
        r"rakip (?:firma|şirket|marka)\w*",
        r"(?:firma|banka|operatör) değiştir",
    ),
    "ru": (
        r"расторг\w+ (?:\w+ )?договор",
        r"отказ\w+ от (?:ваших услуг|подписки|договора|вашего)",
        r"(?:к|у) (?:вашим )?конкурент",
        r"смен\w+ (?:поставщик|оператор|банк|провайдер)",
        r"отмен\w+ (?:\w+ )?подписк",
    ),
    "ar": (r"إلغاء (?:ال)?اشتراك", r"(?:إلى|مع) (?:شركة أخرى|المنافس)"),
    "he": (r"לבטל את (?:המנוי|החשבון|החוזה)", r"(?:למתחר|לעבור לחברה אחרת)"),
    "hi": (r"सदस्यता रद्द", r"(?:दूसरी कंपनी|प्रतिस्पर्धी)"),
    "ja": (r"解約", r"退会", r"(?:他社|競合)(?:に|へ)"),
    "ko": (r"해지", r"탈퇴", r"(?:다른 회사|경쟁사)(?:로|으로)"),
    "zh": (
        r"(?:取消|终止)(?:订阅|会员|合同|服务)",
        r"(?:换|转)(?:到|去|用)?(?:别家|其他公司|竞争对手|别的公司)",
        r"注销账户",
    ),
}

#: What only seems to be so.
_NOT = re.compile(
    r"\b(?:don't|do not|didn't|not|never) (?:want|need|plan|going|intend)(?:ing)? to (?:leave|cancel|switch)"
)


def leaves(text: str, language: str | None = None) -> bool:
    """Return whether *text* speaks of leaving. *language* is that of the comment ("de", "pt-BR"); English is always
    looked at.
    """
    said = " ".join(text[:LONGEST].lower().replace("’", "'").split())
    if _NOT.search(said):
        return False
    own = phrasebook.code(language) if language else "en"
    return any(
        pattern(each).search(said) is not None for each in dict.fromkeys((own, "en")) if each in LANGUAGES
    )


#: Languages whose words of leaving are known.
LANGUAGES = frozenset(_WORDS)


@cache
def pattern(language: str) -> re.Pattern[str]:
    """What finds words of leaving in a text in small letters, in one of `LANGUAGES`."""
    start = "" if language in ("ja", "ko", "zh", "ar", "he", "hi") else r"\b"
    return re.compile("|".join(f"{start}(?:{each})" for each in _WORDS[language]))
