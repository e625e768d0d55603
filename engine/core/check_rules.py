"""The rules of the pre-trade checks. Each returns why it objects, with both numbers, or ""."""

from collections import deque
from collections.abc import Callable
from decimal import Decimal

from engine.core.circuit import SlotCircuits
from engine.core.funds import BOOKABLE, Market
from engine.core.halt import Halt
from engine.core.hot_words import BUY, SELL
from engine.core.limits import RiskLimits
from engine.core.modes import Mode
from engine.core.notice import show_amount, show_number, show_percent, show_seconds
from engine.core.portfolio import Portfolio
from engine.core.position import is_inverse
from engine.model.enums import TimeInForce
from engine.model.money import ONE, ZERO
from engine.model.order import Order
from engine.model.request import SubmitOrder
from engine.schema.values import Amount

MINUTE_US = 60_000_000
IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)
FAT_FINGER = Decimal("1.5")  # a price so many times worse than the mid is a mistake, whatever the limits say
SlotOf = Callable[[str, str, str], Order | None]
"""(owner, instrument id, tag) → the active order of that slot."""
StrategyOf = Callable[[str], str]
"""Owner of an order (strategy or executor id) → name of the strategy."""


class Context:
    """What the rules look at. The second part is set anew for every request."""

    def __init__(
        self,
        portfolio: Portfolio,
        halt: Halt,
        circuits: SlotCircuits,
        slot: SlotOf,
        strategy_of: StrategyOf,
        quote: str,
    ) -> None:
        self.portfolio = portfolio
        self.halt = halt
        self.circuits = circuits
        self.slot = slot
        self.strategy_of = strategy_of
        self.quote = quote  # in which equity is measured
        self.limits = RiskLimits()
        self.sent_us: deque[int] = deque()  # when the last orders passed; as many as are allowed in a minute

        self.now_us = 0
        self.market: Market
        self.mid: Decimal | None = None
        self.price = ZERO  # what the request is valued at: its price, its stop price, or the mid
        self.old_amount = ZERO  # an amend: what its order ties up already, and
        self.old_quantity = ZERO
        self.filled = ZERO  # what of the new total has traded before

    def worth(self, quantity: Decimal, asset: str) -> Decimal | None:
        """`quantity` (≥ 0) of the instrument, in an asset; "" is base units. None without a rate."""
        instrument = self.market.instrument
        size = quantity * instrument.contract_size
        inverse = is_inverse(instrument)
        if asset in ("", instrument.base):
            return size / self.price if inverse else size
        quote = size if inverse else size * self.price
        if asset == instrument.quote:
            return quote
        rate = self.portfolio.rates.rate(instrument.quote, asset)
        return None if rate is None else quote * rate

    def after(self, request: SubmitOrder) -> Decimal:
        """How large the position can become on the side of the request: negative if it only reduces."""
        market = self.market
        more = request.quantity - self.filled - self.old_quantity
        return market.position + market.buys + more if request.side is BUY else market.sells - market.position + more


Rule = Callable[[SubmitOrder, Context], str]


def mode_forbids(request: SubmitOrder, context: Context) -> str:
    """Stopping, paused, safe, halted."""
    halt = context.halt
    if not halt.restricted:
        return ""
    strategy = context.strategy_of(request.owner)
    refused = halt.refuses(request.instrument_id, strategy, reduce_only=request.reduce_only)
    if refused and halt.only_deaf(request.instrument_id, strategy) and _trades_back(request, context, strategy):
        return ""
    return refused


def _trades_back(request: SubmitOrder, context: Context, strategy: str) -> bool:
    """Whether an order at a venue that is not heard takes back, at once, what the strategy has open elsewhere.

    It is certain how much that is: nothing of ours is alive at the venue, and the venues of the rest are heard.
    """
    here, portfolio = context.market.instrument, context.portfolio
    if request.time_in_force not in IMMEDIATE:
        return False
    if any(each.instrument.venue == here.venue and (each.buys or each.sells) for each in portfolio.markets.values()):
        return False
    held = ZERO
    for ledger in portfolio.ledgers():
        there = ledger.instrument
        if context.strategy_of(ledger.owner) == strategy and there.base == here.base and ledger.quantity:
            heard = there.venue == here.venue or context.halt.mode(there.instrument_id, strategy) is Mode.RUN
            if not heard or is_inverse(there) or is_inverse(here):
                return False
            held += ledger.quantity * there.contract_size
    return request.quantity * here.contract_size <= (-held if request.side is BUY else held)


def slot_is_busy(request: SubmitOrder, context: Context) -> str:
    """One active order a slot: what removes duplicate orders as a class."""
    busy = context.slot(request.owner, request.instrument_id, request.tag)
    return f"slot {request.tag} still has order {busy.client_order_id} ({busy.status})" if busy is not None else ""


def slot_backs_off(request: SubmitOrder, context: Context) -> str:
    """The slot failed a moment ago."""
    until_us = context.circuits.until_us(request.owner, request.instrument_id, request.tag)
    if until_us <= context.now_us:
        return ""
    return f"slot {request.tag} waits another {show_seconds(until_us - context.now_us)} after failing"


def breaks_instrument_rules(request: SubmitOrder, context: Context) -> str:
    """The venue would refuse it."""
    problems = context.market.instrument.problems(request)
    return "; ".join(problems) if problems else ""


