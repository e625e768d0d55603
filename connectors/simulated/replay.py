"""The market of a simulated venue that repeats recorded data: its book and its trades, at their receive times.

The record does not know our orders, so they never change it for good. A resting order of ours fills, at its own price
and never for more than was there, in two cases only:

- a recorded trade went through its price: a seller traded below our bid, a buyer above our ask. A trade at our very
  price does not count, because we cannot know what was ahead of us.
- a recorded order came to rest at or beyond its price, which it could not have done without trading with ours first.

Our taking orders walk the recorded book; what they took is back as soon as the record speaks of that level again.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain
from pathlib import Path

from connectors.simulated.book_order import BookOrder, Place
from connectors.simulated.capture import Capture, FrameParser, MarketData
from connectors.simulated.listing import Listing
from connectors.simulated.market import NEVER_US
from connectors.simulated.venue import SimulatedExchange
from engine.core.books import BookRules, BookTracker, Verdict, chained, contiguous
from engine.model.enums import Channel, Side
from engine.model.errors import TickwrightError
from engine.model.event import BadMessageSeen
from engine.model.market import BookDelta, BookSnapshot, Level, PublicTrade
from engine.model.money import to_text

BUY, SELL = Side.BUY, Side.SELL
BAD_REPORT_US = 60_000_000  # at most one BadMessageSeen in this time; all are counted
HEAD_MAX = 10_000  # lines that may come before the first snapshot
ALL = 1 << 30


def recorded_sequence(delta: BookDelta, sequence: int, bridged: bool) -> Verdict:
    """The rule that the delta itself shows: futures name the message before, spot does not."""
    return (chained if delta.sequence_previous else contiguous)(delta, sequence, bridged)


class ReplayMarket:
    """The `Market` of one instrument. `bad` counts lines that were not understood, `gaps` losses of the recorded book.

    `price_step` (quote) and `quantity_step` (base units, contracts) are what the first depth snapshot needs; quantities
    of later levels are rounded down to it. Raises TickwrightError when a file is not there or the record begins without
    a snapshot.
    """

    def __init__(self, instrument_id: str, paths: Sequence[Path], parser: FrameParser) -> None:
        self.instrument_id = instrument_id
        self.bad = 0
        self.gaps = 0
        self._notices: list[BadMessageSeen] = []
        self._report_us = 0
        self._tracker = BookTracker()
        self._book = self._tracker.follow(instrument_id, BookRules(recorded_sequence))
        self._laid_out = False
        lines = iter(Capture(paths, instrument_id, parser, self._on_bad))
        head: list[tuple[int, Sequence[MarketData]]] = []
        for receive_us, events in lines:
            head.append((receive_us, events))
            if isinstance(events[0], BookSnapshot) or len(head) == HEAD_MAX:
                break
        first = head[-1][1][0] if head else None
        if not isinstance(first, BookSnapshot):
            raise TickwrightError(
                f"{paths[0]} has no depth snapshot in its first {len(head)} messages: "
                "begin with the recording that this one continues"
            )
        levels = first.bids + first.asks
        self.price_step = coarsest_step(price for price, _ in levels)
        self.quantity_step = coarsest_step(quantity for _, quantity in levels)
        self._lines = chain(head, lines)
        self._pending = next(self._lines, None)

    @property
    def next_us(self) -> int:
        """When the record goes on; NEVER_US at its end."""
        return NEVER_US if self._pending is None else self._pending[0]

    def step(self, now_us: int, exchange: SimulatedExchange) -> None:
        """Play what was received by `now_us`, then let recorded orders trade with ours."""
        listing = exchange.listing(self.instrument_id)
        while self._pending is not None and self._pending[0] <= now_us:
            for event in self._pending[1]:
                if isinstance(event, PublicTrade):
                    _trade(listing, event)
                elif isinstance(event, BookDelta | BookSnapshot):
                    self._update(listing, event)
            self._pending = next(self._lines, None)
        _uncross(listing)
        exchange.notices += self._notices
        self._notices.clear()

    def _on_bad(self, reason: str, excerpt: str, receive_us: int) -> None:
        self.bad += 1
        if receive_us >= self._report_us:
            self._report_us = receive_us + BAD_REPORT_US
            venue = self.instrument_id.partition(":")[0]
            text = f"{reason} (bad line {self.bad} of the recording)"
            self._notices.append(BadMessageSeen(venue, Channel.MARKET, text, excerpt, receive_us))

    def _update(self, listing: Listing, event: BookDelta | BookSnapshot) -> None:
        """Bring the venue's book to the recorded one; without a provable book nobody can trade."""
        book, engine = self._book, listing.engine
        self._tracker.apply(event)
        if book.stale:
            if self._laid_out:
                self.gaps += 1
                _lay_out(listing, BUY, [])
                _lay_out(listing, SELL, [])
            self._laid_out = False
        elif isinstance(event, BookSnapshot) or not self._laid_out:
            _lay_out(listing, BUY, book.levels(BUY, ALL))
            _lay_out(listing, SELL, book.levels(SELL, ALL))
            self._laid_out = True
        elif event.sequence_last == book.sequence:
            for side, levels in ((BUY, event.bids), (SELL, event.asks)):
                for price, quantity in levels:
                    engine.set_level(side, listing.ticks(price), listing.lots(quantity))
        engine.halted = not self._laid_out


def coarsest_step(values: Iterable[Decimal]) -> Decimal:
    """The largest of 1, 0.1, 0.01 … that all values are multiples of."""
    places = max((len(to_text(value.normalize()).partition(".")[2]) for value in values), default=0)
    return Decimal(1).scaleb(-places)


def _lay_out(listing: Listing, side: Side, levels: Sequence[Level]) -> None:
    """Make the recorded levels of a side exactly these."""
    wanted = {listing.ticks(price): listing.lots(quantity) for price, quantity in levels}
    for ticks, _ in listing.engine.depth(side, ALL):
        if ticks not in wanted:
            listing.engine.set_level(side, ticks, 0)
    for ticks, lots in wanted.items():
        listing.engine.set_level(side, ticks, lots)


def _resting(listing: Listing, side: Side) -> list[BookOrder]:
    """Our resting orders of a side, best price first, then oldest."""
    orders = [order.book for order in listing.orders.values()]
    resting = [order for order in orders if order.side is side and order.place is Place.RESTING]
    return sorted(resting, key=lambda order: -order.ticks if side is BUY else order.ticks)


def _trade(listing: Listing, trade: PublicTrade) -> None:
    """A recorded trade: it goes to those of our orders that it went through, what is left is printed."""
    engine = listing.engine
    ticks, left = listing.ticks(trade.price), listing.lots(trade.quantity)
    side = trade.aggressor.opposite
    for order in _resting(listing, side):
        if left and (ticks < order.ticks if side is BUY else ticks > order.ticks):
            left -= engine.execute(order.key, left)
    if left:
        engine.print_trade(ticks, left, trade.aggressor)


def _uncross(listing: Listing) -> None:
    """Let our resting orders trade with what the record shows at or beyond their price."""
    engine = listing.engine
    for side in (BUY, SELL):
        opposite = side.opposite
        for order in _resting(listing, side):
            while order.place is Place.RESTING:
                best = engine.best(opposite)
                if not best or (best > order.ticks if side is BUY else best < order.ticks):
                    break
                there = engine.lots_at(opposite, best)
                engine.set_level(opposite, best, there - engine.execute(order.key, there))
