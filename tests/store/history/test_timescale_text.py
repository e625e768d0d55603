"""What is sent to TimescaleDB, where there is none to send it to."""

import pytest

from engine.store.history.timescale import AGGREGATES, INTERVALS_S, continuous_view, plain_view
from engine.store.history.timescale_jobs import DAY_US, KEEP_MIN_US, kept_us


def test_each_aggregate_is_made_of_the_one_below() -> None:
    assert INTERVALS_S == (60, 300, 900, 3600, 14400, 86400)
    minutes = continuous_view(AGGREGATES[0], "price_tick")
    assert "first(price, sequence) AS open" in minutes  # not by time: two ticks may share a microsecond
    assert "timescaledb.materialized_only = false" in minutes
    assert "time_bucket(interval '1 minute', price_tick.ts)" in minutes
    hours = continuous_view(AGGREGATES[3], "ohlcv_15m")
    assert hours.startswith("CREATE MATERIALIZED VIEW ohlcv_1h ")
    assert "last(close, ohlcv_15m.ts) AS close" in hours
    assert "sum(trades)::bigint AS trades" in hours
    assert "interval_s = 14400 AND source = 'ticks'" in plain_view(AGGREGATES[4])


@pytest.mark.parametrize(
    ("retention", "kept"), [({}, 0), ({"price_tick": DAY_US}, KEEP_MIN_US), ({"price_tick": 30 * DAY_US}, 30 * DAY_US)]
)
def test_trades_are_kept_longer_than_the_policies_look_back(retention: dict[str, int], kept: int) -> None:
    assert kept_us(retention, "price_tick") == kept
