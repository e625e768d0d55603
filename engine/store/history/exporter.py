"""Copies order logs into the history: every entry once, also when the database was away for days.

The cursor of a log lies in the database and moves in the transaction that writes the rows. So a crash at any point, a
second attempt and a database that was set back all end the same: the next batch begins where the rows end.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.model.enums import OperatorAction
from engine.store.history import audit, fact_rows, tables
from engine.store.history.connection import Store
from engine.store.history.fact_rows import Place, Row
from engine.store.history.instruments import InstrumentKeys
from engine.store.history.log_reader import SESSION, Batch, LogEvent, LogReader

BATCH = 500  # entries in one transaction
SESSION_END = "SESSION_END"
SIMULATED = ("simulated", "backtest")  # modes whose markets exist in one session only
CRASHED = "crashed"
_AUDITED = {*(action.value for action in OperatorAction), "HALT", "SETTINGS"}


class Exporter:
    """Of one bot. `missing` counts entries that were pruned before a history asked for them."""

    def __init__(self, store: Store, keys: InstrumentKeys, bot_name: str) -> None:
        self._store = store
        self._keys = keys
        self._bot_name = bot_name
        self.missing = 0

    async def export(self, log: LogReader) -> int:
        """Copy the next entries of a log, at most `BATCH`. Returns how far the copy reaches. Raises StoreError."""
        try:
            with self._store.guarded():
                async with self._store.engine.begin() as connection:
                    place = await self._place(connection, log.log_id)
                    batch = log.read(place.log_sequence, BATCH)
                    if batch.events:
                        await self._write(connection, batch, place)
                return place.log_sequence
        except BaseException:  # handled: what a rolled-back transaction taught is forgotten; the service tries again
            self._keys.forget()
            raise

    async def _write(self, connection: AsyncConnection, batch: Batch, place: Place) -> None:
        first, last = batch.events[0], batch.events[-1]
        self.missing += first.seq - place.log_sequence - 1
        payloads = [fact_rows.payload_of(event) for event in batch.events]
        if first.kind == SESSION:
            await self._begin_session(connection, first, payloads[0], place)
        events = [fact_rows.event_row(*pair, place) for pair in zip(batch.events, payloads, strict=True)]
        await connection.execute(self._store.insert(tables.order_event).on_conflict_do_nothing(), events)
        await self._write_orders(connection, batch, payloads, place)
        for event, payload in zip(batch.events, payloads, strict=True):
            await self._write_other(connection, event, payload, place)
        await self._write_state(connection, batch, place)
        place.log_sequence = last.seq
        moved = {"session_id": place.session_id, "log_sequence": last.seq, "updated_at": last.at_us}
        cursor = tables.order_log.update().where(tables.order_log.c.log_key == place.log_key)
        await connection.execute(cursor.values(moved))

    async def _place(self, connection: AsyncConnection, log_id: str) -> Place:
        log = tables.order_log
        new = {"log_id": log_id, "bot_name": self._bot_name, "session_id": "", "log_sequence": 0, "updated_at": 0}
        query = (
            sa.select(log.c.log_key, log.c.bot_name, log.c.session_id, log.c.log_sequence, tables.session.c.mode)
            .outerjoin(tables.session, tables.session.c.session_id == log.c.session_id)
            .where(log.c.log_id == log_id)
            .with_for_update(of=log)
        )
        row = (await connection.execute(query)).first()
        if row is None:
            await connection.execute(self._store.insert(log).on_conflict_do_nothing(), new)
            row = (await connection.execute(query)).one()
        return Place(*row[:4], row.mode in SIMULATED)

    async def _begin_session(self, connection: AsyncConnection, event: LogEvent, about: Row, place: Place) -> None:
        """One that this log had begun before and that did not end was a crash."""
        await self._end_session(connection, event.at_us, CRASHED, place)
        place.session_id = about.get("session_id") or f"{place.log_key}-{event.seq}"
        place.simulated = about.get("mode") in SIMULATED
        row = fact_rows.session_row(event, about, place)
        await connection.execute(self._store.insert(tables.session).on_conflict_do_nothing(), row)
        for instrument_id, details in about.get("instruments", {}).items():
            await self._keys.key(connection, instrument_id, place.market_session, details)

    async def _end_session(self, connection: AsyncConnection, at_us: int, reason: str, place: Place) -> None:
        session = tables.session
        open_one = (session.c.session_id == place.session_id) & session.c.ended_at.is_(None)
        ended = {"ended_at": at_us, "exit_reason": reason}
        await connection.execute(session.update().where(open_one).values(ended))

    async def _write_orders(
        self, connection: AsyncConnection, batch: Batch, payloads: list[dict[str, Any]], place: Place
    ) -> None:
        orders, owners = [], {}
        for order, revision in batch.orders:
            owners[order.client_order_id, order.twin] = order.owner
            key = await self._keys.key(connection, order.instrument_id, place.market_session)
            orders.append(fact_rows.order_row(order, revision, key, place))
        trades: dict[tuple[str, int, str], Row] = {}  # a corrected one is there twice: the last word counts
        for event, payload in zip(batch.events, payloads, strict=True):
            name = (event.client_order_id, event.twin)
            for fill in payload.get("fills", ()) if event.client_order_id else ():
                key = await self._keys.key(connection, fill["instrument_id"], place.market_session)
                row = fact_rows.trade_row(fill, event, owners.get(name, ""), key, place)
                trades[*name, fill["trade_id"]] = row
        if orders:
            await connection.execute(self._store.upsert(tables.orders, newer="log_sequence", keep="session_id"), orders)
        if trades:
            await connection.execute(self._store.upsert(tables.trade, newer="log_sequence"), list(trades.values()))

    async def _write_other(
        self, connection: AsyncConnection, event: LogEvent, payload: dict[str, Any], place: Place
    ) -> None:
        if event.kind == "TRANSFER":
            row = fact_rows.transfer_row(event, payload, place)
            await connection.execute(self._store.insert(tables.transfer).on_conflict_do_nothing(), row)
        elif event.kind == SESSION_END:
            await self._end_session(connection, event.at_us, payload["reason"], place)
        elif event.kind in _AUDITED:
            actor = payload.get("actor") or "engine"
            deed = audit.Deed(event.at_us, actor, event.kind, place.bot_name, after={"reason": payload["reason"]})
            await audit.append(self._store, connection, deed)

    async def _write_state(self, connection: AsyncConnection, batch: Batch, place: Place) -> None:
        """What is true now: positions, and what strategies know."""
        at_us = batch.events[-1].at_us
        nets = {ledger.instrument_id for ledger in batch.ledgers if ledger.net}
        positions = []
        for ledger in batch.ledgers:
            if ledger.net or ledger.owner or ledger.instrument_id not in nets:
                key = await self._keys.key(connection, ledger.instrument_id, place.market_session)
                positions.append(fact_rows.position_row(ledger, key, at_us, place))
        if positions:
            await connection.execute(self._store.upsert(tables.position), positions)
        components = [
            {
                "bot_name": place.bot_name,
                "component": component,
                "version": version,
                "state": fact_rows.clean(fact_rows.decoded(state)),
                "updated_at": updated_us,
            }
            for component, version, state, updated_us in batch.components
        ]
        if components:
            await connection.execute(self._store.upsert(tables.bot_state, newer="updated_at"), components)
