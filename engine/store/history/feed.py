"""What a session hands over to its history: market data and balances wait here, in memory, for the database.

The trading loop only appends; another thread takes. When the database is away for too long the oldest rows give way,
counted by table. Orders and fills do not go this way: they are in the order log.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from engine.core.ports import Record
from engine.core.state import State
from engine.model.enums import Side
from engine.model.event import Tick
from engine.model.market import FundingRate, PublicTrade

BALANCES_US = 60_000_000  # how often balances are noted
BOOK_LEVELS = 50
LIMITS = {"price_tick": 200_000, "order_book_snapshot": 10_000, "funding_rate": 10_000, "balance_snapshot": 10_000}


class Buffer:
    """Rows that wait. One thread puts, another one takes."""

    __slots__ = ("_limit", "_rows", "dropped")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rows: deque[Any] = deque()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def half_full(self) -> bool:
        return len(self._rows) > self._limit // 2

    def put(self, row: Any) -> None:
        """The oldest one gives way when the buffer is full."""
        if len(self._rows) >= self._limit:
            self._rows.popleft()
            self.dropped += 1
        self._rows.append(row)

    def take(self, count: int) -> list[Any]:
        """At most `count`, oldest first. They are the caller's now."""
        rows = self._rows
        return [rows.popleft() for _ in range(min(count, len(rows)))]


class Feed:
    """A sink of the engine. `ticks` and `book_interval_us` (0: none) say what of the market is kept.

    What waits are events; of books (instrument id, time, sequence, bids, asks); of balances (venue, asset, time, total,
    free). Another shape would be another cost: nothing is converted on the trading loop.
    """

    def __init__(self, *, ticks: bool = True, book_interval_us: int = 0) -> None:
        self.now_us = 0
        self.buffers = {table: Buffer(limit) for table, limit in LIMITS.items()}
        self._book_interval_us = book_interval_us
        self._state: State | None = None
        self._books_us = self._balances_us = 0
        self._books_seen: dict[str, int] = {}
        self._handlers: dict[type, Callable[[Any], None]] = {
            FundingRate: self.buffers["funding_rate"].put,
            Tick: self._ticked,
        }
        if ticks:
            self._handlers[PublicTrade] = self.buffers["price_tick"].put

    def follow(self, state: State) -> None:
        """Note books and balances of this state from now on."""
        self._state = state

    def hear(self, now_us: int, record: Record) -> None:
        """The sink."""
        handler = self._handlers.get(type(record))
        if handler is not None:
            handler(record)

    def _ticked(self, tick: Tick) -> None:
        self.now_us = now_us = tick.now_us
        if self._state is None:
            return
        if self._book_interval_us and now_us >= self._books_us:
            self._books_us = now_us + self._book_interval_us
            self._note_books(self._state)
        if now_us >= self._balances_us:
            self._balances_us = now_us + BALANCES_US
            for account in self._state.portfolio.accounts.values():
                row = (account.venue, account.asset, now_us, account.total, account.total - account.reserved)
                self.buffers["balance_snapshot"].put(row)

    def _note_books(self, state: State) -> None:
        for instrument_id in state.instruments:
            book = state.book(instrument_id)
            if book.stale or book.mid is None or book.receive_us == self._books_seen.get(instrument_id):
                continue
            self._books_seen[instrument_id] = book.receive_us
            sides = (book.levels(Side.BUY, BOOK_LEVELS), book.levels(Side.SELL, BOOK_LEVELS))
            self.buffers["order_book_snapshot"].put((instrument_id, state.now_us, book.receive_us, *sides))
