"""Stop orders waiting for the last trade: BUY fires at or above its stop price, SELL at or below.

A trailing stop follows the best price since its activation (its stop price, or the first trade without one): SELL fires
at or below highest·(1 − d), BUY at or above lowest·(1 + d).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

from connectors.simulated.book_order import MILLION, BookOrder, Place
from engine.model.enums import Side


def trailing_stop(order: BookOrder) -> int:
    """The trigger price that belongs to the best price seen so far (ticks)."""
    if order.side is Side.SELL:
        return order.extreme * (MILLION - order.trailing) // MILLION
    return -(-order.extreme * (MILLION + order.trailing) // MILLION)


def stop_reached(order: BookOrder, last_ticks: int) -> bool:
    """Whether a trade at `last_ticks` is at or beyond the stop price."""
    return last_ticks >= order.stop_ticks if order.side is Side.BUY else last_ticks <= order.stop_ticks


class Triggers:
    """Plain stops are gated by the nearest one in each direction; trailing stops look at every trade."""

    __slots__ = ("_falling", "_rising", "_trailing", "fired")

    def __init__(self) -> None:
        self._rising: list[tuple[int, int, BookOrder]] = []
        self._falling: list[tuple[int, int, BookOrder]] = []
        self._trailing: dict[int, BookOrder] = {}
        self.fired: deque[BookOrder] = deque()

    def add(self, order: BookOrder) -> None:
        order.place = Place.WAITING
        if order.trailing:
            self._trailing[order.key] = order
        elif order.side is Side.BUY:
            insort(self._rising, (order.stop_ticks, order.key, order))
        else:
            insort(self._falling, (-order.stop_ticks, order.key, order))

    def remove(self, order: BookOrder) -> None:
        if order.trailing:
            del self._trailing[order.key]
            return
        stops, stop = (self._rising, order.stop_ticks) if order.side is Side.BUY else (self._falling, -order.stop_ticks)
        del stops[bisect_left(stops, (stop, order.key))]

    def on_trade(self, ticks: int) -> None:
        """Move everything that a trade at this price fires to `fired`, oldest order first."""
        rising, falling = self._rising, self._falling
        if not (self._trailing or (rising and rising[0][0] <= ticks) or (falling and falling[0][0] <= -ticks)):
            return
        hit: list[BookOrder] = []
        for stops, last in ((rising, ticks), (falling, -ticks)):
            while stops and stops[0][0] <= last:
                hit.append(stops.pop(0)[2])
        if self._trailing:
            hit += [order for order in self._trailing.values() if self._trail(order, ticks)]
        if not hit:
            return
        hit.sort(key=lambda order: order.key)
        for order in hit:
            order.place = Place.FIRED
            self._trailing.pop(order.key, None)
        self.fired.extend(hit)

    @staticmethod
    def _trail(order: BookOrder, ticks: int) -> bool:
        """Follow one trade; whether it fires."""
        if not order.extreme:
            if not order.stop_ticks or stop_reached(order, ticks):
                order.extreme = ticks
            return False
        if order.side is Side.SELL:
            order.extreme = max(order.extreme, ticks)
            return ticks <= trailing_stop(order)
        order.extreme = min(order.extreme, ticks)
        return ticks >= trailing_stop(order)
