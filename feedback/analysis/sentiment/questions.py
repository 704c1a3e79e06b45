"""What a question says about its answers: "parking" after "what was worst?" is a complaint."""

import re
from enum import StrEnum
from functools import lru_cache


class Asks(StrEnum):
    """What kind of answer a question asks for."""

    PRAISE = "praise"
    BLAME = "blame"
    WISHES = "wishes"
    ANYTHING = "anything"


def _any(*words: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(words) + r")\b", re.IGNORECASE)


_OPEN = _any(
    "how (?:likely|satisfied|happy|well|good|would you rate)", "why", "reason", "anything else", "comments?"
)
_TURNED_ROUND = _any(
    r"(?:like|enjoy|love|appreciate)\w* (?:\w+ ){0,4}least",
    r"least (?:like|enjoy|satisf|happy|favou?rite)\w*",
    r"(?:\w*n't|not) (?:\w+ )?(?:like|enjoy|go well|work|good|happy|satisfied|well|do well)\w*",
    r"(?:could|less) (?:\w+ )?less well",
)  # fmt: skip
_BLAME = _any(
    "dislike[sd]?", "worst", "hate[sd]?", "bad", "badly", "wrong", "negatives?", "weakness(?:es)?", "cons",
    "problems?",
    "issues?", r"frustrat\w*", r"disappoint\w*", r"annoy\w*", "unhappy", r"dissatisf\w*", "pain points?",
    r"complain\w*",
    "poor", "poorly", r"nicht gefallen\w*", r"schlecht\w*", "gestört", "déplu", "moins (?:aimé|plu)", "peor",
    "peggio", "non (?:ti|le) è piaciuto", r"slecht\w*", "niet (?:goed|leuk)", "pior",
)  # fmt: skip
_WISHES = _any(
    r"improv\w*", r"(?:do|done|been|be|make|made|work|serve|help) (?:\w+ ){0,5}(?:better|differently|easier)",
    "changed?", "missing", "wish(?:es)?", r"suggest\w*", r"verbesser\w*", "besser (?:machen|werden)",
    r"amélior\w*",
    r"mejor(?:ar|es|emos|aría)", r"miglior\w*", r"verbeter\w*", r"melhor(?:ar|ias?|amos)",
)  # fmt: skip
_PRAISE = _any(
    "likes?d?", "lov(?:e|ed)", "enjoy(?:ed)?", "best", "well", "good", "great", "positives?", "strengths?",
    "pros",
    "favou?rites?", "pleased?", "appreciated?", "happy", r"impress\w*", r"delight\w*", "exceed(?:ed)?",
    "right",
    r"gefällt|gefallen|gut", "aim(?:é|ez|e)|plu", "gust(?:a|ó|ado)", r"piac\w+", "bevalt|bevallen|goed",
    r"gost\w+",
)  # fmt: skip
_BOTH = re.compile(r"\b(?:and|or|und|oder|et|ou|y|o|e|en|of)\b|/", re.IGNORECASE)

