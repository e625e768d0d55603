"""Market events → rows: exact steps, provable books, one trade once, times that never go back within a stream."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec.structs import replace

from engine.backtest.columns import RATE_UNIT_DIGITS, RowKind
from engine.backtest.dataset import DAY_US, Quality
from engine.backtest.day_writer import DayWriter, Row
from engine.backtest.found import LATEST_US, Cursor
from engine.backtest.scan import FEED_FLOOR_US
from engine.core.book_changes import BookChanges, What
from engine.core.books import BookRules, Verdict, chained, contiguous
from engine.model.enums import Side
from engine.model.event import ConnectorStatus, MarketEvent
from engine.model.instrument import Instrument
from engine.model.market import (
    BestQuote,
    BookDelta,
    BookSnapshot,
    FundingRate,
    Level,
    MarkPrice,
    PublicTrade,
)
from engine.model.money import ZERO, to_text

Timed = PublicTrade | BookDelta | BookSnapshot | BestQuote | MarkPrice | FundingRate
PLACES_MAX = 50  # of what is wrong with the data that are told by file and row; the rest is counted
HISTORY_US = 10_000_000  # trades older than this before the recording are what venues tell new subscribers
IDS_KEPT = 100_000  # trades among which a duplicate is looked for
NUMBERS_KEPT = 1 << 17
COUNT_MAX = 1 << 60  # ticks or lots
# The order of streams at one µs: a trade comes before what it did to the book.
TRADES, BOOK, BEST, MARKS = range(4)


def recorded_sequence(delta: BookDelta, sequence: int, bridged: bool) -> Verdict:
    """The rule that the delta itself shows: futures name the message before, spot does not; 0 means no ids at all."""
    if not delta.sequence_last:
        return Verdict.NEXT
    return (chained if delta.sequence_previous else contiguous)(delta, sequence, bridged)


AS_SHOWN = BookRules(recorded_sequence)


class RowMaker:
    """One market, whose book `rules` prove. `keep_best` takes best quotes, which a book makes superfluous.

    `shift_us` mends the venue's times, `began_us` is when the recording began (0: not known).
    Raises TickwrightError with file and row about what cannot be.
    """

    def __init__(
        self,
        instrument: Instrument,
        rules: BookRules,
        writer: DayWriter,
        cursor: Cursor,
        *,
        keep_best: bool,
        shift_us: int,
        began_us: int,
    ) -> None:
        self.quality = Quality(clock_shift_us=shift_us)
        self._instrument = instrument
        self._writer = writer
        self._cursor = cursor
        self._keep_best = keep_best
        self._shift_us = shift_us
        self._trades_from_us = began_us - HISTORY_US
        self._ticks: dict[Decimal, int] = {}
        self._lots: dict[Decimal, int] = {}
        self._book = BookChanges(instrument.instrument_id, rules)
        self._gap_us = 0
        self._last_us = [0, 0, 0, 0]
        self._last_receive_us = [0, 0, 0, 0]
        self._message = 0
        self._trade_ids: dict[str, None] = {}
        self._funding: FundingRate | None = None
        self._day = -1

    def take(self, event: MarketEvent | ConnectorStatus) -> None:
        """Turn one event into rows."""
        self._message += 1
        if isinstance(event, PublicTrade):
            self._trade(event)
        elif isinstance(event, BookDelta | BookSnapshot):
            self._depth(event)
        elif isinstance(event, BestQuote):
            self._best(event)
        elif isinstance(event, MarkPrice):
            self._mark(event)
        elif isinstance(event, FundingRate):
            self._fund(event)
        elif isinstance(event, ConnectorStatus) and self._book.apply_status(event) is What.GAP:
            last_us = max(self._last_us) - self._shift_us  # nothing is known of what came after the last row
            self._begin_gap(MarkPrice(self._instrument.instrument_id, ZERO, last_us, max(self._last_receive_us)))

    # ---- streams

    def _trade(self, event: PublicTrade) -> None:
        if not event.quantity:
            self._note(f"trade {event.trade_id} is of nothing: left out")
            return
        if event.receive_us and event.event_us + self._shift_us < self._trades_from_us:
            self._note(f"trade {event.trade_id} was before the recording: left out")
            return
        if event.trade_id and event.trade_id in self._trade_ids:
            self.quality.duplicate_trades += 1
            self._note(f"trade {event.trade_id} is there already: left out")
            return
        if event.trade_id:
            if len(self._trade_ids) >= IDS_KEPT:
                self._trade_ids.clear()
            self._trade_ids[event.trade_id] = None
        self.quality.trades += 1
        kind = RowKind.BUY if event.aggressor is Side.BUY else RowKind.SELL
        sequence = int(event.trade_id) if event.trade_id.isdigit() and len(event.trade_id) < 19 else 0
        self._row(TRADES, event, kind, self._price(event.price), self._quantity(event.quantity), sequence)

    def _depth(self, event: BookDelta | BookSnapshot) -> None:
        book, was_good, began = self._book, self._book.good, self._book.began
        what = book.apply(event)
        if what is What.GAP:
            self._begin_gap(event)
        elif what is What.WHOLE:
            if began and not was_good and not event.event_us:  # it does not follow the last row at once
                event = replace(event, event_us=event.receive_us - FEED_FLOOR_US - self._shift_us)
            event_us = self._row(BOOK, event, RowKind.CLEAR, 0, 0, book.sequence)
            self.quality.gap_us += event_us - self._gap_us if began and not was_good else 0
            self._levels(event, book.levels(Side.BUY), book.levels(Side.SELL), book.sequence)
        elif what is What.CHANGES:
            self._levels(event, event.bids, event.asks, book.sequence)
        elif not began and not book.good:
            self.quality.before_snapshot += 1

    def _begin_gap(self, event: Timed) -> None:
        self.quality.gaps += 1
        self.quality.crossed += self._book.stale.startswith("crossed")
        self._note(f"gap: {self._book.stale.removeprefix('gap: ')}")
        self._gap_us = self._row(BOOK, event, RowKind.GAP, 0, 0, 0)

    def _levels(self, event: Timed, bids: Sequence[Level], asks: Sequence[Level], sequence: int) -> None:
        for kind, levels in ((RowKind.BID, bids), (RowKind.ASK, asks)):
            for price, quantity in levels:
                self._row(BOOK, event, kind, self._price(price), self._quantity(quantity), sequence)

    def _best(self, event: BestQuote) -> None:
        if not self._keep_best:
            self.quality.best_quotes += 1
            return
        for kind, price, quantity in (
            (RowKind.BEST_BID, event.bid, event.bid_quantity),
            (RowKind.BEST_ASK, event.ask, event.ask_quantity),
        ):
            self._row(BEST, event, kind, self._price(price), self._quantity(quantity), event.sequence)

    def _mark(self, event: MarkPrice) -> None:
        ticks = round(event.price / self._instrument.price_step)
        self._settle(event.event_us)
        self._row(MARKS, event, RowKind.MARK, ticks, 0, 0)

    def _fund(self, event: FundingRate) -> None:
        """A rate becomes due at its `next_us`: the last one told before that is what is paid."""
        if self._funding is not None and event.next_us != self._funding.next_us:
            self._settle(max(event.event_us, self._funding.next_us))
        self._funding = event
        self._settle(event.event_us)

    def _settle(self, now_us: int) -> None:
        due = self._funding
        if due is not None and due.next_us <= now_us:
            self._funding = None
            lots = int(due.rate.scaleb(RATE_UNIT_DIGITS).to_integral_value())
            receive_us = due.next_us if due.receive_us else 0
            paid = FundingRate(due.instrument_id, due.rate, 0, due.next_us, receive_us)
            self._row(MARKS, paid, RowKind.FUNDING, 0, lots, 0)

    # ---- rows

    def _note(self, text: str) -> None:
        """Something wrong with the row that is being read; a message is noted once."""
        places, line = self.quality.places, f"{self._cursor.file}, row {self._cursor.row}: {text}"
        if len(places) < PLACES_MAX and line not in places[-1:]:
            places.append(line)

    def _row(self, stream: int, event: Timed, kind: RowKind, ticks: int, lots: int, sequence: int) -> int:
        """Write one row; returns its time. Missing or backward times are those of the row before in the stream."""
        receive_us = event.receive_us
        event_us = (
            event.event_us + self._shift_us if event.event_us else max(self._last_us) or receive_us - FEED_FLOOR_US
        )
        if event_us < self._last_us[stream]:
            self.quality.late_rows += 1
            self._note("is older than the row before in its stream: given its time")
            event_us = self._last_us[stream]
        self._last_us[stream] = event_us
        if receive_us:
            receive_us = self._last_receive_us[stream] = max(receive_us, self._last_receive_us[stream], event_us)
        if event_us // DAY_US != self._day:
            self._new_day(event_us, receive_us, stream)
        self._writer.add((event_us, receive_us, kind, ticks, lots, self._message, sequence), stream)
        return event_us

    def _new_day(self, event_us: int, receive_us: int, stream: int) -> None:
        """Keep the book as the day begins, so that a run can start there."""
        if event_us // DAY_US < self._day:
            return
        if not 0 <= event_us < LATEST_US:
            raise self._cursor.problem(f"{event_us} µs since the epoch is not a time from 1970 to 2100")
        day_us = event_us // DAY_US * DAY_US
        if self._day >= 0 and self._book.good:
            self._writer.open_day(event_us, self._opening(day_us, day_us if receive_us else 0))
        self._day = event_us // DAY_US

    def _opening(self, at_us: int, receive_us: int) -> Iterator[Row]:
        book = self._book
        yield at_us, receive_us, RowKind.CLEAR, 0, 0, 0, book.sequence
        for kind, side in ((RowKind.BID, Side.BUY), (RowKind.ASK, Side.SELL)):
            for price, quantity in book.levels(side):
                yield at_us, receive_us, kind, self._price(price), self._quantity(quantity), 0, book.sequence

    def _price(self, value: Decimal) -> int:
        return self._ticks.get(value) or self._count(self._ticks, value, self._instrument.price_step, "price")

    def _quantity(self, value: Decimal) -> int:
        return self._lots.get(value) or self._count(self._lots, value, self._instrument.quantity_step, "quantity")

    def _count(self, known: dict[Decimal, int], value: Decimal, step: Decimal, what: str) -> int:
        """value / step, exactly."""
        count = int(value / step)
        if count * step != value:
            raise self._cursor.problem(
                f"{what} {to_text(value)} is not a multiple of the {what} step {to_text(step)}: "
                f"give the right --{what}-step, or import the data before and after a change of rules separately"
            )
        if count < 0 or (what == "price" and count == 0):
            raise self._cursor.problem(f"{what} {to_text(value)} is not above 0")
        if count > COUNT_MAX:
            raise self._cursor.problem(f"{what} {to_text(value)} is too large for steps of {to_text(step)}")
        if len(known) >= NUMBERS_KEPT:
            known.clear()
        known[value] = count
        return count
