"""Commands that reach the venue: new orders, cancels, amends, stops. Plain Python that mypyc compiles as it is."""

from connectors.paper.resting import Order, Resting
from connectors.paper.words import (
    ALLOW,
    AMEND_REJECTED,
    AMENDED,
    BUY,
    CANCEL_NEW,
    CANCEL_REJECTED,
    CANCELLED,
    EXPIRED,
    FILLED,
    FOK,
    IOC,
    MAKER,
    MARKET,
    NEVER_US,
    OPENED,
    POST_ONLY,
    REJECTED,
    STOP,
    TAKER,
    TRIGGERED,
)


class Arrivals(Resting):
    """Every command is executed at the time given, which lies after all rows applied so far."""

    def submit(
        self, at_us: int, key: int, side: int, ticks: int, lots: int, flags: int, stop: int = 0, expire_us: int = 0
    ) -> None:
        """A new order. `stop` is the trigger of a STOP order, `expire_us` > 0 the end of a GTD one."""
        order = Order(key, side, ticks, lots, flags, stop, expire_us)
        if not flags & STOP:
            self._arrive(order, at_us, OPENED)
            return
        self.told.append((at_us, OPENED, key, ticks, lots, MAKER, ""))
        self.orders[key] = order
        self._stops[key] = order
        self._note_expiry(order)
        self._gate_stops()
        if self.last_trade and (self.last_trade >= self._stop_up or self.last_trade <= self._stop_down):
            self._fire(at_us)

    def cancel(self, at_us: int, key: int) -> None:
        """Take an order out, or tell that there is none."""
        order = self.orders.get(key)
        if order is None:
            self.told.append((at_us, CANCEL_REJECTED, key, 0, 0, MAKER, "unknown_order"))
            return
        self._end(order, at_us, CANCELLED, "")

    def amend(self, at_us: int, key: int, ticks: int, lots: int) -> None:
        """Change a resting order; `lots` is its new total. Everything but less at the same price goes to the back."""
        order = self.orders.get(key)
        reason = ""
        if order is None:
            reason = "unknown_order"
        elif lots <= order.filled:
            reason = "already_filled"
        elif order.flags & STOP:
            reason = "not_triggered"
        elif order.flags & POST_ONLY and self._reaches(order.side, ticks):
            reason = "would_take"
        if order is None or reason:
            self.told.append((at_us, AMEND_REJECTED, key, ticks, lots, MAKER, reason))
            return
        less = lots - order.filled <= order.lots and ticks == order.ticks and self.amend_keeps_queue
        if less:
            order.lots = lots - order.filled
            self.told.append((at_us, AMENDED, key, ticks, lots, MAKER, ""))
            return
        self._remove(order)
        order.ticks = ticks
        order.lots = lots - order.filled
        self._arrive(order, at_us, AMENDED)

    # ---- arrival

    def _reaches(self, side: int, ticks: int) -> bool:
        """Whether a limit meets the book's other side."""
        return ticks >= self.best_ask if side == BUY else ticks <= self.best_bid

    def _arrive(self, order: Order, at_us: int, what: int) -> None:
        """Take what the limit reaches; the rest of an order that may rest does."""
        side, ticks, flags = order.side, order.ticks, order.flags
        takes = flags & MARKET != 0 or self._reaches(side, ticks)
        reason = ""
        if takes and flags & POST_ONLY:
            reason = "would_take"
        elif takes and self.stale:
            reason = "market_data_gap"
        elif self.self_trade != ALLOW:
            reason = self._meet_own(order, at_us)
        if reason:
            rejected = REJECTED if what == OPENED else EXPIRED
            self.told.append((at_us, rejected, order.key, ticks, order.lots, MAKER, reason))
            return
        if what != TRIGGERED:
            self.told.append((at_us, what, order.key, ticks, order.lots + order.filled, MAKER, ""))
        if takes and not (flags & FOK and not self._covers(order)):
            self._take(order, at_us)
        if not order.lots:
            return
        if flags & (MARKET | IOC | FOK):
            reason = "no_liquidity" if flags & MARKET else "not_filled_at_once"
            self.told.append((at_us, EXPIRED, order.key, ticks, order.lots, MAKER, reason))
            return
        self._rest(order)

    def _meet_own(self, order: Order, at_us: int) -> str:
        """The self-trade rule: why the new order is rejected, or the old ones are cancelled."""
        side = order.side
        market = order.flags & MARKET != 0
        while self._asks if side == BUY else self._bids:
            best = self._own_ask if side == BUY else self._own_bid
            if not market and (order.ticks - best) * side < 0:
                break
            if self.self_trade == CANCEL_NEW:
                return "self_trade"
            old = (self._asks if side == BUY else self._bids)[best][0]
            self._end(old, at_us, CANCELLED, "self_trade")
        return ""

    def _covers(self, order: Order) -> bool:
        """Whether the levels up to the limit hold all of an order."""
        return sum([lots for _, lots in self._offered(order)]) >= order.lots

    def _offered(self, order: Order) -> list[tuple[int, int]]:
        """(ticks, lots) that an order can take now, best first."""
        side, limit = -order.side, order.ticks
        taken = self._taken_asks if order.side == BUY else self._taken_bids
        count, free = 16, 0
        while True:
            levels = self.depth(side, count)
            offered: list[tuple[int, int]] = []
            free = 0
            for ticks, lots in levels:
                if not order.flags & MARKET and (limit - ticks) * order.side < 0:
                    return offered
                lots -= taken.get(ticks, 0)
                if lots > 0:
                    offered.append((ticks, lots))
                    free += lots
                    if free >= order.lots:
                        return offered
            if len(levels) < count:
                return offered
            count *= 4

    def _take(self, order: Order, at_us: int) -> None:
        for ticks, lots in self._offered(order):
            quantity = min(order.lots, lots)
            self._note_taken(-order.side, ticks, quantity)
            order.lots -= quantity
            order.filled += quantity
            self.told.append((at_us, FILLED, order.key, ticks, quantity, TAKER, ""))

    # ---- stops and expiry

    def _fire(self, at_us: int) -> None:
        """Trigger the stops that the last trade has reached; they enter as what they are without their trigger."""
        last = self.last_trade
        for order in list(self._stops.values()):
            if last >= order.stop if order.side == BUY else last <= order.stop:
                self._remove(order)
                order.flags -= STOP
                self.told.append((at_us, TRIGGERED, order.key, order.ticks, order.lots, MAKER, ""))
                self._arrive(order, at_us, TRIGGERED)

    def _expire(self, at_us: int) -> None:
        """End the orders whose time has come."""
        for order in list(self.orders.values()):
            if 0 < order.expire_us <= at_us:
                self._end(order, at_us, EXPIRED, "good_till_date")
        later = [order.expire_us for order in self.orders.values() if order.expire_us]
        self._expiry_us = min(later, default=NEVER_US)
