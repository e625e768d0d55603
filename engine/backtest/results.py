"""Everything that is said about a run, as one JSON object, and its tables as Parquet files beside it.

Money is text, exact; statistics are numbers; None is what the data cannot tell. Times are µs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, localcontext
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars

from engine.backtest.columns import write_columns
from engine.backtest.decomposition import EXACT, Decomposer, Parts, unexplained
from engine.backtest.markouts import HORIZONS_US, MidsAt, Surroundings, mean_markouts, surroundings_of
from engine.backtest.ratios import DAY_US, annual_growth, calmar, grid_of, returns_of, sample, sharpe, sortino, tail
from engine.backtest.recording import Recording
from engine.backtest.tables import NUMBER, TEXT, WHOLE, Table
from engine.backtest.trading import order_figures, spread_bps, win_rate
from engine.core.engine import Engine
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO, to_text

Json = dict[str, Any]
SHARE_MAX = 0.01  # of the volume: more than that is no small participant
PARTS = ("spread", "inventory", "fees", "funding", "conversion")
FILL_COLUMNS = {
    **dict.fromkeys(
        ("trade_id", "client_order_id", "instrument_id", "side", "price", "quantity", "fee", "fee_asset"), TEXT
    ),
    "liquidity": TEXT,
    "event_us": WHOLE,
    "mid": TEXT,
    **{f"markout_{horizon_us // 1_000_000}s_bps": NUMBER for horizon_us in HORIZONS_US},
}


@dataclass(frozen=True, slots=True)
class Facts:
    """A run that is over. `run`, `assumptions` and `data` are passed on as they are; `mids` are by instrument id."""

    quote: str
    engine: Engine
    recording: Recording
    instruments: Sequence[Instrument]
    mids: Mapping[str, MidsAt]
    run: Json
    assumptions: Sequence[tuple[str, str]]
    data: Sequence[Json]


def result_of(facts: Facts, folder: Path) -> Json:
    """The result; writes `fills`, `equity` and a table of minutes per market into the folder."""
    recording = facts.recording
    fills = [item.fill for item in recording.booked if item.fill is not None]
    around = surroundings_of(fills, facts.mids, facts.run["end_us"])
    _write_tables(folder, facts, fills, around)
    parts, unaccounted = _decompose(facts, fills, around)
    result: Json = {
        "run": facts.run | _hashes(recording),
        "assumptions": [list(line) for line in facts.assumptions],
        "data": list(facts.data),
        "warnings": [],
        "quote": facts.quote,
        "money": _money(facts, parts, unaccounted),
        "ratios": _ratios(recording),
        "orders": order_figures(recording.orders, fills),
        "trading": {
            "turnover": to_text(_sum(parts, "turnover")),
            "average_spread_captured_bps": spread_bps(parts),
            "volume_share": _volume_share(facts, fills),
            "win_rate": win_rate(fills, {each.instrument_id: each for each in facts.instruments}),
            "markout_horizons_s": [horizon_us // 1_000_000 for horizon_us in HORIZONS_US],
            "markouts": mean_markouts(fills, around),
        },
        "days": _days(parts),
        "ticks": recording.ticks,
    }
    result["warnings"] = _warnings(facts, result)
    return result


def _hashes(recording: Recording) -> Json:
    requests, fills = recording.requests.digest, recording.fills.digest
    both = sha256(f"{requests}\n{fills}".encode()).hexdigest()
    return {"requests_hash": requests, "fills_hash": fills, "journal_hash": both}


def _volume_share(facts: Facts, fills: Sequence[Fill]) -> dict[str, float]:
    """Our fills as a share of what was traded, by market; what nobody traded has none."""
    shares = {}
    for data in facts.data:
        name, volume = data["instrument_id"], Decimal(data["volume"])
        filled = sum((fill.quantity for fill in fills if fill.instrument_id == name), ZERO)
        if volume:
            shares[name] = float(filled / volume)
    return shares


def _decompose(facts: Facts, fills: Sequence[Fill], around: Sequence[Surroundings]) -> tuple[list[Parts], Decimal]:
    """The parts by day and market, and what they leave unexplained of the change of equity: 0."""
    recording = facts.recording
    if not recording.marks:
        return [], ZERO
    mids = {(fill.instrument_id, fill.trade_id): each.mid for fill, each in zip(fills, around, strict=True)}
    books = Decomposer(facts.instruments, facts.quote, recording.marks[0])
    books.run(recording.marks, recording.booked, lambda fill: mids[fill.instrument_id, fill.trade_id])
    return list(books.parts.values()), unexplained(recording.marks, books.parts)


def _money(facts: Facts, parts: Sequence[Parts], unaccounted: Decimal) -> Json:
    marks, curve = facts.recording.marks, facts.recording.curve
    first = marks[0].equity if marks else ZERO
    last = marks[-1].equity if marks else ZERO
    sums = {name: _sum(parts, name) for name in PARTS}
    hold = _hold_value(facts)
    with localcontext(EXACT):
        total = last - first
        trade = sums["spread"] + sums["inventory"]
    return {
        "equity_first": to_text(first),
        "equity_last": to_text(last),
        "total_pnl": to_text(total),
        "trade_pnl": to_text(trade),
        **{name: to_text(value) for name, value in sums.items()},
        "unexplained": to_text(unaccounted),
        "return_ratio": float(total / first) if first else None,
        "hold_value": None if hold is None else to_text(hold),
        "vs_hold": None if hold is None else to_text(last - hold),
        "drawdown": asdict(curve.drawdown),
        "positions": {
            instrument_id: to_text(market.position)
            for instrument_id, market in facts.engine.state.portfolio.markets.items()
        },
    }


def _hold_value(facts: Facts) -> Decimal | None:
    """What the balances of the start would be worth at the last marks."""
    portfolio, marks = facts.engine.state.portfolio, facts.recording.marks
    if not marks or portfolio.hold_value(facts.quote) is None:
        return None
    with localcontext(EXACT):
        opening = ((each.asset, each.opening) for each in portfolio.accounts.values())
        return sum((amount * marks[-1].rates.get(asset, ZERO) for asset, amount in opening), ZERO)


def _ratios(recording: Recording) -> Json:
    columns = recording.curve.columns()
    at_us, equity = columns["at_us"], columns["equity"].astype(np.float64)
    grid = grid_of(at_us, equity)
    ratio = sharpe(grid)
    span_us = int(at_us[-1] - at_us[0]) if len(at_us) else 0
    growth = annual_growth(float(equity[0]), float(equity[-1]), span_us) if len(equity) else None
    hour_us = 3_600_000_000
    tails = {
        name: tail(returns_of(sample(at_us, equity, step_us))) if len(equity) else None
        for name, step_us in (("1h", hour_us), ("1d", DAY_US))
    }
    return {
        "grid_us": grid.step_us,
        "returns": len(grid.returns),
        "sharpe": ratio and ratio[0],
        "sharpe_error": ratio and ratio[1],
        "sortino": sortino(grid),
        "annual_growth": growth,
        "calmar": calmar(growth, recording.curve.drawdown.depth),
        "tails": {name: found and found._asdict() for name, found in tails.items()},
    }


def _days(parts: Sequence[Parts]) -> list[Json]:
    """One line a day, all markets together; the day is named by the time of its first tick."""
    days: dict[int, list[Parts]] = {}
    for each in parts:
        days.setdefault(each.day_us // DAY_US * DAY_US, []).append(each)
    return [
        {
            "day_us": day_us,
            **{name: to_text(_sum(own, name)) for name in PARTS},
            "total": to_text(_sum(own, "total")),
            "fills": sum(each.fills for each in own),
            "turnover": to_text(_sum(own, "turnover")),
        }
        for day_us, own in sorted(days.items())
    ]


def _sum(parts: Sequence[Parts], name: str) -> Decimal:
    with localcontext(EXACT):
        total: Decimal = sum((getattr(each, name) for each in parts), ZERO)
        return total


def _warnings(facts: Facts, result: Json) -> list[str]:
    found = []
    if not facts.run["complete"]:
        found.append("the run was stopped before its end")
    if not result["orders"]["fills"]:
        found.append("nothing was filled")
    if Decimal(result["money"]["unexplained"]):
        found.append(
            f"{result['money']['unexplained']} {facts.quote} of the profit are unexplained: please report this"
        )
    for name, share in result["trading"]["volume_share"].items():
        if share > SHARE_MAX:
            found.append(f"{name}: {share:.1%} of the volume was ours; the market would have reacted to that")
    for data in facts.data:
        gap_share = data["quality"]["gap_us"] / max(1, facts.run["end_us"] - facts.run["start_us"])
        if gap_share > data["gap_share_max"]:
            found.append(f"{data['instrument_id']}: data are missing for {gap_share:.1%} of the time")
    return found


def _write_tables(folder: Path, facts: Facts, fills: Sequence[Fill], around: Sequence[Surroundings]) -> None:
    table = Table(folder, "fills", FILL_COLUMNS)
    for fill, each in zip(fills, around, strict=True):
        table.add(
            fill.trade_id,
            fill.client_order_id,
            fill.instrument_id,
            fill.side.value,
            to_text(fill.price),
            to_text(fill.quantity),
            to_text(fill.fee),
            fill.fee_asset,
            fill.liquidity.value,
            fill.event_us,
            None if each.mid is None else to_text(each.mid),
            *each.after,
        )
    table.flush()
    write_columns(folder / "equity.parquet", facts.recording.curve.columns())
    for instrument in facts.instruments:
        columns = facts.recording.holdings(instrument.instrument_id)
        polars.DataFrame(columns).write_parquet(folder / f"holdings-{instrument.venue}-{instrument.symbol}.parquet")
