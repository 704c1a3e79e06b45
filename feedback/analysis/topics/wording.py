"""Words of comments: which say something, which are small, what their stems are, and what may be a name."""

import re
from functools import lru_cache

from feedback.analysis import textblob_files
from feedback.analysis.topics.wordpieces import fold

_LONGEST_NAME = 4  # words

RUN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
HYPHENED = re.compile(r"(?<![^\W\d_])[^\W\d_]++(?:['’-][^\W\d_]++)+")
BREAK = re.compile(r"[.!?,;:()\[\]\"“”\n/|]+")


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


STOP = _words("""
    a about above after again all also am an and any are aren't arent as at be because been before being
    below between both but by can can't cannot cant could couldn't couldnt did didn't didnt do does
    doesn't doesnt doing don't dont down during each else etc even ever few for from further get gets
    getting give given go goes going gonna got had has hasn't hasnt have haven't havent having he hello
    her here hers hi him his how i i'd i'll i'm i've if im in into is isn't isnt it it's its itself ive
    just kindly know let let's like ll made make makes many may me might more most much must my myself
    need needs no nor not now of off ok okay on once one only or other our ours out over own please put
    really s same say says see shall she should so some something still such sure t take tell than thank
    thanks that that's the their them then there there's these they thing things think this those
    through to too try trying u under until up us use used using ve very want wanted wants was wasn't
    wasnt way we well were weren't what what's when where which while who whom why will with won't wont
    would wouldn't yet you your youre yours
    able ago already always anywhere anything came come currently definitely everything forever happen happened
    happening help immediately lately mean means reason reasons recently said saying soon today tomorrow tonight
    yesterday
""")
SMALL = _words(  # left out inside a phrase too
    "a an the my your our their his her its this that these those is are was were am do does did "
    "i you me we us they them he she it "
)
DENIALS = _words("no not never can't cannot won't doesn't isn't didn't")  # turn a phrase round
BEGINNING = _words("no not never can't cannot")  # may begin one; with the others it is a question cut in two
_NO_NAME = _words("""
    anytime broke disappointment lacked never overall perfectly place spicy tasty amazing annoying appalling
    average awesome awful bad badly beautiful best better big bit brilliant decent delicious disappointed
    disappointing disgusting excellent fabulous fantastic fine friendly gorgeous good great happy hard helpful
    highly horrible impressed impressive incredible incredibly joke kind lovely mediocre nice outstanding
    perfect pleasant pleased poor poorly rude sad satisfied superb terrible thrilled ugly unacceptable unhappy
    useless wonderful worse worst worth worthless wrong absolutely actually almost anymore apparently barely
    basically clearly completely constantly easily especially enough exactly extremely fairly finally fully
    generally hardly honestly instead literally mostly nearly normally obviously often particularly perhaps
    personally pretty probably quickly quite rarely rather seriously simply slightly sometimes super totally
    truly twice unfortunately usually whatsoever yesterday back away add answer answered arrived ask asked
    became become began believe bought bring brought called came care change come coming cost described
    disappoint enjoy expect expected feel feels felt fit fits find found gave give hate hear heard hope keep
    keeps kept knew know knows learn leave left listen listened order orders mistake mistakes rang ring like
    liked live look looked looking looks lost love loved loves made meet miss move offer offered ordered paid
    pick picked prefer put reach reached read recommend received ran run running saw say seem seemed seems seen
    send sent showed shows sit sold speak spend spent start started stay stayed stop stopped sure surprised talk
    tasted tell thinking thought told took tried turn turned understand visit waited walk walked wanted went
    wish wonder wondering work worked working works write wrote january february march april june july august
    september october november december monday tuesday wednesday thursday friday saturday sunday am pm morning
    evening night week weeks month months year years day days hour hours minute minutes time times ago amp
    everyone everybody somebody someone anyone anybody nobody guy guys lady man woman people person folks lot
    lots much stuff kinda plus star stars couple dear hi hey bye thank wow yes ok omg lol first second third one
    two three four five six seven eight nine ten zero half dozen continue right next sentence page spot very charm
    none nothing biscuit summer winter autumn thx far fixed questions mail code problem problems thing things
    category everywhere nowhere apart
""")
JUDGING = _words(  # how people find a matter, and no part of it
    "easy easier simple simply difficult expensive cheap cheaper large larger small smaller little big tiny long short "
    "longer shorter heavy light quick quicker fast faster slow slower old last ready full strong weak clear nice cute "
    "compact limited able available many several whole overall other others various important high low higher lower"
)
PLAIN = _words(  # say too little beside the name of a matter
    "money cash card cards currency currencies account option options eating product products device devices item "
    "items funds new feature features"
)
JOINING = _words(  # with one inside, a phrase is cut out of a sentence or a question
    "although and because but can could have if since should so than that then though unless until when where "
    "whether which while who why will would"
)
LEADING = _words("about at by for from in into of on to with")  # two in a row had a small word between them
PARTICLES = _words("up in out off on down over back away")  # may belong to the verb before: "top up"

