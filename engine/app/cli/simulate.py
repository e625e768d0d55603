"""`tickwright simulate`."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from itertools import pairwise
from typing import Any

import click

from engine.app.build import build_venues
from engine.app.cli.output import Output
from engine.app.cli.text import table
from engine.app.config.models import BotConfig
from engine.app.failure import Failure
from engine.app.registry import load
from engine.app.scenarios import find_scenario, load_scenario
from engine.schema.values import BadValue, parse_number

TICKS_MAX = 100_000_000
CHART_WIDTH, CHART_HEIGHT = 64, 8
BLOCKS = " ▁▂▃▄▅▆▇█"
PAIR = "BTC-USDT"  # where a scenario names none


class Ticks(click.ParamType[int]):
    """A whole number, also written `1e6` or `1_000_000`."""

    name = "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = parse_number(str(value))
        except BadValue as reason:
            self.fail(f"'{value}' {reason}", param, ctx)
        if number % 1 or not 1 <= number <= TICKS_MAX:
            self.fail(f"'{value}' is not a whole number from 1 to {TICKS_MAX:,}", param, ctx)
        return int(number)


@click.command(help="Run a synthetic market alone, for a look or a benchmark.")
@click.option("--scenario", "text", metavar="FILE|NAME", default="normal", help="By default: normal.")
@click.option("--ticks", type=Ticks(), default="3600", help="Updates of the market; 3600 by default.")
@click.option("--seed", type=click.IntRange(min=0), help="Instead of the scenario's.")
@click.pass_obj
def command(output: Output, text: str, ticks: int, seed: int | None) -> None:
    """The same scenario and seed give the same market, on every machine."""
    file = find_scenario(output.userdir, text)
    scenario = load_scenario(file)
    seed = scenario.seed if seed is None else seed
    pair = scenario.trading_pair or PAIR
    simulate = load("connectors.simulated.simulate:simulate")
    try:
        instrument = instrument_of(scenario, pair)
        begin = time.process_time()
        result = simulate(scenario, instrument, seed, ticks)
    except ValueError as error:  # of this scenario: a formula without a value, no start price
        raise Failure("E-FAILED", str(error), where=str(file)) from error
    cpu_s = time.process_time() - begin
    rate = round((result.steps + result.trades) / cpu_s)
    data = asdict(result) | {"scenario": scenario.name, "trading_pair": pair, "seed": seed, "events_per_cpu_s": rate}
    prices = [result.price_first, *(price for _, price in data.pop("path"))]
    title = f"{scenario.name}  {pair}  seed {seed}  {ticks:,} updates  {_duration(result.simulated_us)}"
    chart, figures = "\n".join(_chart(prices)), table(_figures(result, pair, rate), indent="  ")
    output.result(data, f"{title}\n{chart}\n{figures}")


def instrument_of(scenario: Any, pair: str) -> Any:
    """As a bot's simulated exchange would list it."""
    section = {"connector": "simulated", "trading_pairs": [pair], "market": {"scenario": scenario.name}}
    config = BotConfig.model_validate({"name": "simulate", "exchanges": {"sim": section}})
    return build_venues(config, 0, {scenario.name: scenario})[0].instruments[0]


def _figures(result: Any, pair: str, rate: int) -> list[tuple[str, str]]:
    base, quote, *_ = pair.split("-")
    change = result.price_last / result.price_first - 1
    return [
        ("Price", f"{_price(result.price_first)} to {_price(result.price_last)} {quote} ({change:+.2%})"),
        ("Range", f"{_price(result.price_low)} to {_price(result.price_high)} {quote}"),
        ("Volatility", f"{result.volatility:.1%} a year"),
        ("Spread", f"{result.spread_bps:.2f} bps on average"),
        ("Best level", f"{result.best_depth:.4g} {base} on average"),
        ("Trades", f"{result.trades:,}, {result.volume:,.4f} {base}, {result.turnover:,.2f} {quote}"),
        ("One-sided", f"{result.one_sided:,} of {result.steps:,} updates without a bid or an ask"),
        ("Speed", f"{rate:,} events per CPU-second (updates and trades)"),
    ]


def _chart(prices: Sequence[float]) -> list[str]:
    """The path from left to right, highest at the top; each column is the mean of its stretch."""
    width = min(CHART_WIDTH, len(prices))
    edges = [index * len(prices) // width for index in range(width + 1)]
    means = [sum(prices[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    scale = (CHART_HEIGHT * 8 - 1) / (high - low) if high > low else 0.0
    heights = [1 + round((mean - low) * scale) for mean in means]
    rows = ["".join(BLOCKS[min(max(height - 8 * row, 0), 8)] for height in heights) for row in range(CHART_HEIGHT)]
    labels = {CHART_HEIGHT - 1: _price(high), 0: _price(low)}
    margin = max(map(len, labels.values()))
    return [f"  {labels.get(row, ''):>{margin}} │{rows[row]}".rstrip() for row in reversed(range(CHART_HEIGHT))]


def _price(value: float) -> str:
    """Six significant digits, never an exponent."""
    exact = Decimal(f"{value:.6g}")
    return f"{exact:,f}" if exact.as_tuple().exponent != 0 else f"{exact:,}"


def _duration(us: int) -> str:
    minutes, seconds = divmod(us // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{f'{days}d ' if days else ''}{hours:02}:{minutes:02}:{seconds:02}"
