"""A small world of comments about six subjects, for tests of topics."""

_SAID = {
    "parking": [
        "the car park was full",
        "no space to park my car",
        "parking is far too expensive",
        "where can I park",
    ],
    "staff": [
        "the staff were friendly",
        "such helpful staff",
        "very kind people at the desk",
        "friendly service staff",
    ],
    "delivery": [
        "my parcel arrived late",
        "delivery took three weeks",
        "the package never arrived",
        "late delivery again",
    ],
    "refund": [
        "still waiting for my refund",
        "I want my money back",
        "refund has not been paid",
        "when is my refund",
    ],
    "password": [
        "cannot reset my password",
        "password reset mail is missing",
        "forgot my password",
        "login password wrong",
    ],
    "food": [
        "the soup was cold",
        "delicious dinner menu",
        "breakfast tasted bad",
        "the meal was tasty and warm",
    ],
}
_FRAMES = ["{}", "honestly, {}", "{} today", "I must say {}", "{}, sadly", "last week {}"]

SUBJECT = {
    f"{subject}-{said}-{frame}": subject
    for subject, sentences in _SAID.items()
    for said in range(len(sentences))
    for frame in range(len(_FRAMES))
}


def world() -> dict[str, str]:
    """144 comments by id; `SUBJECT` says what each is about."""
    return {
        f"{subject}-{said}-{frame}": _FRAMES[frame].format(sentence)
        for subject, sentences in _SAID.items()
        for said, sentence in enumerate(sentences)
        for frame in range(len(_FRAMES))
    }
