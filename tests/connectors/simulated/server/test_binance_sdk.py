"""Binance's own client library as it is, told only other addresses: requests, orders by socket, streams.

It checks every answer against its models and warns about each type that does not fit: a check of ours for free.
"""

import asyncio
import logging
from typing import Any

import pytest
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_sdk_spot.spot import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
    Spot,
)

from engine.model.enums import Side
from tests.connectors.simulated.server.clients import live_venue, until
from tests.connectors.simulated.server.venues import BTC, SECRETS, key_of

SYMBOL = "BTCUSDT"
SECONDS_MAX = 10
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ("ping", "time", "exchange_info", "get_account", "rate_limit_order", "get_open_orders")),
    *(
        (name, {"symbol": SYMBOL})
        for name in (
            *("depth", "get_trades", "historical_trades", "agg_trades", "avg_price", "ticker24hr", "ticker_price"),
            *("ticker_book_ticker", "my_trades", "all_orders", "account_commission", "my_allocations", "my_filters"),
        )
    ),
    *((name, {"symbol": SYMBOL, "interval": "1m"}) for name in ("klines", "ui_klines")),
    ("my_prevented_matches", {"symbol": SYMBOL, "order_id": 1}),
    ("order_test", {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": 1}),
]


@pytest.fixture(autouse=True)
def _nothing_was_of_another_type(caplog: pytest.LogCaptureFixture) -> Any:
    with caplog.at_level(logging.WARNING):
        yield
    assert not [each.message for each in caplog.records if "parse" in each.message.lower()]


def client(port: int, name: str, secret: str = "") -> Any:
    keys = {"api_key": key_of(name), "api_secret": secret or SECRETS[name]}
    return Spot(
        ConfigurationRestAPI(**keys, base_path=f"http://127.0.0.1:{port}"),
        ConfigurationWebSocketAPI(**keys, stream_url=f"ws://127.0.0.1:{port}/ws-api/v3"),
        ConfigurationWebSocketStreams(stream_url=f"ws://127.0.0.1:{port}"),
    )


def life_of_an_order(port: int) -> None:
    rest = client(port, "bob").rest_api
    placed = rest.new_order(SYMBOL, "SELL", "LIMIT", time_in_force="GTC", quantity=1, price=100.5)
    order = {"symbol": SYMBOL, "order_id": placed.data().order_id}
    assert placed.data().status == "NEW"
    assert [(each.rateLimitType, each.count) for each in placed.rate_limits[1:]] == [("ORDERS", 1)] * 2
    assert rest.order_amend_keep_priority(**order, new_qty=0.5).data().amended_order.qty == "0.50000000"
    assert [(each.orig_qty, each.new_qty) for each in rest.order_amendments(**order).data()] == [
        ("1.00000000", "0.50000000")
    ]
    taken = client(port, "alice").rest_api.new_order(SYMBOL, "BUY", "MARKET", quantity=0.2).data()
    assert (taken.status, taken.cummulative_quote_qty, len(taken.fills)) == ("FILLED", "20.10000000", 1)
    found = rest.get_order(**order).data()
    assert (found.status, found.executed_qty) == ("PARTIALLY_FILLED", "0.20000000")
    assert rest.delete_order(**order).data().status == "CANCELED"
    assert [each.id for each in rest.my_trades(SYMBOL).data()] == [2]
    for name, params in QUESTIONS:
        assert getattr(rest, name)(**params).status == 200, name


async def test_life_of_orders_and_every_question() -> None:
    async with live_venue() as server:
        await asyncio.to_thread(life_of_an_order, server.port)


def life_of_a_list(port: int) -> None:
    rest = client(port, "bob").rest_api
    terms = {"symbol": SYMBOL, "side": "SELL", "quantity": 1, "above_type": "LIMIT_MAKER", "above_price": 110}
    stop = {"below_type": "STOP_LOSS_LIMIT", "below_stop_price": 95, "below_price": 94, "below_time_in_force": "GTC"}
    answer = rest.order_list_oco(**terms, **stop).data()
    number = answer.order_list_id
    assert {each.status for each in answer.order_reports} == {"NEW"}
    assert rest.get_order_list(order_list_id=number).data().list_order_status == "EXECUTING"
    assert [each.order_list_id for each in rest.open_order_list().data()] == [number]
    gone = rest.delete_order_list(SYMBOL, order_list_id=number).data()
    assert {each.status for each in gone.order_reports} == {"CANCELED"}
    assert [each.list_order_status for each in rest.all_order_list().data()] == ["ALL_DONE"]
    working = {"working_type": "LIMIT", "working_side": "BUY", "working_price": 101, "working_quantity": 1}
    working |= {"symbol": SYMBOL, "working_time_in_force": "GTC", "pending_side": "SELL", "pending_quantity": 1}
    answer = rest.order_list_oto(**working, pending_type="LIMIT_MAKER", pending_price=110).data()
    assert [each.status for each in answer.order_reports] == ["FILLED", "PENDING_NEW"]
    pair = {"pending_above_type": "LIMIT_MAKER", "pending_above_price": 110, "pending_below_type": "STOP_LOSS"}
    answer = rest.order_list_otoco(**working | {"working_price": 95}, **pair, pending_below_stop_price=90).data()
    assert [each.status for each in answer.order_reports] == ["NEW", "PENDING_NEW", "PENDING_NEW"]


async def test_lists_of_orders() -> None:
    async with live_venue() as server:
        await asyncio.to_thread(life_of_a_list, server.port)


def refusals(port: int) -> None:
    rest = client(port, "alice").rest_api
    limit = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
    for code, ask in (
        (-2010, lambda: rest.new_order(**limit, quantity=2000, price=95)),
        (-1013, lambda: rest.new_order(**limit, quantity=0.01, price=95)),
        (-2011, lambda: rest.delete_order(SYMBOL, order_id=999)),
        (-2013, lambda: rest.get_order(SYMBOL, order_id=999)),
        (-1121, lambda: rest.depth("NOPE")),
        (-1022, client(port, "alice", "wrong").rest_api.get_account),
    ):
        with pytest.raises(BadRequestError) as refusal:
            ask()
        assert refusal.value.status_code == code
    with pytest.raises(UnauthorizedError):
        client(port, "nobody", "unknown").rest_api.get_account()


async def test_refusals() -> None:
    async with live_venue() as server:
        await asyncio.to_thread(refusals, server.port)


@pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float' is deprecated:DeprecationWarning")  # theirs
async def test_orders_and_private_events_by_socket() -> None:
    async with live_venue() as server, asyncio.timeout(SECONDS_MAX):
        socket = client(server.port, "bob").websocket_api
        await socket.create_connection()
        told: list[Any] = []
        (await socket.user_data_stream_subscribe_signature()).stream.on("message", told.append)
        limit = {"symbol": SYMBOL, "side": "SELL", "type": "LIMIT", "time_in_force": "GTC"}
        answer = await socket.order_place(**limit, quantity=1, price=100.5)
        assert {each.rate_limit_type for each in answer.data().rate_limits} == {"REQUEST_WEIGHT", "ORDERS"}
        order = answer.data().result.order_id
        server.world.exchange.listing(BTC).engine.take(Side.BUY, 400)
        await until(lambda: len(told) >= 4)
        gone = (await socket.order_cancel(SYMBOL, order_id=order)).data().result
        assert (gone.status, gone.executed_qty) == ("CANCELED", "0.40000000")
        await until(lambda: len(told) >= 6)
        reports = [each.actual_instance for each in told if type(each.actual_instance).__name__ == "ExecutionReport"]
        assert [(each.x, each.z) for each in reports] == [
            ("NEW", "0.00000000"),
            ("TRADE", "0.40000000"),
            ("CANCELED", "0.40000000"),
        ]
        terms = {"symbol": SYMBOL, "side": "SELL", "quantity": 1, "above_type": "LIMIT_MAKER", "above_price": 110}
        both = (await socket.order_list_place_oco(**terms, below_type="STOP_LOSS", below_stop_price=95)).data().result
        gone = (await socket.order_list_cancel(SYMBOL, order_list_id=both.order_list_id)).data().result
        assert (both.list_order_status, gone.list_order_status) == ("EXECUTING", "ALL_DONE")
        refused = (await socket.order_cancel(SYMBOL, order_id=999)).data()
        assert refused == {"error": {"code": -2011, "msg": "Unknown order sent."}}
        await socket.close_connection()
        await server.stop()


async def test_streams() -> None:
    async with live_venue() as server, asyncio.timeout(SECONDS_MAX):
        streams = client(server.port, "bob").websocket_streams
        await streams.create_connection()
        told: dict[str, list[Any]] = {"trade": [], "depth": [], "best": []}
        (await streams.trade("btcusdt")).on("message", told["trade"].append)
        (await streams.diff_book_depth("btcusdt", update_speed="100ms")).on("message", told["depth"].append)
        (await streams.book_ticker("btcusdt")).on("message", told["best"].append)
        names = ("btcusdt@trade", "btcusdt@depth@100ms", "btcusdt@bookTicker")
        await until(lambda: all(map(server.world.hub.wants, names)))
        server.world.exchange.listing(BTC).engine.take(Side.BUY, 400)
        await until(lambda: all(told.values()))
        trade, depth, best = (rows[0] for rows in told.values())
        assert (trade.p, trade.q) == ("101.00000000", "0.40000000")
        assert (depth.b, depth.a) == ([], [["101.00000000", "0.60000000"]])
        assert (best.a, best.A) == ("101.00000000", "0.60000000")
        await streams.close_connection()
        await server.stop()
