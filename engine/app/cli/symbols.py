"""`tickwright symbols CONNECTOR|FILE`."""

from pathlib import Path

import click

from engine.app.build import VIRTUAL_START_US, build_venues
from engine.app.cli.bot_files import load_bot_files
from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.failure import Failure
from engine.app.registry import BUILT_IN, NOT_BUILT
from engine.app.scenarios import load_scenarios
from engine.model.instrument import Instrument
from engine.model.money import to_text
from engine.schema.values import BadValue


@click.command(help="List what is traded on an exchange, or on those of a file, and its rules.")
@click.argument("source", metavar="CONNECTOR|FILE")
@click.pass_obj
def command(output: Output, source: str) -> None:
    """A simulated exchange trades whatever its section names, so it takes a file."""
    if source in BUILT_IN.connectors:
        raise _no_list(source)
    config = load_bot_files(output, [Path(source)]).config
    try:
        venues = build_venues(config, VIRTUAL_START_US, load_scenarios(output.userdir))
    except (BadValue, OSError) as error:
        raise Failure("E-FAILED", f"the market cannot be made: {error}", where=source) from error
    instruments = [instrument for venue in venues for instrument in venue.instruments]
    head = ("exchange", "symbol", "kind", "price step", "quantity step", "least value", "maker", "taker")
    text = table([head, *(_row(instrument) for instrument in instruments)])
    output.result([_data(instrument) for instrument in instruments], text)


def _no_list(connector: str) -> Failure:
    if BUILT_IN.connectors[connector] == NOT_BUILT:
        return Failure("E-FAILED", f"connector '{connector}' is not part of this version", fix="tickwright exchanges")
    detail = f"'{connector}' has no list: it trades the trading_pairs of its section"
    return Failure("E-FAILED", detail, fix="tickwright symbols conf/pmm_sim.yml")


def _data(instrument: Instrument) -> dict[str, object]:
    return {
        "exchange": instrument.venue,
        "symbol": instrument.symbol,
        "base": instrument.base,
        "quote": instrument.quote,
        "kind": instrument.kind,
        "price_step": instrument.price_step,
        "quantity_step": instrument.quantity_step,
        "notional_min": instrument.notional_min,
        "maker_rate": instrument.maker_rate,
        "taker_rate": instrument.taker_rate,
    }


def _row(instrument: Instrument) -> tuple[str, ...]:
    return (
        instrument.venue,
        instrument.symbol,
        instrument.kind,
        f"{to_text(instrument.price_step)} {instrument.quote}",
        f"{to_text(instrument.quantity_step)} {instrument.base}",
        f"{to_text(instrument.notional_min)} {instrument.quote}",
        f"{to_text((instrument.maker_rate * 10_000).normalize())} bps",
        f"{to_text((instrument.taker_rate * 10_000).normalize())} bps",
    )
