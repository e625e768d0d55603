"""The rows of a live stream as a source of a kernel: appended as they come, forgotten once they are played."""

from collections.abc import Sequence
from decimal import Decimal

from connectors.paper.book import Grid
from connectors.paper.kernel import Block
from connectors.paper.words import (
    ASK,
    BEST_ASK,
    BEST_BID,
    BID,
    BUY_TRADE,
    CLEAR,
    FAR,
    FUNDING,
    GAP,
    MARK,
    SELL_TRADE,
)
from engine.core.book_changes import BookChanges, What
from engine.core.books import BookRules
from engine.model.enums import Side
from engine.model.event import ConnectorStatus, MarketEvent
from engine.model.instrument import Instrument
from engine.model.market import (
    BestQuote,
    BookDelta,
    BookSnapshot,
    Candle,
    FundingRate,
    Level,
    MarkPrice,
    PublicTrade,
)

FEED_FLOOR_US = 1_000  # a row without the venue's time is taken to be this old when it comes
QUIET_US = 500_000  # after this long without a row nothing is taken to have happened
RATE_UNIT = Decimal("1E-9")


class LiveRows:
    """What was received of one instrument. Everything in it is visible; more may come at any time."""

    live = True
    has_levels = True
    has_best = True

    def __init__(self) -> None:
        self.count = 0
        self.event_us = 0  # of the last row
        self._first = 0  # the number of the first row that is kept
        self._rows: list[tuple[int, int, int, int]] = []  # time, ticks, lots, kind
        self._seen: dict[int, int] = {}  # when the rows of a time were received, of the last few

    def append(self, event_us: int, receive_us: int, kind: int, ticks: int, lots: int) -> None:
        """One more row; times do not run backwards."""
        self.event_us = event_us = max(event_us, self.event_us)
        if event_us not in self._seen:
            if len(self._seen) >= 1_000:
                del self._seen[next(iter(self._seen))]
            self._seen[event_us] = receive_us
        self._rows.append((event_us, ticks, lots, kind))
        self.count += 1

    def hand_over(self) -> list[tuple[int, int, int, int]]:
        """(time, ticks, lots, kind) of the rows that nobody asked for yet; they are not kept."""
        rows, self._rows = self._rows, []
        self._first = self.count
        return rows

    def block(self, start: int, base: int, size: int) -> Block:
        """As `Rows.block`; the rows before `start` are not asked for again."""
        rows = self._rows = self._rows[start - self._first :]
        self._first = start
        end = base + size
        kinds = [kind + FAR if kind <= BEST_ASK and not base <= ticks < end else kind for _, ticks, _, kind in rows]
        return [row[0] for row in rows], [row[1] - base for row in rows], [row[2] for row in rows], kinds

    def price_at(self, start: int) -> int:
        """As `Rows.price_at`."""
        return next((row[1] for row in self._rows[start - self._first :] if row[3] <= BEST_ASK), 0)

    def horizon_us(self, now_us: int, feed_us: int) -> int:
        """Up to the last row all is known; and before a while ago nothing more is expected to have happened."""
        return max(self.event_us, now_us - QUIET_US)

    def seen_us(self, event_us: int, feed_us: int) -> int:
        """When we received the rows of this time."""
        return self._seen.get(event_us, event_us)


class LiveMarket:
    """Market events of one instrument → rows. `rules` prove its book; `offset_us` is the venue's clock − ours.

    `late_rows` were older than one before and got its time; `off_grid` lie between the steps and were left out.
    """

    def __init__(self, instrument: Instrument, rules: BookRules) -> None:
        self.rows = LiveRows()
        self.offset_us = 0
        self.late_rows = 0
        self.off_grid = 0
        self._instrument = instrument
        self._prices = Grid(instrument.price_step)
        self._quantities = Grid(instrument.quantity_step)
        self._book = BookChanges(instrument.instrument_id, rules)
        self._funding: FundingRate | None = None

    def take(self, event: MarketEvent) -> None:
        """Append what an event says. Best quotes count only as long as there is no book; candles never."""
        if isinstance(event, PublicTrade):
            self._level(event, BUY_TRADE if event.aggressor is Side.BUY else SELL_TRADE, event.price, event.quantity)
        elif isinstance(event, BookDelta | BookSnapshot):
            self._depth(event)
        elif isinstance(event, BestQuote) and not self._book.began:
            self._level(event, BEST_BID, event.bid, event.bid_quantity)
            self._level(event, BEST_ASK, event.ask, event.ask_quantity)
        elif isinstance(event, MarkPrice):
            self._append(event, MARK, round(event.price / self._instrument.price_step))
        elif isinstance(event, FundingRate):
            self._fund(event)

    def take_status(self, status: ConnectorStatus) -> None:
        """A broken connection is a gap in the book."""
        if self._book.apply_status(status) is What.GAP:
            self.rows.append(status.receive_us, status.receive_us, GAP, 0, 0)

    def _depth(self, event: BookDelta | BookSnapshot) -> None:
        what = self._book.apply(event)
        if what is What.GAP:
            self._append(event, GAP)
        elif what is What.WHOLE:
            self._append(event, CLEAR)
            self._levels(event, self._book.levels(Side.BUY), self._book.levels(Side.SELL))
        elif what is What.CHANGES:
            self._levels(event, event.bids, event.asks)

    def _levels(self, event: BookDelta | BookSnapshot, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        for kind, levels in ((BID, bids), (ASK, asks)):
            for price, quantity in levels:
                self._level(event, kind, price, quantity)

    def _fund(self, event: FundingRate) -> None:
        """The last rate that was told before it was due is what is paid."""
        due, self._funding = self._funding, event
        if due is not None and due.next_us <= event.event_us and due.next_us != event.next_us:
            self._append(event, FUNDING, 0, int(due.rate / RATE_UNIT))

    def _level(self, event: PublicTrade | BestQuote | BookDelta | BookSnapshot, kind: int, *level: Decimal) -> None:
        """A price and a quantity."""
        ticks, lots = self._prices.count(level[0]), self._quantities.count(level[1])
        if ticks is None or lots is None:
            self.off_grid += 1
        else:
            self._append(event, kind, ticks, lots)

    def _append(self, event: MarketEvent, kind: int, ticks: int = 0, lots: int = 0) -> None:
        """A row at the venue's time as our clock shows it, which lies before that of the receipt."""
        assert not isinstance(event, Candle)
        latest_us = event.receive_us - FEED_FLOOR_US
        event_us = min(event.event_us - self.offset_us, latest_us) if event.event_us else latest_us
        self.late_rows += event_us < self.rows.event_us
        self.rows.append(event_us, event.receive_us, kind, ticks, lots)
