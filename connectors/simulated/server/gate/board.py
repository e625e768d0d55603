"""What one market shows in public: the book's update ids, its changes, trades, candles and tickers, as channels.

Update ids grow by one with each changed level. Changes are joined for 100 ms and shared by everybody, so each update
begins where the one before it ended, whenever a listener came.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.simulated.listing import Levels, Listing
from connectors.simulated.server.gate.values import milliseconds, milliseconds_text, money, seconds
from connectors.simulated.server.hub import Hub
from connectors.simulated.server.tape import Bar, Tape, TapeTrade, bar_open
from connectors.simulated.server.values import DAY_US, FAST_US, MINUTE_US
from engine.model.enums import Side
from engine.model.instrument import Instrument
from engine.model.market import Level
from engine.model.money import ZERO

INTERVALS = {name: name for name in ("1m", "5m", "15m", "30m", "1h", "4h", "8h", "1d")} | {"7d": "1w"}
OBU_DEPTHS = ("50", "400")
SIDES = {Side.BUY: "buy", Side.SELL: "sell"}
Rows = dict[str, str]


def frame(channel: str, now_us: int, result: Any) -> dict[str, Any]:
    """An update of a channel."""
    return {
        "time": seconds(now_us),
        "time_ms": milliseconds(now_us),
        "channel": channel,
        "event": "update",
        "result": result,
    }


class Board:
    """`sequence` is the update id of the book as it is. Streams are named by channel and what is subscribed to.

    `prefix` begins the names of its channels. What spot markets tell otherwise than contracts is in methods.
    """

    prefix = "spot"

    def __init__(self, listing: Listing, hub: Hub) -> None:
        self.listing = listing
        self.name = wire_name(listing.instrument)
        self.tape = Tape()
        self.sequence = 0
        self._hub = hub
        self._first = 0  # of the changes that were not told yet, 0 for none
        self._bids: Rows = {}
        self._asks: Rows = {}
        self._touch: tuple[Level | None, Level | None] = (None, None)
        self._shown: dict[str, tuple[int, Rows, Rows]] = {}  # what listeners to the newer book channel know
        self._told_number = 0

    # --- questions

    def book(self, limit: int, now_us: int, *, with_id: bool) -> dict[str, Any]:
        """REST `order_book`."""
        body = {
            "current": milliseconds(now_us),
            "update": milliseconds(now_us),
            "asks": list(rows(self.listing.levels(Side.SELL, limit)).items()),
            "bids": list(rows(self.listing.levels(Side.BUY, limit)).items()),
        }
        return {"id": self.sequence} | body if with_id else body

    def ticker(self, now_us: int) -> dict[str, Any]:
        """The last day."""
        bid, ask = self.touch()
        day = self.tape.window(now_us - DAY_US + MINUTE_US, now_us + 1)
        last = self.tape.last_price
        change = (last / day.open - 1) * 100 if day else ZERO
        return {
            "currency_pair": self.name,
            "last": money(last),
            "lowest_ask": money(ask[0]) if ask else "",
            "highest_bid": money(bid[0]) if bid else "",
            "change_percentage": money(round(change, 2)),
            "base_volume": money(day.volume if day else ZERO),
            "quote_volume": money(day.quote if day else ZERO),
            "high_24h": money(day.high if day else ZERO),
            "low_24h": money(day.low if day else ZERO),
        }

    def touch(self) -> tuple[Level | None, Level | None]:
        """Best bid and ask."""
        bids, asks = self.listing.levels(Side.BUY, 1), self.listing.levels(Side.SELL, 1)
        return (bids[0] if bids else None), (asks[0] if asks else None)

    def full_book(self, depth: str, now_us: int) -> dict[str, Any]:
        """The first update of the newer book channel: everything."""
        sequence, bids, asks = self._shown[depth] = (self.sequence, *self._both(depth))
        body = {"t": milliseconds(now_us), "full": True, "s": f"ob.{self.name}.{depth}", "u": sequence}
        return frame(f"{self.prefix}.obu", now_us, body | {"b": list(bids.items()), "a": list(asks.items())})

    # --- how spot markets say it

    no_size: str | int = ""
    has_mark = False  # in its ticker, which then changes without trades too

    def size(self, quantity: Decimal) -> str | int:
        return money(quantity)

    def levels(self, rows: Rows) -> list[Any]:
        return list(rows.items())

    def trade_news(self, trade: TapeTrade) -> Any:
        return trade_row(trade, self.name) | {"id": trade.number, "create_time": seconds(trade.at_us)}

    def ticker_news(self, now_us: int) -> Any:
        return self.ticker(now_us)

    def candle_news(self, bar: Bar, interval: str, *, closed: bool) -> Any:
        return bar_row(bar) | {"n": f"{interval}_{self.name}", "w": closed}

    # --- telling

    def publish(self, now_us: int) -> None:
        """Take over what has happened at the exchange, and tell the channels that have no interval of their own."""
        listing = self.listing
        bids, asks = listing.changed_levels()
        if bids or asks:
            self._first = self._first or self.sequence + 1
            self.sequence += len(bids) + len(asks)
            self._bids |= rows(bids)
            self._asks |= rows(asks)
            self._tell_touch(now_us)
        if listing.prints:
            trades = [
                TapeTrade(p.number, p.number, listing.price(p.ticks), listing.quantity(p.lots), now_us, p.aggressor)
                for p in listing.prints
            ]
            listing.prints.clear()
            self.tape.add(trades)
            for trade in trades:
                self._emit("trades", now_us, self.trade_news(trade))

    def flush(self, now_us: int, interval_us: int) -> None:
        """Tell the channels of an interval: books, or tickers and candles."""
        if interval_us == FAST_US:
            self._flush_book(now_us)
        else:
            self._flush_slowly(now_us)

    def _flush_book(self, now_us: int) -> None:
        """Every 100 ms: the changes of the book."""
        if not self._first:
            return
        numbers = {"U": self._first, "u": self.sequence, "s": self.name, "t": milliseconds(now_us)}
        changes = {"b": self.levels(self._bids), "a": self.levels(self._asks)}
        body = {"e": "depthUpdate", "E": seconds(now_us)} | numbers | changes
        self._emit("order_book_update", now_us, body)
        self._first, self._bids, self._asks = 0, {}, {}
        for depth in OBU_DEPTHS:
            self._tell_shown(depth, now_us)

    def _flush_slowly(self, now_us: int) -> None:
        """Every second: tickers and candles."""
        number = self.tape.trades[-1].number if self.tape.trades else 0
        if number != self._told_number or self.has_mark:
            self._told_number = number
            self._emit("tickers", now_us, self.ticker_news(now_us))
        for interval, name in INTERVALS.items():
            stream = f"{self.prefix}.candlesticks {interval} {self.name}"
            if self._hub.wants(stream):
                current_us = bar_open(now_us, name)
                for bar in self.tape.bars(name, None, now_us, 2):
                    news = self.candle_news(bar, interval, closed=bar.open_us != current_us)
                    self._hub.emit(stream, frame(f"{self.prefix}.candlesticks", now_us, news))

    def _tell_touch(self, now_us: int) -> None:
        touch = self.touch()
        if touch == self._touch:
            return
        self._touch = touch
        (bid, bid_quantity), (ask, ask_quantity) = (
            (money(level[0]), self.size(level[1])) if level else ("", self.no_size) for level in touch
        )
        body = {"t": milliseconds(now_us), "u": self.sequence, "s": self.name}
        body |= {"b": bid, "B": bid_quantity, "a": ask, "A": ask_quantity}
        self._emit("book_ticker", now_us, body)

    def _tell_shown(self, depth: str, now_us: int) -> None:
        stream = f"{self.prefix}.obu ob.{self.name}.{depth}"
        if not self._hub.wants(stream):
            self._shown.pop(depth, None)
            return
        before, old_bids, old_asks = self._shown[depth]
        sequence, bids, asks = self._shown[depth] = (self.sequence, *self._both(depth))
        body = {"t": milliseconds(now_us), "s": f"ob.{self.name}.{depth}", "U": before + 1, "u": sequence}
        body |= {"b": _changed(old_bids, bids), "a": _changed(old_asks, asks)}
        self._hub.emit(stream, frame(f"{self.prefix}.obu", now_us, body))

    def _emit(self, channel: str, now_us: int, result: Any) -> None:
        name = f"{self.prefix}.{channel}"
        self._hub.emit(f"{name} {self.name}", frame(name, now_us, result))

    def _both(self, depth: str) -> tuple[Rows, Rows]:
        return rows(self.listing.levels(Side.BUY, int(depth))), rows(self.listing.levels(Side.SELL, int(depth)))


def wire_name(instrument: Instrument) -> str:
    """BTC_USDT, on spot and for the contract."""
    return f"{instrument.base}_{instrument.quote}"


def rows(levels: Levels) -> Rows:
    """Quantities by price."""
    return {money(price): money(quantity) for price, quantity in levels}


def trade_row(trade: TapeTrade, name: str) -> dict[str, Any]:
    """A public trade as REST tells it."""
    return {
        "id": str(trade.number),
        "create_time": str(seconds(trade.at_us)),
        "create_time_ms": milliseconds_text(trade.at_us),
        "currency_pair": name,
        "side": SIDES[trade.aggressor],
        "amount": money(trade.quantity),
        "price": money(trade.price),
        "range": f"{trade.number}-{trade.number}",
        "sequence_id": str(trade.number),
    }


def bar_row(bar: Bar) -> dict[str, Any]:
    """A candle as the stream tells it; `v` is in quote, `a` in base."""
    prices = {"o": money(bar.open), "h": money(bar.high), "l": money(bar.low), "c": money(bar.close)}
    return {"t": str(seconds(bar.open_us)), "v": money(bar.quote), "a": money(bar.volume)} | prices


def _changed(old: Rows, new: Rows) -> list[tuple[str, str]]:
    gone = [(price, "0") for price in old if price not in new]
    return gone + [(price, quantity) for price, quantity in new.items() if old.get(price) != quantity]
