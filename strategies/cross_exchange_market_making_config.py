"""The settings of cross-exchange market making. Names are Hummingbot's where it has the feature."""

from decimal import Decimal
from typing import Literal, Self

from pydantic import model_validator

from engine.core.executors.cross_venue import CrossVenueSettings, Leg
from engine.core.executors.quote_settings import QuoteSettings
from engine.schema.base import StrategyConfig
from engine.schema.fields import (
    Amount,
    NonNegativeDecimal,
    PositiveDurationUs,
    Ratio,
    Share,
    Spread,
    TradingPair,
    setting,
)
from engine.schema.values import BadValue


class CrossExchangeMarketMakingConfig(StrategyConfig):
    """Quote on one exchange, and trade every fill back on another one at once."""

    kind: Literal["cross_exchange_market_making"] = setting("cross_exchange_market_making", doc="this strategy")
    maker: str = setting(doc="exchange where we quote", example="gate")
    taker: str = setting(doc="exchange where fills are traded back", example="binance")
    trading_pair: TradingPair = setting(doc="what is quoted", example="BTC-USDT")
    order_amount: Amount = setting(live=True, doc="the most of one quote", example="0.01")

    min_profitability: Ratio = setting(live=True, doc="after all fees; a quote below it goes at once", example="0.1%")
    adjust_order: bool = setting(True, live=True, doc="quote just in front of the market, not far in front of it")
    target_profitability: Ratio | None = setting(None, live=True, doc="of new quotes; left out: the least")
    taker_trading_pair: TradingPair | None = setting(None, doc="on the taker; left out: the same", example="BTC-USDC")
    top_depth_tolerance: NonNegativeDecimal = setting("0", live=True, doc="base that may stand before us")
    anti_hysteresis_duration: PositiveDurationUs = setting("60s", live=True, doc="earliest age to follow the price")
    order_size_taker_volume_factor: Share = setting("25%", live=True, doc="of what the taker shows within slippage_max")
    order_size_taker_balance_factor: Share = setting("99.5%", live=True, doc="of the funds on the taker")

    slippage_buffer: Spread = setting("0.5%", live=True, doc="a trade back may cost so much more than the book shows")
    slippage_max: Spread = setting("2%", live=True, doc="the same, after hedge_timeout")
    hedge_timeout: PositiveDurationUs = setting("5s", live=True, doc="then slippage_max holds")
    hedge_alert: PositiveDurationUs = setting("30s", live=True, doc="then quotes stop until all is traded back")
    hedge_fallback: Literal["wait", "unwind"] = setting("wait", doc="then also on the maker, or go on as before")
    max_unhedged: Amount | None = setting(None, live=True, doc="no quotes while more is open", example="500 USDT")

    @model_validator(mode="after")
    def _target_is_enough(self) -> Self:
        if self.target_profitability is not None and self.target_profitability < self.min_profitability:
            raise BadValue("target_profitability is below min_profitability", "swap the two")
        return self

    @property
    def target(self) -> Decimal:
        """The profitability of new quotes."""
        return self.min_profitability if self.target_profitability is None else self.target_profitability

    def quote_settings(self) -> QuoteSettings:
        """What goes to the quote executor."""
        return QuoteSettings(order_refresh_time_us=self.anti_hysteresis_duration, filled_order_delay_us=0)

    def hedge_settings(self, maker_id: str, quotes: str, taker_id: str) -> CrossVenueSettings:
        """What goes to the cross-venue executor: the fills of the executor `quotes` are traded back on the taker."""
        return CrossVenueSettings(
            legs=(Leg(maker_id, quotes, hedges=False), Leg(taker_id)),
            slippage_buffer=self.slippage_buffer,
            slippage_max=self.slippage_max,
            hedge_timeout_us=self.hedge_timeout,
            hedge_alert_us=self.hedge_alert,
            unwind=self.hedge_fallback == "unwind",
        )
