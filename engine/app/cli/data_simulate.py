"""`tickwright data simulate`."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from engine.app.build import VIRTUAL_START_US
from engine.app.cli.data_list import market_data, market_text
from engine.app.cli.output import Output
from engine.app.cli.simulate import PAIR, Ticks, instrument_of
from engine.app.failure import Failure
from engine.app.registry import load
from engine.app.scenarios import find_scenario, load_scenario
from engine.backtest.importing import Job, store
from engine.backtest.scan import Given
from engine.model.instrument import instrument_id

VENUE = "sample"
LICENCE = "made by the simulator; free of rights"


@click.command(help="Make a data set from a synthetic market.")
@click.option("--scenario", "text", metavar="FILE|NAME", default="normal", help="By default: normal.")
@click.option("--ticks", type=Ticks(), default="14400", help="Updates of the market; 14400 by default.")
@click.option("--seed", type=click.IntRange(min=0), help="Instead of the scenario's.")
@click.option("--to", "folder", type=click.Path(path_type=Path), help="By default data/sample in the user's folder.")
@click.pass_obj
def command(output: Output, text: str, ticks: int, seed: int | None, folder: Path | None) -> None:
    """The same scenario and seed give the same data, on every machine. Data that are there are replaced."""
    file = find_scenario(output.userdir, text)
    scenario = load_scenario(file)
    pair = scenario.trading_pair or PAIR
    try:
        listed = instrument_of(scenario, pair)
    except ValueError as error:  # of this scenario: no start price, for example
        raise Failure("E-FAILED", str(error), where=str(file)) from error
    instrument = replace(listed, venue=VENUE, instrument_id=instrument_id(VENUE, pair))
    job = Job(
        venue=VENUE,
        symbol=pair,
        given=Given(price_step=instrument.price_step, quantity_step=instrument.quantity_step),
        licence=LICENCE,
        replace=True,
        progress=lambda stage, events: output.progress(f"{stage}: {events:,} events", verbosity=1),
    )
    events = load("connectors.simulated.record:market_events")
    made = partial(events, scenario, instrument, scenario.seed if seed is None else seed, ticks, VIRTUAL_START_US)
    target = folder or output.userdir / "data" / "sample"
    market = store(job, target, lambda cursor: made(), [f"scenario {scenario.name}"])
    output.result(market_data(target, market), market_text(target, market))
