"""What one symbol shows in public: the book's update ids, its changes, trades and candles, as streams.

Update ids grow by one with each changed level. The changes of one speed are joined once and shared by everybody, so
each event begins where the one before it ended, whenever a listener came.
"""

from __future__ import annotations

from typing import Any

from connectors.simulated.listing import Levels
from connectors.simulated.server.hub import Hub
from connectors.simulated.server.symbols import Symbol
from connectors.simulated.server.tape import INTERVALS, Bar, Tape, TapeTrade, bar_open
from connectors.simulated.server.values import DAY_US, FAST_US, MINUTE_US, SLOW_US, Moment, money
from engine.model.enums import Side
from engine.model.market import Level
from engine.model.money import ZERO

SPEEDS = {FAST_US: "@100ms", SLOW_US: ""}
PARTIAL_DEPTHS = (5, 10, 20)
NO_LEVEL: Level = (ZERO, ZERO)


class Changes:
    """Levels that changed since the last event of one speed."""

    def __init__(self) -> None:
        self.first = 0  # the first update id in it, 0 if nothing changed
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}

    def add(self, first: int, bids: Levels, asks: Levels) -> None:
        self.first = self.first or first
        self.bids.update((money(price), money(quantity)) for price, quantity in bids)
        self.asks.update((money(price), money(quantity)) for price, quantity in asks)


