"""Results of backtests in the history."""

from typing import Any

from engine.store.history.backtests import backtests, store_backtest
from engine.store.history.connection import Store


def result_of(name: str, *, complete: bool = True, profit: str = "1.5") -> dict[str, Any]:
    run = {"run": name, "strategies": ["pmm", "arb"], "complete": complete, "journal_hash": "abc"}
    return {"run": run, "data": {"digest": "d"}, "money": {"total_pnl": profit}}


async def test_runs_are_kept_and_replaced(store: Store) -> None:
    await store_backtest(store, result_of("one"), {"name": "b"}, "reports/one.html")
    await store_backtest(store, result_of("two", complete=False), {"name": "b"})
    await store_backtest(store, result_of("one", profit="2"), {"name": "c"}, "reports/one.html")
    found = {row["run_id"]: row for row in await backtests(store)}
    assert list(found) == ["one", "two"]
    assert (found["one"]["metrics"]["money"], found["one"]["params"]) == ({"total_pnl": "2"}, {"name": "c"})
    assert (found["one"]["state"], found["two"]["state"]) == ("finished", "stopped")
    assert [row["run_id"] for row in await backtests(store, "pmm,arb")] == ["one", "two"]
    assert await backtests(store, "none") == []
