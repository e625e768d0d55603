"""Holds while a signal on candles says that prices rise: a model for own strategies on candles."""

from typing import Literal, Self

from msgspec import Struct
from pydantic import model_validator

from engine.core.actions import Action, SetQuotes, StartExecutor
from engine.core.executors.quote_settings import QuoteSettings
from engine.core.state import State
from engine.indicators.averages import Macd
from engine.model.enums import Side
from engine.model.instrument import instrument_id
from engine.model.money import ONE, ZERO
from engine.model.quote import Quote
from engine.schema.base import StrategyConfig
from engine.schema.fields import PositiveDecimal, PositiveDurationUs, Spread, TradingPair, setting
from engine.schema.values import BadValue
from strategies.signals import BollingerTouch, MacdBollinger, MovingAverageCross, RsiTurn, Signal

TAKING = QuoteSettings(order_refresh_time_us=0, filled_order_delay_us=0, post_only=False)


class SignalFollowerConfig(StrategyConfig):
    """Follow a signal on candles."""

    kind: Literal["signal_follower"] = setting("signal_follower", doc="this strategy")
    exchange: str = setting(doc="name of the exchange", example="binance")
    trading_pair: TradingPair = setting(doc="what is traded", example="BTC-USDT")
    quantity: PositiveDecimal = setting(doc="held while the signal is up, in base", example="0.01")
    short: bool = setting(False, doc="while it is down, as much is owed; else nothing is held")
    interval: PositiveDurationUs = setting("1m", doc="of the candles", example="1m")
    slippage_max: Spread = setting("0.5%", doc="farthest limit of an order from the mid; it takes", example="0.5%")
    signal: Literal["moving_average_cross", "macd_bollinger", "bollinger", "rsi"] = setting(
        "moving_average_cross", doc="what is followed"
    )
    fast: int = setting(20, doc="closes of the fast average that crosses", ge=1, le=100_000)
    slow: int = setting(100, doc="closes of the slow one", ge=2, le=100_000)
    bb_length: int = setting(100, doc="closes of Bollinger's bands", ge=2, le=100_000)
    bb_std: float = setting(2.0, doc="standard deviations from their middle to a band", gt=0)
    bb_long_threshold: float = setting(0.0, doc="up at or below this place: 0 is the lower band, 1 the upper one")
    bb_short_threshold: float = setting(1.0, doc="down at or above this place")
    macd_fast: int = setting(21, doc="closes of the MACD's fast average", ge=1, le=100_000)
    macd_slow: int = setting(42, doc="closes of its slow one", ge=2, le=100_000)
    macd_signal: int = setting(9, doc="values of its signal line", ge=1, le=100_000)
    rsi_length: int = setting(14, doc="changes of the relative strength index", ge=1, le=100_000)
    rsi_low: float = setting(30.0, doc="up at or below", ge=0, le=100)
    rsi_high: float = setting(70.0, doc="down at or above", ge=0, le=100)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        pairs = [("fast", "slow"), ("macd_fast", "macd_slow"), ("bb_long_threshold", "bb_short_threshold")]
        for low, high in [*pairs, ("rsi_low", "rsi_high")]:
            if getattr(self, low) >= getattr(self, high):
                raise BadValue(f"{low} must be less than {high}", "swap the two")
        return self

    def make_signal(self) -> Signal:
        """The signal that is followed."""
        touch = BollingerTouch(self.bb_length, self.bb_std, self.bb_long_threshold, self.bb_short_threshold)
        if self.signal == "bollinger":
            return touch
        if self.signal == "macd_bollinger":
            return MacdBollinger(touch, Macd(self.macd_fast, self.macd_slow, self.macd_signal))
        if self.signal == "rsi":
            return RsiTurn(self.rsi_length, self.rsi_low, self.rsi_high)
        return MovingAverageCross(self.fast, self.slow)


class SignalMemory(Struct):
    """The last signal, +1 or -1; 0 before the first."""

    signal: int = 0


class SignalFollower:
    """Decides on closed candles; what is missing is taken from the book, at the next tick."""

    Config = SignalFollowerConfig

    def __init__(self, name: str, config: SignalFollowerConfig) -> None:
        self.name = name
        self.memory = SignalMemory()
        self.executor_id = f"{name}/quotes"
        self.reads = instrument_id(config.exchange, config.trading_pair), config.interval
        self._config = config
        self._signal = config.make_signal()

    def read(self, close_us: int, open_: float, high: float, low: float, close: float, volume: float) -> bool:
        """Each closed candle, once. Returns whether the signal turned."""
        signal = self._signal.add(close)
        if not signal or signal == self.memory.signal:
            return False
        self.memory.signal = signal
        return True

    def decide(self, state: State) -> list[Action]:
        """One order for what is missing from what the last signal wants."""
        actions: list[Action] = []
        if self.executor_id not in state.executors:
            actions.append(StartExecutor(self.executor_id, "quote", TAKING))
        config, market = self._config, self.reads[0]
        instrument, mid = state.instruments[market], state.mid(market)
        signal = self.memory.signal
        wanted = config.quantity * signal if signal > 0 or config.short else ZERO
        missing = wanted - state.portfolio.position(market, self.executor_id)
        size = instrument.round_quantity(abs(missing))
        if mid is None or instrument.too_small(size, mid):
            return [*actions, SetQuotes(self.executor_id, ())]
        side, sign = (Side.BUY, ONE) if missing > 0 else (Side.SELL, -ONE)
        price = instrument.round_price(mid * (ONE + sign * config.slippage_max), side)
        return [*actions, SetQuotes(self.executor_id, (Quote(market, side, price, size, "take"),))]

    def explain(self) -> str:
        """What the last signal was."""
        return {1: "the signal is up", -1: "the signal is down", 0: "no signal yet"}[self.memory.signal]
