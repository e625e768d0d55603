"""What may be concluded from Gate's answers, row by row, and how requests are signed."""

import csv
import gzip
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.base.credentials import credentials
from connectors.base.outcomes import judge
from connectors.gate.keys import Key
from connectors.gate.sheet import LIVE, OUTCOMES, Urls, addresses, venue_sheet
from engine.core.venue_sheet import LookupScope
from engine.model.enums import Action, Outcome
from tests.support import shared

SUBMIT, AMEND, CANCEL, LOOKUP = Action.SUBMIT, Action.AMEND, Action.CANCEL, Action.LOOKUP
NOT_SENT, REJECTED, ABSENT, AMBIGUOUS = Outcome.NOT_SENT, Outcome.REJECTED, Outcome.ABSENT, Outcome.AMBIGUOUS
CCXT_KEY, CCXT_SECRET = "key0123456789", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


@pytest.mark.parametrize(
    ("labels", "actions", "outcome", "word"),
    [
        (("BALANCE_NOT_ENOUGH",), (SUBMIT, AMEND), REJECTED, "insufficient_funds"),
        (("POC_FILL_IMMEDIATELY",), (SUBMIT, AMEND), REJECTED, "would_take"),
        (("FOK_NOT_FILL", "INVALID_PRECISION", "INVALID_PARAM_VALUE"), (SUBMIT, AMEND), REJECTED, ""),
        (("AMOUNT_TOO_LITTLE", "AMOUNT_TOO_MUCH", "QUANTITY_NOT_ENOUGH"), (SUBMIT, AMEND), REJECTED, ""),
        (("PRICE_TOO_DEVIATED", "INVALID_CURRENCY_PAIR", "TOO_MANY_ORDERS"), (SUBMIT, AMEND), REJECTED, ""),
        (("INVALID_CLIENT_ORDER_ID", "TRADE_RESTRICTED"), (SUBMIT, AMEND), REJECTED, ""),
        (("INVALID_PARAM_VALUE", "BALANCE_NOT_ENOUGH"), (CANCEL, LOOKUP), AMBIGUOUS, ""),
        (("REPEATED_CREATION",), (SUBMIT,), AMBIGUOUS, "duplicate"),
        (("ORDER_NOT_FOUND", "CLIENT_ID_NOT_FOUND"), (CANCEL, AMEND, LOOKUP), ABSENT, ""),
        (("ORDER_CLOSED", "ORDER_CANCELLED"), (CANCEL, AMEND, LOOKUP), ABSENT, ""),
        (("ORDER_NOT_FOUND", "ORDER_CLOSED"), (SUBMIT,), AMBIGUOUS, ""),
        (("TOO_MANY_REQUESTS", "TOO_FAST"), tuple(Action), NOT_SENT, "rate_limit"),
        (("REQUEST_EXPIRED",), tuple(Action), NOT_SENT, "timestamp"),
        (("INVALID_SIGNATURE", "INVALID_KEY", "IP_FORBIDDEN"), tuple(Action), NOT_SENT, "unauthorized"),
        (("READ_ONLY", "FORBIDDEN"), tuple(Action), NOT_SENT, "unauthorized"),
        (("INTERNAL", "SERVER_ERROR", "TOO_BUSY", "NOVELTY", ""), tuple(Action), AMBIGUOUS, ""),
    ],
)
def test_labels(labels: tuple[str, ...], actions: tuple[Action, ...], outcome: Outcome, word: str) -> None:
    for label in labels:
        for action in actions:
            failure = judge(OUTCOMES, action, 400, label, "text")
            assert (failure.outcome, failure.code) == (outcome, word or label or "http_400"), (label, action)


def test_no_rejection_is_a_network_error_for_ccxt() -> None:
    """What ccxt may repeat or look up must not be taken for a no."""
    with gzip.open(shared("data/ccxt/error_code_map.tsv.gz"), "rt") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["exchange"] == "gate"]
    kinds = {row["code_or_text"]: f"{row['ccxt_exception']}>{row['parents']}" for row in rows}
    rejected = {code for row in OUTCOMES if row.outcome is REJECTED for code in row.codes} & kinds.keys()
    assert len(rejected) > 8
    assert [code for code in rejected if "OperationFailed" in kinds[code] or "NotFound" in kinds[code]] == []


def test_requests_are_signed_as_ccxt_signs_them() -> None:
    """Every recorded request of ccxt with a frozen clock."""
    with gzip.open(shared("data/ccxt/requests.jsonl.gz"), "rt") as lines:
        recorded: list[dict[str, Any]] = [json.loads(line) for line in lines]
    key, seen = Key(credentials(CCXT_KEY, CCXT_SECRET)), 0
    for row in recorded:
        request = row["request"]
        if row["exchange"] != "gate" or "SIGN" not in (request["headers"] or {}):
            continue
        parts = urlsplit(request["url"])
        body = (request["body"] or "").encode()
        headers = key.headers(request["method"], parts.path, parts.query, body, row["time_ms"] * 1_000)
        assert headers == {name: request["headers"][name] for name in ("KEY", "Timestamp", "SIGN")}
        seen += 1
    assert seen > 10


def test_sheet() -> None:
    sheet = venue_sheet()
    assert sheet.lookup_scope is LookupScope.OPEN_ONLY
    assert (sheet.client_id_in_trades, sheet.amend_in_place, sheet.dead_man) == (True, True, True)
    assert not sheet.dedicated
    local = Urls("http://127.0.0.1:5", "ws://127.0.0.1:5/ws/v4/", "ws://127.0.0.1:5/ws/v4/")
    assert addresses("http://127.0.0.1:5") == local
    assert addresses("") == LIVE
