"""Widget configurations as the service would make them, in four languages and three metrics."""

from surveys import wording
from surveys.domain.metrics import METRICS
from surveys.widget.script import Config

_WORDS = {
    "en": {
        "dir": "ltr",
        "nps": "How likely are you to recommend Acme to a friend or colleague?",
        "labels": {"0": "Not at all likely", "10": "Extremely likely"},
        "csat": "How satisfied are you with Acme?",
        "points": [
            "Very dissatisfied",
            "Dissatisfied",
            "Neither satisfied nor dissatisfied",
            "Satisfied",
            "Very satisfied",
        ],
        "ask": [
            "What could we have done better?",
            "What would make it better for you?",
            "What did you like most?",
        ],
        "thank": [
            "Thank you for your honest answer. It helps us do better.",
            "Thank you for your answer. It helps us improve.",
            "Thank you! We are very pleased to hear that.",
        ],
        "ui": {"survey": "Survey", "send": "Send", "close": "Close", "saved": "Your answer has been saved."},
    },
    "de": {
        "dir": "ltr",
        "nps": "Wie wahrscheinlich ist es, dass Sie Acme einem Freund oder Kollegen weiterempfehlen?",
        "labels": {"0": "Überhaupt nicht wahrscheinlich", "10": "Äußerst wahrscheinlich"},
        "csat": "Wie zufrieden sind Sie mit Acme?",
        "points": [
            "Sehr unzufrieden",
            "Unzufrieden",
            "Weder zufrieden noch unzufrieden",
            "Zufrieden",
            "Sehr zufrieden",
        ],
        "ask": [
            "Was hätten wir besser machen können?",
            "Was könnten wir für Sie verbessern?",
            "Was hat Ihnen am besten gefallen?",
        ],
        "thank": [
            "Vielen Dank für Ihre ehrliche Antwort. Sie hilft uns, besser zu werden.",
            "Vielen Dank für Ihre Antwort. Sie hilft uns, besser zu werden.",
            "Vielen Dank! Das freut uns sehr.",
        ],
        "ui": {
            "survey": "Umfrage",
            "send": "Senden",
            "close": "Schließen",
            "saved": "Ihre Antwort wurde gespeichert.",
        },
    },
    "ar": {
        "dir": "rtl",
        "nps": "ما مدى احتمال أن توصي صديقًا أو زميلًا بـ Acme؟",
        "labels": {"0": "غير محتمل على الإطلاق", "10": "محتمل جدًا"},
        "csat": "ما مدى رضاك عن Acme؟",
        "points": ["غير راضٍ إطلاقًا", "غير راضٍ", "محايد", "راضٍ", "راضٍ جدًا"],
        "ask": ["ما الذي كان يمكننا فعله بشكل أفضل؟", "ما الذي يجعل تجربتك أفضل؟", "ما أكثر شيء أعجبك؟"],
        "thank": ["شكرًا على صراحتك.", "شكرًا على إجابتك.", "شكرًا لك! يسعدنا ذلك كثيرًا."],
        "ui": {"survey": "استبيان", "send": "إرسال", "close": "إغلاق", "saved": "تم حفظ إجابتك."},
    },
    "ja": {
        "dir": "ltr",
        "nps": "Acmeをご友人や同僚にすすめる可能性はどのくらいありますか？",
        "labels": {"0": "まったく可能性がない", "10": "非常に可能性が高い"},
        "csat": "Acmeにどの程度満足していますか？",
        "points": ["とても不満", "不満", "どちらともいえない", "満足", "とても満足"],
        "ask": [
            "どのような点を改善すべきでしたか？",
            "どうすればより良くなりますか？",
            "最も気に入った点は何ですか？",
        ],
        "thank": [
            "率直なご回答をありがとうございます。",
            "ご回答をありがとうございます。",
            "ありがとうございます。とてもうれしく思います。",
        ],
        "ui": {"survey": "アンケート", "send": "送信", "close": "閉じる", "saved": "回答を保存しました。"},
    },
}


def nps(language: str = "en", *, endpoint: str = "https://surveys.example", **widget: object) -> Config:
    """An NPS survey with standard words; keyword arguments go into `widget`."""
    words = _WORDS[language]
    groups = {"detractor": (0, 6), "passive": (7, 8), "promoter": (9, 10)}
    return _config(language, endpoint, "nps", 0, 10, groups, words["labels"], [0, 1, 2], 90, widget)


def csat(language: str = "en", *, endpoint: str = "https://surveys.example", **widget: object) -> Config:
    """A CSAT survey: five points, each with a name."""
    labels = {str(score): label for score, label in enumerate(_WORDS[language]["points"], 1)}
    groups = {"dissatisfied": (1, 3), "satisfied": (4, 5)}
    return _config(language, endpoint, "csat", 1, 5, groups, labels, [0, 2], 7, widget)


def choices(language: str = "en", *, endpoint: str = "https://surveys.example", **widget: object) -> Config:
    """An NPS survey that offers detractors several reasons."""
    words = {"en": ["Price", "Speed"], "de": ["Preis", "Tempo"]}[language]
    config = nps(language, endpoint=endpoint, **widget)
    config["texts"]["choices"] = {"detractor": list(zip(["price", "speed"], words, strict=True))}
    return {**config, "many": True}


def standard(metric: str, language: str, *, choices: bool = False) -> Config:
    """A survey with the standard words of any language; `choices`: its unhappiest group is offered two."""
    chosen = METRICS[metric]
    texts = {
        "question": wording.text(language, f"{metric}.question", product="Acme"),
        "labels": {str(score): label for score, label in wording.labels(language, metric).items()},
        "ui": {name: wording.text(language, f"ui.{name}") for name in ("survey", "send", "close", "saved")},
    }
    for kind in ("follow_up", "thanks"):
        texts[kind] = {
            group.key: wording.text(language, f"{kind}.{chosen.tone_of(group.key)}")
            for group in chosen.groups
        }
    if choices:
        words = [wording.text(language, f"ui.{name}") for name in ("send", "close")]
        texts["choices"] = {chosen.groups[0].key: list(zip(["Price", "Speed"], words, strict=True))}
    return {
        # An id as the service makes them: nothing that compresses.
        "survey": "sv_gh295fxj9p2pwck9gxf1rtfj",
        "endpoint": "https://surveys.example.com",
        "min": chosen.minimum,
        "max": chosen.maximum,
        "groups": {group.key: (group.low, group.high) for group in chosen.groups},
        "language": language,
        "dir": wording.direction(language),
        "texts": texts,
        "scale": chosen.scale,
        "widget": {},
        "wait_after_answer_days": 90,
        "wait_after_decline_days": 30,
        "many": choices,
        "paused": False,
    }


def _config(language, endpoint, metric, low, high, groups, labels, tones, wait, widget) -> Config:
    words = _WORDS[language]
    return {
        "survey": f"sv_{metric}",
        "endpoint": endpoint,
        "min": low,
        "max": high,
        "groups": groups,
        "language": language,
        "dir": words["dir"],
        "texts": {
            "question": words[metric],
            "labels": labels,
            "follow_up": {group: words["ask"][tone] for group, tone in zip(groups, tones, strict=True)},
            "thanks": {group: words["thank"][tone] for group, tone in zip(groups, tones, strict=True)},
            "ui": words["ui"],
        },
        # At once, but in tests of the wait itself.
        "widget": {"show_after_seconds": 0, **widget},
        "wait_after_answer_days": wait,
        "wait_after_decline_days": 30,
        "paused": False,
    }
