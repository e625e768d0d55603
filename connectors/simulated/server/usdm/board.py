"""What one perpetual shows in public. Beside the book of Board: events that name the one before, marks, liquidations.

What the exchange joins over 250 and 500 ms is told every 100 ms here; a mark price every second or third second.
"""

from __future__ import annotations

from typing import Any

from connectors.simulated.server.board import PARTIAL_DEPTHS, Board, Changes
from connectors.simulated.server.hub import Hub
from connectors.simulated.server.tape import TapeTrade
from connectors.simulated.server.usdm.future import Future
from connectors.simulated.server.values import FAST_US, SECOND_US, Moment, money
from connectors.simulated.venue_order import VenueOrder
from engine.model.money import ZERO
from engine.perp.funding import HOURS_8_US, INTEREST

SPEEDS = ("", "@100ms", "@500ms")
SLOW_MARK_US = 3 * SECOND_US


class FutureBoard(Board):
    """`now_us` of the last publication stamps what is asked for in between."""

    def __init__(self, future: Future, hub: Hub) -> None:
        super().__init__(future, hub)
        self.future = future
        self.now_us = 0
        self._told = 0  # the last update id that the streams know

    def publish(self, now_us: int) -> None:
        self.now_us = now_us
        super().publish(now_us)

    def flush(self, now_us: int, speed_us: int) -> None:
        if speed_us == FAST_US:
            self._flush_depth(now_us)
        else:
            self._flush_marks(now_us)
            self._flush_tickers(now_us)
            self._changes[speed_us] = Changes()
        self._flush_bars(now_us, speed_us)

    def depth(self, limit: int) -> dict[str, Any]:
        stamps = {"E": Moment(self.now_us), "T": Moment(self.now_us)}
        return super().depth(limit) | stamps

    def ticker_row(self) -> dict[str, Any]:
        return super().ticker_row() | {"lastUpdateId": self.sequence, "time": Moment(self.now_us)}

    def premium_row(self) -> dict[str, Any]:
        """Mark, index and the rate that the next payment would have."""
        marks = self.future.contract.marks
        mark, index = marks.mark or ZERO, marks.index or ZERO
        return {
            "symbol": self.symbol.name,
            "markPrice": money(mark),
            "indexPrice": money(index),
            "estimatedSettlePrice": money(index),
            "lastFundingRate": money(marks.rate),
            "interestRate": money(INTEREST * marks.interval_us / HOURS_8_US),
            "nextFundingTime": Moment(marks.next_us),
            "time": Moment(self.now_us),
        }

    def tell_liquidation(self, order: VenueOrder) -> None:
        """To everybody: the exchange has closed somebody's position."""
        state, request = order.state, order.request
        row = {
            "s": self.symbol.name,
            "S": request.side.value,
            "o": "LIMIT",
            "f": "IOC",
            "q": money(state.quantity),
            "p": money(state.price or ZERO),
            "ap": money(state.cost / state.filled),
            "X": "FILLED",
            "l": money(state.filled),
            "z": money(state.filled),
            "T": Moment(state.at_us),
        }
        event = {"e": "forceOrder", "E": Moment(self.now_us), "o": row}
        for stream in (f"{self.symbol.stream}@forceOrder", "!forceOrder@arr"):
            self._hub.emit(stream, event)

    # --- the parts

    def _flush_depth(self, now_us: int) -> None:
        name, changes = self.symbol.stream, self._changes[FAST_US]
        if changes.first:
            self._changes[FAST_US] = Changes()
            event = self._diff(changes, now_us)
            for suffix in SPEEDS:
                self._hub.emit(f"{name}@depth{suffix}", event)
                for levels in PARTIAL_DEPTHS:
                    if self._hub.wants(f"{name}@depth{levels}{suffix}"):
                        rows = super().depth(levels)
                        self._hub.emit(f"{name}@depth{levels}{suffix}", event | {"b": rows["bids"], "a": rows["asks"]})
            self._told = self.sequence

    def _flush_marks(self, now_us: int) -> None:
        row = self.premium_row()
        event = {
            "e": "markPriceUpdate",
            "E": Moment(now_us),
            "s": row["symbol"],
            "p": row["markPrice"],
            "i": row["indexPrice"],
            "P": row["estimatedSettlePrice"],
            "r": row["lastFundingRate"],
            "T": row["nextFundingTime"],
        }
        slow = now_us // SECOND_US * SECOND_US % SLOW_MARK_US == 0
        for suffix in ("@1s", "") if slow else ("@1s",):
            self._hub.emit(f"{self.symbol.stream}@markPrice{suffix}", event)
            self._hub.emit(f"!markPrice@arr{suffix}", [event])

    def _diff(self, changes: Changes, now_us: int) -> dict[str, Any]:
        return super()._diff(changes, now_us) | {"T": Moment(now_us), "pu": self._told}

    def _touch_event(self) -> dict[str, Any]:
        now = Moment(self.now_us)
        return {"e": "bookTicker", "E": now, "T": now} | super()._touch_event()

    def _trade(self, kind: str, numbers: dict[str, int], trade: TapeTrade) -> dict[str, Any]:
        row = super()._trade(kind, numbers, trade)
        del row["M"]
        return row | {"X": "MARKET"} if kind == "trade" else row
