"""Strategies that fail: one quotes once, and then divides by zero."""

from collections.abc import Sequence
from decimal import Decimal

from engine.core.actions import Action, SetQuotes, StartExecutor
from engine.core.executors.quote_settings import QuoteSettings
from engine.core.state import State
from engine.model.enums import Side
from engine.model.quote import Quote
from engine.schema.base import StrategyConfig
from engine.schema.fields import TradingPair, setting


class WildConfig(StrategyConfig):
    exchange: str = setting(example="sim")
    trading_pair: TradingPair = setting(example="BTC-USDT")


class Wild:
    Config = WildConfig

    def __init__(self, name: str, config: WildConfig) -> None:
        self.name = name
        self.instrument_id = f"{config.exchange}:{config.trading_pair}"

    def decide(self, state: State) -> Sequence[Action]:
        """Quotes while there is no open order; an order at the venue makes it fail."""
        if any(order.venue_order_id for order in state.orders.active()):
            return [1 / 0]  # type: ignore[list-item]
        quote = Quote(self.instrument_id, Side.BUY, Decimal("59000.0"), Decimal("0.01"), "bid")
        executor_id = f"{self.name}/quotes"
        return [StartExecutor(executor_id, "quote", QuoteSettings()), SetQuotes(executor_id, (quote,))]


class Mute(Wild):
    """Does nothing, and cannot even say why."""

    def decide(self, state: State) -> Sequence[Action]:
        return []

    def explain(self) -> str:
        raise ValueError("order value 1 is below the minimum 5")
