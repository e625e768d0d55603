"""What each error of USD-M allows us to conclude: a row of the table each, and nothing beyond the table."""

from __future__ import annotations

import csv
import gzip

import pytest

from connectors.base.outcomes import judge
from connectors.binance.perpetual.settings import read_fees, read_leverage, read_leverage_max, read_listen_key
from connectors.binance.perpetual.sheet import LIVE, OUTCOMES, TESTNET, Urls, addresses, venue_sheet
from engine.core.books import chained
from engine.model.enums import Action, Outcome
from engine.model.errors import BadMessage
from tests.support import shared

SUBMIT, CANCEL, AMEND, LOOKUP, BALANCES = (
    Action.SUBMIT, Action.CANCEL, Action.AMEND, Action.LOOKUP, Action.BALANCES,
)  # fmt: skip
NOT_SENT, REJECTED, ABSENT, AMBIGUOUS = Outcome.NOT_SENT, Outcome.REJECTED, Outcome.ABSENT, Outcome.AMBIGUOUS
UNKNOWN = "Unknown order sent."


@pytest.mark.parametrize(
    ("action", "status", "code", "text", "outcome", "word"),
    [
        (SUBMIT, 400, "-2019", "Margin is insufficient.", REJECTED, "insufficient_funds"),
        (SUBMIT, 400, "-4051", "", REJECTED, "insufficient_funds"),
        (SUBMIT, 400, "-5022", "could not be executed as maker", REJECTED, "would_take"),
        (SUBMIT, 400, "-5021", "FOK", REJECTED, "-5021"),
        (SUBMIT, 400, "-2022", "ReduceOnly Order is rejected.", REJECTED, "-2022"),
        (SUBMIT, 400, "-2021", "Order would immediately trigger.", REJECTED, "-2021"),
        (SUBMIT, 400, "-4164", "Order's notional must be no smaller than 5", REJECTED, "-4164"),
        (SUBMIT, 400, "-4014", "Price not increased by tick size.", REJECTED, "-4014"),
        (SUBMIT, 400, "-1121", "Invalid symbol.", REJECTED, "-1121"),
        (SUBMIT, 400, "-4061", "Order's position side does not match user's setting.", REJECTED, "-4061"),
        (SUBMIT, 400, "-4116", "ClientOrderId is duplicated.", AMBIGUOUS, "duplicate"),
        (SUBMIT, 400, "-2023", "User in liquidation mode now.", AMBIGUOUS, "-2023"),
        (SUBMIT, 400, "-1007", "Timeout waiting for response from backend server.", AMBIGUOUS, "-1007"),
        (SUBMIT, 408, "", "", AMBIGUOUS, "http_408"),
        (SUBMIT, 400, "-9999", "news", AMBIGUOUS, "-9999"),
        (SUBMIT, 400, "-1008", "Request throttled by system-level protection.", NOT_SENT, "rate_limit"),
        (SUBMIT, 429, "-1003", "", NOT_SENT, "rate_limit"),
        (SUBMIT, 429, "-1015", "", NOT_SENT, "rate_limit"),
        (SUBMIT, 418, "", "", NOT_SENT, "banned"),
        (SUBMIT, 403, "", "<html>", NOT_SENT, "firewall"),
        (SUBMIT, 400, "-1021", "Timestamp for this request is outside of the recvWindow.", NOT_SENT, "timestamp"),
        (CANCEL, 401, "-2015", "Invalid API-key", NOT_SENT, "unauthorized"),
        (BALANCES, 400, "-1022", "Signature for this request is not valid.", NOT_SENT, "unauthorized"),
        (CANCEL, 400, "-2011", UNKNOWN, ABSENT, "-2011"),
        (CANCEL, 400, "-2011", "something else", REJECTED, "-2011"),
        (LOOKUP, 400, "-2013", "Order does not exist.", ABSENT, "-2013"),
        (AMEND, 400, "-2013", "Order does not exist.", ABSENT, "-2013"),
        (AMEND, 400, "-2011", UNKNOWN, ABSENT, "-2011"),
        (AMEND, 400, "-5027", "No need to modify the order.", AMBIGUOUS, "-5027"),
        (AMEND, 400, "-5022", "would take", AMBIGUOUS, "-5022"),
        (AMEND, 400, "-5026", "Exceed maximum modify order limit.", REJECTED, "-5026"),
        (AMEND, 400, "-2019", "Margin is insufficient.", REJECTED, "insufficient_funds"),
        (AMEND, 400, "-4014", "", REJECTED, "-4014"),
        (CANCEL, 400, "-4014", "", AMBIGUOUS, "-4014"),
    ],
)
def test_outcomes(action: Action, status: int, code: str, text: str, outcome: Outcome, word: str) -> None:
    found = judge(OUTCOMES, action, status, code, text)
    assert (found.outcome, found.code) == (outcome, word)


REJECTING = {code for row in OUTCOMES if row.outcome is REJECTED for code in row.codes}
OF_THE_NETWORK = ("OnMaintenance", "RequestTimeout", "OperationFailed", "ExchangeNotAvailable", "NetworkError")


def test_what_ccxt_takes_for_a_network_error_is_never_a_rejection() -> None:
    text = gzip.decompress(shared("data/ccxt/error_code_map.tsv.gz").read_bytes()).decode()
    rows = [row for row in csv.reader(text.splitlines(), delimiter="\t") if row[0] == "binance"]
    known = {row[2] for row in rows if row[1] in ("exceptions/exact", "exceptions/linear/exact")}
    network = {row[2] for row in rows if row[1].startswith("exceptions/linear") and row[3] in OF_THE_NETWORK}
    assert len(network) > 3
    assert not network & REJECTING
    assert len(REJECTING & known) > 30


def test_addresses() -> None:
    assert addresses("") == LIVE
    assert addresses("", testnet=True) == TESTNET
    local = Urls("http://127.0.0.1:8070", "ws://127.0.0.1:8070", "http://127.0.0.1:8070")
    assert addresses("http://127.0.0.1:8070", testnet=True) == local
    for urls in (LIVE, TESTNET):
        assert urls.rest.startswith("https://")
        assert urls.stream.startswith("wss://")


def test_the_sheet() -> None:
    sheet = venue_sheet()
    assert sheet.books.sequence is chained
    assert (sheet.amend_in_place, sheet.dead_man, sheet.dedicated, sheet.client_id_in_trades) == (
        True,
        True,
        False,
        False,
    )
    assert sheet.unfilled_kept_us == 3 * 86_400_000_000


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(BadMessage, match="no leverage of BTCUSDT"):
        read_leverage(b'[{"symbol":"ETHUSDT","leverage":5}]', "BTCUSDT")
    with pytest.raises(BadMessage, match="no brackets of BTCUSDT"):
        read_leverage_max(b'[{"symbol":"BTCUSDT","brackets":[]}]', "BTCUSDT")
    with pytest.raises(BadMessage, match="no listen key"):
        read_listen_key(b'{"listenKey":"a&b"}')
    assert read_fees(b'{"makerCommissionRate":"-0.0001","takerCommissionRate":"0.0004"}')[0] < 0
