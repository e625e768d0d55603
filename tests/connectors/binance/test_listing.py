"""Instruments, limits and fees from Binance's own answers, a recorded one among them."""

import gzip
import json
from decimal import Decimal
from typing import Any

import pytest

from connectors.base.rate_limit import Limit
from connectors.binance.listing import closed, read_fees, read_info, read_instruments, read_limits, read_time
from connectors.binance.sheet import LIMITS, ORDERS_10S, RAW, WEIGHT
from engine.model.errors import BadMessage
from tests.support import shared

MINUTE_US = 60_000_000
FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00", "stepSize": "0.00001000"},
    {"filterType": "NOTIONAL", "minNotional": "5.0", "applyMinToMarket": True},
    {"filterType": "NOVELTY", "anything": [1]},
]


def info(**fields: Any) -> bytes:
    symbol = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT", "filters": FILTERS}
    rates = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
        {"rateLimitType": "NOVELTY", "interval": "SECOND", "intervalNum": 1, "limit": 1},
    ]
    return json.dumps({"rateLimits": rates, "symbols": [symbol | fields]}).encode()


def test_an_instrument() -> None:
    (found,) = read_instruments(read_info(info()), "b", ["BTC-USDT"]).values()
    assert (found.instrument_id, found.venue_symbol) == ("b:BTC-USDT", "BTCUSDT")
    assert (found.price_step, found.quantity_step) == (Decimal("0.01"), Decimal("0.00001"))
    assert (found.quantity_min, found.quantity_max, found.notional_min) == (
        Decimal("0.00001"),
        Decimal(9000),
        Decimal(5),
    )
    assert (found.price_min, found.price_max) == (Decimal("0.01"), Decimal(1_000_000))


def test_pairs_that_are_not_asked_for_are_left_out() -> None:
    assert read_instruments(read_info(info()), "b", ["ETH-USDT"]) == {}


def test_a_market_without_rules_is_refused() -> None:
    with pytest.raises(BadMessage, match="LOT_SIZE"):
        read_instruments(read_info(info(filters=FILTERS[:1])), "b", ["BTC-USDT"])


def test_closed_markets_are_named_with_the_venues_word() -> None:
    assert closed(read_info(info())) == {}
    assert closed(read_info(info(status="BREAK"))) == {"BTCUSDT": "BREAK"}


def test_limits_are_the_venues_where_it_tells_them() -> None:
    limits = read_limits(read_info(info()), LIMITS)
    assert limits[WEIGHT] == Limit(1_200, MINUTE_US, aligned=True)
    assert limits[ORDERS_10S] == Limit(50, 10_000_000, aligned=True)
    assert limits[RAW] == LIMITS[RAW]


def test_fees_are_the_sum_of_their_kinds() -> None:
    kinds = {
        "standardCommission": {"maker": "0.001", "taker": "0.002"},
        "taxCommission": {"maker": "0.0001", "taker": "0"},
    }
    assert read_fees(json.dumps(kinds).encode()) == (Decimal("0.0011"), Decimal("0.002"))


def test_time_in_either_unit() -> None:
    assert (
        read_time(b'{"serverTime":1499827319559}') == read_time(b'{"serverTime":1499827319559000}') == 1499827319559000
    )


def test_a_recorded_listing() -> None:
    """`exchangeInfo` of 2021 with all markets."""
    lines = gzip.decompress(shared("data/ws/BINANCE/BINANCE.0.gz").read_bytes()).decode().splitlines()
    body = next(line for line in lines if "exchangeInfo" in line).partition(": ")[2].encode()
    listing = read_info(body)
    pairs = [f"{each.base_asset}-{each.quote_asset}" for each in listing.symbols]
    found = read_instruments(listing, "b", pairs)
    assert len(found) == len(listing.symbols) > 1_000
    bitcoin = found["BTCUSDT"]
    assert (bitcoin.price_step, bitcoin.quantity_step, bitcoin.notional_min) == (
        Decimal("0.01"),
        Decimal("0.00001"),
        Decimal(10),
    )
    assert 0 < len(closed(listing)) < len(listing.symbols)
