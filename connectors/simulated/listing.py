"""One instrument at the venue: its matching engine, and the bridge between ticks and lots and money."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from connectors.simulated.book_order import MILLION, BookOrder
from connectors.simulated.contract import Contract
from connectors.simulated.matching import MatchingEngine
from connectors.simulated.settlement import SpotSettlement
from connectors.simulated.venue_order import Account, VenueOrder
from engine.model.enums import Side
from engine.model.event import Fill, FillCorrected
from engine.model.instrument import Instrument
from engine.model.market import Level
from engine.model.request import SubmitOrder

Levels = tuple[Level, ...]
TRADES_KEPT = 200_000  # own trades per account


class Print(Struct, frozen=True, gc=False):
    """A public trade: number within the instrument, price in ticks, size in lots, the taker's side."""

    number: int
    ticks: int
    lots: int
    aggressor: Side


class Listing:
    """`orders` are the traders' live orders by key, `trades` each trader's own trades, `prints` undelivered trades,
    `corrections` what the venue has taken back of trades. `contract` is the settlement of a perpetual, else None."""

    def __init__(
        self,
        instrument: Instrument,
        settlement: SpotSettlement | Contract,
        next_key: Callable[[], int],
        admit: Callable[[Listing, BookOrder], str],
    ) -> None:
        self.instrument = instrument
        self.settlement = settlement
        self.contract = settlement if isinstance(settlement, Contract) else None
        self.engine = MatchingEngine(next_key, lambda order: admit(self, order))
        self.orders: dict[int, VenueOrder] = {}
        self.trades: dict[int, list[Fill]] = {}
        self.prints: list[Print] = []
        self.corrections: dict[str, FillCorrected] = {}  # by trade id
        self.trade_number = 0
        self._price_step = instrument.price_step
        self._quantity_step = instrument.quantity_step

    def ticks(self, price: Decimal) -> int:
        """Price in ticks, rounded down."""
        return int(price // self._price_step)

    def lots(self, quantity: Decimal) -> int:
        """Quantity in lots, rounded down."""
        return int(quantity // self._quantity_step)

    def price(self, ticks: int) -> Decimal:
        return self._price_step * ticks

    def quantity(self, lots: int) -> Decimal:
        return self._quantity_step * lots

    def book_order(self, account: Account, request: SubmitOrder, key: int) -> BookOrder:
        """A request as the matching engine takes it."""
        return BookOrder(
            request.side,
            self.ticks(request.price) if request.price else 0,
            self.lots(request.quantity),
            account.number,
            request.order_type,
            request.time_in_force,
            account.self_trade,
            request.post_only,
            request.reduce_only,
            self.lots(request.display_quantity) if request.display_quantity else 0,
            self.ticks(request.stop_price) if request.stop_price else 0,
            int(request.trailing_delta * MILLION) if request.trailing_delta else 0,
            request.expire_us,
            request.list_id,
            key,
        )

    def levels(self, side: Side, count: int = 1 << 30) -> Levels:
        """The best `count` levels of a side with their visible quantities."""
        return self._money(self.engine.depth(side, count))

    def changed_levels(self) -> tuple[Levels, Levels]:
        """(bids, asks) that changed since the last call, with their new quantities."""
        return self._money(self.engine.bids.drain()), self._money(self.engine.asks.drain())

    def add_trade(self, account: int, fill: Fill) -> None:
        """Remember an own trade; the older half goes when there are too many."""
        fills = self.trades.setdefault(account, [])
        fills.append(fill)
        if len(fills) > TRADES_KEPT:
            del fills[: TRADES_KEPT // 2]

    def trades_after(self, account: int, number: int) -> list[Fill]:
        """An account's own trades with a trade id above `number`, oldest first."""
        fills = self.trades.get(account, [])
        return fills[bisect_right(fills, number, key=lambda fill: int(fill.trade_id)) :]

    def _money(self, levels: list[tuple[int, int]]) -> Levels:
        if not levels:
            return ()
        price_step, quantity_step = self._price_step, self._quantity_step
        return tuple([(price_step * ticks, quantity_step * lots) for ticks, lots in levels])
