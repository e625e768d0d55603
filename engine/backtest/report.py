"""The report of a run: one HTML file that needs nothing else, neither network nor script."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from itertools import pairwise
from math import floor, log10
from pathlib import Path
from typing import Any

import numpy as np
import polars

from engine.backtest.charts import Chart, bars
from engine.backtest.ratios import grid_of
from engine.backtest.report_style import STYLE
from engine.backtest.tables import read_table

Json = dict[str, Any]
MARKS_MAX = 1_500  # fills drawn on a price, evenly spread over them
DAYS_MAX = 400
BINS = 41
PARTS = ("spread", "inventory", "fees", "funding", "conversion")
PART_NAMES = ("Spread capture", "Inventory", "Fees", "Funding", "Conversion")


def write_report(folder: Path, result: Json, page: Path) -> None:
    """Write the report of the run in `folder`, whose result is given."""
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(report_html(folder, result), encoding="utf-8")


def report_html(folder: Path, result: Json) -> str:
    """The whole page."""
    equity = polars.read_parquet(folder / "equity.parquet")
    fills = read_table(folder, "fills")
    title = f"{result['run']['name']} · backtest"
    sections = [
        _head(result),
        _section("Assumptions", _pairs([*result["assumptions"], *_bounds(result)])),
        _cards(result),
        _equity(equity, result["quote"]) if len(equity) > 1 else "",
        _parts(result),
        *(_market(folder, each["instrument_id"], fills) for each in result["data"]),
        _quality(result),
        _returns(equity, result["ratios"]) if len(equity) > 2 else "",
        _days(result),
        _section("Orders", _orders(result)),
        _section("Data", "".join(_data(each) for each in result["data"])),
        _section("Fingerprints", _pairs(_fingerprints(result["run"]))),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>{''.join(sections)}</html>\n"
    )


# ---- sections


def _bounds(result: Json) -> list[tuple[str, str]]:
    """What other queue models would have brought: a profit that only one of them shows is none."""
    profits = (f"{queue} {Decimal(profit):+,.2f}" for queue, profit in result.get("bounds", {}).items())
    text = ", ".join(profits)
    return [("Profit by other queue models", f"{text} {result['quote']}")] if text else []


def _head(result: Json) -> str:
    run = result["run"]
    markets = ", ".join(each["instrument_id"] for each in result["data"])
    warnings = "".join(f'<div class="warn">{escape(text)}</div>' for text in result["warnings"])
    kinds = ", ".join(run["strategies"])
    return (
        f"<h1>{escape(run['name'])}</h1><p>Backtest of {escape(kinds)} on {escape(markets)}<br>"
        f"{_time(run['start_us'])} to {_time(run['end_us'])} UTC</p>{warnings}"
    )


def _cards(result: Json) -> str:
    money, ratios, orders, trading = result["money"], result["ratios"], result["orders"], result["trading"]
    quote = result["quote"]
    error = "" if ratios["sharpe"] is None else f" ± {ratios['sharpe_error']:.2f}"
    hold = "–" if money["vs_hold"] is None else f"{Decimal(money['vs_hold']):+,.2f}"
    cards = [
        (f"Profit, {quote}", f"{Decimal(money['total_pnl']):+,.2f}", _style(money["total_pnl"])),
        ("Return", _percent(money["return_ratio"], "+.3%"), _style(money["total_pnl"])),
        (f"Versus hold, {quote}", hold, _style(money["vs_hold"] or "0")),
        ("Max drawdown", _percent(money["drawdown"]["depth"], ".3%"), ""),
        ("Sharpe per year", f"{_number(ratios['sharpe'])}{error}", ""),
        ("Sortino · Calmar", f"{_number(ratios['sortino'])} · {_number(ratios['calmar'])}", ""),
        ("Fills", f"{orders['fills']:,}", ""),
        ("Maker share", _percent(orders["maker_share"], ".1%"), ""),
        (f"Turnover, {quote}", f"{Decimal(trading['turnover']):,.0f}", ""),
        ("Spread captured, bps", _number(trading["average_spread_captured_bps"]), ""),
        ("Win rate by quantity", _percent(trading["win_rate"], ".1%"), ""),
        ("Orders per fill", _number(orders["orders_per_fill"]), ""),
    ]
    inner = "".join(
        f'<div><b class="{style}">{value}</b><span>{escape(name)}</span></div>' for name, value, style in cards
    )
    return f'<div class="cards">{inner}</div>'


def _equity(equity: polars.DataFrame, quote: str) -> str:
    times, values = equity["at_us"].to_list(), equity["equity"].to_list()
    low, high = equity["low"].to_list(), equity["high"].to_list()
    chart = Chart.of(270, times, [*low, *high])
    chart.line(times, values, "main")
    fall = [-100 * value for value in equity["drawdown"].to_list()]
    below = Chart.of(110, times, [*fall, 0.0], zero=True)
    below.area(times, fall, "down")
    return _section(
        "Equity",
        _panel(chart.svg("Equity over time"), f"All balances and positions at mid, {quote}")
        + _panel(below.svg("Drawdown over time", "%"), "Below the highest equity so far"),
    )


def _parts(result: Json) -> str:
    values = [float(result["money"][name]) for name in PARTS]
    total = float(result["money"]["total_pnl"])
    chart = bars([*PART_NAMES, "Total"], [*values, total], "Where the profit came from")
    text = f"In {result['quote']}; the parts sum to the total to the last digit"
    inner = _panel(chart, text)
    days = result["days"]
    if len(days) > 1:
        every = max(1, len(days) // 10)
        labels = [_date(day["day_us"]) for day in days]
        inner += _panel(
            bars(labels, [float(day["total"]) for day in days], "Profit by day", 170, every), "Profit by day"
        )
    return _section("Where the profit came from", inner)


def _market(folder: Path, instrument_id: str, fills: polars.DataFrame) -> str:
    venue, _, symbol = instrument_id.partition(":")
    minutes = polars.read_parquet(folder / f"holdings-{venue}-{symbol}.parquet")
    if len(minutes) < 2:
        return ""
    own = fills.filter(polars.col("instrument_id") == instrument_id)
    own = own.gather_every(max(1, -(-len(own) // MARKS_MAX)))
    times, mids = minutes["at_us"].to_list(), minutes["mid"].to_list()
    prices = [float(text) for text in own["price"].to_list()]
    chart = Chart.of(270, times, [*mids, *prices])
    chart.line(times, mids, "main")
    rows = list(zip(own["event_us"].to_list(), prices, own["side"].to_list(), strict=True))
    inside = [(min(max(at_us, times[0]), times[-1]), price, side) for at_us, price, side in rows]
    chart.triangles([(at_us, price) for at_us, price, side in inside if side == "BUY"], "up", up=True)
    chart.triangles([(at_us, price) for at_us, price, side in inside if side == "SELL"], "down", up=False)
    held = minutes["held"].to_list()
    below = Chart.of(130, times, held)
    below.steps(times, held, "main")
    return _section(
        escape(instrument_id),
        _panel(chart.svg(f"Price of {instrument_id} with fills"), "Mid; ▲ bought, ▼ sold")
        + _panel(below.svg(f"Inventory in {instrument_id}"), "What was held"),
    )


def _quality(result: Json) -> str:
    trading = result["trading"]
    if not trading["markouts"]:
        return ""
    names = [f"{horizon} s" if horizon < 60 else f"{horizon // 60} min" for horizon in trading["markout_horizons_s"]]
    rows = [
        [row["side"].lower(), row["liquidity"].lower(), f"{row['fills']:,}", *(_signed(value) for value in row["bps"])]
        for row in trading["markouts"]
    ]
    text = "How far the mid had gone our way after a fill, against its price, in basis points; below 0: picked off"
    return _section("Fill quality", _panel(_table(["Side", "Liquidity", "Fills", *names], rows), text))


def _returns(equity: polars.DataFrame, ratios: Json) -> str:
    grid = grid_of(equity["at_us"].to_numpy(), equity["equity"].to_numpy())
    if len(grid.returns) < 2 or not grid.returns.any():
        return ""
    counts, edges = np.histogram(grid.returns * 1e4, BINS)
    digits = max(0, 1 - floor(log10(edges[1] - edges[0])))  # two of the width of a bar
    labels = [f"{(a + b) / 2:+.{digits}f}" for a, b in pairwise(edges)]
    name = {86_400_000_000: "daily", 3_600_000_000: "hourly"}.get(grid.step_us, "minutely")
    chart = bars(labels, [float(count) for count in counts], "Histogram of returns", 170, 5, "main")
    rows = [
        [horizon, *(f"{tail[key]:.3%}" for key in ("var_95", "var_99", "shortfall_95")), f"{tail['samples']:,}"]
        for horizon, tail in ratios["tails"].items()
        if tail is not None and tail["samples"] >= 20
    ]
    tails = _table(["Horizon", "VaR 95 %", "VaR 99 %", "Shortfall 95 %", "Samples"], rows)
    return _section(
        "Returns", _panel(chart, f"{len(grid.returns):,} {name} returns in bps") + (_panel(tails) if rows else "")
    )


def _days(result: Json) -> str:
    days = result["days"][-DAYS_MAX:]
    rows = [
        [_date(day["day_us"]), *(f"{Decimal(day[name]):+,.2f}" for name in (*PARTS, "total")), f"{day['fills']:,}"]
        for day in days
    ]
    text = (
        f"In {result['quote']}" if len(days) == len(result["days"]) else f"The last {DAYS_MAX} days, {result['quote']}"
    )
    return _section("Days", _panel(_table(["Day", *PART_NAMES, "Total", "Fills"], rows, signs=range(1, 7)), text))


def _orders(result: Json) -> str:
    orders = result["orders"]
    left = [
        ("Sent", f"{orders['submitted']:,}"),
        ("Amended", f"{orders['amended']:,}"),
        ("Cancels", f"{orders['cancels']:,}"),
        ("Filled of sent quantity", _percent(orders["fill_ratio"], ".2%")),
        ("Mean time to a maker fill", _seconds(orders["queue_s"])),
        ("Mean time to cancel", _seconds(orders["cancel_s"])),
    ]
    left += [
        (f"Share of the volume, {name}", f"{share:.3%}") for name, share in result["trading"]["volume_share"].items()
    ]
    reasons = [*orders["refused"].items(), *orders["rejected"].items()]
    right = [(f"Refused or rejected: {reason}", f"{count:,}") for reason, count in reasons]
    return f'<div class="two">{_pairs(left)}{_pairs(right or [("Refused or rejected", "none")])}</div>'


def _data(data: Json) -> str:
    quality = data["quality"]
    feed = "not recorded"
    if data["receive_times"]:
        feed = f"p50 {quality['feed_p50_us'] / 1e3:.1f} ms, p99 {quality['feed_p99_us'] / 1e3:.1f} ms"
        feed += f", clock mended by {quality['clock_shift_us'] / 1e6:,.3f} s"
    lines = [
        ("Market", data["instrument_id"]),
        ("Source", ", ".join(data["source"])),
        ("Licence", data["licence"] or "not stated"),
        ("Rows", f"{data['rows']:,} in {data['days']} days, {quality['trades']:,} trades"),
        ("Gaps", f"{quality['gaps']:,} ({quality['gap_us'] / 1e6:,.3f} s), crossed states {quality['crossed']:,}"),
        ("Feed latency", feed),
        ("SHA-256", data["digest"]),
    ]
    return _pairs(lines)


def _fingerprints(run: Json) -> list[tuple[str, str]]:
    return [
        ("Run", run["run"]),
        ("Journal", run["journal_hash"]),
        ("Requests", run["requests_hash"]),
        ("Fills", run["fills_hash"]),
        ("Configuration", run["config_hash"]),
        ("Version, seed", f"{run['version']}, {run['seed']}"),
        ("Cost", f"{run['run_cpu_s']:,.2f} CPU-s for {run['rows']:,} rows, {run['memory_mb']:,} MB"),
    ]


# ---- pieces


def _section(title: str, inner: str) -> str:
    return f"<h2>{title}</h2>{inner}"


def _panel(inner: str, text: str = "") -> str:
    return f'<div class="panel">{f"<p class=soft>{escape(text)}</p>" if text else ""}{inner}</div>'


def _pairs(rows: Iterable[Sequence[str]]) -> str:
    inner = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows)
    return f'<div class="panel"><table class="pairs">{inner}</table></div>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], signs: Iterable[int] = ()) -> str:
    """`signs` are the columns that are coloured by theirs."""
    coloured = frozenset(signs)
    lines = ["<tr>", *(f"<th>{escape(name)}</th>" for name in head), "</tr>"]
    for row in rows:
        cells = (
            f'<td class="{_style(cell.replace(",", "")) if index in coloured else ""}">{escape(cell)}</td>'
            for index, cell in enumerate(row)
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _style(value: str) -> str:
    amount = Decimal(value)
    return "up" if amount > 0 else "down" if amount < 0 else ""


def _time(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def _date(day_us: int) -> str:
    return f"{datetime.fromtimestamp(day_us // 1_000_000, UTC):%Y-%m-%d}"


def _percent(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.3f} s"
