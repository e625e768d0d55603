"""A scenario over time: which conditions hold when, and which shocks fall into a stretch of time. Pure and immutable.

Times are microseconds since the scenario began. Money and rates become floats here, visibly: this is a model.
"""

from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from math import inf, prod

from connectors.simulated.scenario import (
    Disconnect,
    Halt,
    Jump,
    PriceModel,
    Scenario,
    Set,
    TestMode,
    ThinBook,
    Trend,
    VolumeProfile,
    changed,
)
from engine.model.money import ZERO
from engine.schema.values import Amount, BadValue

DEPTH_QUOTE = Decimal(500_000)
TRADE_SIZE_QUOTE = Decimal(2_500)
JUMP_RATE = Decimal("0.1")  # per second, where jump_diffusion does not say
TRENDS = {Trend.UP: 1.0, Trend.SIDEWAYS: 0.0, Trend.DOWN: -1.0}
SPREAD_MAX = 0.9  # half of it below the fair price is still a price
VOLUMES = {VolumeProfile.LOW: 0.3, VolumeProfile.NORMAL: 1.0, VolumeProfile.HIGH: 3.0}


@dataclass(frozen=True, slots=True)
class Stress:
    """Factors of a test mode."""

    volatility: float = 1.0
    jump_rate: float = 1.0
    spread: float = 1.0
    depth: float = 1.0


STRESS = {
    TestMode.NORMAL: Stress(),
    TestMode.STRESS: Stress(volatility=5.0, jump_rate=10.0, spread=4.0, depth=0.25),
    TestMode.CUSTOM: Stress(),
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds at one time. `drift` and `volatility` per year, rates per second, sizes in base units.

    `spread` and `price_deviation` are fractions of the fair price, `trend` is 1, 0 or -1, `depth` belongs to one side.
    """

    drift: float
    volatility: float
    trend: float
    jump_rate: float
    jump_mean: float
    jump_size: float
    target: float
    half_life_s: float
    spread: float
    price_deviation: float
    levels: int
    depth: float
    trade_rate: float
    trade_size: float
    tail: float


class Timeline:
    """Conditions and shocks of one scenario. `start_price` values amounts written in the quote asset."""

    def __init__(self, scenario: Scenario, start_price: Decimal, base: str, quote: str) -> None:
        self._start_price, self._base, self._quote = start_price, base, quote
        self._jumps = sorted((event.at, float(event.size)) for event in scenario.events if isinstance(event, Jump))
        self._halts = [event for event in scenario.events if isinstance(event, Halt)]
        self._disconnects = [event for event in scenario.events if isinstance(event, Disconnect)]
        self._marks, self._conditions = self._plan(scenario)

    def conditions(self, at_us: int) -> Conditions:
        """What holds at `at_us` >= 0."""
        return self._conditions[bisect_right(self._marks, at_us) - 1]

    def jump_factor(self, after_us: int, until_us: int) -> float:
        """The product of the price shocks in (after, until]."""
        first, last = (bisect_right(self._jumps, (at_us, inf)) for at_us in (after_us, until_us))
        return prod(1.0 + size for _, size in self._jumps[first:last])

    def is_halted(self, at_us: int) -> bool:
        return any(halt.at <= at_us < halt.at + halt.duration for halt in self._halts)

    def disconnected_until(self, at_us: int) -> int:
        """When the cut of the streams at `at_us` ends; 0 if there is none."""
        cuts = (cut.at + cut.duration for cut in self._disconnects if cut.at <= at_us < cut.at + cut.duration)
        return max(cuts, default=0)

    def _plan(self, scenario: Scenario) -> tuple[list[int], list[Conditions]]:
        """The times at which something changes, and what holds from each on."""
        bases = {0: scenario}
        end_us = 0
        for phase in scenario.phases:
            bases[end_us] = changed(scenario, phase.set)
            end_us += phase.duration
            bases[end_us] = scenario
        sets = [event for event in scenario.events if isinstance(event, Set)]
        thins = [event for event in scenario.events if isinstance(event, ThinBook)]
        edges = [edge for thin in thins for edge in (thin.at, thin.at + thin.duration)]
        marks = sorted({*bases, *(event.at for event in sets), *edges})
        plan = []
        current = scenario
        for mark in marks:
            current = bases.get(mark, current)
            for event in sets:
                if event.at == mark:
                    current = changed(current, event.set)
            left = prod(float(thin.size) for thin in thins if thin.at <= mark < thin.at + thin.duration)
            plan.append(self._conditions_of(current, left))
        return marks, plan

    def _conditions_of(self, scenario: Scenario, depth_left: float) -> Conditions:
        stress = STRESS[scenario.test_mode]
        book, participants = scenario.book, scenario.participants
        jump_rate = scenario.jump_rate
        if jump_rate is None:
            jump_rate = JUMP_RATE if scenario.model is PriceModel.JUMP_DIFFUSION else ZERO
        return Conditions(
            drift=float(scenario.drift),
            volatility=float(scenario.volatility) * stress.volatility,
            trend=TRENDS[scenario.trend],
            jump_rate=float(jump_rate) * stress.jump_rate,
            jump_mean=float(scenario.jump_mean),
            jump_size=float(scenario.jump_size),
            target=float(scenario.target_price or self._start_price),
            half_life_s=scenario.half_life / 1e6,
            spread=min(float(book.spread) * stress.spread, SPREAD_MAX),
            price_deviation=float(scenario.price_deviation),
            levels=book.levels,
            depth=self._base_units(book.depth, DEPTH_QUOTE) * stress.depth * depth_left,
            trade_rate=float(participants.trade_rate) * VOLUMES[scenario.volume_profile],
            trade_size=self._base_units(participants.trade_size, TRADE_SIZE_QUOTE),
            tail=float(participants.tail),
        )

    def _base_units(self, amount: Amount | None, default_quote: Decimal) -> float:
        if amount is None:
            return float(default_quote / self._start_price)
        if amount.asset in ("", self._base):
            return float(amount.number)
        if amount.asset == self._quote:
            return float(amount.number / self._start_price)
        raise BadValue(
            f"{amount.asset} is not an asset of this market", f"write the amount in {self._base} or {self._quote}"
        )
