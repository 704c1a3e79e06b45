"""Reads what the sentiment model learns from: openly licensed sets and own comments, with domains and weights."""

import csv
import math
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

NEGATIVE, NEUTRAL, POSITIVE = 0, 1, 2
_LABELS = {"neg": NEGATIVE, "neu": NEUTRAL, "pos": POSITIVE}

DOMAINS = {
    "sls_amazon": "products", "vgt_amazon": "products", "pros_cons": "products",
    "sls_imdb": "films", "vgt_movie": "films",
    "sls_yelp": "restaurants",
    "vgt_nyt": "news",
    "vgt_tweets": "tweets",
}  # fmt: skip
"""Which sets speak of the same things: a set is only ever scored by a model that has seen none of its
domain."""

# What people ask a support desk carries no sentiment label. An intent that reports a failure is taken for a
# negative comment, one that asks for information for a neutral one; intents between the two, and small talk,
# are left out.
_FAILURES = frozenset(
    "card_not_working contactless_not_working virtual_card_not_working declined_cash_withdrawal "
    "declined_transfer declined_card_payment lost_or_stolen_card lost_or_stolen_phone compromised_card "
    "card_swallowed wrong_amount_of_cash_received card_payment_not_recognised "
    "direct_debit_payment_not_recognised cash_withdrawal_not_recognised top_up_reverted top_up_failed "
    "failed_transfer transaction_charged_twice transfer_not_received_by_recipient "
    "balance_not_updated_after_cheque_or_cash_deposit balance_not_updated_after_bank_transfer "
    "Refund_not_showing_up reverted_card_payment? extra_charge_on_statement card_payment_wrong_exchange_rate "
    "wrong_exchange_rate_for_cash_withdrawal".split()
)
_INFORMATION = frozenset(
    "exchange_rate card_linking card_delivery_estimate automatic_top_up fiat_currency_support age_limit "
    "supported_cards_and_currencies getting_virtual_card edit_personal_details visa_or_mastercard "
    "country_support order_physical_card activate_my_card top_up_limits exchange_via_app card_acceptance "
    "get_physical_card topping_up_by_card disposable_card_limits atm_support verify_source_of_funds "
    "change_pin receiving_money transfer_into_account verify_top_up getting_spare_card "
    "top_up_by_cash_or_cheque get_disposable_virtual_card card_about_to_expire apple_pay_or_google_pay "
    "verify_my_identity why_verify_identity".split()
)
_NOT_PLAIN_REQUESTS = frozenset(
    "lost_luggage card_declined report_fraud damaged_card report_lost_card account_blocked jump_start "
    "thank_you greeting goodbye are_you_a_bot tell_joke what_are_your_hobbies yes no maybe fun_fact cancel "
    "repeat".split()
)
# How far each set is trusted, chosen by leaving whole domains out: whole sentences with a plain label most.
_WEIGHTS = {"sls_amazon": 2.0, "sls_imdb": 2.0, "sls_yelp": 2.0, "pros_cons": 0.4, "vgt_movie": 0.5}
_WEAK = 0.3
# What newspapers and film critics state without feeling is seldom what a customer states without feeling.
_STATEMENTS = frozenset({"vgt_nyt", "vgt_movie"})
_STATEMENT = 0.6
# Ratings between −4 and 4 are labelled by ±0.5; one near that border counts partly as either.
_BORDER, _BLUR = 0.5, 0.15

OWN = Path(__file__).parent / "words" / "survey-comments.txt"
_OWN_WEIGHT = 4.0
_FILLINGS = 6
_SLOT = re.compile(r"\{(\w+)\}")

# Comments of several sentences, which no set has with a label for the whole: praise and blame of one set put
# together are neither, two against one are in between.
_COMPOSED_OF = ("sls_amazon", "sls_yelp", "sls_imdb", "vgt_amazon", "pros_cons")
_COMPOSED, _COMPOSED_WEIGHT = 300, 0.15
_COMPOSITIONS: tuple[tuple[tuple[int, ...], "Target"], ...] = (
    ((POSITIVE, NEGATIVE), (0, 1, 0)),
    ((POSITIVE, POSITIVE), (0, 0, 1)),
    ((NEGATIVE, NEGATIVE), (1, 0, 0)),
    ((POSITIVE, POSITIVE, NEGATIVE), (0, 0.5, 0.5)),
    ((NEGATIVE, NEGATIVE, POSITIVE), (0.5, 0.5, 0)),
)
_JOINS, _TURNS = ("\n", ", "), ("\n", ", ", ", but ", " but ", ", however ", ", although ")
_SEED = 11

