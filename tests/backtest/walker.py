"""A strategy that can only earn by knowing the future: each hour it follows the sign of the hour before."""

import json
from decimal import Decimal
from pathlib import Path

from engine.core.actions import Action, SetQuotes, StartExecutor
from engine.core.executors.quote_settings import QuoteSettings
from engine.core.state import State
from engine.model.enums import Side
from engine.model.instrument import instrument_id
from engine.model.quote import Quote
from engine.schema.base import StrategyConfig

HOUR_US = 3_600_000_000
REACH = Decimal("0.02")  # orders cross the book by so much: they take


class WalkerConfig(StrategyConfig):
    """`oracle` is a file with the sign of every hour, by its begin: what nobody may know."""

    exchange: str = "binance"
    trading_pair: str = "BTC-USDT"
    oracle: str = ""


class Walker:
    """Wants to hold +1 after a rise and −1 after a fall, on top of what the account began with."""

    Config = WalkerConfig

    def __init__(self, name: str, config: WalkerConfig) -> None:
        self.name = name
        self._market = instrument_id(config.exchange, config.trading_pair)
        self._oracle = json.loads(Path(config.oracle).read_text()) if config.oracle else {}
        self._last: Decimal | None = None
        self._hour = -1
        self._wanted = 0
        self._started = False

    def decide(self, state: State) -> list[Action]:
        """Reads the mid once an hour; trades until it holds what it wants."""
        mid = state.mid(self._market)
        if mid is None:
            return []
        if state.now_us // HOUR_US != self._hour:
            self._hour = state.now_us // HOUR_US
            if self._last is not None:
                self._wanted = (mid > self._last) - (mid < self._last)
            self._wanted = self._oracle.get(str(self._hour), self._wanted)
            self._last = mid
        missing = self._wanted - state.portfolio.position(self._market)
        side = Side.BUY if missing > 0 else Side.SELL
        instrument = state.instruments[self._market]
        price = instrument.round_price(mid * (1 + REACH if missing > 0 else 1 - REACH), side)
        quotes = (Quote(self._market, side, price, abs(missing), "take"),) if missing else ()
        actions: list[Action] = [SetQuotes(f"{self.name}/quotes", quotes)]
        if not self._started:
            self._started = True
            settings = QuoteSettings(order_refresh_time_us=0, filled_order_delay_us=0, post_only=False)
            actions.insert(0, StartExecutor(f"{self.name}/quotes", "quote", settings))
        return actions
