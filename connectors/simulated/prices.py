"""How the fair price of a synthetic market moves: small seeded pieces, applied one after the other at every step.

dS = μ·S·dt + σ·S·dW + J·dN, plus reversion to a target, plus the shocks of the scenario's timeline. Every piece draws
from its own `Random`, so switching one off or changing its strength does not change the draws of the others.
"""

from collections.abc import Callable, Sequence
from math import exp, isfinite, pow, sqrt
from random import Random

from connectors.simulated.formula import VALUES, Formula, FormulaError
from connectors.simulated.scenario import JumpLaw, PriceModel, Scenario
from connectors.simulated.timeline import Conditions, Timeline
from engine.model.errors import TickwrightError

YEAR_S = 365 * 86_400.0
TREND_PER_YEAR = sqrt(365.0)  # times volatility: one daily standard deviation a day

Piece = Callable[[float, float, float, Conditions], float]
"""(price, seconds since the start, step in seconds, conditions) -> next price."""


class ScenarioStopped(TickwrightError):
    """The price left the positive numbers; the text names step, inputs and formula."""


def diffusion(chance: Random) -> Piece:
    """Geometric Brownian motion: exact for every step, E[S(t)] = S(0)·exp(μ·t)."""

    def step(price: float, t: float, dt: float, now: Conditions) -> float:
        years = dt / YEAR_S
        volatility = now.volatility
        drift = now.drift + now.trend * TREND_PER_YEAR * volatility
        noise = volatility * sqrt(years) * chance.gauss(0.0, 1.0)
        return price * exp((drift - 0.5 * volatility * volatility) * years + noise)

    return step


def arrivals(chance: Random) -> Callable[[float], int]:
    """A Poisson process of changing rate: tells how many arrivals a stretch of (rate · time) has."""
    left = chance.expovariate(1.0)

    def count(expected: float) -> int:
        nonlocal left
        left -= expected
        arrived = 0
        while left <= 0.0:
            left += chance.expovariate(1.0)
            arrived += 1
        return arrived

    return count


def jumps(chance: Random, law: JumpLaw) -> Piece:
    """Poisson jumps of the log price, not compensated in the drift."""
    arrived = arrivals(chance)

    def size(now: Conditions) -> float:
        if law is JumpLaw.NORMAL:
            return chance.gauss(now.jump_mean, now.jump_size)
        sign = 1.0 if chance.random() < 0.5 else -1.0
        return now.jump_mean + sign * chance.expovariate(1.0) * now.jump_size / sqrt(2.0)

    def step(price: float, t: float, dt: float, now: Conditions) -> float:
        for _ in range(arrived(now.jump_rate * dt)):
            price *= exp(size(now))
        return price

    return step


def reversion(price: float, t: float, dt: float, now: Conditions) -> float:
    """The log distance to the target halves in every half life."""
    return now.target * pow(price / now.target, pow(2.0, -dt / now.half_life_s))


def by_formula(formula: Formula) -> Piece:
    """The price that a formula names; `drift` and `volatility` stay per year, `t` and `dt` are seconds."""

    def step(price: float, t: float, dt: float, now: Conditions) -> float:
        return formula(formula_values(price, t, dt, now))

    return step


def formula_values(price: float, t: float, dt: float, now: Conditions) -> dict[str, float]:
    values = (price, t, dt, now.trend, now.target, now.drift, now.volatility)
    return dict(zip(VALUES, values, strict=True))


def pieces_of(scenario: Scenario, chance: Callable[[str], Random]) -> list[Piece]:
    """The pieces of a scenario's model; `chance` gives each its own generator by name."""
    if scenario.model is PriceModel.FORMULA:
        return [by_formula(Formula(scenario.formula, chance("price")))]
    pieces = [diffusion(chance("diffusion"))]
    if scenario.model is not PriceModel.BROWNIAN:
        pieces.append(jumps(chance("jumps"), scenario.jump_law))
    if scenario.model is PriceModel.MEAN_REVERTING:
        pieces.append(reversion)
    return pieces


class PricePath:
    """The fair price on a grid of time, made as far as somebody asks for it.

    Two paths of equal scenario, symbol, seed and start are equal: a market that follows another has its own copy.
    """

    def __init__(self, scenario: Scenario, timeline: Timeline, pieces: Sequence[Piece], start_us: int) -> None:
        assert scenario.start_price is not None
        self.start_price = scenario.start_price
        self.price = float(scenario.start_price)
        self._timeline = timeline
        self._scenario = scenario
        self._pieces = pieces
        self._start_us = start_us
        self._step = 0

    def at(self, time_us: int) -> float:
        """The price at `time_us`; calls must not go back in time. Before the start it is the start price."""
        interval_us = self._scenario.market_update_interval
        while self._start_us + (self._step + 1) * interval_us <= time_us:
            self._advance(interval_us)
        return self.price

    def move(self, factor: float) -> None:
        """Somebody's trading moved the fair price."""
        self.price *= factor

    def _advance(self, interval_us: int) -> None:
        begin_us = self._step * interval_us
        end_us = begin_us + interval_us
        now = self._timeline.conditions(end_us)
        price, t, dt = self.price, end_us / 1e6, interval_us / 1e6
        try:
            for piece in self._pieces:
                price = piece(price, t, dt, now)
            price *= self._timeline.jump_factor(begin_us or -1, end_us)
        except (ArithmeticError, FormulaError) as error:
            raise ScenarioStopped(self._explain(str(error), t, dt, now)) from error
        if price <= 0.0 or not isfinite(price):
            raise ScenarioStopped(self._explain(f"the price would be {price!r}", t, dt, now))
        self.price = price
        self._step += 1

    def _explain(self, what: str, t: float, dt: float, now: Conditions) -> str:
        values = " ".join(f"{name}={value!r}" for name, value in formula_values(self.price, t, dt, now).items())
        formula = f" formula {self._scenario.formula!r}" if self._scenario.formula else ""
        return f"scenario {self._scenario.name} stopped at step {self._step + 1}: {what};{formula} inputs {values}"
