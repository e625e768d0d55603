"""What may be concluded from OKX's answers, row by row, and how requests are signed."""

import csv
import gzip
import json
from typing import Any

import pytest

from connectors.base.credentials import Credentials, Secret
from connectors.base.outcomes import judge
from connectors.base.sign import hmac_base64
from connectors.okx.keys import Keys, iso_ms
from connectors.okx.sheet import LIMITS, OUTCOMES, venue_sheet
from engine.core.venue_sheet import LookupScope
from engine.model.enums import Action, Outcome
from tests.support import shared

SUBMIT, AMEND, CANCEL, LOOKUP = Action.SUBMIT, Action.AMEND, Action.CANCEL, Action.LOOKUP
NOT_SENT, REJECTED, ABSENT, AMBIGUOUS = Outcome.NOT_SENT, Outcome.REJECTED, Outcome.ABSENT, Outcome.AMBIGUOUS

CCXT_SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


@pytest.mark.parametrize(
    ("codes", "actions", "outcome", "word"),
    [
        (("51008",), (SUBMIT, AMEND), REJECTED, "insufficient_funds"),
        (("51020", "51120", "51121", "51006", "51116", "51137", "51138"), (SUBMIT, AMEND), REJECTED, ""),
        (("51000", "51001", "51002", "51003", "51004", "51155", "51021", "51022"), (SUBMIT, AMEND), REJECTED, ""),
        (("51016", "50071", "51065", "70301"), (SUBMIT,), AMBIGUOUS, "duplicate"),
        (("50004", "51054", "51149", "51412", "50001", "50013", "50026"), (SUBMIT, CANCEL, AMEND), AMBIGUOUS, ""),
        (("51603", "51503", *(str(code) for code in range(51400, 51411))), (CANCEL, AMEND, LOOKUP), ABSENT, ""),
        (("51603", "51400"), (SUBMIT,), AMBIGUOUS, ""),
        (("51008", "51000"), (CANCEL, LOOKUP), AMBIGUOUS, ""),
        (("50011", "50061"), tuple(Action), NOT_SENT, "rate_limit"),
        (("50102", "50112"), tuple(Action), NOT_SENT, "timestamp"),
        (("50105", "50110", "50111", "50113", "50119", "50120", "60009"), tuple(Action), NOT_SENT, "unauthorized"),
        (("1", "2", "59999"), tuple(Action), AMBIGUOUS, ""),
    ],
)
def test_codes(codes: tuple[str, ...], actions: tuple[Action, ...], outcome: Outcome, word: str) -> None:
    for code in codes:
        for action in actions:
            failure = judge(OUTCOMES, action, 200, code, "text")
            assert (failure.outcome, failure.code) == (outcome, word or code), (code, action)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 403, 400])
def test_a_status_alone_proves_nothing(status: int) -> None:
    assert judge(OUTCOMES, SUBMIT, status, "", "no JSON").outcome is AMBIGUOUS


def test_too_many_requests_were_not_carried_out() -> None:
    assert judge(OUTCOMES, SUBMIT, 429, "", "no JSON").outcome is NOT_SENT


NOT_IN_CCXT = {"51169"}  # "you don't have any positions in this contract to reduce or close"


def test_no_rejection_is_a_network_error_for_ccxt() -> None:
    """What ccxt may repeat or look up must not be taken for a no."""
    with gzip.open(shared("data/ccxt/error_code_map.tsv.gz"), "rt") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["exchange"] == "okx"]
    rejected = {code for row in OUTCOMES if row.outcome is REJECTED for code in row.codes} - NOT_IN_CCXT
    kinds = {row["code_or_text"]: f"{row['ccxt_exception']}>{row['parents']}" for row in rows}
    assert rejected <= kinds.keys()
    assert [code for code in rejected if "OperationFailed" in kinds[code] or "NotFound" in kinds[code]] == []


def test_sheet() -> None:
    sheet = venue_sheet()
    assert (sheet.lookup_scope, sheet.client_id_in_trades, sheet.amend_in_place) == (LookupScope.ALL, True, True)
    assert sheet.unfilled_kept_us == 2 * 3_600_000_000
    assert not sheet.dedicated
    assert LIMITS["order"] == LIMITS["cancel"] == LIMITS["amend"]


def test_requests_are_signed_as_ccxt_signs_them() -> None:
    """Every recorded request of ccxt with a frozen clock."""
    with gzip.open(shared("data/ccxt/requests.jsonl.gz"), "rt") as lines:
        recorded: list[dict[str, Any]] = [json.loads(line) for line in lines]
    signed = [
        row for row in recorded if row["exchange"] == "okx" and "OK-ACCESS-SIGN" in (row["request"]["headers"] or {})
    ]
    assert len(signed) > 20
    key, passphrase = (signed[0]["request"]["headers"][f"OK-ACCESS-{name}"] for name in ("KEY", "PASSPHRASE"))
    keys = Keys(Credentials(Secret(key), Secret(CCXT_SECRET), Secret(passphrase)))
    for row in signed:
        request = row["request"]
        target = request["url"].removeprefix("https://www.okx.com")
        body = (request["body"] or "").encode()
        made = keys.headers(row["time_ms"] * 1_000, request["method"], target, body)
        assert made == {name: request["headers"][name] for name in made}


def test_log_in() -> None:
    keys = Keys(Credentials(Secret("k"), Secret("s"), Secret("p")))
    sign = hmac_base64(Secret("s"))
    assert keys.login(1_700_000_000_999_999) == {
        "apiKey": "k",
        "passphrase": "p",
        "timestamp": "1700000000",
        "sign": sign(b"1700000000GET/users/self/verify"),
    }


def test_stamps() -> None:
    assert iso_ms(1_700_000_000_123_999) == "2023-11-14T22:13:20.123Z"
    assert iso_ms(1_700_000_000_000_000) == "2023-11-14T22:13:20.000Z"
