"""A strategy that only has settings, and a registry in which it and the venues of live samples exist."""

from dataclasses import replace
from decimal import Decimal
from typing import Literal, Self

from pydantic import model_validator

from engine.app.registry import BUILT_IN
from engine.schema.base import ConfigModel, StrategyConfig
from engine.schema.fields import Amount, DurationUs, Price, Share, SignedAmount, Spread, TradingPair, setting


class MakerConfig(StrategyConfig):
    kind: Literal["pure_market_making"] = "pure_market_making"
    exchange: str = setting(doc="name of an entry of exchanges", example="sim")
    trading_pair: TradingPair = setting(doc="what is quoted", example="BTC-USDT")
    bid_spread: Spread = setting(doc="distance of the first buy from the reference price", example="0.1%", live=True)
    ask_spread: Spread = setting(doc="distance of the first sell from the reference price", example="0.1%", live=True)
    order_amount: Amount = setting(doc="base units, or 250 USDT", example="0.01", live=True)
    order_levels: int = setting("1", ge=1, le=20, doc="orders a side", example="1", live=True)
    order_level_spread: Spread = setting("1%", doc="added a level", example="1%", live=True)
    order_level_amount: SignedAmount = setting("0", doc="added a level", example="0", live=True)
    order_refresh_time: DurationUs = setting("30s", doc="age at which an order is replaced", example="30s", live=True)
    order_refresh_tolerance: Spread | None = setting("0%", doc="null: never fits", example="2bps", live=True)
    filled_order_delay: DurationUs = setting("60s", doc="pause after a fill", example="60s", live=True)
    inventory_skew: bool = setting(False, doc="quote less of what we have too much of", example="true", live=True)
    inventory_target_base: Share = setting("50%", doc="wanted part of the base asset", example="50%", live=True)
    price_floor: Price | None = setting(None, doc="no sells below", example="50000", live=True)
    price_ceiling: Price | None = setting(None, doc="no buys above", example="70000", live=True)


class Maker:
    Config = MakerConfig


class Round(ConfigModel):
    shape: Literal["round"]


class Square(ConfigModel):
    shape: Literal["square"]


class CarefulConfig(StrategyConfig):
    level: Decimal
    inner: Round | Square | None = setting(None, discriminator="shape")
    other: Round | Square | None = setting(None, discriminator="shape")

    @model_validator(mode="after")
    def _whole_level(self) -> Self:
        if self.level not in (0, 1):
            raise ValueError("only 0 and 1 are levels")
        return self


class Careful:
    Config = CarefulConfig


class CarelessConfig(StrategyConfig):
    pause: DurationUs = setting("1 second")
    amounts: tuple[Amount, ...] = ()
    trading_pair: TradingPair = setting("BTC-USDT")


class Careless:
    Config = CarelessConfig


class NotAStrategy:
    pass


REAL = "engine.app.config.models:RealExchange"
REGISTRY = replace(
    BUILT_IN,
    strategies={"pure_market_making": f"{__name__}:Maker", "grid": ""},
    connectors={
        "simulated": BUILT_IN.connectors["simulated"],
        **dict.fromkeys(("binance", "binance_perpetual", "okx"), REAL),
        **dict.fromkeys(("gate", "ccxt", "onchain"), ""),
    },
)