_KINDS = {  # by the tags of the Penn Treebank
    "NN": "N",
    "NNS": "N",
    "NNP": "N",
    "NNPS": "N",
    "JJ": "J",
    "VBN": "J",
    "VBG": "G",
    "IN": "I",
    "TO": "I",
}

_ENDINGS = tuple(  # with the fewest letters left before them, the longest first
    (ending, least)
    for least, endings in (
        (4, "ications ication ations ating ation ates ated ying ions ate ies ied ion ly y"),
        (3, "ings ing ed es s e"),
    )
    for ending in endings.split()
)


def stems(text: str) -> frozenset[str]:
    """The words with meaning in `text`, without endings: what two names that read alike have in common."""
    return key(tuple(RUN.findall(fold(text))))


def names_a_matter(phrase: tuple[str, ...]) -> bool:
    """Whether a phrase may be what a topic is called: it tells no feeling, no deed and no date, and is not long."""
    return len(phrase) <= _LONGEST_NAME and _NO_NAME.isdisjoint(phrase) and BEGINNING.isdisjoint(phrase)


def is_a_thing(phrase: tuple[str, ...]) -> bool:
    """Whether an English phrase is a noun with what stands before it or of what it is: "late delivery", "waste of
    money"; a word that nobody knows is taken for one."""
    kinds = _kinds()
    last = kinds.get(phrase[-1], "N")
    return (
        last in "NG"
        and all(kinds.get(word, "N") in "NJGI" for word in phrase[:-1])
        and phrase[0] not in LEADING
    )


def only_names() -> frozenset[str]:
    """The folded English words that are nothing but names of people, places and firms, by the same lexicon."""
    return _lexicon()[1]


def _kinds() -> dict[str, str]:
    """What English words mostly are, a letter each: N thing, J quality, G doing, I preposition, V anything else."""
    return _lexicon()[0]


@lru_cache(maxsize=1)
def _lexicon() -> tuple[dict[str, str], frozenset[str]]:
    """What the lexicon of the Brill tagger, as TextBlob carries it, tells of English words: their kinds, and those that
    are names alone."""
    kinds: dict[str, str] = {}
    names = set()
    for line in (textblob_files.folder() / "en" / "en-lexicon.txt").read_text("utf-8").splitlines():
        word, _, tag = line.partition(" ")
        if word.isalpha() and word == word.lower():
            kinds[word] = _KINDS.get(tag.split()[0], "V") if tag else "V"
        elif tag.startswith("NNP") and word.istitle():
            names.add(fold(word))
    return kinds, frozenset(names - kinds.keys())


def is_known(word: str) -> bool:
    """Whether a folded word is an English one that the lexicon knows, and no name alone."""
    return word in _kinds()


def says_something(word: str) -> bool:
    """Whether a folded `word` has a meaning of its own and is not one that any sentence may hold."""
    return len(word) > 2 and word not in STOP and word not in SMALL


def key(phrase: tuple[str, ...]) -> frozenset[str]:
    """The stems of a phrase without order and stop words: two phrases with the same key say the same."""
    words = [part for word in phrase for part in word.split("-")]
    return frozenset(_stem(word) for word in words if word not in STOP or word in DENIALS) or frozenset(words)


def _stem(word: str) -> str:
    for ending, least in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
