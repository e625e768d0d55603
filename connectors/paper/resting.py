"""Our resting orders in somebody else's book: queue positions and fills. Plain Python that mypyc compiles as it is."""

from collections.abc import Callable
from math import floor, inf

from connectors.paper.ladder import Ladder
from connectors.paper.words import (
    ALLOW,
    BUY,
    FILLED,
    MAKER,
    NEVER_US,
    NO_ASK,
    NO_BID,
    NONE,
    PROBABILISTIC,
    RISK_AVERSE,
    SELL,
    THROUGH,
    Outcome,
)


class Order:
    """One of our orders at the venue. `lots` are left to fill, `front` are lots of others ahead of it."""

    __slots__ = ("deep", "expire_us", "filled", "flags", "front", "key", "lots", "side", "stop", "ticks", "traded")

    def __init__(self, key: int, side: int, ticks: int, lots: int, flags: int, stop: int, expire_us: int) -> None:
        self.key = key
        self.side = side
        self.ticks = ticks
        self.lots = lots
        self.filled = 0
        self.flags = flags
        self.stop = stop
        self.expire_us = expire_us
        self.front: float = 0.0
        self.traded = 0  # at our price since the level was reported last
        self.deep = False  # behind the best of a feed that shows the best only, and not reached yet


class Resting(Ladder):
    """What happens to our orders collects in `told`.

    Settings, changed before the first row: `behind` gives a probabilistic queue the chance (back, front) → that a
    decrease is behind us. `whole_queue` and `whole_through` fill an order completely where a trade reaches it in the
    queue, or a trade or an offer passes its price. `best_only`: the feed shows the best levels only; `deep_behind`:
    then an order deeper than those waits behind what is shown when the best gets there. `trades_only`: only trades
    fill. `gap_fills`: orders that the book after a gap has passed are filled. `amend_keeps_queue`: of smaller ones.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.queue = RISK_AVERSE
        self.behind: Callable[[float, float], float] | None = None
        self.whole_queue = False
        self.whole_through = False
        self.best_only = False
        self.deep_behind = True
        self.trades_only = False
        self.gap_fills = True
        self.self_trade = ALLOW
        self.amend_keeps_queue = True
        self.told: list[Outcome] = []
        self.orders: dict[int, Order] = {}
        self.last_trade = 0
        self.stale = ""
        self._bids: dict[int, list[Order]] = {}  # by price, in order of arrival
        self._asks: dict[int, list[Order]] = {}
        self._own_bid = NO_BID
        self._own_ask = NO_ASK
        self._taken_bids: dict[int, int] = {}  # what we took of levels that are still shown
        self._taken_asks: dict[int, int] = {}
        self._stops: dict[int, Order] = {}
        self._stop_up = NO_ASK  # the nearest triggers
        self._stop_down = NO_BID
        self._expiry_us = NEVER_US

    # ---- resting

    def _rest(self, order: Order) -> None:
        side, ticks = order.side, order.ticks
        self.orders[order.key] = order
        self._note_expiry(order)
        order.front = self._front(order)
        order.traded = 0
        own = self._bids if side == BUY else self._asks
        level = own.get(ticks)
        if level is not None:
            level.append(order)
            return
        own[ticks] = [order]
        self._watch(ticks, 1)
        if side == BUY:
            if ticks > self._own_bid:
                self._own_bid = ticks
        elif ticks < self._own_ask:
            self._own_ask = ticks

    def _front(self, order: Order) -> float:
        """Lots ahead of an order that joins its level now."""
        if self.queue == NONE:
            return 0.0
        if self.queue == THROUGH:
            return inf
        best = self.best_bid if order.side == BUY else self.best_ask
        order.deep = self.best_only and self.deep_behind and (best - order.ticks) * order.side > 0
        return inf if order.deep else float(self.lots_at(order.side, order.ticks))

    def _note_taken(self, side: int, ticks: int, lots: int) -> None:
        """We took from a level of `side`: the recording goes on showing it."""
        taken = self._taken_bids if side == BUY else self._taken_asks
        if ticks not in taken:
            taken[ticks] = 0
            self._watch(ticks, 1)
        taken[ticks] += lots

    def _note_expiry(self, order: Order) -> None:
        if order.expire_us:
            self._expiry_us = min(self._expiry_us, order.expire_us)

    # ---- what the market does to resting orders

    def _level(self, side: int, ticks: int, before: int, after: int, at_us: int) -> None:
        """The venue reports a level that we are at, or took from: `before` lots become `after`."""
        for order in (self._bids if side == BUY else self._asks).get(ticks, ()):
            if order.deep and after:
                order.deep = False
                order.front = float(after)
            elif not order.deep:
                self._shorten(order, before, after)
        taken = self._taken_bids if side == BUY else self._taken_asks
        known = taken.get(ticks)
        if known is None:
            return
        if not after:
            del taken[ticks]
            self._watch(ticks, -1)
        elif after < known:
            taken[ticks] = after
        elif after > before and self._is_reached(-side, ticks):
            self._offer(-side, ticks, after, at_us)

    def _is_reached(self, side: int, ticks: int) -> bool:
        """Whether our best order of `side` stands at `ticks` or better."""
        return self._own_bid >= ticks if side == BUY else self._own_ask <= ticks

    def _shorten(self, order: Order, before: int, after: int) -> None:
        """What a reported level says about the lots ahead of an order of ours there."""
        if self.queue == THROUGH:
            return
        behind = self.behind
        front = order.front
        if self.queue == PROBABILISTIC and behind is not None:
            gone = before - after - order.traded
            order.traded = 0
            if gone > 0:
                back = before - front
                chance = behind(back, front)
                front = front - (1.0 - chance) * gone + min(back - chance * gone, 0.0)
        order.front = min(front, float(after))

    def _trade(self, side: int, ticks: int, lots: int, at_us: int) -> None:
        """A trade against our `side`: what passes our price fills us, what stops at it eats the queue ahead first.

        Its lots are shared by our orders by price, then arrival; the whole-fill settings share nothing.
        """
        own = self._bids if side == BUY else self._asks
        left = lots
        for price in sorted(own, reverse=side == BUY):
            through = (price - ticks) * side
            if through < 0 or left <= 0:
                return
            for order in list(own[price]):
                if through:
                    quantity = order.lots if self.whole_through else min(order.lots, left)
                    left -= 0 if self.whole_through else quantity
                else:
                    quantity = self._reach(order, left)
                    left -= 0 if self.whole_queue else quantity
                if quantity:
                    self._fill(order, quantity, at_us)

    def _reach(self, order: Order, lots: int) -> int:
        """How much of a trade of `lots` at the price of an order is left for it behind the queue."""
        order.front -= lots
        order.traded += lots
        if order.front >= 0:
            return 0
        freed = floor(0.5 - order.front)
        if not freed:
            return 0
        order.front = 0.0
        return order.lots if self.whole_queue else min(order.lots, freed)

    def _offer(self, side: int, ticks: int, lots: int, at_us: int) -> None:
        """The other side shows `lots` at a price that our orders of `side` reach: they are filled at their own."""
        if self.trades_only:
            return
        own = self._bids if side == BUY else self._asks
        left = lots - (self._taken_asks if side == BUY else self._taken_bids).get(ticks, 0)
        for price in sorted(own, reverse=side == BUY):
            if (price - ticks) * side < 0:
                return
            for order in list(own[price]):
                quantity = order.lots if self.whole_through else min(order.lots, left)
                if quantity > 0:
                    if not self.whole_through:
                        left -= quantity
                        self._note_taken(-side, ticks, quantity)
                    self._fill(order, quantity, at_us)

    def _fill_passed(self, side: int, ticks: int, at_us: int) -> None:
        """Fill our orders that a price has passed while nobody looked, at their own prices."""
        own = self._bids if side == BUY else self._asks
        for price in sorted(own, reverse=side == BUY):
            if (price - ticks) * side > 0:
                for order in list(own[price]):
                    self._fill(order, order.lots, at_us)

    def _best_moves(self, side: int, old: int, new: int) -> None:
        """A feed of best levels leaves `old`: what we took there is void, and nobody is ahead beyond `new`."""
        taken = self._taken_bids if side == BUY else self._taken_asks
        if old in taken:
            del taken[old]
            self._watch(old, -1)
        for ticks, level in (self._bids if side == BUY else self._asks).items():
            if (ticks - new) * side > 0 and self.queue != THROUGH:
                for order in level:
                    order.front = 0.0
                    order.deep = False

    def _fill(self, order: Order, lots: int, at_us: int) -> None:
        order.lots -= lots
        order.filled += lots
        self.told.append((at_us, FILLED, order.key, order.ticks, lots, MAKER, ""))
        if not order.lots:
            self._remove(order)

    # ---- leaving

    def _end(self, order: Order, at_us: int, what: int, reason: str) -> None:
        self._remove(order)
        self.told.append((at_us, what, order.key, order.ticks, order.lots, MAKER, reason))

    def _remove(self, order: Order) -> None:
        del self.orders[order.key]
        if order.key in self._stops:
            del self._stops[order.key]
            self._gate_stops()
            return
        side, ticks = order.side, order.ticks
        own = self._bids if side == BUY else self._asks
        level = own[ticks]
        if len(level) > 1:
            level.remove(order)
            return
        del own[ticks]
        self._watch(ticks, -1)
        if side == BUY:
            if ticks == self._own_bid:
                self._own_bid = max(own) if own else NO_BID
        elif ticks == self._own_ask:
            self._own_ask = min(own) if own else NO_ASK

    def _gate_stops(self) -> None:
        self._stop_up = min([order.stop for order in self._stops.values() if order.side == BUY], default=NO_ASK)
        self._stop_down = max([order.stop for order in self._stops.values() if order.side == SELL], default=NO_BID)
