"""Price-time priority matching for one instrument, on integer ticks and lots.

Order of events within one operation: the arriving order is accepted, takes what it crosses (best price first, oldest
first), and what is left rests or expires. Then the stops that its trades fired enter one after the other, oldest first,
each an arrival of its own. Last, reduce-only orders with nothing left to reduce expire. `drain` tells what happened.

Every order of one `list_id` of an account is cancelled as soon as another of the list trades, triggers or ends (OCO).
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from connectors.simulated.book_order import OUTSIDE, BookOrder, Outcome, Place, SelfTrade, What
from connectors.simulated.book_side import BookSide
from connectors.simulated.depth_walk import reachable, signed_limit
from connectors.simulated.triggers import Triggers, stop_reached
from engine.model.enums import OrderType, Side, TimeInForce

BUY, SELL = Side.BUY, Side.SELL
NEW, WAITING, RESTING, DONE = Place.NEW, Place.WAITING, Place.RESTING, Place.DONE
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK
ACCEPTED, FILLED, AMENDED = What.ACCEPTED, What.FILLED, What.AMENDED
CANCELED, EXPIRED = What.CANCELED, What.EXPIRED
NONE = SelfTrade.NONE


def always_admit(order: BookOrder) -> str:
    return ""


class MatchingEngine:
    """`next_key` numbers the orders (it must grow); `admit` may refuse a triggered order with a reason.

    `positions` holds each account's signed position in lots; fills keep it current, reduce-only orders live by it.
    `expiries` is the heap of (time, key) at which GTD orders may expire, `outcomes` what nobody has drained yet.
    """

    def __init__(
        self, next_key: Callable[[], int] | None = None, admit: Callable[[BookOrder], str] = always_admit
    ) -> None:
        self.bids = BookSide(1)
        self.asks = BookSide(-1)
        self.live: dict[int, BookOrder] = {}
        self.triggers = Triggers()
        self.positions: dict[int, int] = {}
        self.last_ticks = 0
        self.now_us = 0
        self.halted = False
        self._next_key = next_key or count(1).__next__
        self._admit = admit
        self.outcomes: list[Outcome] = []
        self.expiries: list[tuple[int, int]] = []
        self._lists: dict[tuple[int, str], dict[int, BookOrder] | None] = {}  # None: its one trade has been decided
        self._reducing: dict[int, BookOrder] = {}

    # --- questions

    def best(self, side: Side) -> int:
        """Best price in ticks, 0 if the side is empty."""
        return (self.bids if side is BUY else self.asks).best

    def lots_at(self, side: Side, ticks: int) -> int:
        """Visible lots at a price."""
        return (self.bids if side is BUY else self.asks).lots_at(ticks)

    def depth(self, side: Side, levels: int) -> list[tuple[int, int]]:
        """(ticks, visible lots) of the best levels, best first."""
        return (self.bids if side is BUY else self.asks).depth(levels)

    def drain(self) -> list[Outcome]:
        """What happened since the last call, in order."""
        outcomes, self.outcomes = self.outcomes, []
        return outcomes

    def reachable(self, order: BookOrder) -> tuple[int, int]:
        """(lots an arriving order is sure to get, Σ ticks·lots that it pays at the most): see `depth_walk`."""
        return reachable(self.asks if order.side is BUY else self.bids, order)

    # --- operations

    def advance(self, now_us: int) -> None:
        """Move the venue's time; GTD orders whose time has come expire."""
        self.now_us = now_us
        while self.expiries and self.expiries[0][0] <= now_us:
            order = self.live.get(heappop(self.expiries)[1])
            if order is not None:
                self._end(order, EXPIRED, "gtd")

    def submit(self, order: BookOrder) -> BookOrder:
        """Let an order arrive; it gets a key if it has none. On return all that follows from it has happened."""
        order.key = order.key or self._next_key()
        order.leaves = order.lots
        reason = self._refusal(order)
        if reason:
            order.place = DONE
            self._tell(What.REJECTED, order, reason)
            return order
        self.live[order.key] = order
        self._tell(ACCEPTED, order)
        self._register(order)
        if order.is_stop:
            self.triggers.add(order)
            return order
        self._enter(order)
        self._finish()
        return order

    def cancel(self, key: int, reason: str = "") -> bool:
        """Cancel a live order; False if there is none of this key."""
        order = self.live.get(key)
        if order is None:
            return False
        self._end(order, CANCELED, reason)
        return True

    def amend(self, key: int, ticks: int, lots: int) -> str:
        """Change price and total of a live order. Returns "" or why nothing was changed.

        Less at the same price keeps its place in the queue (hidden quantity goes first), all else is a new arrival.
        A total that is already filled ends the order.
        """
        order = self.live.get(key)
        if order is None:
            return "unknown_order"
        if self.halted:
            return "halted"
        filled = order.lots - order.leaves
        if lots <= filled:
            self._end(order, EXPIRED, "amended_below_filled")
            return ""
        in_place = order.place is not RESTING or (ticks == order.ticks and lots <= order.lots)
        if not in_place and order.post_only and self._crosses(order.side, ticks):
            return "would_take"
        if order.place is not RESTING:
            order.ticks = 0 if order.is_market else ticks
            order.lots, order.leaves = lots, lots - filled
        elif in_place:
            self._cut(order, lots - filled)
            order.lots = lots
        else:
            (self.bids if order.side is BUY else self.asks).remove(order)
            order.ticks, order.lots, order.leaves, order.place = ticks, lots, lots - filled, NEW
        if order.account:
            self.outcomes.append(Outcome(AMENDED, order, order.ticks, lots))
        if not in_place:
            self._enter(order)
            self._finish()
        return ""

    def execute(self, key: int, lots: int) -> int:
        """Trade a resting order at its own price against OUTSIDE, whatever the queue. Returns the lots traded."""
        maker = self.live.get(key)
        if maker is None or maker.place is not RESTING:
            return 0
        taker = BookOrder(maker.side.opposite, maker.ticks, min(lots, maker.leaves), leaves=min(lots, maker.leaves))
        while taker.leaves and maker.place is RESTING and self._allowed(maker, taker):
            self._trade(taker, maker)
        self._finish()
        return taker.lots - taker.leaves

    def print_trade(self, ticks: int, lots: int, aggressor: Side) -> None:
        """Take note of a trade that happened outside this book: it moves the last price and fires stops."""
        self.outcomes.append(Outcome(FILLED, BookOrder(aggressor, ticks, lots), ticks, lots))
        self.last_ticks = ticks
        self.triggers.on_trade(ticks)
        self._finish()

    # --- OUTSIDE's shorthands

    def add(self, side: Side, ticks: int, lots: int) -> BookOrder:
        """A GTC limit order of OUTSIDE."""
        return self.submit(BookOrder(side, ticks, lots))

    def take(self, side: Side, lots: int, limit_ticks: int = 0) -> int:
        """An IOC order of OUTSIDE, without a limit if `limit_ticks` is 0. Returns the lots that traded."""
        kind = OrderType.LIMIT if limit_ticks else OrderType.MARKET
        order = self.submit(BookOrder(side, limit_ticks, lots, order_type=kind, time_in_force=IOC))
        return order.lots - order.leaves

    def set_level(self, side: Side, ticks: int, lots: int) -> None:
        """Make OUTSIDE's total at a price `lots`: more joins the queue's end, less leaves from there. Never matches."""
        book = self.bids if side is BUY else self.asks
        level = book.levels.get(ticks * book.sign)
        outside: list[BookOrder] = []
        missing = lots
        if level is not None:
            for order in level.queue.values():
                if order.account == OUTSIDE:
                    outside.append(order)
                    missing -= order.leaves
        if missing > 0:
            order = BookOrder(side, ticks, missing, leaves=missing, key=self._next_key())
            self.live[order.key] = order
            book.append(order)
        while missing < 0:
            order = outside.pop()
            cut = min(order.leaves, -missing)
            missing += cut
            if cut == order.leaves:
                book.remove(order)
                order.place = DONE
                del self.live[order.key]
            else:
                self._cut(order, order.leaves - cut)
                order.lots -= cut

    # --- the parts of an operation

    def _tell(self, what: What, order: BookOrder, reason: str = "") -> None:
        if order.account:
            self.outcomes.append(Outcome(what, order, reason=reason))

    def _crosses(self, side: Side, ticks: int) -> bool:
        best = self.asks.best if side is BUY else self.bids.best
        return best > 0 and (best <= ticks if side is BUY else best >= ticks)

    def _refusal(self, order: BookOrder) -> str:
        """Why an arriving order is not accepted, or ""."""
        if self.halted:
            return "halted"
        if order.post_only and not order.is_stop and self._crosses(order.side, order.ticks):
            return "would_take"
        if order.expire_us and order.expire_us <= self.now_us:
            return "expired"
        if order.reduce_only and self._reducible(order) <= 0:
            return "nothing_to_reduce"
        if order.list_id and self._lists.get((order.account, order.list_id), order) is None:
            return "list_done"
        if order.stop_ticks and self.last_ticks and stop_reached(order, self.last_ticks):
            return "would_trigger"
        return ""

    def _register(self, order: BookOrder) -> None:
        if order.expire_us:
            heappush(self.expiries, (order.expire_us, order.key))
        if order.reduce_only:
            self._reducing[order.key] = order
        if order.list_id:
            legs = self._lists.setdefault((order.account, order.list_id), {})
            assert legs is not None
            legs[order.key] = order

    def _enter(self, order: BookOrder) -> None:
        """Take, then rest or expire."""
        force = order.time_in_force
        if force is FOK and not self._fillable(order):
            self._end(order, EXPIRED, "fok")
            return
        self._take(order)
        if order.place is DONE:
            return
        if not order.leaves:
            order.place = DONE
            self._forget(order)
        elif order.is_market:
            self._end(order, EXPIRED, "no_liquidity")
        elif force is IOC:
            self._end(order, EXPIRED, "ioc")
        else:
            (self.bids if order.side is BUY else self.asks).append(order)

    def _fillable(self, order: BookOrder) -> bool:
        """Whether the whole order is sure to trade at once."""
        if order.reduce_only and self._reducible(order) < order.leaves:
            return False
        return self.reachable(order)[0] == order.leaves

    def _take(self, taker: BookOrder) -> None:
        side = self.asks if taker.side is BUY else self.bids
        limit = signed_limit(taker, side.sign)
        prices, levels = side.prices, side.levels
        guarded = taker.self_trade is not NONE
        while taker.leaves and prices and prices[-1] >= limit:
            maker = next(iter(levels[prices[-1]].queue.values()))
            if guarded and maker.account == taker.account:
                self._prevent(taker, maker)
            elif not (maker.reduce_only or taker.reduce_only) or self._allowed(maker, taker):
                self._trade(taker, maker)
            if taker.place is DONE:
                return

    def _prevent(self, taker: BookOrder, maker: BookOrder) -> None:
        if taker.self_trade is not SelfTrade.CANCEL_NEW:
            self._end(maker, EXPIRED, "self_trade")
        if taker.self_trade is not SelfTrade.CANCEL_OLD:
            self._end(taker, EXPIRED, "self_trade")

    def _allowed(self, maker: BookOrder, taker: BookOrder) -> bool:
        """End a reduce-only party that has nothing left to reduce; whether both are still there to trade."""
        for order in (maker, taker):
            if order.reduce_only and self._reducible(order) <= 0:
                self._end(order, EXPIRED, "nothing_to_reduce")
                return False
        return True

    def _reducible(self, order: BookOrder) -> int:
        """Lots by which the order's side can still shrink its account's position."""
        position = self.positions.get(order.account, 0)
        return -position if order.side is BUY else position

    def _trade(self, taker: BookOrder, maker: BookOrder) -> None:
        lots, ticks = min(taker.leaves, maker.visible), maker.ticks
        if maker.reduce_only:
            lots = min(lots, self._reducible(maker))
        if taker.reduce_only:
            lots = min(lots, self._reducible(taker))
        taker.leaves -= lots
        (self.asks if taker.side is BUY else self.bids).reduce(maker, lots)
        self.outcomes.append(Outcome(FILLED, taker, ticks, lots, maker))
        signed = lots if taker.side is BUY else -lots
        if taker.account:
            self.positions[taker.account] = self.positions.get(taker.account, 0) + signed
        if maker.account:
            self.positions[maker.account] = self.positions.get(maker.account, 0) - signed
        self.last_ticks = ticks
        self.triggers.on_trade(ticks)
        if not maker.leaves:
            maker.place = DONE
            self._forget(maker)
        if maker.list_id:
            self._decide_list(maker)
        if taker.list_id:
            self._decide_list(taker)

    def _cut(self, order: BookOrder, leaves: int) -> None:
        """Lower what is left of a resting order without moving it; hidden quantity goes first."""
        side = self.bids if order.side is BUY else self.asks
        surplus = max(0, order.visible - leaves)
        order.leaves = leaves + surplus
        if surplus:
            side.reduce(order, surplus)

    def _end(self, order: BookOrder, what: What, reason: str) -> None:
        """End a live order wherever it is."""
        if order.place is RESTING:
            (self.bids if order.side is BUY else self.asks).remove(order)
        elif order.place is WAITING:
            self.triggers.remove(order)
        order.place = DONE
        self._forget(order)
        self._tell(what, order, reason)
        if order.list_id:
            self._decide_list(order)

    def _forget(self, order: BookOrder) -> None:
        self.live.pop(order.key, None)
        if order.reduce_only:
            self._reducing.pop(order.key, None)

    def _decide_list(self, winner: BookOrder) -> None:
        """One order of a list has traded, fired or ended: cancel the others, once."""
        legs = self._lists.get((winner.account, winner.list_id))
        if not legs:
            return
        self._lists[winner.account, winner.list_id] = None
        for leg in legs.values():
            if leg is not winner and leg.leaves and leg.place is not DONE:
                self._end(leg, CANCELED, "oco")

    def _finish(self) -> None:
        """Let fired stops enter, then expire reduce-only orders that have nothing to reduce."""
        fired = self.triggers.fired
        while fired:
            order = fired.popleft()
            if order.place is DONE:
                continue
            order.place = NEW
            self._tell(What.TRIGGERED, order)
            if order.list_id:
                self._decide_list(order)
            reason = self._admit(order)
            if not reason and order.post_only and self._crosses(order.side, order.ticks):
                reason = "would_take"
            if reason:
                self._end(order, EXPIRED, reason)
            else:
                self._enter(order)
        if self._reducing:
            for order in list(self._reducing.values()):
                if order.place is not DONE and self._reducible(order) <= 0:
                    self._end(order, EXPIRED, "nothing_to_reduce")
