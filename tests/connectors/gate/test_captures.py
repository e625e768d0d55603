"""Everything of Gate in the shared data folder: recorded sessions replayed, payloads of other projects read."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from connectors.gate.parse import MarketDataParser, channel_of, parse_instruments
from connectors.gate.parse_account import AccountParser, parse_problem
from connectors.gate.sheet import SPOT
from engine.core.books import BookTracker
from engine.model.enums import UpdateSource
from engine.model.errors import BadMessage
from engine.model.market import BookDelta
from tests.support import shared

LINE = re.compile(rb"(?:https://[^ ?]+(?:\?currency_pair=([A-Z0-9_]+)\S*)? -> )?([0-9.]+): ([\[{].*)")
SYMBOLS = {f"{base}_USDT": f"gate:{base}-USDT" for base in ("BTC", "ETH", "GT")}
PAYLOADS = ("jkorf_gate", "gct_ws", "hummingbot_test_literals", "xchange_gate_v4")


def capture(name: str) -> Iterator[tuple[float, str, bytes]]:
    """(receive time, market of a snapshot or "", what was received) of every line of a capture."""
    for line in gzip.decompress(shared(f"data/ws/GATEIO/GATEIO.{name}.gz").read_bytes()).splitlines():
        if found := LINE.fullmatch(line):
            yield float(found[2]), (found[1] or b"").decode(), found[3]


def test_a_recorded_session_replays_without_an_unnoticed_gap() -> None:
    """In the order of receipt. Every book is proven after its snapshot; what was lost before is said."""
    lines = sorted([*capture("http.0.0"), *capture("ws.1.0")], key=lambda line: line[0])
    symbols = {market: f"gate:{market.replace('_', '-')}" for _, market, _ in lines if market}
    parser = MarketDataParser(symbols)
    books = BookTracker(symbols.values())
    kinds: Counter[str] = Counter()
    for time_s, market, body in lines:
        receive_us = int(time_s * 1e6)
        if market:
            books.apply(parser.parse_snapshot(body, symbols[market], receive_us))
            continue
        try:
            events = parser.parse(body, receive_us)
        except BadMessage:
            kinds["subscribed" if b'"subscribe"' in body else channel_of(body)] += 1
            continue
        kinds[channel_of(body)] += 1
        for event in events:
            if isinstance(event, BookDelta):
                books.apply(event)
                book = books.book(event.instrument_id)
                kinds["proven" if not book.stale else "waiting"] += 1
                assert book.stale or book.best_bid < book.best_ask  # type: ignore[operator]
    assert not [name for name in symbols.values() if books.book(name).stale]
    assert (books.gaps, books.ignored) == (0, 0)
    assert kinds.pop("proven") + kinds.pop("waiting") == 172
    assert kinds == {
        "spot.order_book_update": 172,
        "spot.candlesticks": 14,
        "spot.trades": 9,
        "spot.tickers": 22,  # not handled
        "subscribed": 22,
    }


def test_every_recorded_market_is_read() -> None:
    ((_, _, body),) = capture("0")
    found = parse_instruments(body, "gate")
    tradable = [row for row in json.loads(body) if row["trade_status"] != "untradable"]
    assert len(found) == len(tradable) > 500
    assert all(each.price_step > 0 and each.quantity_step > 0 and each.quantity_min > 0 for each in found)


def payloads() -> Iterator[Any]:
    """Every JSON value in the collections that has to do with Gate's spot markets."""
    for name in PAYLOADS:
        for line in gzip.decompress(shared(f"data/payloads/{name}.jsonl.gz").read_bytes()).splitlines():
            row = json.loads(line)
            source = row["src"]
            if "gate" in source.lower() and not any(word in source for word in ("utures", "perp", "/mappings/")):
                yield from (each["json"] for each in row.get("frames", ()) if "json" in each)
                yield {"path": row.get("path", source), "body": row.get("response", row.get("json"))}


def test_every_frame_of_a_handled_channel_is_read() -> None:
    """The others are refused; how many there are is known, so that a new one is noticed."""
    market, account = MarketDataParser(SYMBOLS), AccountParser("gate", SYMBOLS)
    private = [f"spot.{name}" for name in SPOT.private]
    kinds: Counter[str] = Counter()
    for payload in payloads():
        frame = json.dumps(payload).encode()
        channel = channel_of(frame)
        if not channel or payload.get("event") != "update" or not payload.get("result"):
            continue
        if channel in private or channel in market.channels:
            found = (account if channel in private else market).parse(frame, 7)
            kinds.update(type(event).__name__ for event in found)
        else:
            kinds[channel] += 1
    handled = dict.fromkeys(("BookDelta", "BestQuote", "PublicTrade", "Candle", "OrderUpdate", "Fill", "Balance"), 1)
    others = ("order_book", "tickers", "priceorders", "margin_balances", "funding_balances", "cross_balances")
    assert kinds == handled | {f"spot.{name}": 1 for name in others}


def test_every_recorded_answer_is_read() -> None:
    account = AccountParser("gate", SYMBOLS | {"VAI_USDT": "gate:VAI-USDT"})
    kinds: Counter[str] = Counter()
    for payload in payloads():
        path, body = payload.get("path", ""), payload.get("body")
        raw = json.dumps(body).encode()
        if isinstance(body, dict) and "label" in body and "trading_pair" not in body:
            _, message = parse_problem(raw)
            kinds["problem"] += bool(message)
        elif isinstance(body, dict) and "finish_as" in body:
            update = account.parse_order(raw, UpdateSource.ACK, 1, 2)
            kinds[f"order {update.status}"] += 1
        elif "open_orders" in path and isinstance(body, list):
            kinds["open orders"] += account.parse_open_orders(raw, 1, 2)[1]
        elif "my_trades" in path and isinstance(body, list):
            kinds["trades"] += len(account.parse_trades(raw, "gate:BTC-USDT", 2))
        elif path.endswith(("spot/accounts", "spot_accounts.json")):
            kinds["balances"] += len(account.parse_balances(raw, 2))
        elif path.endswith(("spot/orders", "spot_orders.json")) and isinstance(body, list):
            kinds["orders"] += account.parse_orders(raw, UpdateSource.LOOKUP, 1, 2)[1]
    assert kinds == {
        "balances": 2,
        "orders": 3,
        "open orders": 1,
        "trades": 3,
        "order FILLED": 6,
        "order OPEN": 3,
        "order CANCELED": 3,
        "problem": 9,
    }
