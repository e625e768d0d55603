"""A strategy on candles: holds one more unit while the fast average of closes is above the slow one."""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from engine.core.actions import Action, SetQuotes, StartExecutor
from engine.core.executors.quote_settings import QuoteSettings
from engine.core.state import State
from engine.model.enums import Side
from engine.model.instrument import instrument_id
from engine.model.quote import Quote
from engine.schema.base import StrategyConfig
from engine.schema.fields import PositiveDurationUs

FAST, SLOW = 10, 60
REACH = Decimal("0.05")  # orders cross the book by so much: they take


class CrossingConfig(StrategyConfig):
    exchange: str = "binance"
    trading_pair: str = "BTC-USDT"
    interval: PositiveDurationUs = 60_000_000


class Crossing:
    """Decides only after a crossing; `closes` are all candles that it was shown."""

    Config = CrossingConfig

    def __init__(self, name: str, config: CrossingConfig) -> None:
        self.name = name
        self.reads = (instrument_id(config.exchange, config.trading_pair), config.interval)
        self._closes: deque[float] = deque(maxlen=SLOW)
        self._above = False
        self._wanted = Decimal(0)
        self._started = False

    def read(self, close_us: int, open_: float, high: float, low: float, close: float, volume: float) -> bool:
        """Whether the averages crossed."""
        self._closes.append(close)
        if len(self._closes) < SLOW:
            return False
        before, closes = self._above, list(self._closes)
        self._above = sum(closes[-FAST:]) / FAST > sum(closes) / SLOW
        self._wanted = Decimal(int(self._above))
        return self._above is not before

    def decide(self, state: State) -> Sequence[Action]:
        """An order for what is missing."""
        market = self.reads[0]
        missing, mid = self._wanted - state.portfolio.position(market), state.mid(market)
        actions: list[Action] = []
        if not self._started:
            self._started = True
            settings = QuoteSettings(order_refresh_time_us=0, filled_order_delay_us=0, post_only=False)
            actions.append(StartExecutor(f"{self.name}/quotes", "quote", settings))
        if not missing or mid is None:
            return [*actions, SetQuotes(f"{self.name}/quotes", ())]
        side = Side.BUY if missing > 0 else Side.SELL
        price = state.instruments[market].round_price(mid * (1 + REACH if missing > 0 else 1 - REACH), side)
        return [*actions, SetQuotes(f"{self.name}/quotes", (Quote(market, side, price, abs(missing), "take"),))]
