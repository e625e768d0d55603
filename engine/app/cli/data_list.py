"""`tickwright data list [DIR]`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from msgspec.structs import asdict

from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.failure import Failure
from engine.backtest.dataset import Dataset, Market, find_datasets
from engine.backtest.importing import interval_text
from engine.model.money import to_text


@click.command(help="List data sets.")
@click.argument("folder", required=False, metavar="[DIR]", type=click.Path(path_type=Path))
@click.pass_obj
def command(output: Output, folder: Path | None) -> None:
    """DIR is data/ in the user's folder by default."""
    root = folder or output.userdir / "data"
    if not root.is_dir():
        raise Failure("E-NOTFOUND", f"there is no folder {root}")
    found = [(each, market) for each in find_datasets(root) for market in each.manifest.markets.values()]
    rows = [("Folder", "Market", "From", "To", "Rows", "Candles"), *(_line(each, market) for each, market in found)]
    text = table(rows) if found else f"no data sets in {root}; tickwright data import makes one"
    output.result([market_data(each.folder, market) for each, market in found], text)


def market_data(folder: Path, market: Market) -> dict[str, Any]:
    """One market for `--json`."""
    first_us, last_us = market.span_us
    return {
        "folder": str(folder),
        "symbol": market.instrument.symbol,
        "venue": market.instrument.venue,
        "first_us": first_us,
        "last_us": last_us,
        "rows": sum(part.rows for part in market.rows),
        "days": len(market.rows),
        "candles": {interval_text(each): sum(p.rows for p in parts) for each, parts in market.candles.items()},
        "price_step": to_text(market.instrument.price_step),
        "quantity_step": to_text(market.instrument.quantity_step),
        "receive_times": market.receive_times,
        "source": market.source,
        "licence": market.licence,
        "quality": asdict(market.quality),
    }


def market_text(folder: Path, market: Market) -> str:
    """One market and its quality, for people."""
    data = market_data(folder, market)
    lines = [
        ("Market", f"{market.instrument.instrument_id} in {folder}"),
        ("Span", f"{_time(data['first_us'])} to {_time(data['last_us'])}"),
        ("Steps", f"price {data['price_step']}, quantity {data['quantity_step']}"),
    ]
    lines += [(f"Candles {name}", f"{count:,}") for name, count in data["candles"].items()]
    if market.rows:
        lines += [
            ("Rows", f"{data['rows']:,} in {data['days']} days"),
            *_quality(data["quality"], market.receive_times),
        ]
    return table(lines)


def _quality(quality: Mapping[str, int], receive_times: bool) -> list[tuple[str, str]]:
    lines = [
        ("Trades", f"{quality['trades']:,}, {quality['duplicate_trades']:,} duplicates left out"),
        ("Gaps", f"{quality['gaps']:,}, {quality['gap_us'] / 1e6:,.3f} s; crossed states {quality['crossed']:,}"),
        ("Late rows", f"{quality['late_rows']:,}; before the first snapshot {quality['before_snapshot']:,}"),
    ]
    if receive_times:
        shift_s = quality["clock_shift_us"] / 1e6
        p50, p90, p99 = (quality[f"feed_p{share}_us"] / 1e3 for share in (50, 90, 99))
        lines.append(
            ("Feed", f"p50 {p50:,.1f} ms, p90 {p90:,.1f} ms, p99 {p99:,.1f} ms; clock mended by {shift_s:,.3f} s")
        )
    return lines


def _line(dataset: Dataset, market: Market) -> tuple[str, ...]:
    first_us, last_us = market.span_us
    candles = ", ".join(interval_text(each) for each in market.candles) or "-"
    rows = sum(part.rows for part in market.rows)
    return str(dataset.folder), market.instrument.symbol, _time(first_us), _time(last_us), f"{rows:,}", candles


def _time(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC):%Y-%m-%d %H:%M:%S}"