_LEAD = (
    r"(?:(?:well|um+|honestly|really|absolutely|literally|there (?:is|was)|it (?:is|was)|i have|i've|i|"
    r"so far)\W++){0,3}"
)
_CANNOT = r"(?:can't|cant|cannot|can not|couldn't)"
_NO_FAULT = (
    r"no(?: (?:real|major|big|serious|significant|further|other|more|particular|specific|special|obvious|such))? "
    r"(?:complaints?|issues?|problems?|concerns?|negatives?|dislikes?)|"
    r"nothing (?:bad|wrong|negative)|nothing (?=to (?:complain|dislike))|"
    rf"{_CANNOT} (?:really )?(?:fault (?:anything|it|you|them)|complain)|"
    r"(?:have|had) (?:had )?no (?:complaints?|issues?|problems?)"
)
_NO = (
    rf"{_NO_FAULT}|"
    r"(?:haven't|have not|havent) (?:found|noticed|seen|discovered|encountered) (?:any|anything|one)|"
    r"nothing|none|nope|nil|not? (?:a )?thing|nada|niente|nulla|nichts|rien|niets|aucune?|ning[uú]n[oa]?|"
    r"nessun[oa]?|"
    r"geen|not (?:anything|much|really)|no(?: \w+)? (?:improvements?|changes?|suggestions?)|no|"
    rf"(?:do not|don't|dont|{_CANNOT}) (?:know of any|(?:think of|say|see) (?:a thing|anything|any|it|you|one))"
)
_TAIL = (
    r"(?:(?:at all|really|else|whatsoever|so far|for now|right now|yet|in particular|specific|needed|"
    r"thanks|thank you|"
    r"to (?:say|add|report|note|improve|change|complain about|dislike)|(?:that )?(?:comes|springs) to mind|"
    r"(?:that )?(?:i|we|you) (?:can |could |would )?(?:think of|change|improve|say|do better)|needs? \w+|"
    r"(?:that )?(?:i|we)(?:'ve| have| can| could)? (?:found|find|noticed|seen|see|discovered|encountered|know of)|"
    r"could be (?:better|improved)|at (?:this|the) (?:time|moment)|"
    r"(?:it|everything|all) (?:is|was) (?:all )?(?:very )?(?:good|great|fine|perfect|ok|okay|excellent|"
    r"brilliant)|"
    r"à (?:dire|améliorer)|zu (?:sagen|verbessern)|que (?:decir|mejorar))\W*+){0,3}"
)
_NOTHING = re.compile(rf"\W*+{_LEAD}(?:{_NO})\b\W*+{_TAIL}", re.IGNORECASE)
_FAULTLESS = re.compile(rf"\W*+{_LEAD}(?:{_NO_FAULT})\b\W*+{_TAIL}", re.IGNORECASE)

_NOT_ANSWERED = re.compile(
    r"\W*+(?:n\s*/\s*a|n\.a\.?|na|not applicable|no (?:(?:further|other|more|additional|"
    r"particular|specific|special|real) )?(?:comments?|answer|opinion|reason)|(?:i )?(?:don't|do not|dont) know|idk|"
    r"not sure|no idea|test|keine angabe|k\.?\s?a\.?|weiß nicht|sans opinion|ne sait pas|no sé|non so|"
    r"weet niet|não sei)\W*",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)
def kind(question: str | None) -> Asks:
    """Return what *question* asks for. `ANYTHING`: there is no question, it asks for the reason of a score, or it
    asks both ways.
    """
    if not question:
        return Asks.ANYTHING
    if _TURNED_ROUND.search(question):
        return Asks.BLAME
    praise = _PRAISE.search(question)
    if blame := _BLAME.search(question):
        first, last = sorted([blame.start(), praise.start() if praise else blame.start()])
        return Asks.ANYTHING if praise and _BOTH.search(question[first:last]) else Asks.BLAME
    if _WISHES.search(question):
        return Asks.WISHES
    return Asks.PRAISE if praise and not _OPEN.search(question) else Asks.ANYTHING


def says_nothing(comment: str) -> bool:
    """Return whether a cleaned *comment* says no more than "nothing", "none" or "can't think of anything", and
    so answers nothing.
    """
    return len(comment) <= 80 and _NOTHING.fullmatch(comment) is not None


def refuses(comment: str) -> bool:
    """Return whether a cleaned *comment* does not answer: "n/a", "no comment", "don't know"."""
    return len(comment) <= 60 and _NOT_ANSWERED.fullmatch(comment) is not None


def finds_no_fault(comment: str) -> bool:
    """Return whether a cleaned *comment* says no more than "no complaints" or "can't fault it". That is praise,
    whatever the question was.
    """
    return len(comment) <= 80 and _FAULTLESS.fullmatch(comment) is not None
