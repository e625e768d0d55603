"""Who does what must be done by one process only."""

import sqlalchemy as sa

from engine.core.clock import wall_us
from engine.store.history.column_types import microseconds
from engine.store.history.connection import Store
from engine.store.history.tables import instance_lock


async def take(store: Store, name: str, owner: str, lasts_us: int) -> int:
    """Take or prolong a lease. Returns its fencing number, which grows with every new holder; 0: somebody else has it.

    Time is the database's, so the clocks of several machines need not agree. Raises StoreError.
    """
    lock = instance_lock
    with store.guarded():
        async with store.engine.begin() as connection:
            now_us = wall_us()
            if store.postgres:
                now_us = microseconds((await connection.execute(sa.select(sa.func.clock_timestamp()))).scalar_one())
            row = {"name": name, "owner": owner, "fencing": 1, "expires_at": now_us + lasts_us}
            statement = store.insert(lock).values(row)
            taken = statement.on_conflict_do_update(
                index_elements=["name"],
                set_={
                    "owner": owner,
                    "expires_at": now_us + lasts_us,
                    "fencing": lock.c.fencing + sa.case((lock.c.owner == owner, 0), else_=1),
                },
                where=(lock.c.owner == owner) | (lock.c.expires_at <= now_us),
            ).returning(lock.c.fencing)
            return (await connection.execute(taken)).scalar() or 0
