"""What our orders tie up: reservations per account and open quantities per market, kept up to date order by order.

An update costs the same, however many orders there are. Formulas: docs/order_lifecycle.md, "Funds and exposure".
"""

from bisect import bisect_left, insort
from decimal import Decimal

from engine.core.hot_words import BUY, CLOSED, LIVE
from engine.core.position import PositionLedger, on_grid, value_of
from engine.model.account import Balance
from engine.model.enums import InstrumentKind, OrderType, Side
from engine.model.instrument import Instrument
from engine.model.money import ONE, ZERO
from engine.model.order import Order

LIMIT = OrderType.LIMIT
BOOKABLE = (LIMIT, OrderType.MARKET)  # stops wait outside the book until they trigger


class Account:
    """One asset at one venue: our ledger, the venue's last word beside it, and what our orders tie up."""

    __slots__ = ("asset", "holds", "moved", "opening", "reported", "reserved", "total", "unseen", "venue")

    def __init__(self, venue: str, asset: str) -> None:
        self.venue = venue
        self.asset = asset
        self.total = ZERO  # by our ledger
        self.opening = ZERO  # what the ledger began with
        self.moved = ZERO  # deposited less withdrawn since then
        self.reported: Balance | None = None
        self.reserved = ZERO  # by all active orders
        self.unseen = ZERO  # by those that `reported` may not know yet
        self.holds: dict[str, Hold] = {}  # those orders

    @property
    def available(self) -> Decimal:
        """What a new order may use: the worse of what the venue and what our ledger would say."""
        free = self.total - self.reserved
        return free if self.reported is None else min(free, self.reported.free - self.unseen)

    def report(self, balance: Balance, as_of_us: int) -> None:
        """The venue's word as of `as_of_us`: it knows the orders that were proven to exist by then."""
        self.reported = balance
        for key, hold in list(self.holds.items()):
            if 0 < hold.live_us <= as_of_us:
                self.unseen -= hold.amount
                del self.holds[key]


class Market:
    """One instrument: its two accounts, the position of all owners, and our open orders at full size until proven."""

    __slots__ = (
        "asks",
        "base",
        "bids",
        "buys",
        "factor",
        "instrument",
        "leverage",
        "money",
        "net",
        "position",
        "sells",
        "spot",
    )

    def __init__(self, instrument: Instrument, base: Account, money: Account) -> None:
        self.instrument = instrument
        self.base = base
        self.money = money
        self.spot = instrument.kind is InstrumentKind.SPOT
        self.leverage = instrument.leverage
        self.factor = ONE + instrument.taker_rate
        self.position = ZERO  # the owners' quantities together
        self.net = PositionLedger(instrument, "")  # derivatives: one position to the venue, whose profit it pays out
        self.buys = ZERO
        self.sells = ZERO
        self.bids: list[Decimal] = []  # prices of our orders that are, or may be, in the book; ascending
        self.asks: list[Decimal] = []

    def best(self, side: Side) -> Decimal | None:
        """The price of our own best order of `side` that is, or may be, in the book."""
        if side is BUY:
            return self.bids[-1] if self.bids else None
        return self.asks[0] if self.asks else None

    def account(self, side: Side) -> Account:
        """Where an order of `side` ties up funds."""
        return self.base if self.spot and side is not BUY else self.money

    def need(self, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
        """What an order ties up in `account(side)`, with the fee of a taker."""
        if self.spot:
            return quantity * price * self.factor if side is BUY else quantity
        value = value_of(self.instrument, quantity, price)
        return on_grid(value / self.leverage) + on_grid(value * self.instrument.taker_rate)


class Hold:
    """What one order ties up now. `reference` is what an order without a price is expected to pay."""

    __slots__ = ("account", "amount", "limit", "live_us", "market", "price", "quantity", "reference", "side")

    def __init__(self, market: Market, side: Side, reference: Decimal) -> None:
        self.market = market
        self.account = market.account(side)
        self.side = side
        self.reference = reference
        self.amount = ZERO
        self.quantity = ZERO
        self.limit: Decimal | None = None  # what it pays at the most
        self.price: Decimal | None = None  # where it may rest in the book
        self.live_us = 0  # when it was proven to exist; 0 = not yet


class Funds:
    """The holds of all active orders."""

    def __init__(self) -> None:
        self._holds: dict[str, Hold] = {}

    @property
    def open_orders(self) -> int:
        """How many orders are active."""
        return len(self._holds)

    def held(self, order: Order) -> tuple[Decimal, Decimal]:
        """The amount and the quantity that an order ties up."""
        hold = self._holds.get(_key(order))
        return (ZERO, ZERO) if hold is None else (hold.amount, hold.quantity)

    def update(self, order: Order, market: Market, reference: Decimal) -> None:
        """Follow an order that was recorded or changed."""
        key = _key(order)
        hold = self._holds.get(key)
        if hold is None:
            if order.settled:
                return
            hold = self._holds[key] = Hold(market, order.side, reference)
            hold.account.holds[key] = hold
        elif order.settled:
            _set(hold, key, ZERO, ZERO, None)
            hold.account.holds.pop(key, None)
            del self._holds[key]
            return
        phase = order.phase
        if not hold.live_us and (phase is LIVE or phase is CLOSED):
            hold.live_us = order.updated_us
        untouched = order.amend_price is None and not order.filled and phase is not CLOSED
        if untouched and order.price is hold.price and order.price is hold.limit and order.quantity is hold.quantity:
            return  # most news change none of these
        quantity, price, rests = order.reserved_quantity, order.reserved_price, _resting_price(order)
        amount = ZERO
        if market.spot or not order.reduce_only:
            amount = market.need(order.side, quantity, order.stop_price or hold.reference if price is None else price)
        hold.limit = price
        _set(hold, key, amount, quantity, rests)


def _key(order: Order) -> str:
    return f"{order.client_order_id}#{order.twin}" if order.twin else order.client_order_id


def _resting_price(order: Order) -> Decimal | None:
    """The most aggressive price at which an order may rest in the book; stops wait outside until they trigger."""
    if order.phase is CLOSED or order.order_type is not LIMIT or order.price is None:
        return None
    if order.amend_price is None:
        return order.price
    return (max if order.side is BUY else min)(order.price, order.amend_price)


def _set(hold: Hold, key: str, amount: Decimal, quantity: Decimal, price: Decimal | None) -> None:
    market, account = hold.market, hold.account
    if amount != hold.amount:
        more = amount - hold.amount
        account.reserved += more
        if key in account.holds:
            account.unseen += more
        hold.amount = amount
    if quantity != hold.quantity:
        if hold.side is BUY:
            market.buys += quantity - hold.quantity
        else:
            market.sells += quantity - hold.quantity
        hold.quantity = quantity
    if price is not hold.price:
        prices = market.bids if hold.side is BUY else market.asks
        if hold.price is not None:
            del prices[bisect_left(prices, hold.price)]
        if price is not None:
            insort(prices, price)
        hold.price = price
