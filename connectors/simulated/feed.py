"""The venue's public stream: a book snapshot first, then one delta per instrument and instant, and the trades."""

from __future__ import annotations

from msgspec import structs

from connectors.simulated.listing import Listing
from connectors.simulated.venue import SimulatedExchange
from engine.model.enums import Side
from engine.model.event import Event
from engine.model.market import BookDelta, BookSnapshot, PublicTrade


class Feed:
    """Sequence numbers are contiguous per instrument; an instant in which nothing changed takes none."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._exchange = exchange
        self._streams = tuple(exchange.listings.items())
        self._sequences = dict.fromkeys(exchange.listings, 0)  # 0: no snapshot sent yet

    def collect(self, receive_us: int) -> list[Event]:
        """What has happened since the last call, stamped with the time of receipt."""
        events: list[Event] = []
        for instrument_id, listing in self._streams:
            engine = listing.engine
            if engine.bids.changed or engine.asks.changed:
                previous = self._sequences[instrument_id]
                sequence = self._sequences[instrument_id] = previous + 1
                bids, asks = listing.changed_levels()
                now_us = self._exchange.now_us
                if sequence == 1:
                    events.append(self.snapshot(instrument_id, receive_us))
                else:
                    events.append(
                        BookDelta(instrument_id, bids, asks, sequence, sequence, now_us, receive_us, previous)
                    )
            if listing.prints:
                self._add_trades(events, instrument_id, listing, receive_us)
        if self._exchange.margin is not None:
            events += self._exchange.margin.news(self._exchange.now_us, receive_us)
        if self._exchange.notices:
            events += [structs.replace(notice, receive_us=receive_us) for notice in self._exchange.notices]
            self._exchange.notices.clear()
        return events

    def snapshot(self, instrument_id: str, receive_us: int) -> BookSnapshot:
        """The whole book as of the last sequence number. Call it when there are no changes left to `collect`."""
        listing = self._exchange.listing(instrument_id)
        return BookSnapshot(
            instrument_id,
            listing.levels(Side.BUY),
            listing.levels(Side.SELL),
            self._sequences[instrument_id],
            self._exchange.now_us,
            receive_us,
        )

    def snapshots(self, receive_us: int) -> list[Event]:
        """Every book that has been opened, and the marks of perpetuals."""
        books: list[Event] = [self.snapshot(name, receive_us) for name, sequence in self._sequences.items() if sequence]
        margin = self._exchange.margin
        return books if margin is None else books + margin.snapshots(self._exchange.now_us, receive_us)

    def _add_trades(self, events: list[Event], instrument_id: str, listing: Listing, receive_us: int) -> None:
        now_us = self._exchange.now_us
        for trade in listing.prints:
            price, quantity = listing.price(trade.ticks), listing.quantity(trade.lots)
            events.append(
                PublicTrade(instrument_id, str(trade.number), price, quantity, trade.aggressor, now_us, receive_us)
            )
        listing.prints.clear()
