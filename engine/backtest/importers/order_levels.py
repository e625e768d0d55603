"""From single orders (L3) to levels: who rests where, who lost what, and no order that crosses the book.

Feeds of orders show an order before it trades. One that crosses the levels is held back until it has traded, or until
nothing stands against it, so that the levels are never crossed.
"""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sortedcontainers import SortedDict  # type: ignore[import-untyped]

from engine.model.market import Level
from engine.model.money import ZERO

BIDS, ASKS = 0, 1
LOSSES_KEPT = 32  # among which the two orders of a trade are looked for


class Order(NamedTuple):
    """`side` is BIDS or ASKS, `amount` what is left."""

    side: int
    price: Decimal
    amount: Decimal


class Loss(NamedTuple):
    """What an order lost by trading, in base units. Ids grow with time."""

    order_id: int
    side: int
    amount: Decimal
    at_us: int


class OrderLevels:
    """The levels of one market. Both sides are empty until orders rest there or `show` tells levels."""

    def __init__(self) -> None:
        self._orders: dict[int, Order] = {}
        self._held: dict[int, Order] = {}
        self._levels = (SortedDict(), SortedDict())
        self._changed: tuple[dict[Decimal, None], dict[Decimal, None]] = ({}, {})
        self._losses: deque[Loss] = deque(maxlen=LOSSES_KEPT)

    def create(self, order_id: int, order: Order) -> None:
        """A new order."""
        if self._crosses(order):
            self._held[order_id] = order
        else:
            self._rest(order_id, order)

    def change(self, order_id: int, order: Order, at_us: int) -> None:
        """An order has a new amount, and perhaps a new price. It traded if it is less than before."""
        before = self._take_out(order_id)
        if before is not None and order.amount < before.amount:
            self._losses.append(Loss(order_id, order.side, before.amount - order.amount, at_us))
        self.create(order_id, order)

    def delete(self, order_id: int, order: Order, at_us: int) -> None:
        """An order has gone with what was left of it, nothing if it traded; also one that was not known."""
        before = self._take_out(order_id)
        if before is None:
            self._add(order, -order.amount)
        elif not order.amount:
            self._losses.append(Loss(order_id, before.side, before.amount, at_us))

    def show(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Levels as the venue tells them, best first: up to the last one they are all there are."""
        for side, shown in ((BIDS, bids), (ASKS, asks)):
            levels, told = self._levels[side], dict(shown)
            if shown:
                worst = shown[-1][0]
                inside = levels.irange(worst, None) if side == BIDS else levels.irange(None, worst)
                for price in [price for price in inside if price not in told]:
                    self._set(side, price, ZERO)
            for price, amount in shown:
                self._set(side, price, amount)
        for order_id in self._free():  # what the venue shows has them in it
            self._orders[order_id] = self._held.pop(order_id)

    def let_go(self) -> None:
        """Orders that were held back and cross nothing any more come to rest, one after the other."""
        while free := self._free():
            self._rest(free[0], self._held.pop(free[0]))

    def all(self, side: int) -> tuple[Level, ...]:
        """All of a side, best first."""
        found = tuple(self._levels[side].items())
        return found[::-1] if side == BIDS else found

    def changes(self, side: int) -> tuple[Level, ...]:
        """The levels of a side that were touched since this was asked last, as they are now."""
        levels, changed = self._levels[side], self._changed[side]
        found = tuple((price, levels.get(price, ZERO)) for price in changed)
        changed.clear()
        return found

    def taker(self, amount: Decimal) -> tuple[int, int] | None:
        """(side of the order that took, time of the first loss) of a trade; None when no order lost this amount."""
        found = [loss for loss in self._losses if loss.amount == amount]
        for loss in found:
            self._losses.remove(loss)
        return (max(found).side, min(loss.at_us for loss in found)) if found else None

    def nearer(self, price: Decimal) -> int:
        """BIDS for whoever bought at a price nearer to the best ask, else ASKS."""
        bids, asks = self._levels
        if not bids or not asks:
            return BIDS if asks else ASKS
        return BIDS if 2 * price >= bids.peekitem(-1)[0] + asks.peekitem(0)[0] else ASKS

    # ---- within

    def _crosses(self, order: Order) -> bool:
        against = self._levels[1 - order.side]
        if not against:
            return False
        if order.side == BIDS:
            return bool(order.price >= against.peekitem(0)[0])
        return bool(order.price <= against.peekitem(-1)[0])

    def _free(self) -> list[int]:
        return [order_id for order_id, order in self._held.items() if not self._crosses(order)]

    def _rest(self, order_id: int, order: Order) -> None:
        self._orders[order_id] = order
        self._add(order, order.amount)

    def _take_out(self, order_id: int) -> Order | None:
        held = self._held.pop(order_id, None)
        if held is not None:
            return held
        order = self._orders.pop(order_id, None)
        if order is not None:
            self._add(order, -order.amount)
        return order

    def _add(self, order: Order, amount: Decimal) -> None:
        """Never below zero: orders that are not known may have gone before."""
        self._set(order.side, order.price, max(ZERO, self._levels[order.side].get(order.price, ZERO) + amount))

    def _set(self, side: int, price: Decimal, amount: Decimal) -> None:
        levels = self._levels[side]
        if levels.get(price, ZERO) == amount:
            return
        self._changed[side][price] = None
        if amount:
            levels[price] = amount
        else:
            del levels[price]
