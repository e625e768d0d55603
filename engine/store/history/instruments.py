"""The numbers by which the history knows instruments."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.core.clock import wall_us
from engine.store.history.connection import Store
from engine.store.history.tables import instrument

Details = Mapping[str, Any]


class InstrumentKeys:
    """Gives every instrument its number once. A simulated market's belong to its session."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """After a transaction failed: what it made is not there."""
        self._keys.clear()

    async def key(
        self, connection: AsyncConnection, instrument_id: str, session_id: str = "", details: Details | None = None
    ) -> int:
        """`session_id`: of a market that exists in this session only, else "". `details` as of `progress.describe`."""
        name = (instrument_id, session_id)
        if name not in self._keys:
            where = (instrument.c.instrument_id == instrument_id) & (instrument.c.session_id == session_id)
            query = sa.select(instrument.c.instrument_key).where(where)
            found = (await connection.execute(query)).scalar()
            if found is None:
                row = self._row(instrument_id, session_id, details or {})
                await connection.execute(self._store.insert(instrument).on_conflict_do_nothing(), row)
                found = (await connection.execute(query)).scalar_one()
            self._keys[name] = found
        return self._keys[name]

    def _row(self, instrument_id: str, session_id: str, details: Details) -> dict[str, Any]:
        venue, _, symbol = instrument_id.partition(":")
        row: dict[str, Any] = {"venue": venue, "symbol": symbol, **details}
        for name in ("contract_size", "price_step", "quantity_step"):
            if name in row:
                row[name] = Decimal(row[name])
        return {**row, "instrument_id": instrument_id, "session_id": session_id, "created_at": wall_us()}
