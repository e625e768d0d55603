"""The flatten executor: brings one position to zero and never past it, and does not give up while it can be traded."""

from decimal import Decimal

from msgspec import Struct

from engine.core.actions import StopHow
from engine.core.state import State
from engine.model.enums import InstrumentKind, OrderType, Side, TimeInForce
from engine.model.instrument import Instrument
from engine.model.money import ONE, ZERO, to_text
from engine.model.order import Order
from engine.model.request import CancelOrder, Request, SubmitOrder

SLOT = "flatten"
RETRY_US = 5_000_000  # between orders that miss although the slippage has reached its cap


class FlattenSettings(Struct, frozen=True):
    """`owner` is whose position; "" is that of all owners together. Slippages are fractions of the best price.

    `passive_time_us` rests at the best own side first. Then `slices` equal orders, `interval_us` apart, take what the
    book has within `slippage_max`, which doubles up to `slippage_cap` as long as they miss.
    """

    instrument_id: str
    owner: str = ""
    slices: int = 1
    interval_us: int = 0
    slippage_max: Decimal = Decimal("0.005")
    slippage_cap: Decimal = Decimal("0.05")
    passive_time_us: int = 0


class FlattenMemory(Struct):
    """`misses` counts the taking orders in a row that filled nothing; `taking` is the client id of the last one."""

    slices_left: int
    start_us: int = 0
    next_us: int = 0
    misses: int = 0
    taking: str = ""


class FlattenExecutor:
    """One order at a time. Its orders belong to the owner of the position, so that their fills close that ledger."""

    def __init__(self, executor_id: str, settings: FlattenSettings) -> None:
        self.executor_id = executor_id
        self.settings = settings
        self.memory = FlattenMemory(max(1, settings.slices))
        self.done = False
        self._owner = settings.owner or executor_id
        self._stopped = False
        self._text = "not started"

    def stop(self, how: StopHow) -> None:
        """CANCEL and KEEP leave the rest of the position as it is; FLATTEN changes nothing."""
        self._stopped = self._stopped or how is not StopHow.FLATTEN

    def explain(self) -> str:
        """What is left and what it waits for."""
        return self._text

    def step(self, state: State) -> list[Request]:
        """Tend the order that is active, or send the next one."""
        settings, memory, now_us = self.settings, self.memory, state.now_us
        memory.start_us = memory.start_us or now_us
        passive = now_us < memory.start_us + settings.passive_time_us
        instrument = state.instruments[settings.instrument_id]
        held = state.portfolio.position(settings.instrument_id, settings.owner or None)
        side = Side.SELL if held > 0 else Side.BUY
        rest, take = _prices(state, instrument, side)
        order = state.orders.slot(self._owner, settings.instrument_id, SLOT)
        if order is not None:
            self._text = f"{to_text(held)} to close; {order.status} at {order.price}"
            return self._tend(order, rest if passive else None)
        self._judge(state)
        quantity = instrument.round_quantity(abs(held))
        if self._stopped or (instrument.too_small(quantity, take or ONE) and (take is not None or not quantity)):
            self.done = True
            self._text = f"done; {to_text(held)} is left"
            return []
        tradable = min(quantity, instrument.round_quantity(_confirmed(state, instrument, held, settings.owner)))
        if tradable < quantity:
            self._text = f"{to_text(held)} to close by our books, but the venue says {to_text(tradable)}: check both"
        else:
            self._text = f"{to_text(held)} to close; waits for " + ("a price" if take is None else "its next order")
        if passive and rest is not None and not instrument.too_small(tradable, rest):
            return [self._order(state, instrument, side, tradable, rest, passive=True)]
        if passive or take is None or now_us < memory.next_us:
            return []
        return self._take(state, instrument, side, tradable, take)

    def _tend(self, order: Order, rest: Decimal | None) -> list[Request]:
        """A passive order follows the best price and goes when its time is over; a taking one answers by itself."""
        if (
            not order.is_working
            or order.time_in_force is not TimeInForce.GTC
            or (order.price == rest and not self._stopped)
        ):
            return []
        return [CancelOrder(order.client_order_id, order.instrument_id, order.venue_order_id)]

    def _judge(self, state: State) -> None:
        """What the last taking order came to decides on slices, slippage and when to go on."""
        memory = self.memory
        if not memory.taking:
            return
        order = state.orders.by_client_id(memory.taking)
        memory.taking = ""
        if order is not None and order.filled:
            memory.misses = 0
            memory.slices_left = max(1, memory.slices_left - 1)
        else:
            capped = self._slippage() >= self.settings.slippage_cap
            memory.next_us = state.now_us + RETRY_US if capped else state.now_us
            memory.misses += 1

    def _slippage(self) -> Decimal:
        return min(self.settings.slippage_max * Decimal(2) ** min(self.memory.misses, 64), self.settings.slippage_cap)

    def _take(
        self, state: State, instrument: Instrument, side: Side, quantity: Decimal, best: Decimal
    ) -> list[Request]:
        slippage = self._slippage()
        price = instrument.round_price(best * (ONE + slippage if side is Side.BUY else ONE - slippage), side)
        part = instrument.round_quantity(quantity / self.memory.slices_left)
        if instrument.too_small(part, price) or instrument.too_small(quantity - part, price):
            part = quantity
        if instrument.too_small(part, price):
            return []
        self.memory.next_us = state.now_us + self.settings.interval_us
        request = self._order(state, instrument, side, part, price, passive=False)
        self.memory.taking = request.client_order_id
        return [request]

    def _order(
        self, state: State, instrument: Instrument, side: Side, quantity: Decimal, price: Decimal, *, passive: bool
    ) -> SubmitOrder:
        net = state.portfolio.position(instrument.instrument_id)
        reduces = (net > 0) == (side is Side.SELL) and abs(net) >= quantity
        return SubmitOrder(
            state.new_id(),
            instrument.instrument_id,
            side,
            OrderType.LIMIT,
            quantity,
            price,
            TimeInForce.GTC if passive else TimeInForce.IOC,
            post_only=passive,
            reduce_only=reduces and instrument.kind is not InstrumentKind.SPOT,
            owner=self._owner,
            tag=SLOT,
        )


def _prices(state: State, instrument: Instrument, side: Side) -> tuple[Decimal | None, Decimal | None]:
    """Where an order of `side` rests best, and where it takes. A book that cannot be trusted has neither; on
    derivatives the mark price then stands in for taking.
    """
    book = state.book(instrument.instrument_id)
    if not book.stale:
        bid, ask = book.best_bid, book.best_ask
        return (bid, ask) if side is Side.BUY else (ask, bid)
    mark = state.marks.get(instrument.instrument_id)
    return None, None if mark is None or instrument.kind is InstrumentKind.SPOT else mark.price


def _confirmed(state: State, instrument: Instrument, held: Decimal, owner: str) -> Decimal:
    """How much of a position the venue's own word lets us close. Of one owner among several it knows nothing."""
    if instrument.kind is not InstrumentKind.SPOT:
        position = state.portfolio.venue_positions.get(instrument.instrument_id)
        if owner or position is None:
            return abs(held)
        return abs(position.quantity) if (position.quantity > 0) == (held > 0) else ZERO
    account = state.portfolio.account(instrument.venue, instrument.base)
    if held < 0 or account.reported is None:
        return abs(held)
    return account.reported.total
