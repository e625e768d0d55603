"""Pure market making at a desk, with short ways to say what is set and what is quoted."""

from typing import Any

from engine.core.executors.quote import QuoteExecutor
from strategies.pure_market_making import PureMarketMaking
from strategies.pure_market_making_config import PureMarketMakingConfig
from tests.desk import Desk, instrument, terms

BASE = {
    "exchange": "sim",
    "trading_pair": "BTC-USDT",
    "bid_spread": "1%",
    "ask_spread": "1%",
    "order_amount": "1",
    "order_level_spread": "1%",
}


def config(**more: Any) -> PureMarketMakingConfig:
    """BASE with changes; a value of `...` removes a key."""
    return PureMarketMakingConfig(**{key: value for key, value in {**BASE, **more}.items() if value is not ...})


class Maker(Desk):
    """One strategy on one market. The book is 99.5 to 100.5 unless told otherwise; prices in 0.1."""

    def __init__(
        self, balances: dict[str, object] | None = None, rules: dict[str, Any] | None = None, **settings: Any
    ) -> None:
        self.pmm = PureMarketMaking("mm", config(**settings))
        market = instrument(**(rules or {}))
        others = {"ext:BTC-USDT": instrument("ext:BTC-USDT")}
        super().__init__(
            self.pmm, instruments=[market, *others.values()], balances=balances or {"BTC": 100, "USDT": 100_000}
        )

    def change(self, **settings: Any) -> None:
        self.pmm.change(config(**settings))

    def executor(self) -> QuoteExecutor:
        found: QuoteExecutor = self.state.executors["mm/quotes"]
        return found

    def quotes(self) -> list[str]:
        """The wanted quotes, best bid and best ask first: `bid_1 1@99`; trailing zeros are left out."""
        wanted = self.executor()._quotes.values()
        return [f"{each.tag} {terms(each)}" for each in wanted]

    def fill_tag(self, tag: str, quantity: object = None) -> None:
        self.fill(self.orders()[tag], quantity)
