"""`tickwright data record CONNECTOR`."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from engine.app.build import market_of
from engine.app.cli.data_import import Parsed
from engine.app.cli.data_list import market_data, market_text
from engine.app.cli.durations import Duration
from engine.app.cli.output import Output
from engine.app.config.models import RealExchange
from engine.app.failure import Failure
from engine.app.registry import BUILT_IN
from engine.app.signals import handled
from engine.backtest.importing import Job, import_files
from engine.backtest.market_recorder import MarketRecorder
from engine.core.clock import wall_us
from engine.core.ports import LiveConnector
from engine.model.instrument import Instrument
from engine.schema.values import parse_trading_pair

RAW = "raw"
PAIR = Parsed("PAIR", parse_trading_pair)


@click.command(help="Record a live market into a data set, without a key.")
@click.argument("connector", metavar="CONNECTOR")
@click.option(
    "--symbol",
    "symbols",
    type=Parsed("PAIR", parse_trading_pair),
    multiple=True,
    required=True,
    help="May be repeated.",
)
@click.option("--for", "duration_us", type=Duration(), help="Left out: until Ctrl-C.")
@click.option("--to", "folder", type=click.Path(path_type=Path), help="By default data/CONNECTOR in the user's folder.")
@click.option("--url", default="", help="Of a venue of this machine that speaks its language.")
@click.pass_obj
def command(
    output: Output, connector: str, symbols: tuple[str, ...], duration_us: int | None, folder: Path | None, url: str
) -> None:
    """Lines go to DIR/raw as they come; at the end the data set is made anew from all recordings that are there."""
    if not issubclass(_model(connector), RealExchange):
        raise Failure("E-USAGE", f"{connector} has no live market", where="data record", fix="tickwright exchanges")
    market = market_of(connector, symbols, url)
    sheet = BUILT_IN.venue_module(connector).venue_sheet()
    recorder = MarketRecorder(market, sheet, wall_us, lambda events: output.progress(f"recording: {events:,} events"))
    target = folder or output.userdir / "data" / connector
    file = target / RAW / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"
    asyncio.run(_record(recorder, file, duration_us))
    files = sorted((target / RAW).glob("*.jsonl"))
    made = [_make(output, market, each, files, target) for each in market.instruments]
    output.result([market_data(target, each) for each in made], "\n\n".join(market_text(target, each) for each in made))


async def _record(recorder: MarketRecorder, file: Path, duration_us: int | None) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    if duration_us is not None:
        loop.call_later(duration_us / 1e6, stop.set)
    with handled(loop, stop.set, stop.set):
        await recorder.run(file, stop)


def _make(output: Output, market: LiveConnector, instrument: Instrument, files: list[Path], target: Path) -> Any:
    job = Job(
        files=files,
        format="recording",
        venue=market.venue,
        symbol=instrument.symbol,
        instrument=instrument,
        replace=True,
        progress=lambda stage, events: output.progress(f"{stage}: {events:,} events", verbosity=1),
    )
    return import_files(job, target)


def _model(connector: str) -> type:
    try:
        return BUILT_IN.connector_config(connector)
    except ValueError as error:
        raise Failure("E-USAGE", f"connector '{connector}' {error}", where="data record") from error
