"""Recordings of single orders (L3) become levels: what a venue tells of them in which order, and what that means."""

from pathlib import Path

import pytest

from engine.backtest.columns import RowKind as K
from tests.backtest.files import START_US, import_one, rows_of, write
from tests.backtest.test_venue_files import BEGUN, BEST, BITSTAMP, FIRST, Found, bitstamp, order


def kinds(tmp_path: Path, *events: tuple[int, str, object]) -> Found:
    import_one(write(tmp_path / "b.log", bitstamp(*events)), "bitstamp", tmp_path / "set", venue="bitstamp")
    (columns,) = rows_of(tmp_path / "set")
    return list(zip(*(columns[each].tolist() for each in ("kind", "ticks", "lots")), strict=True))


ORDERS: list[tuple[str, list[tuple[int, str, object]], Found]] = [
    (
        "an order older than the recording takes what it had along",
        [(1, "order_deleted", order(3, 0, "99.00", "0.40000000"))],
        [(K.CLEAR, 0, 0), (K.BID, 99, 10), (K.ASK, 101, 20), (K.BID, 99, 6)],
    ),
    (
        "never more than there was",
        [(1, "order_deleted", order(3, 0, "99.00", "5.00000000"))],
        [*FIRST, (K.BID, 99, 0)],
    ),
    (
        "an order that crosses is shown once nothing stands against it, its rest alone",
        [
            (1, "order_created", order(10, 0, "101.00", "3.00000000")),
            (2, "order_changed", order(10, 0, "101.00", "1.00000000")),
            (3, "order_deleted", order(4, 1, "101.00", "2.00000000")),
        ],
        [*FIRST, (K.BID, 101, 1), (K.ASK, 101, 0)],
    ),
    (
        "one that the venue shows is not counted twice",
        [
            (1, "order_created", order(10, 0, "102.00", "3.00000000")),
            (2, "order_book", {"bids": [["102.00", "3"], ["99.00", "1"]], "asks": [["103.00", "1"]]}),
            (3, "order_deleted", order(10, 0, "102.00", "3.00000000")),
        ],
        [*FIRST, (K.BID, 102, 3), (K.ASK, 101, 0), (K.ASK, 103, 1), (K.BID, 102, 0)],
    ),
    (
        "levels that the venue does not show are gone, those beyond the last one stay",
        [
            (1, "order_created", order(10, 0, "90.00", "1.00000000")),
            (2, "order_created", order(11, 0, "98.00", "1.00000000")),
            (3, "order_book", {"bids": [["99.00", "1"], ["97.00", "1"]], "asks": [["101.00", "2"]]}),
        ],
        [*FIRST, (K.BID, 90, 1), (K.BID, 98, 1), (K.BID, 98, 0), (K.BID, 97, 1)],
    ),
    (
        "a trade of orders that nobody saw is the buyer's near the ask",
        [(1, "trade", {"price": 101.0, "amount": 1.0, "id": 1}), (2, "trade", {"price": 99.0, "amount": 1, "id": 2})],
        [*FIRST, (K.BUY, 101, 1), (K.SELL, 99, 1)],
    ),
]


@pytest.mark.parametrize(("events", "rows"), [row[1:] for row in ORDERS], ids=[row[0] for row in ORDERS])
def test_orders_become_levels(tmp_path: Path, events: list[tuple[int, str, object]], rows: Found) -> None:
    assert kinds(tmp_path, *BEGUN, *events) == rows


def test_a_trade_before_the_book_is_a_sellers(tmp_path: Path) -> None:
    assert kinds(tmp_path, (0, "trade", {"price": 99.0, "amount": 1, "id": 2}), (1, "order_book", BEST))[0][0] == K.SELL


def test_a_trade_is_placed_before_what_it_did(tmp_path: Path) -> None:
    path = write(tmp_path / "b.log", bitstamp(*BITSTAMP))
    import_one(path, "bitstamp", tmp_path / "set", venue="bitstamp")
    (columns,) = rows_of(tmp_path / "set")
    at = columns["kind"].tolist().index(K.SELL)
    assert columns["event_us"][at] == START_US + 3_000  # told at 5 ms
    assert columns["sequence"][at] == 7
