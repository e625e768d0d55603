"""Writes what a session's `Feed` has gathered, in batches. A batch is kept until the database has taken it."""

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.model.enums import Side
from engine.model.market import FundingRate, Level, PublicTrade
from engine.store.history import tables
from engine.store.history.bulk import insert_rows
from engine.store.history.column_types import bounded
from engine.store.history.connection import Store
from engine.store.history.feed import Feed
from engine.store.history.instruments import InstrumentKeys
from engine.store.history.rollups import Rollups

# Rows of one table in a transaction. SQLite's driver lets the trading loop run between rows, so only the number of
# transactions counts there; PostgreSQL's packs a whole batch at once, and 500 rows take it about a millisecond.
SQLITE_BATCH, POSTGRES_BATCH = 5_000, 500
_ID_MAX = 1 << 63
Row = tuple[Any, ...]


class MarketWriter:
    """Of one session; `market_session` is its id if its markets are simulated, else "".

    Ticks that are written are marked for `rollups`.
    """

    def __init__(
        self, store: Store, keys: InstrumentKeys, feed: Feed, rollups: Rollups, session_id: str, market_session: str
    ) -> None:
        self._store = store
        self._keys = keys
        self._feed = feed
        self._rollups = rollups
        self._batch = POSTGRES_BATCH if store.postgres else SQLITE_BATCH
        self._session_id = session_id
        self._market_session = market_session
        self._waiting: dict[str, list[Row]] = {}  # batches that no transaction has taken yet
        self._sequences: dict[str, int] = {}
        self._makers: dict[str, Callable[[Any], Row]] = {
            "price_tick": self._tick,
            "order_book_snapshot": _book,
            "funding_rate": _funding,
            "balance_snapshot": self._balance,
        }
        self.written = dict.fromkeys(feed.buffers, 0)

    @property
    def queued(self) -> int:
        """Rows that are not written yet."""
        return sum(map(len, self._feed.buffers.values())) + sum(map(len, self._waiting.values()))

    async def flush(self) -> bool:
        """Write one batch of every table; returns whether there is more. Raises StoreError, then nothing is lost."""
        for name, buffer in self._feed.buffers.items():
            if buffer and name not in self._waiting:
                self._waiting[name] = [self._makers[name](each) for each in buffer.take(self._batch)]
        if not self._waiting:
            return False
        try:
            with self._store.guarded():
                async with self._store.engine.begin() as connection:
                    ticks = await self._write(connection)
        except BaseException:  # handled: what a rolled-back transaction taught is forgotten; the service tries again
            self._keys.forget()
            raise
        for name, batch in self._waiting.items():
            self.written[name] += len(batch)
        self._waiting.clear()
        self._rollups.mark(ticks)
        return any(self._feed.buffers.values())

    async def _write(self, connection: AsyncConnection) -> Sequence[Row]:
        """Returns the rows of ticks."""
        if self._store.postgres:  # SQLAlchemy begins with its first statement, the driver is to be inside
            await connection.exec_driver_sql("SELECT")
        ticks: Sequence[Row] = ()
        for name, batch in self._waiting.items():
            table = tables.metadata.tables[name]
            keys: dict[str, Any] = {self._session_id: self._session_id}
            for each in dict.fromkeys(row[0] for row in batch):
                if each not in keys:
                    keys[each] = await self._keys.key(connection, each, self._market_session)
            rows = [(keys[row[0]], *row[1:]) for row in batch]
            await insert_rows(self._store, connection, table, rows)
            if table is tables.price_tick:
                ticks = rows
        return ticks

    def _tick(self, trade: PublicTrade) -> Row:
        """Like all of these in the order of the table's columns, but with the instrument's id instead of its key."""
        aggressor = 1 if trade.aggressor is Side.BUY else -1
        numbers = (float(trade.price), float(trade.quantity), aggressor)
        return trade.instrument_id, bounded(trade.event_us), self._sequence(trade), *numbers

    def _balance(self, row: Row) -> Row:
        return self._session_id, *row

    def _sequence(self, trade: PublicTrade) -> int:
        """The venue's number of a trade; one that grows with time where it has none.

        It is given once, so a batch that is written again is the same.
        """
        if trade.trade_id.isdecimal() and (number := int(trade.trade_id)) < _ID_MAX:
            return number
        previous = self._sequences.get(trade.instrument_id, 0)
        self._sequences[trade.instrument_id] = sequence = max(previous + 1, trade.event_us)
        return sequence


def _book(sample: tuple[str, int, int, list[Level], list[Level]]) -> Row:
    instrument_id, now_us, sequence, bids, asks = sample
    bid, ask = float(bids[0][0]), float(asks[0][0])
    return instrument_id, now_us, sequence, (bid + ask) / 2, ask - bid, _packed(bids), _packed(asks)


def _funding(rate: FundingRate) -> Row:
    return rate.instrument_id, bounded(rate.event_us), float(rate.rate), bounded(rate.next_us)


def _packed(levels: Sequence[Level]) -> bytes:
    """Price, quantity, price, quantity … as doubles."""
    return array("d", [float(value) for level in levels for value in level]).tobytes()