def has_no_price(request: SubmitOrder, context: Context) -> str:
    """An order without a price cannot be valued."""
    return "" if context.price else "the book has no mid price by which to value an order without a price"


def outside_price_band(request: SubmitOrder, context: Context) -> str:
    """Too far from the mid, on either side. Stops are meant to be far away."""
    band, mid, price = context.limits.price_band, context.mid, context.price
    assert band is not None
    if request.order_type not in BOOKABLE:
        return ""
    if mid is None:
        return f"there is no mid price to hold the band of {show_percent(band)} against"
    if abs(price - mid) <= band * mid:
        return ""
    distance = show_percent(abs(price / mid - ONE))
    return f"price {show_number(price)} is {distance} from the mid {show_number(mid)} (limit {show_percent(band)})"


def order_value_too_large(request: SubmitOrder, context: Context) -> str:
    """One order is worth too much."""
    limit = context.limits.max_order_value
    assert limit is not None
    return _above(context, "order value", request.quantity, limit)


def too_many_open(request: SubmitOrder, context: Context) -> str:
    """All active orders of the bot."""
    limit, count = context.limits.max_open_orders, context.portfolio.funds.open_orders
    assert limit is not None
    return f"{count} orders are open (limit {limit})" if count >= limit else ""


def too_many_a_minute(request: SubmitOrder, context: Context) -> str:
    """The oldest of the last N must be a minute old."""
    sent_us = context.sent_us
    if len(sent_us) < (sent_us.maxlen or 0) or context.now_us - sent_us[0] >= MINUTE_US:
        return ""
    return f"{len(sent_us)} orders in {show_seconds(context.now_us - sent_us[0])} (limit {sent_us.maxlen} a minute)"


def position_too_large(request: SubmitOrder, context: Context) -> str:
    """With every open order of that side filled. What brings the position nearer to zero passes."""
    limit = context.limits.max_position
    assert limit is not None
    after = context.after(request)
    return _above(context, "position with all open orders", after, limit) if after > 0 else ""


def leverage_too_high(request: SubmitOrder, context: Context) -> str:
    """The value of all derivative positions, this order included, against equity."""
    limit, portfolio, market = context.limits.max_leverage, context.portfolio, context.market
    assert limit is not None
    after = context.after(request)
    if market.spot or after <= 0:
        return ""
    equity = portfolio.equity(context.quote)
    exposure = context.worth(after, context.quote)
    others = portfolio.derivative_value(context.quote, without=request.instrument_id)
    if equity is None or exposure is None or others is None:
        return f"leverage is unknown: no rate into {context.quote} yet (limit {show_number(limit)})"
    if exposure + others <= limit * equity:
        return ""
    value = f"positions of {show_amount(exposure + others)} {context.quote}"
    return f"{value} on equity {show_amount(equity)} {context.quote} (limit {show_number(limit)} times)"


def funds_missing(request: SubmitOrder, context: Context) -> str:
    """What is free must cover it."""
    market = context.market
    if request.reduce_only and not market.spot:
        return ""
    account = market.account(request.side)
    need = market.need(request.side, request.quantity - context.filled, context.price) - context.old_amount
    available = account.available
    if need <= available or need <= 0:
        return ""
    return f"needs {show_number(need)} {account.asset}, available are {show_number(available)} {account.asset}"


def trades_with_itself(request: SubmitOrder, context: Context) -> str:
    """A resting order of ours would be hit, in whatever state it is."""
    own = context.market.best(SELL if request.side is BUY else BUY)
    if own is None or request.order_type not in BOOKABLE:
        return ""
    price = request.price
    if price is not None and (price < own if request.side is BUY else price > own):
        return ""
    return f"price {'of the market' if price is None else show_number(price)} meets our own order at {show_number(own)}"


def reduces_nothing(request: SubmitOrder, context: Context) -> str:
    """A reduce-only order must not turn the position."""
    if not request.reduce_only:
        return ""
    position = context.market.position
    held = -position if request.side is BUY else position
    if request.quantity <= held:
        return ""
    return f"reduce-only {request.side} of {show_number(request.quantity)} on a position of {show_number(position)}"


def fat_finger(request: SubmitOrder, context: Context) -> str:
    """A price so much worse than the market that nobody can mean it. Stops are meant to be."""
    mid, price = context.mid, request.price
    if mid is None or price is None or request.order_type not in BOOKABLE:
        return ""
    if price <= mid * FAT_FINGER if request.side is BUY else price * FAT_FINGER >= mid:
        return ""
    worse = show_percent(FAT_FINGER - ONE)
    return f"price {show_number(price)} is more than {worse} worse than the mid {show_number(mid)}"


def _above(context: Context, name: str, quantity: Decimal, limit: Amount) -> str:
    instrument = context.market.instrument
    asset = limit.asset or instrument.base
    worth = context.worth(quantity, asset)
    if worth is not None and worth <= limit.number:
        return ""
    allowed = f"(limit {show_number(limit.number)} {asset})"
    if worth is None:
        return f"{name} is unknown: no rate from {instrument.quote} to {asset} yet {allowed}"
    return f"{name} {show_number(worth)} {asset} {allowed}"
