"""The results of runs that are over: finding them, reading them, and showing them as text."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.app.cli.text import table
from engine.app.failure import Failure

RESULTS = Path("data") / "results"
RESULT = "result.json"
Json = dict[str, Any]


def find_run(userdir: Path, name: str) -> Path:
    """The folder of a run: a path, or its name, or the beginning of that; the newest where several fit."""
    direct = Path(name)
    if (direct / RESULT).is_file():
        return direct
    found = sorted((userdir / RESULTS).glob(f"{name}*/{RESULT}"), key=lambda path: path.stat().st_mtime)
    if not found:
        known = ", ".join(path.parent.name for path in sorted((userdir / RESULTS).glob(f"*/{RESULT}"))) or "none"
        raise Failure("E-NOTFOUND", f"there is no run '{name}'", fix=f"runs: {known}")
    return found[-1].parent


def read_result(folder: Path) -> Json:
    """The result of a run. Raises Failure when it cannot be read."""
    try:
        result: Json = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure("E-NOTFOUND", f"cannot be read: {error}", where=str(folder / RESULT)) from error
    return result


def time_text(at_us: int) -> str:
    """`2024-08-08 23:54:14Z`."""
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC):%Y-%m-%d %H:%M:%SZ}"


def result_text(result: Json) -> str:
    """A run for people."""
    return table(figures(result))


def figures(result: Json) -> list[tuple[str, str]]:
    """What is worth knowing of a run at a glance, by name."""
    run, money, ratios, quote = result["run"], result["money"], result["ratios"], result["quote"]
    orders, trading, drawdown = result["orders"], result["trading"], result["money"]["drawdown"]
    sharpe = _number(ratios["sharpe"], 2)
    if ratios["sharpe"] is not None:
        sharpe += f" ± {ratios['sharpe_error']:.2f}"
    rows = [
        ("Run", run["run"]),
        ("Span", f"{time_text(run['start_us'])} to {time_text(run['end_us'])}"),
        ("Equity", f"{_money(money['equity_first'])} to {_money(money['equity_last'])} {quote}"),
        ("Profit", f"{_signed(money['total_pnl'])} {quote} ({_percent(money['return_ratio'])})"),
    ]
    if "bounds" in result:
        low, high = sorted(result["bounds"].values(), key=Decimal)
        rows.append(("  by queue model", f"{_signed(low)} to {_signed(high)}"))
    rows += [(f"  {name}", _signed(money[name])) for name in ("spread", "inventory", "fees", "funding", "conversion")]
    rows += [
        ("Versus hold", "-" if money["vs_hold"] is None else _signed(money["vs_hold"])),
        ("Max drawdown", _percent(drawdown["depth"])),
        ("Sharpe", sharpe),
        ("Sortino", _number(ratios["sortino"], 2)),
        ("Calmar", _number(ratios["calmar"], 2)),
        ("Orders", f"{orders['submitted']:,} sent, {orders['amended']:,} amended, {orders['cancels']:,} cancels"),
        ("Fills", f"{orders['fills']:,}, maker {_percent(orders['maker_share'])}"),
        ("Turnover", f"{_money(trading['turnover'])} {quote}"),
        ("Spread captured", f"{_number(trading['average_spread_captured_bps'], 2)} bps"),
        ("Win rate", _percent(trading["win_rate"])),
        *((f"Of the volume, {name}", _percent(share)) for name, share in trading["volume_share"].items()),
        ("Speed", f"{run['rows']:,} rows, {run['run_cpu_s']:,.2f} CPU-s, {run['memory_mb']:,} MB"),
        ("Hash", run["journal_hash"][:16]),
    ]
    return rows


def comparison(results: Sequence[Json]) -> list[tuple[str, ...]]:
    """Figures of several runs side by side; the last column says whether they are all the same."""
    columns = [dict(figures(result)) for result in results]
    rows: list[tuple[str, ...]] = []
    for name in columns[0]:
        values = [column[name] for column in columns]
        rows.append((name, *values, "" if len(set(values)) == 1 else "≠"))
    return rows


def _money(value: str) -> str:
    return f"{Decimal(value):,.2f}"


def _signed(value: str) -> str:
    return f"{Decimal(value):+,.2f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.3%}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
