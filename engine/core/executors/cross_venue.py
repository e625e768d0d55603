"""The cross-venue executor: what was traded on one market is traded back on another, until nothing is left open.

What is open comes from the ledgers, so from every fill that there ever was: of cancelled orders, of partial ones, of
those before a restart. Market making across exchanges uses it as the hedge of its quotes, arbitrage to take two books
at once and to end a pair of which one leg failed.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from engine.core.actions import StopHow
from engine.core.state import State
from engine.model.enums import OrderType, Side, TimeInForce
from engine.model.instrument import Instrument
from engine.model.money import ONE, ZERO, to_text
from engine.model.quote import Quote
from engine.model.request import Request, SubmitOrder

SLOT = "hedge"


class Leg(Struct, frozen=True):
    """A market. `owner`: whose fills count there, "" the executor's own. `hedges`: where the rest may be traded back.

    All legs have the same base asset; contracts count with their size in base.
    """

    instrument_id: str
    owner: str = ""
    hedges: bool = True


class CrossVenueSettings(Struct, frozen=True, kw_only=True):
    """Slippages are fractions of the average price that the book shows; from `hedge_timeout_us` on the larger holds.

    After `hedge_alert_us` a rest is overdue; `unwind` then also trades it back where it was made.
    """

    legs: tuple[Leg, ...]
    slippage_buffer: Decimal = Decimal("0.005")
    slippage_max: Decimal = Decimal("0.02")
    hedge_timeout_us: int = 5_000_000
    hedge_alert_us: int = 30_000_000
    unwind: bool = False


class CrossVenueMemory(Struct):
    """Since when there is something to trade back; 0: nothing."""

    since_us: int = 0


class _Way(NamedTuple):
    """How a rest could be traded back. `worth`: what a unit brings (a purchase: minus what it costs), after fees."""

    worth: Decimal
    leg: Leg
    quantity: Decimal
    price: Decimal


class CrossVenueExecutor:
    """One order at a time a market, every one of them immediate or cancelled; one that is UNKNOWN is waited for."""

    def __init__(self, executor_id: str, settings: CrossVenueSettings) -> None:
        self.executor_id = executor_id
        self.settings = settings
        self.memory = CrossVenueMemory()
        self.done = False
        self._wanted: tuple[Quote, ...] = ()
        self._stop: StopHow | None = None
        self._text = "not started"

    @property
    def idle(self) -> bool:
        """Whether it has nothing to trade and nothing to trade back."""
        return not (self._wanted or self.memory.since_us or self._stop)

    def set_quotes(self, quotes: Iterable[Quote]) -> None:
        """Take all of these at the next step, together, at these prices or better; what does not trade is forgotten."""
        self._wanted = tuple(quotes) if self._stop is None else ()

    def change(self, changes: Mapping[str, Any]) -> None:
        """Replace fields of the settings from the next step on."""
        self.settings = replace(self.settings, **changes)

    def stop(self, how: StopHow) -> None:
        """FLATTEN trades a rest back first; the others leave it."""
        self._wanted = ()
        self._stop = how

    def explain(self) -> str:
        """What is open, and what it waits for."""
        return self._text

    def overdue(self, now_us: int) -> bool:
        """Whether something is open for so long that nothing new should be begun."""
        since_us = self.memory.since_us
        return bool(since_us) and now_us - since_us >= self.settings.hedge_alert_us

    def unhedged(self, state: State) -> Decimal:
        """Signed base quantity that is open: > 0 was bought and not sold."""
        total = ZERO
        for leg in self.settings.legs:
            size = state.instruments[leg.instrument_id].contract_size
            total += size * state.portfolio.position(leg.instrument_id, self._owner(leg))
        return total

    def step(self, state: State) -> list[Request]:
        """Wait for orders on their way, then trade back what is open, then take what is wanted."""
        wanted, self._wanted = self._wanted, ()
        if any(state.orders.slot(*slot) for slot in self._slots()):
            self._text = "waits for its orders"
            return []
        rest = self.unhedged(state)
        if self._tradable(state, rest) and self._stop in (None, StopHow.FLATTEN):
            return self._trade_back(state, rest)
        self.memory.since_us = 0
        self._text = f"{to_text(rest)} is open, too little to trade" if rest else "nothing is open"
        self.done = self._stop is not None
        return [self._take(state, each.instrument_id, each.side, each.quantity, each.price, "") for each in wanted]

    # ---- inside

    def _owner(self, leg: Leg) -> str:
        return leg.owner or self.executor_id

    def _slots(self) -> Iterator[tuple[str, str, str]]:
        return ((self._owner(leg), leg.instrument_id, SLOT) for leg in self.settings.legs)

    def _tradable(self, state: State, rest: Decimal) -> bool:
        """Whether some market that hedges takes so little. Without a price only the least quantity counts."""
        for leg in self.settings.legs:
            instrument = state.instruments[leg.instrument_id]
            quantity = instrument.round_quantity(abs(rest) / instrument.contract_size)
            price = state.mark(leg.instrument_id)
            small = instrument.too_small(quantity, price) if price else quantity < (instrument.quantity_min or quantity)
            if leg.hedges and quantity and not small:
                return True
        return False

    def _trade_back(self, state: State, rest: Decimal) -> list[Request]:
        self.memory.since_us = self.memory.since_us or state.now_us
        open_us = state.now_us - self.memory.since_us
        self._text = f"{to_text(rest)} is open for {open_us / 1e6:g} s; waits for a book, funds or its back-off"
        side = Side.SELL if rest > 0 else Side.BUY
        ways = list(self._ways(state, side, abs(rest), open_us))
        if not ways:
            return []
        way = max(ways, key=lambda each: each.worth)
        self._text = f"{to_text(rest)} is open; {side} at {way.leg.instrument_id}"
        return [self._take(state, way.leg.instrument_id, side, way.quantity, way.price, way.leg.owner)]

    def _ways(self, state: State, side: Side, rest: Decimal, open_us: int) -> Iterator[_Way]:
        """Every market where it could be traded back now."""
        settings = self.settings
        slippage = settings.slippage_max if open_us >= settings.hedge_timeout_us else settings.slippage_buffer
        everywhere = settings.unwind and open_us >= settings.hedge_alert_us
        sign = ONE if side is Side.SELL else -ONE
        money = state.instruments[settings.legs[0].instrument_id].quote
        for leg in settings.legs:
            instrument = state.instruments[leg.instrument_id]
            quantity = instrument.round_quantity(rest / instrument.contract_size)
            price = _price(state, instrument, side, quantity)
            rate = state.portfolio.rates.rate(instrument.quote, money)
            blocked = state.slot_blocked(self._owner(leg), leg.instrument_id, SLOT)
            if price is None or rate is None or blocked or not (leg.hedges or everywhere):
                continue
            limit = instrument.round_price(price * (ONE - sign * slippage), side)
            if not instrument.too_small(quantity, limit):
                yield _Way(sign * price * rate * (ONE - sign * instrument.taker_rate), leg, quantity, limit)

    def _take(
        self, state: State, instrument_id: str, side: Side, quantity: Decimal, price: Decimal, owner: str
    ) -> SubmitOrder:
        return SubmitOrder(
            state.new_id(),
            instrument_id,
            side,
            OrderType.LIMIT,
            quantity,
            price,
            TimeInForce.IOC,
            owner=owner or self.executor_id,
            tag=SLOT,
        )


def _price(state: State, instrument: Instrument, side: Side, quantity: Decimal) -> Decimal | None:
    """What a taker pays on average, or the best price of a book that holds less; None: a book not to be trusted."""
    book = state.book(instrument.instrument_id)
    if book.stale or not quantity:
        return None
    return book.vwap(side, quantity) or (book.best_ask if side is Side.BUY else book.best_bid)
