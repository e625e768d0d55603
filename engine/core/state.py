"""All that is known at a tick. One object, written by the engine, read by controllers and executors."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from engine.core.book_view import BookView
from engine.core.books import BookTracker
from engine.core.circuit import SlotCircuits
from engine.core.order_ids import OrderIds
from engine.core.order_records import KEPT
from engine.core.orders import OrderTracker
from engine.core.portfolio import Portfolio
from engine.core.venue_sheet import VenueSheet
from engine.model.enums import Channel, InstrumentKind
from engine.model.event import ConnectorStatus
from engine.model.instrument import Instrument
from engine.model.market import FundingRate, MarkPrice, PublicTrade


class State:
    """Facts only. Everything is read freely; nothing but the engine changes it.

    `sheets` describes the venues by name (see VenueSheet); `ids` makes the client order ids of the session. `executors`
    maps ids to the running `engine.core.ports.Executor`s in the order of their creation. `kept` bounds the orders in
    memory.
    """

    def __init__(
        self,
        instruments: Iterable[Instrument],
        ids: OrderIds,
        sheets: Mapping[str, VenueSheet],
        start_us: int = 0,
        kept: int = KEPT,
    ) -> None:
        self.now_us = start_us
        self.instruments: dict[str, Instrument] = {each.instrument_id: each for each in instruments}
        self.sheets = sheets
        self.ids = ids
        self.books = BookTracker(self.instruments, {venue: sheet.books for venue, sheet in sheets.items()})
        self.orders = OrderTracker(self.instruments, sheets, ids, self.mid, kept)
        self.portfolio = Portfolio(self.instruments, self.mark)
        self.circuits = SlotCircuits()
        self.executors: dict[str, Any] = {}
        self.trades: dict[str, PublicTrade] = {}
        self.marks: dict[str, MarkPrice] = {}
        self.funding: dict[str, FundingRate] = {}
        self.health: dict[tuple[str, Channel, str], ConnectorStatus] = {}
        self.bad_messages: dict[str, int] = {}
        self.new_id = ids.new

    def book(self, instrument_id: str) -> BookView:
        return self.books.book(instrument_id)

    def mid(self, instrument_id: str) -> Decimal | None:
        """The mid of a book that can be trusted."""
        book = self.books.book(instrument_id)
        return None if book.stale else book.mid

    def mark(self, instrument_id: str) -> Decimal | None:
        """What positions are valued at: the mid on spot, the venue's mark price on derivatives."""
        if instrument_id in self.marks and self.instruments[instrument_id].kind is not InstrumentKind.SPOT:
            return self.marks[instrument_id].price
        book = self.books.book(instrument_id)
        return None if book.stale else book.mid

    def last_trade(self, instrument_id: str) -> PublicTrade | None:
        return self.trades.get(instrument_id)

    def slot_blocked(self, owner: str, instrument_id: str, tag: str) -> bool:
        """Whether a slot is backing off after refusals or rejections."""
        return self.circuits.blocked(owner, instrument_id, tag, self.now_us)
