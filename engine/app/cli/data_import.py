"""`tickwright data import`."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from engine.app.cli.data_list import market_data, market_text
from engine.app.cli.durations import Duration
from engine.app.cli.output import Output
from engine.app.failure import Failure
from engine.app.registry import BUILT_IN, load
from engine.backtest.importing import OF_VENUES, READERS, Job, import_files
from engine.backtest.scan import Given
from engine.model.money import ONE
from engine.schema.values import BadValue, parse_number, parse_trading_pair


class Parsed(click.ParamType[Any]):
    """Text in the notation of settings."""

    def __init__(self, name: str, parse: Any) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._parse(str(value))
        except BadValue as reason:
            self.fail(f"'{value}' {reason}", param, ctx)


STEP = Parsed("STEP", parse_number)


@click.command(help="Make a data set from files of venues and of other programs.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--format", "form", type=click.Choice(list(READERS)), required=True, help="What wrote the files.")
@click.option("--symbol", type=Parsed("PAIR", parse_trading_pair), required=True, help="BTC-USDT, BTC-USDT-PERP.")
@click.option("--to", "folder", type=click.Path(path_type=Path), help="By default data/VENUE in the user's folder.")
@click.option("--venue", default="", help="Where the data are from: by the format, else binance.")
@click.option("--interval", "interval_us", type=Duration(), default="1m", help="Of candles: 1m by default.")
@click.option("--price-step", type=STEP, help="Left out: as fine as the prices that occur.")
@click.option("--quantity-step", type=STEP, help="Left out: as fine as the quantities that occur.")
@click.option("--contract-size", type=STEP, help="Of derivatives: base or quote units of one contract; 1 by default.")
@click.option("--settle", default="", help="Of derivatives: the asset of profit and loss; the quote by default.")
@click.option("--licence", default="", help="Of the data, to be kept with them.")
@click.option("--replace", is_flag=True, help="Put the data in the place of those that are there.")
@click.pass_obj
def command(
    output: Output,
    files: tuple[Path, ...],
    form: str,
    symbol: str,
    folder: Path | None,
    venue: str,
    interval_us: int,
    price_step: Decimal | None,
    quantity_step: Decimal | None,
    contract_size: Decimal | None,
    settle: str,
    licence: str,
    replace: bool,
) -> None:
    """Every file is read twice: once to find steps and clocks, once to write."""
    for file in files:
        if not file.is_file():
            raise Failure("E-NOTFOUND", f"there is no file {file}")
    venue = venue or (form if form in OF_VENUES else "binance")
    if form == "capture" and venue not in BUILT_IN.captures:
        raise Failure("E-USAGE", f"captures of {venue} cannot be read", fix=f"one of: {', '.join(BUILT_IN.captures)}")
    parser = load(BUILT_IN.captures[venue])(symbol, f"{venue}:{symbol}") if form == "capture" else None
    job = Job(
        files=files,
        format=form,
        venue=venue,
        symbol=symbol,
        parser=parser,
        interval_us=interval_us,
        given=Given(
            price_step=price_step, quantity_step=quantity_step, contract_size=contract_size or ONE, settle=settle
        ),
        licence=licence,
        replace=replace,
        progress=lambda stage, events: output.progress(f"{stage}: {events:,} events"),
    )
    target = folder or output.userdir / "data" / venue
    market = import_files(job, target)
    output.result(market_data(target, market), market_text(target, market))
