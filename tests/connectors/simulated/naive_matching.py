"""An exchange so simple that it is obviously right: one list of orders, searched from end to end for everything.

The oracle of the matching engine. Shares nothing with it but the words of the outcomes.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

Log = list[tuple[object, ...]]


@dataclass(eq=False)
class NaiveOrder:
    side: str
    price: int
    total: int
    account: int = 0
    kind: str = "LIMIT"
    force: str = "GTC"
    mode: str = "none"
    post_only: bool = False
    reduce_only: bool = False
    display: int = 0
    stop: int = 0
    trail: int = 0
    expire: int = 0
    group: str = ""
    key: int = 0
    left: int = 0
    shown: int = 0
    peak: int = 0
    turn: int = 0
    state: str = "entering"  # entering, waiting, fired, resting, over

    @property
    def market(self) -> bool:
        return self.kind in ("MARKET", "STOP_MARKET")


class NaiveExchange:
    def __init__(self, refuses: Callable[[int], bool]) -> None:
        self.orders: list[NaiveOrder] = []
        self.log: Log = []
        self.positions: dict[int, int] = {}
        self.last = self.now = self.keys = self.turns = 0
        self.halted = False
        self.done_groups: list[tuple[int, str]] = []
        self.fired: list[NaiveOrder] = []
        self.refuses = refuses

    # what happened

    def tell(self, what: str, order: NaiveOrder, *more: object) -> None:
        if order.account:
            self.log.append((what, order.key, *more))

    def over(self, order: NaiveOrder, what: str, reason: str) -> None:
        order.state = "over"
        self.tell(what, order, reason)
        self.settle_group(order)

    def settle_group(self, winner: NaiveOrder) -> None:
        """OCO: the first that trades, fires or ends."""
        group = (winner.account, winner.group)
        if not winner.group or group in self.done_groups:
            return
        self.done_groups.append(group)
        for other in self.orders:
            if (other.account, other.group) == group and other is not winner and other.state != "over" and other.left:
                self.over(other, "CANCELED", "oco")

    # questions

    def resting(self, side: str) -> list[NaiveOrder]:
        """Best price first, then the one that has waited longest."""
        sign = -1 if side == "BUY" else 1
        return sorted(
            (o for o in self.orders if o.state == "resting" and o.side == side), key=lambda o: (sign * o.price, o.turn)
        )

    def makers(self, order: NaiveOrder) -> list[NaiveOrder]:
        found = self.resting("SELL" if order.side == "BUY" else "BUY")
        if order.market:
            return found
        return [m for m in found if (m.price <= order.price if order.side == "BUY" else m.price >= order.price)]

    def can_reduce(self, order: NaiveOrder) -> int:
        position = self.positions.get(order.account, 0)
        return -position if order.side == "BUY" else position

    def own(self, taker: NaiveOrder, maker: NaiveOrder) -> bool:
        return taker.mode != "none" and taker.account == maker.account

    def fits(self, order: NaiveOrder) -> bool:
        """FOK: try it on a copy in which makers that might vanish have vanished."""
        if order.reduce_only and self.can_reduce(order) < order.left:
            return False
        world = deepcopy(self)
        trial = next(o for o in world.orders if o.key == order.key)
        trial.group = ""
        world.orders = [
            o for o in world.orders if o.state != "resting" or self.own(order, o) or not (o.reduce_only or o.group)
        ]
        world.take(trial)
        return trial.left == 0

    # operations

    def submit(self, order: NaiveOrder) -> None:
        self.keys += 1
        order.key, order.left = self.keys, order.total
        stop = bool(order.stop or order.trail)
        reason = ""
        if self.halted:
            reason = "halted"
        elif order.post_only and not stop and self.makers(order):
            reason = "would_take"
        elif order.expire and order.expire <= self.now:
            reason = "expired"
        elif order.reduce_only and self.can_reduce(order) <= 0:
            reason = "nothing_to_reduce"
        elif order.group and (order.account, order.group) in self.done_groups:
            reason = "list_done"
        elif order.stop and self.last and self.hits(order, self.last):
            reason = "would_trigger"
        if reason:
            order.state = "over"
            self.tell("REJECTED", order, reason)
            return
        self.orders.append(order)
        self.tell("ACCEPTED", order)
        if stop:
            order.state = "waiting"
        else:
            self.enter(order)
            self.finish()

    def cancel(self, key: int) -> bool:
        for order in self.orders:
            if order.key == key and order.state != "over":
                self.over(order, "CANCELED", "")
                return True
        return False

    def amend(self, key: int, price: int, total: int) -> str:
        order = next((o for o in self.orders if o.key == key and o.state != "over"), None)
        if order is None:
            return "unknown_order"
        if self.halted:
            return "halted"
        done = order.total - order.left
        if total <= done:
            self.over(order, "EXPIRED", "amended_below_filled")
            return ""
        if order.state == "waiting":
            if not order.market:
                order.price = price
            order.total, order.left = total, total - done
            self.tell("AMENDED", order, order.price, total)
            return ""
        if price == order.price and total <= order.total:
            order.total, order.left = total, total - done
            order.shown = min(order.shown, order.left)
            self.tell("AMENDED", order, price, total)
            return ""
        trial = NaiveOrder(order.side, price, total)
        if order.post_only and self.makers(trial):
            return "would_take"
        order.state, order.shown = "entering", 0
        order.price, order.total, order.left = price, total, total - done
        self.tell("AMENDED", order, price, total)
        self.enter(order)
        self.finish()
        return ""

    def advance(self, now: int) -> None:
        self.now = now
        due = [o for o in self.orders if o.state != "over" and o.expire and o.expire <= now]
        for order in sorted(due, key=lambda o: (o.expire, o.key)):
            if order.state != "over":
                self.over(order, "EXPIRED", "gtd")

    def execute(self, key: int, lots: int) -> int:
        maker = next((o for o in self.orders if o.key == key and o.state == "resting"), None)
        if maker is None:
            return 0
        size = min(lots, maker.left)
        taker = NaiveOrder("SELL" if maker.side == "BUY" else "BUY", maker.price, size, left=size)
        while taker.left and maker.state == "resting":
            self.meet(taker, maker)
        self.finish()
        return size - taker.left

    def print_trade(self, price: int, lots: int) -> None:
        self.log.append(("PRINT", price, lots))
        self.trade_at(price)
        self.finish()

    def set_level(self, side: str, price: int, lots: int) -> None:
        mine = [o for o in self.resting(side) if o.price == price and not o.account]
        missing = lots - sum(o.left for o in mine)
        if missing > 0:
            self.keys += 1
            order = NaiveOrder(side, price, missing, key=self.keys, left=missing)
            self.orders.append(order)
            self.rest(order)
        for order in reversed(mine):
            cut = min(order.left, max(0, -missing))
            missing += cut
            order.left -= cut
            order.total -= cut
            order.shown = order.left
            if not order.left:
                order.state = "over"

    # parts

    def enter(self, order: NaiveOrder) -> None:
        if order.force == "FOK" and not self.fits(order):
            self.over(order, "EXPIRED", "fok")
            return
        self.take(order)
        if order.state == "over":
            return
        if order.left == 0:
            order.state = "over"
        elif order.market:
            self.over(order, "EXPIRED", "no_liquidity")
        elif order.force == "IOC":
            self.over(order, "EXPIRED", "ioc")
        else:
            self.rest(order)

    def rest(self, order: NaiveOrder) -> None:
        self.turns += 1
        order.turn, order.state = self.turns, "resting"
        order.shown = min(order.display or order.left, order.left)

    def take(self, taker: NaiveOrder) -> None:
        while taker.left and taker.state == "entering" and self.makers(taker):
            self.meet(taker, self.makers(taker)[0])

    def meet(self, taker: NaiveOrder, maker: NaiveOrder) -> None:
        if self.own(taker, maker):
            if taker.mode in ("cancel_old", "cancel_both"):
                self.over(maker, "EXPIRED", "self_trade")
            if taker.mode in ("cancel_new", "cancel_both"):
                self.over(taker, "EXPIRED", "self_trade")
            return
        lots = min(taker.left, maker.shown)
        for order in (maker, taker):
            if order.reduce_only:
                if self.can_reduce(order) <= 0:
                    self.over(order, "EXPIRED", "nothing_to_reduce")
                    return
                lots = min(lots, self.can_reduce(order))
        self.log.append(("FILLED", taker.key, maker.key, maker.price, lots))
        for order in (taker, maker):
            order.left -= lots
            if order.account:
                change = lots if order.side == "BUY" else -lots
                self.positions[order.account] = self.positions.get(order.account, 0) + change
        maker.shown -= lots
        if maker.left == 0:
            maker.state = "over"
        elif maker.shown == 0:
            self.rest(maker)
        self.trade_at(maker.price)
        self.settle_group(maker)
        self.settle_group(taker)

    def hits(self, order: NaiveOrder, last: int) -> bool:
        return last >= order.stop if order.side == "BUY" else last <= order.stop

    def trade_at(self, price: int) -> None:
        self.last = price
        for order in sorted((o for o in self.orders if o.state == "waiting"), key=lambda o: o.key):
            if order.trail:
                fires = self.trails(order, price)
            else:
                fires = self.hits(order, price)
            if fires:
                order.state = "fired"
                self.fired.append(order)

    def trails(self, order: NaiveOrder, price: int) -> bool:
        if not order.peak:
            if not order.stop or self.hits(order, price):
                order.peak = price
            return False
        if order.side == "SELL":
            order.peak = max(order.peak, price)
            return price * 1_000_000 <= order.peak * (1_000_000 - order.trail)
        order.peak = min(order.peak, price)
        return price * 1_000_000 >= order.peak * (1_000_000 + order.trail)

    def finish(self) -> None:
        while self.fired:
            order = self.fired.pop(0)
            if order.state == "over":
                continue
            order.state = "entering"
            self.tell("TRIGGERED", order)
            self.settle_group(order)
            if self.refuses(order.key):
                self.over(order, "EXPIRED", "refused")
            elif order.post_only and self.makers(order):
                self.over(order, "EXPIRED", "would_take")
            else:
                self.enter(order)
        for order in self.orders:
            if order.state != "over" and order.reduce_only and self.can_reduce(order) <= 0:
                self.over(order, "EXPIRED", "nothing_to_reduce")
