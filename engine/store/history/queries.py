"""Reading facts. Long answers come in pages: `after` is the `next` of the page before; nothing is skipped or repeated.

Times are microseconds, UTC; ranges are [start_us, end_us). Everything raises StoreError.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from engine.store.history.column_types import LATEST_US
from engine.store.history.connection import Store
from engine.store.history.tables import (
    balance_snapshot,
    instrument,
    order_event,
    orders,
    price_tick,
    session,
    trade,
    transfer,
)

PAGE = 1_000
STREAMED = 5_000  # rows that a stream holds at once
Row = dict[str, Any]


class Span(Struct, frozen=True):
    """Which rows: of a bot, of one of its sessions, of an instrument by its id, in a time. "" is any."""

    bot: str = ""
    session: str = ""
    instrument: str = ""
    start_us: int = 0
    end_us: int = LATEST_US


class Page(Struct, frozen=True):
    """Rows by column; `next` is None when there are no more."""

    rows: list[Row]
    next: list[Any] | None


class Tick(Struct, frozen=True, gc=False):
    """A trade of the market; `aggressor` is 1 when a buyer took, −1 when a seller did."""

    ts: int
    sequence: int
    price: float
    quantity: float
    aggressor: int


_BOOKED = (trade.c.replaced_by == "", sa.cast(trade.c.quantity, sa.Double) != 0)
_TRADE_KEY = (trade.c.ts, trade.c.log_key, trade.c.client_order_id, trade.c.twin, trade.c.trade_id)
_ORDER_KEY = (orders.c.created_at, orders.c.log_key, orders.c.client_order_id, orders.c.twin)
_EVENT_KEY = (order_event.c.ts, order_event.c.log_key, order_event.c.log_sequence)
_TRANSFER_KEY = (transfer.c.ts, transfer.c.log_key, transfer.c.log_sequence)
_BALANCE_KEY = (
    balance_snapshot.c.ts,
    balance_snapshot.c.session_id,
    balance_snapshot.c.venue,
    balance_snapshot.c.asset,
)
_TRADES = sa.select(trade, instrument.c.instrument_id).join(
    instrument, instrument.c.instrument_key == trade.c.instrument_key
)
_ORDERS = sa.select(orders, instrument.c.instrument_id).join(
    instrument, instrument.c.instrument_key == orders.c.instrument_key
)


async def sessions(store: Store, bot: str = "") -> list[Row]:
    """Newest first."""
    query = sa.select(session).order_by(session.c.started_at.desc(), session.c.session_id.desc())
    return await _all(store, query.where(session.c.bot_name == bot) if bot else query)


async def instruments(store: Store, instrument_id: str = "") -> list[Row]:
    """All markets that something is known of; those of simulated ones are of one session."""
    query = sa.select(instrument).order_by(instrument.c.instrument_key)
    return await _all(store, query.where(instrument.c.instrument_id == instrument_id) if instrument_id else query)


async def trades(store: Store, span: Span, after: Sequence[Any] | None = None, limit: int = PAGE) -> Page:
    """What was booked and not taken back, oldest first."""
    query = _within(_TRADES.where(*_BOOKED), trade, trade.c.ts, span)
    return await _page(store, query, _TRADE_KEY, after, limit)


async def orders_of(store: Store, span: Span, after: Sequence[Any] | None = None, limit: int = PAGE) -> Page:
    """By the time they were made, oldest first."""
    query = _within(_ORDERS, orders, orders.c.created_at, span)
    return await _page(store, query, _ORDER_KEY, after, limit)


async def transfers(store: Store, span: Span, after: Sequence[Any] | None = None, limit: int = PAGE) -> Page:
    """Money that came or went without a trade, oldest first."""
    query = _within(sa.select(transfer), transfer, transfer.c.ts, span)
    return await _page(store, query, _TRANSFER_KEY, after, limit)


async def events(store: Store, span: Span, after: Sequence[Any] | None = None, limit: int = PAGE) -> Page:
    """Everything that an order log says, oldest first."""
    query = _within(sa.select(order_event), order_event, order_event.c.ts, span)
    return await _page(store, query, _EVENT_KEY, after, limit)


async def balances(store: Store, span: Span, after: Sequence[Any] | None = None, limit: int = PAGE) -> Page:
    """What was owned, every minute, oldest first."""
    query = sa.select(balance_snapshot).join(session, session.c.session_id == balance_snapshot.c.session_id)
    for column, wanted in ((session.c.bot_name, span.bot), (session.c.session_id, span.session)):
        query = query.where(column == wanted) if wanted else query
    query = query.where(balance_snapshot.c.ts >= span.start_us, balance_snapshot.c.ts < span.end_us)
    return await _page(store, query, _BALANCE_KEY, after, limit)


async def last_balances(store: Store, bot: str) -> list[Row]:
    """What a bot owned when that was last noted, by venue and asset."""
    snapshot, newest = balance_snapshot, sa.select(session).where(session.c.bot_name == bot).subquery()
    of_bot = sa.select(snapshot).join(newest, newest.c.session_id == snapshot.c.session_id)
    last = of_bot.with_only_columns(snapshot.c.session_id, snapshot.c.ts)
    last = last.order_by(newest.c.session_id.desc(), snapshot.c.ts.desc()).limit(1)
    place = sa.tuple_(snapshot.c.session_id, snapshot.c.ts)
    return await _all(store, sa.select(snapshot).where(place.in_(last)).order_by(snapshot.c.venue, snapshot.c.asset))


async def order_life(store: Store, client_order_id: str) -> list[Row]:
    """Everything that happened to an order and its twins, oldest first."""
    query = sa.select(order_event).where(order_event.c.client_order_id == client_order_id).order_by(*_EVENT_KEY)
    return await _all(store, query)


async def ticks(store: Store, instrument_key: int, start_us: int = 0, end_us: int = LATEST_US) -> AsyncIterator[Tick]:
    """In the order of the market, however many there are."""
    query = (
        sa.select(*(price_tick.c[name] for name in Tick.__struct_fields__))
        .where(price_tick.c.instrument_key == instrument_key)
        .where(price_tick.c.ts >= start_us, price_tick.c.ts < end_us)
        .order_by(price_tick.c.ts, price_tick.c.sequence)
        .execution_options(yield_per=STREAMED)
    )
    with store.guarded():
        async with store.engine.connect() as connection:
            async for row in await connection.stream(query):
                yield Tick(*row)


def _within(query: sa.Select[Any], table: sa.Table, time: sa.Column[Any], span: Span) -> sa.Select[Any]:
    if span.bot:
        query = query.where(table.c.bot_name == span.bot)
    if span.session:
        query = query.where(table.c.session_id == span.session)
    if span.instrument:
        name = instrument.c.instrument_id if "instrument_key" in table.c else table.c.instrument_id
        query = query.where(name == span.instrument)
    return query.where(time >= span.start_us, time < span.end_us)


async def _page(
    store: Store, query: sa.Select[Any], key: Sequence[sa.Column[Any]], after: Sequence[Any] | None, limit: int
) -> Page:
    if after is not None:
        place = [sa.literal(value, column.type) for value, column in zip(after, key, strict=True)]
        query = query.where(sa.tuple_(*key) > sa.tuple_(*place))
    rows = await _all(store, query.order_by(*key).limit(limit + 1))
    if len(rows) <= limit:
        return Page(rows, None)
    return Page(rows[:limit], [rows[limit - 1][column.name] for column in key])


async def _all(store: Store, query: sa.Select[Any]) -> list[Row]:
    with store.guarded():
        async with store.engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]
