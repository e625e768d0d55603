"""What is paid without a trade is told once, however often and late the list shows it."""

from __future__ import annotations

import json
from decimal import Decimal

from connectors.binance.perpetual.postings import BACK_US, PAGE, WAIT_US, Postings
from engine.model.event import TransferSeen

NOON_US = 1_700_000_000_000_000
SECOND_US = 1_000_000


def row(number: int, kind: str = "FUNDING_FEE", at_us: int = NOON_US, symbol: str = "BTCUSDT") -> dict[str, object]:
    return {
        "symbol": symbol, "incomeType": kind, "income": "-0.25", "asset": "USDT", "time": at_us // 1_000, "info": "",
        "tranId": number, "tradeId": "",
    }  # fmt: skip


def page(postings: Postings, *rows: dict[str, object]) -> list[str]:
    found, more_us = postings.page(json.dumps(rows).encode(), 7)
    assert not more_us
    return [each.transfer_id for each in found]


def begun() -> Postings:
    """The list was read at noon, and was empty."""
    postings = Postings("p", lambda symbol: f"p:{symbol}")
    assert postings.begin_us(NOON_US) == NOON_US - BACK_US
    assert page(postings) == []
    postings.read(NOON_US)
    return postings


def test_what_was_there_before_is_a_part_of_the_first_balances() -> None:
    postings = Postings("p", str)
    assert page(postings, row(1)) == []
    postings.read(NOON_US)
    assert page(postings, row(1), row(2)) == ["2"]


def test_each_row_is_told_once_and_those_of_trades_never() -> None:
    postings = begun()
    assert page(postings, row(1), row(2, "COMMISSION"), row(3, "REALIZED_PNL")) == ["1"]
    postings.read(NOON_US + SECOND_US)
    assert page(postings, row(1), row(1, symbol="ETHUSDT"), row(1, "INSURANCE_CLEAR")) == ["1", "1"]
    assert postings.begin_us(NOON_US + 60 * SECOND_US) == NOON_US + SECOND_US - BACK_US


def test_what_is_told() -> None:
    found, _ = begun().page(json.dumps([row(1), row(2, "TRANSFER", symbol=""), row(3, "API_REBATE")]).encode(), 7)
    terms = (("funding", "1", "p:BTCUSDT"), ("transfer", "2", ""), ("api_rebate", "3", "p:BTCUSDT"))
    assert found == [
        TransferSeen("p", "USDT", Decimal("-0.25"), kind, number, NOON_US, 7, market) for kind, number, market in terms
    ]


def test_a_full_page_is_followed_from_its_last_row_on() -> None:
    postings = begun()
    rows = [row(number, at_us=NOON_US + number * 1_000) for number in range(PAGE)]
    found, more_us = postings.page(json.dumps(rows).encode(), 7)
    assert (len(found), more_us) == (PAGE, NOON_US + (PAGE - 1) * 1_000)
    assert page(postings, rows[-1], row(PAGE)) == [str(PAGE)]
    _, more_us = postings.page(json.dumps([row(number) for number in range(PAGE)]).encode(), 7)
    assert more_us == NOON_US + 1_000


def test_a_payment_that_the_stream_told_is_waited_for() -> None:
    """Its row names the full hour; another market's of an hour before is not it."""
    postings = begun()
    assert postings.complete(NOON_US)
    postings.expect(NOON_US + 20 * SECOND_US)
    page(postings, row(1, at_us=NOON_US - 3_600 * SECOND_US))
    assert not postings.complete(NOON_US + 21 * SECOND_US)
    page(postings, row(2))
    assert postings.complete(NOON_US + 22 * SECOND_US)
    postings.expect(NOON_US + 30 * SECOND_US)
    assert postings.complete(NOON_US + 30 * SECOND_US + WAIT_US + 1)


def test_a_row_is_known_as_long_as_it_is_asked_for() -> None:
    """The venue counts in milliseconds, so that it shows rows again of up to one before."""
    postings = begun()
    page(postings, row(1))
    postings.read(NOON_US + BACK_US + 999)
    assert postings.begin_us(0) == NOON_US
    assert page(postings, row(1)) == []
    postings.read(NOON_US + BACK_US + 1_000)
    assert page(postings, row(1)) == ["1"]  # forgotten: it is not asked for any more
