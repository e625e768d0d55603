"""What a scenario file and the `market` section of a simulated exchange say: how prices move and who else trades."""

from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Tag, field_validator, model_validator

from connectors.simulated.formula import Formula
from engine.schema.base import ConfigModel
from engine.schema.fields import (
    Amount,
    DurationUs,
    Name,
    PositiveDurationUs,
    Price,
    RatePerSecond,
    Ratio,
    Share,
    Spread,
    TradingPair,
    setting,
    within,
)
from engine.schema.values import BadValue, parse_duration

EVENTS_MAX = 1000


class PriceModel(StrEnum):
    """How the fair price moves. Shocks, trend and `set` work on top of each."""

    BROWNIAN = "brownian"  # geometric Brownian motion: drift and volatility
    JUMP_DIFFUSION = "jump_diffusion"  # and jumps at random times
    MEAN_REVERTING = "mean_reverting"  # and a pull towards target_price, with jumps if jump_rate is given
    FORMULA = "formula"  # whatever `formula` says


class Trend(StrEnum):
    """UP and DOWN add a drift of one daily standard deviation a day; in formulas they are 1, -1 and 0."""

    UP = "UP"
    DOWN = "DOWN"
    SIDEWAYS = "SIDEWAYS"


class VolumeProfile(StrEnum):
    """How often others trade: 0.3, 1 and 3 times `participants.trade_rate`."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"


class JumpLaw(StrEnum):
    """The law of the logarithm of a jump, with mean `jump_mean` and standard deviation `jump_size`."""

    NORMAL = "normal"  # Merton 1976
    DOUBLE_EXPONENTIAL = "double_exponential"  # Kou 2002, symmetric


class TestMode(StrEnum):
    """NORMAL and CUSTOM are as written. STRESS: volatility x5, jump rate x10, spread x4, depth x0.25."""

    NORMAL = "NORMAL"
    STRESS = "STRESS"
    CUSTOM = "CUSTOM"


class BookShape(ConfigModel):
    """The book that the makers keep around the fair price."""

    spread: Spread = setting("3bps", doc="distance between best bid and best ask", example="3bps", gt=0)
    levels: int = setting("20", doc="price levels on each side", ge=1, le=500)
    depth: Amount | None = setting(
        None, doc="quantity of all levels of one side; left out: worth 500,000 of the quote asset", example="12 BTC"
    )


class Participants(ConfigModel):
    """The takers: they come at random times (Poisson) with sizes of a Pareto law, cut at 100 times the smallest."""

    trade_rate: RatePerSecond = setting("1/s", doc="how often others trade, with volume_profile NORMAL", le=1000)
    trade_size: Amount | None = setting(
        None, doc="mean size of their trades; left out: worth 2,500 of the quote asset", example="0.05 BTC"
    )
    tail: Decimal = setting("1.5", doc="exponent of the law of sizes: smaller is wilder", gt=0, le=10)


class BookChange(ConfigModel):
    spread: Spread | None = setting(None, gt=0)
    levels: int | None = setting(None, ge=1, le=500)
    depth: Amount | None = None


class ParticipantsChange(ConfigModel):
    trade_rate: RatePerSecond | None = setting(None, le=1000)
    trade_size: Amount | None = None
    tail: Decimal | None = setting(None, gt=0, le=10)


class Change(ConfigModel):
    """New values of scenario keys. What is left out stays as it is."""

    drift: Ratio | None = None
    trend: Trend | None = None
    volume_profile: VolumeProfile | None = None
    volatility: Ratio | None = setting(None, ge=0)
    jump_rate: RatePerSecond | None = None
    jump_size: Ratio | None = setting(None, ge=0)
    jump_mean: Ratio | None = None
    target_price: Price | None = None
    half_life: PositiveDurationUs | None = None
    price_deviation: Spread | None = setting(None, gt=0)
    book: BookChange = BookChange()
    participants: ParticipantsChange = ParticipantsChange()


class _At(ConfigModel):
    at: DurationUs = setting(doc="since the scenario began", example="1h5s")


class Set(_At):
    """From `at` on (until the next phase) these keys have other values."""

    set: Change


class Jump(_At):
    """The fair price jumps by `size`, a fraction of it."""

    inject: Literal["jump"]
    size: Ratio = setting(doc="relative move, -6% is down", example="-6%", gt=-1, le=10)


class ThinBook(_At):
    """The makers keep only the `size` part of the depth."""

    inject: Literal["thin_book"]
    size: Share = setting(doc="what is left of the depth", example="20%", gt=0)
    duration: PositiveDurationUs


class Halt(_At):
    """The venue takes no orders."""

    inject: Literal["halt"]
    duration: PositiveDurationUs


class Disconnect(_At):
    """The venue's streams are cut; requests still work."""

    inject: Literal["disconnect"]
    duration: PositiveDurationUs


