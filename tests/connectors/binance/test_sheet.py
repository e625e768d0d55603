"""What each of Binance's errors allows us to conclude: a row of the table each, and nothing beyond the table."""

import csv
import gzip

import pytest

from connectors.base.outcomes import judge
from connectors.binance.sheet import LIVE, OUTCOMES, TESTNET, Urls, addresses, venue_sheet
from engine.model.enums import Action, Outcome
from tests.support import shared

SUBMIT, CANCEL, AMEND, LOOKUP, BALANCES = (
    Action.SUBMIT, Action.CANCEL, Action.AMEND, Action.LOOKUP, Action.BALANCES,
)  # fmt: skip
NOT_SENT, REJECTED, ABSENT, AMBIGUOUS = Outcome.NOT_SENT, Outcome.REJECTED, Outcome.ABSENT, Outcome.AMBIGUOUS
FUNDS = "Account has insufficient balance for requested action."
UNKNOWN = "Unknown order sent."


@pytest.mark.parametrize(
    ("action", "status", "code", "text", "outcome", "word"),
    [
        (SUBMIT, 400, "-1013", "Filter failure: LOT_SIZE", REJECTED, "-1013"),
        (SUBMIT, 400, "-1121", "Invalid symbol.", REJECTED, "-1121"),
        (SUBMIT, 400, "-1165", "", REJECTED, "-1165"),
        (SUBMIT, 400, "-1161", "Unable to encode the response", AMBIGUOUS, "-1161"),
        (SUBMIT, 400, "-2010", FUNDS, REJECTED, "insufficient_funds"),
        (SUBMIT, 400, "-2010", "Order would immediately match and take.", REJECTED, "would_take"),
        (SUBMIT, 400, "-2010", "Market is closed.", REJECTED, "-2010"),
        (SUBMIT, 400, "-2010", "Duplicate order sent.", AMBIGUOUS, "duplicate"),
        (SUBMIT, 400, "-1006", "", AMBIGUOUS, "-1006"),
        (SUBMIT, 400, "-1007", "", AMBIGUOUS, "-1007"),
        (SUBMIT, 400, "-1008", "", AMBIGUOUS, "-1008"),
        (SUBMIT, 400, "-9999", "news", AMBIGUOUS, "-9999"),
        (SUBMIT, 429, "-1003", "", NOT_SENT, "rate_limit"),
        (SUBMIT, 429, "-1015", "", NOT_SENT, "rate_limit"),
        (SUBMIT, 418, "", "", NOT_SENT, "banned"),
        (SUBMIT, 403, "", "<html>", NOT_SENT, "firewall"),
        (SUBMIT, 400, "-1021", "Timestamp for this request was 1000ms ahead", NOT_SENT, "timestamp"),
        (CANCEL, 401, "-2015", "Invalid API-key", NOT_SENT, "unauthorized"),
        (BALANCES, 400, "-1022", "Signature for this request is not valid.", NOT_SENT, "unauthorized"),
        (CANCEL, 400, "-2011", UNKNOWN, ABSENT, "-2011"),
        (CANCEL, 400, "-2011", "Order was not canceled due to cancel restrictions.", REJECTED, "-2011"),
        (LOOKUP, 400, "-2013", "Order does not exist.", ABSENT, "-2013"),
        (LOOKUP, 400, "-2039", "Client order ID is not correct", AMBIGUOUS, "-2039"),
        (AMEND, 400, "-2038", UNKNOWN, ABSENT, "-2038"),
        (AMEND, 400, "-2038", "The requested action would change no state; rejecting.", AMBIGUOUS, "-2038"),
        (AMEND, 400, "-2038", "Order amend (quantity increase) is not supported.", REJECTED, "-2038"),
        (CANCEL, 400, "-2010", FUNDS, AMBIGUOUS, "-2010"),
        (LOOKUP, 400, "-1013", "", AMBIGUOUS, "-1013"),
    ],
)
def test_outcomes(action: Action, status: int, code: str, text: str, outcome: Outcome, word: str) -> None:
    found = judge(OUTCOMES, action, status, code, text)
    assert (found.outcome, found.code) == (outcome, word)


REJECTING = {code for row in OUTCOMES if row.outcome is REJECTED for code in row.codes}
OF_THE_NETWORK = ("OnMaintenance", "RequestTimeout", "OperationFailed", "ExchangeNotAvailable", "NetworkError")


def table(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines(), delimiter="\t"))


def test_every_code_that_rejects_is_documented() -> None:
    documented = {row[0] for row in table(shared("data/payloads/binance_spot_error_codes.tsv").read_text())}
    assert REJECTING - documented == {"-2038"}  # of the page on amends


def test_what_ccxt_takes_for_a_network_error_is_never_a_rejection() -> None:
    rows = table(gzip.decompress(shared("data/ccxt/error_code_map.tsv.gz").read_bytes()).decode())
    codes = {row[2] for row in rows if row[0] == "binance" and row[3] in OF_THE_NETWORK}
    assert len(codes) > 3
    assert not codes & REJECTING


def test_addresses() -> None:
    assert addresses("") == LIVE
    assert addresses("", testnet=True) == TESTNET
    local = Urls("http://127.0.0.1:8070", "ws://127.0.0.1:8070", "ws://127.0.0.1:8070/ws-api/v3")
    assert addresses("http://127.0.0.1:8070", testnet=True) == local
    for urls in (LIVE, TESTNET):
        assert urls.rest.startswith("https://")
        assert urls.stream.startswith("wss://")
        assert urls.api.startswith("wss://")


def test_the_sheet_is_careful() -> None:
    sheet = venue_sheet()
    assert sheet.request_expiry_us == 5_000_000
    assert not any((sheet.client_id_in_trades, sheet.dead_man, sheet.dedicated, sheet.amend_in_place))
