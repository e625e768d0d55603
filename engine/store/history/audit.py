"""The audit log: who did what, in rows that hold the hash of the one before, so that none can vanish or change."""

from hashlib import sha256
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.store.history.connection import Store
from engine.store.history.tables import audit_log

_encode = msgspec.json.Encoder(order="sorted").encode
_START = bytes(32)  # the hash before the first row


class Deed(Struct, frozen=True):
    """Somebody did something. `before` and `after` are JSON objects of what was changed."""

    ts: int
    actor: str
    action: str
    object: str
    role: str = ""
    address: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    result: str = "ok"


async def append(store: Store, connection: AsyncConnection, deed: Deed) -> None:
    """Add a row, in the caller's transaction; others that want to wait for its end."""
    if store.postgres:
        await connection.exec_driver_sql("LOCK TABLE audit_log IN EXCLUSIVE MODE")
    newest = sa.select(audit_log.c.hash).order_by(audit_log.c.seq.desc()).limit(1)
    previous = (await connection.execute(newest)).scalar() or _START
    row = msgspec.structs.asdict(deed)
    await connection.execute(audit_log.insert(), {**row, "prev_hash": previous, "hash": _digest(previous, row)})


async def verify(store: Store) -> str:
    """What is wrong with the chain of rows, "" when nothing is."""
    previous, names = _START, Deed.__struct_fields__
    with store.guarded():
        async with store.engine.connect() as connection:
            rows = await connection.stream(sa.select(audit_log).order_by(audit_log.c.seq))
            async for row in rows:
                values = {name: getattr(row, name) for name in names}
                if row.prev_hash != previous or row.hash != _digest(previous, values):
                    return f"audit_log {row.seq} is not as it was written, or a row before it is missing"
                previous = row.hash
    return ""


def _digest(previous: bytes, row: dict[str, Any]) -> bytes:
    return sha256(previous + _encode(row)).digest()
