"""The smallest market maker: one bid and one ask at the best prices, within an inventory limit.

A model for own strategies: a settings class, a constructor, and `decide`, which says what should be on the exchange.
"""

from engine.core.actions import Action, SetQuotes, StartExecutor
from engine.core.executors.quote_settings import QuoteSettings
from engine.core.state import State
from engine.model.enums import Side
from engine.model.instrument import instrument_id
from engine.model.quote import Quote
from engine.schema.base import StrategyConfig
from engine.schema.fields import PositiveDecimal, PositiveDurationUs, TradingPair, setting


class SpreadFollowerConfig(StrategyConfig):
    """Settings of a bot file under `strategy`, with `use: strategies.spread_follower:SpreadFollower`."""

    exchange: str = setting(doc="name of the exchange", example="sim")
    trading_pair: TradingPair = setting(doc="what is traded", example="BTC-USDT")
    quantity: PositiveDecimal = setting(doc="of each order, in base", example="0.01")
    inventory_max: PositiveDecimal = setting(doc="most that may be bought or sold net, in base", example="0.05")
    refresh: PositiveDurationUs = setting("5s", doc="earliest age to follow the price", example="5s")


class SpreadFollower:
    """Buys at the best bid while it holds less than the limit, sells at the best ask while it is short of less."""

    Config = SpreadFollowerConfig

    def __init__(self, name: str, config: SpreadFollowerConfig) -> None:
        self.name = name
        self.config = config
        self.market = instrument_id(config.exchange, config.trading_pair)
        self.executor_id = f"{name}/quotes"

    def decide(self, state: State) -> list[Action]:
        """Once a tick, on settled facts. Orders that still fit stay; the executor sees to that."""
        actions: list[Action] = []
        if self.executor_id not in state.executors:
            settings = QuoteSettings(order_refresh_time_us=self.config.refresh, filled_order_delay_us=0)
            actions.append(StartExecutor(self.executor_id, "quote", settings))
        book, size, limit = state.book(self.market), self.config.quantity, self.config.inventory_max
        held = state.portfolio.position(self.market, self.executor_id)
        quotes = []
        if not book.stale and book.best_bid is not None and held + size <= limit:
            quotes.append(Quote(self.market, Side.BUY, book.best_bid, size, "bid"))
        if not book.stale and book.best_ask is not None and held - size >= -limit:
            quotes.append(Quote(self.market, Side.SELL, book.best_ask, size, "ask"))
        actions.append(SetQuotes(self.executor_id, tuple(quotes)))
        return actions
