"""Reads the openly licensed sets the sentiment model learns from, with their domains and weights."""

import csv
from collections.abc import Iterable
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
_WEAK = 0.6


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text: *label* is 0 negative, 1 neutral, 2 positive; *weight* tells how far to trust it."""

    source: str
    domain: str
    text: str
    label: int
    weight: float


def read(folder: Path) -> list[Row]:
    """Return every row of the sets under *folder* (`sentiment/*.csv`, `topics/*.csv`) in a fixed order."""
    rows = [
        Row(source, domain, line["text"], _LABELS[line["label"]], _WEIGHTS.get(source, 1.0))
        for source, domain in DOMAINS.items()
        for line in _lines(folder / "sentiment" / f"{source}.csv")
    ]
    for line in _lines(folder / "topics" / "banking77_train.csv"):
        if line["topic"] in _FAILURES | _INFORMATION:
            label = NEGATIVE if line["topic"] in _FAILURES else NEUTRAL
            rows.append(Row("banking77_train", "bank support", line["text"], label, _WEAK))
    rows += [
        Row("clinc150_val", "requests", line["text"], NEUTRAL, _WEAK)
        for line in _lines(folder / "topics" / "clinc150_val.csv")
        if line["topic"] not in _NOT_PLAIN_REQUESTS
    ]
    return rows


def _lines(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)