Target = tuple[float, float, float]
"""The chances, 0 … 1, that a text is negative, neutral and positive."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text: *label* is 0 negative, 1 neutral, 2 positive, *target* what is learnt from it; *weight*
    tells how far to trust it."""

    source: str
    domain: str
    text: str
    label: int
    weight: float
    target: Target


def read(folder: Path) -> list[Row]:
    """Return every row of the sets under *folder* (`sentiment/*.csv`, `topics/*.csv`), then the own comments, then
    those composed of others, in a fixed order: chance has a fixed seed."""
    chance = random.Random(_SEED)
    rated = [
        _rated(source, domain, line)
        for source, domain in DOMAINS.items()
        for line in _lines(folder / "sentiment" / f"{source}.csv")
    ]
    asked = [
        _plain(
            "banking77_train",
            "bank support",
            line["text"],
            NEGATIVE if line["topic"] in _FAILURES else NEUTRAL,
        )
        for line in _lines(folder / "topics" / "banking77_train.csv")
        if line["topic"] in _FAILURES | _INFORMATION
    ] + [
        _plain("clinc150_val", "requests", line["text"], NEUTRAL)
        for line in _lines(folder / "topics" / "clinc150_val.csv")
        if line["topic"] not in _NOT_PLAIN_REQUESTS
    ]
    return [*rated, *asked, *own(OWN.read_text(encoding="utf-8"), chance), *_composed(rated, chance)]


def own(written: str, chance: random.Random) -> Iterator[Row]:
    """Return the comments *written* as in `OWN`, each with its slots filled up to `_FILLINGS` times by *chance*.

    All fillings of one comment weigh together what a comment without a slot weighs.
    """
    lists: dict[str, list[str]] = {}
    for line in written.splitlines():
        name, _, rest = line.partition(": ")
        if name in ("negative", "neutral", "positive"):
            times = _FILLINGS if _SLOT.search(rest) else 1
            texts = sorted(
                {_SLOT.sub(lambda slot: chance.choice(lists[slot[1]]), rest) for _ in range(times)}
            )
            label = _LABELS[name[:3]]
            for text in texts:
                yield Row("own", "surveys", text, label, _OWN_WEIGHT / len(texts), _surely(label))
        elif rest and not line.startswith("#"):
            lists[name] = rest.split(" | ")


def _composed(rows: Sequence[Row], chance: random.Random) -> Iterator[Row]:
    for source in _COMPOSED_OF:
        of = {label: [row for row in rows if (row.source, row.label) == (source, label)] for label in (0, 2)}
        for _ in range(_COMPOSED):
            labels, target = chance.choice(_COMPOSITIONS)
            parts = [chance.choice(of[label]).text for label in labels]
            chance.shuffle(parts)
            label = target.index(max(target))
            yield Row(
                f"{source} composed", DOMAINS[source], "\n".join(parts), label, _COMPOSED_WEIGHT, target
            )


def _rated(source: str, domain: str, line: dict[str, str]) -> Row:
    label, weight = _LABELS[line["label"]], _WEIGHTS.get(source, 1.0)
    if source in _STATEMENTS and label == NEUTRAL:
        weight *= _STATEMENT
    target = _by_rating(float(line["mean"])) if "mean" in line else _surely(label)
    return Row(source, domain, line["text"], label, weight, target)


def _plain(source: str, domain: str, text: str, label: int) -> Row:
    return Row(source, domain, text, label, _WEAK, _surely(label))


def _by_rating(mean: float) -> Target:
    positive = 1 / (1 + math.exp((_BORDER - mean) / _BLUR))
    negative = 1 / (1 + math.exp((_BORDER + mean) / _BLUR))
    return negative, 1 - negative - positive, positive


def _surely(label: int) -> Target:
    return float(label == NEGATIVE), float(label == NEUTRAL), float(label == POSITIVE)


def _lines(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)