class Board:
    """`sequence` is the update id of the book as it is."""

    def __init__(self, symbol: Symbol, hub: Hub) -> None:
        self.symbol = symbol
        self.tape = Tape()
        self.sequence = 0
        self._hub = hub
        self._changes = {speed: Changes() for speed in SPEEDS}
        self._touch = (NO_LEVEL, NO_LEVEL)
        self._bar_opens: dict[str, int] = {}
        self._bars_us = 0  # when they were looked at last
        self._told_number = 0

    def depth(self, limit: int) -> dict[str, Any]:
        """The book as of `sequence`, best levels first."""
        listing = self.symbol.listing
        return {
            "lastUpdateId": self.sequence,
            "bids": _rows(listing.levels(Side.BUY, limit)),
            "asks": _rows(listing.levels(Side.SELL, limit)),
        }

    def touch(self) -> tuple[Level, Level]:
        """Best bid and ask; zeros where there is none."""
        listing = self.symbol.listing
        bids, asks = listing.levels(Side.BUY, 1), listing.levels(Side.SELL, 1)
        return bids[0] if bids else NO_LEVEL, asks[0] if asks else NO_LEVEL

    def ticker_row(self) -> dict[str, Any]:
        (bid, bid_quantity), (ask, ask_quantity) = self.touch()
        return {
            "symbol": self.symbol.name,
            "bidPrice": money(bid),
            "bidQty": money(bid_quantity),
            "askPrice": money(ask),
            "askQty": money(ask_quantity),
        }

    def publish(self, now_us: int) -> None:
        """Take over what has happened at the exchange, and tell the streams that have no interval of their own."""
        listing = self.symbol.listing
        bids, asks = listing.changed_levels()
        if bids or asks:
            for changes in self._changes.values():
                changes.add(self.sequence + 1, bids, asks)
            self.sequence += len(bids) + len(asks)
            self._tell_touch()
        if listing.prints:
            trades = [
                TapeTrade(
                    each.number,
                    each.number,
                    listing.price(each.ticks),
                    listing.quantity(each.lots),
                    now_us,
                    each.aggressor,
                )
                for each in listing.prints
            ]
            listing.prints.clear()
            self._tell_trades(trades, self.tape.add(trades))

    def flush(self, now_us: int, speed_us: int) -> None:
        """Tell the streams of this speed."""
        name, suffix = self.symbol.stream, SPEEDS[speed_us]
        changes = self._changes[speed_us]
        if changes.first:
            self._changes[speed_us] = Changes()
            self._hub.emit(f"{name}@depth{suffix}", self._diff(changes, now_us))
        for levels in PARTIAL_DEPTHS:
            if self._hub.wants(f"{name}@depth{levels}{suffix}"):
                self._hub.emit(f"{name}@depth{levels}{suffix}", self.depth(levels))
        self._flush_bars(now_us, speed_us)
        if speed_us == SLOW_US:
            self._flush_tickers(now_us)

    def mini_ticker(self, now_us: int) -> dict[str, Any] | None:
        """The last day in short; None before the first trade."""
        bar = self.day(now_us)
        if bar is None:
            return None
        return {"e": "24hrMiniTicker", "E": Moment(now_us), "s": self.symbol.name} | _prices(bar)

    def day(self, now_us: int) -> Bar | None:
        """The last 24 hours, in whole minutes."""
        return self.tape.window(now_us - DAY_US + MINUTE_US, now_us + 1)

    # --- the parts

    def _diff(self, changes: Changes, now_us: int) -> dict[str, Any]:
        return {
            "e": "depthUpdate",
            "E": Moment(now_us),
            "s": self.symbol.name,
            "U": changes.first,
            "u": self.sequence,
            "b": list(changes.bids.items()),
            "a": list(changes.asks.items()),
        }

    def _tell_touch(self) -> None:
        touch = self.touch()
        if touch == self._touch:
            return
        self._touch = touch
        self._hub.emit(f"{self.symbol.stream}@bookTicker", self._touch_event())

    def _touch_event(self) -> dict[str, Any]:
        row = self.ticker_row()
        return {
            "u": self.sequence,
            "s": row["symbol"],
            "b": row["bidPrice"],
            "B": row["bidQty"],
            "a": row["askPrice"],
            "A": row["askQty"],
        }

    def _tell_trades(self, trades: list[TapeTrade], joined: list[TapeTrade]) -> None:
        for trade in trades:
            numbers = {"t": trade.number}
            self._hub.emit(f"{self.symbol.stream}@trade", self._trade("trade", numbers, trade))
        for trade in joined:
            numbers = {"a": trade.first_number, "f": trade.first_number, "l": trade.number}
            self._hub.emit(f"{self.symbol.stream}@aggTrade", self._trade("aggTrade", numbers, trade))

    def _trade(self, kind: str, numbers: dict[str, int], trade: TapeTrade) -> dict[str, Any]:
        return {
            "e": kind,
            "E": Moment(trade.at_us),
            "s": self.symbol.name,
            **numbers,
            "p": money(trade.price),
            "q": money(trade.quantity),
            "T": Moment(trade.at_us),
            "m": trade.aggressor is Side.SELL,
            "M": True,
        }

    def _flush_bars(self, now_us: int, speed_us: int) -> None:
        """Candles: each second or two, and at once when one has closed."""
        for interval in INTERVALS:
            stream = f"{self.symbol.stream}@kline_{interval}"
            if not self._hub.wants(stream):
                self._bar_opens.pop(interval, None)
                continue
            open_us = bar_open(now_us, interval)
            told_us = self._bar_opens.setdefault(interval, bar_open(self._bars_us or now_us, interval))
            if told_us != open_us:
                self._bar_opens[interval] = open_us
                self._tell_bar(stream, interval, open_us - 1, now_us, closed=True)
            elif speed_us == SLOW_US and (interval == "1s" or now_us // SLOW_US % 2 == 0):
                self._tell_bar(stream, interval, now_us, now_us, closed=False)
        self._bars_us = now_us

    def _tell_bar(self, stream: str, interval: str, at_us: int, now_us: int, *, closed: bool) -> None:
        for bar in self.tape.bars(interval, None, at_us, 1):
            kline = {
                "t": Moment(bar.open_us),
                "T": Moment(bar.close_us - 1),
                "s": self.symbol.name,
                "i": interval,
                "f": bar.first_number,
                "L": bar.last_number,
                **_prices(bar),
                "n": bar.count,
                "x": closed,
                "V": money(bar.taker_volume),
                "Q": money(bar.taker_quote),
                "B": "0",
            }
            self._hub.emit(stream, {"e": "kline", "E": Moment(now_us), "s": self.symbol.name, "k": kline})

    def _flush_tickers(self, now_us: int) -> None:
        """Tickers whose last trade has not been told yet."""
        number = self.tape.trades[-1].number if self.tape.trades else 0
        mini = self.mini_ticker(now_us) if number != self._told_number else None
        if mini is not None:
            self._told_number = number
            self._hub.emit(f"{self.symbol.stream}@miniTicker", mini)
            self._hub.emit("!miniTicker@arr", [mini])


def _prices(bar: Bar) -> dict[str, str]:
    return {
        "o": money(bar.open),
        "c": money(bar.close),
        "h": money(bar.high),
        "l": money(bar.low),
        "v": money(bar.volume),
        "q": money(bar.quote),
    }


def _rows(levels: Levels) -> list[tuple[str, str]]:
    return [(money(price), money(quantity)) for price, quantity in levels]
