"""All that is known at a tick. One object, owned by the engine, read by controllers and executors."""

from collections.abc import Iterable

from engine.core.book_view import BookView
from engine.core.books import BookTracker
from engine.core.circuit import SlotCircuits
from engine.core.order_ids import OrderIds
from engine.core.orders import OrderTracker
from engine.core.portfolio import Portfolio
from engine.core.venue_sheet import VenueSheet
from engine.model.event import ConnectorStatus
from engine.model.instrument import Instrument
from engine.model.market import Candle, FundingRate, MarkPrice, PublicTrade
from engine.model.enums import Channel

CANDLES_KEPT = 2_000


class State:
    """Facts only. Attributes are read freely; only the engine writes them."""

    def __init__(self, instruments: Iterable[Instrument], ids: OrderIds, sheets: dict[str, VenueSheet]) -> None:
        self.now_us = 0
        self.instruments: dict[str, Instrument] = {i.instrument_id: i for i in instruments}
        self.books = BookTracker(self.instruments)
        self.ids = ids
        self.orders = OrderTracker(self.instruments, sheets, ids)
        self.portfolio = Portfolio(self.instruments)
        self.circuits = SlotCircuits()
        self.executors: dict[str, "Executor"] = {}
        self.trades: dict[str, PublicTrade] = {}
        self.marks: dict[str, MarkPrice] = {}
        self.funding: dict[str, FundingRate] = {}
        self.health: dict[tuple[str, Channel, str], ConnectorStatus] = {}
        self.bad_messages: dict[str, int] = {}

    def book(self, instrument_id: str) -> BookView:
        return self.books.book(instrument_id)

    def last_trade(self, instrument_id: str) -> PublicTrade | None:
        return self.trades.get(instrument_id)

    def slot_blocked(self, owner: str, instrument_id: str, tag: str) -> bool:
        """Whether a slot is backing off after refusals or rejections."""
        return self.circuits.blocked(owner, instrument_id, tag, self.now_us)

    def new_id(self) -> str:
        """The next client order id of this session."""
        return self.ids.new()