def _event_kind(value: Any) -> str:
    inject = value.get("inject", "set") if isinstance(value, dict) else getattr(value, "inject", "set")
    return str(inject)


ScenarioEvent = Annotated[
    Annotated[Set, Tag("set")]
    | Annotated[Jump, Tag("jump")]
    | Annotated[ThinBook, Tag("thin_book")]
    | Annotated[Halt, Tag("halt")]
    | Annotated[Disconnect, Tag("disconnect")],
    Discriminator(_event_kind),
]


class Phase(ConfigModel):
    """A stretch of time with values of its own, on top of the scenario's."""

    duration: PositiveDurationUs
    set: Change


class Scenario(ConfigModel):
    """A synthetic market. Rates of return (`drift`, `volatility`) are per year of 365 days, times count from its start.

    Phases follow each other from the start; after the last one the scenario's own values hold again.
    """

    name: Name = "market"
    description: str = setting("", max_length=1000)
    trading_pair: TradingPair | None = None
    model: PriceModel = PriceModel.JUMP_DIFFUSION
    start_price: Price | None = setting(None, doc="fair price at the start; needed unless the market follows another")
    drift: Ratio = setting("0", doc="expected growth per year", example="20%")
    trend: Trend = Trend.SIDEWAYS
    volume_profile: VolumeProfile = VolumeProfile.NORMAL
    volatility: Ratio = setting("0.6", doc="standard deviation of log returns per year", example="0.6", ge=0, le=1000)
    jump_rate: RatePerSecond | None = setting(None, doc="jumps; left out: 0.1/s for jump_diffusion", example="4/day")
    jump_size: Ratio = setting("0.02%", doc="standard deviation of the log jump", example="0.2%", ge=0, le=1)
    jump_mean: Ratio = setting("0", doc="mean of the log jump", ge=-1, le=1)
    jump_law: JumpLaw = JumpLaw.NORMAL
    target_price: Price | None = setting(None, doc="where mean_reverting pulls to; left out: start_price")
    half_life: PositiveDurationUs = setting("1h", doc="mean_reverting: time in which a deviation halves")
    formula: str = setting("", doc="next price from price, t, dt, trend, target, drift, volatility")
    market_update_interval: Annotated[PositiveDurationUs, within(parse_duration, "10ms", "1h")] = setting("1s")
    price_deviation: Spread = setting("0.1%", doc="how far from the fair price participants quote and trade", gt=0)
    price_impact: Ratio = setting(
        "0", doc="relative move of the fair price when traders take one side's depth", example="0.1%", ge=0, le=1
    )
    execution_probability: Share | None = setting(
        None, doc="without a book: chance a step that an order fills which the fair price has reached", example="50%"
    )
    book: BookShape = BookShape()
    participants: Participants = Participants()
    events: tuple[ScenarioEvent, ...] = setting((), max_length=EVENTS_MAX)
    phases: tuple[Phase, ...] = setting((), max_length=EVENTS_MAX)
    test_mode: TestMode = TestMode.NORMAL
    seed: int = setting("7", doc="same seed, same market")

    @field_validator("formula")
    @classmethod
    def _check_formula(cls, text: str) -> str:
        if text:
            Formula(text, Random(0))
        return text

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        if self.model is PriceModel.FORMULA and not self.formula:
            raise BadValue("model: formula needs a formula", "formula: price * exp(volatility * normal() / 5000)")
        if self.formula and self.model is not PriceModel.FORMULA:
            raise BadValue(f"formula has no effect with model: {self.model}", "write model: formula")
        return self


class MarketSection(Scenario):
    """`market` of a simulated exchange: a named scenario, keys of one, or both; its fair price may be another's."""

    scenario: str = setting("", doc="name of a file of conf/scenarios; keys beside it replace the file's")
    follows: str = setting("", doc="name of the exchange whose fair price this market has")
    lag: Annotated[DurationUs, within(parse_duration, "0s", "10m")] = setting("0s", doc="how much later it follows")


def changed(scenario: Scenario, change: Change) -> Scenario:
    """The scenario with the values that `change` gives."""
    values = {name: value for name, value in change if value is not None}
    for part in ("book", "participants"):
        given = {name: value for name, value in values[part] if value is not None}
        values[part] = getattr(scenario, part).model_copy(update=given)
    return scenario.model_copy(update=values)


def resolve(section: MarketSection, scenarios: dict[str, Scenario]) -> Scenario:
    """The scenario that a market section means: the named one with the keys that the section itself gives.

    `scenarios` are the known ones by name.
    """
    given = {name: getattr(section, name) for name in Scenario.model_fields if name in section.model_fields_set}
    if not section.scenario:
        base = Scenario()
    elif section.scenario in scenarios:
        base = scenarios[section.scenario]
    else:
        raise BadValue(f"there is no scenario {section.scenario!r}", f"known: {', '.join(sorted(scenarios)) or 'none'}")
    return base.model_copy(update=given)
