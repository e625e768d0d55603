"""Results of backtests in the history, beside those of real sessions."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from engine.core.clock import wall_us
from engine.store.history.connection import Store
from engine.store.history.queries import Row
from engine.store.history.tables import backtest_result


async def store_backtest(store: Store, result: Mapping[str, Any], params: Mapping[str, Any], report: str = "") -> None:
    """Keep a run; the same run again replaces it. `result` is that of a run's `result.json`, `params` its configuration
    without secrets, `report` the file of its page. Raises StoreError.
    """
    run = result["run"]
    data = json.dumps(result["data"], sort_keys=True).encode()
    row = {
        "run_id": run["run"],
        "strategy_id": ",".join(run["strategies"]),
        "state": "finished" if run["complete"] else "stopped",
        "params": dict(params),
        "metrics": dict(result),
        "journal_hash": run["journal_hash"],
        "data_hash": sha256(data).hexdigest(),
        "attempts": 1,
        "created_at": wall_us(),
        "finished_at": wall_us(),
        "report": report,
    }
    with store.guarded():
        async with store.engine.begin() as connection:
            await connection.execute(backtest_result.delete().where(backtest_result.c.run_id == row["run_id"]))
            await connection.execute(backtest_result.insert(), row)


async def backtests(store: Store, strategy_id: str = "") -> list[Row]:
    """Newest first. Raises StoreError."""
    query = sa.select(backtest_result).order_by(backtest_result.c.created_at.desc(), backtest_result.c.run_id)
    if strategy_id:
        query = query.where(backtest_result.c.strategy_id == strategy_id)
    with store.guarded():
        async with store.engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]
