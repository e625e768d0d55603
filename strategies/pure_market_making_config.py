"""The settings of pure market making. Names are Hummingbot's where it has the feature."""

from typing import Literal, Self

from pydantic import model_validator

from engine.core.executors.quote_settings import AmendMode, DelayScope, QuoteSettings, RefreshMode
from engine.schema.base import ConfigModel, StrategyConfig
from engine.schema.fields import (
    Amount,
    DurationUs,
    NonNegativeDecimal,
    PositiveDecimal,
    PositiveDurationUs,
    Price,
    Ratio,
    Share,
    SignedAmount,
    Spread,
    TradingPair,
    setting,
)
from engine.schema.values import BadValue

PriceType = Literal["mid", "microprice", "last", "last_own_trade", "best_bid", "best_ask", "inventory_cost"]
_SPREADS, _AMOUNTS = "order_level_spreads", "order_level_amounts"


class MovingPriceBand(ConfigModel):
    """A floor and a ceiling that are set anew from the reference price from time to time."""

    floor: Ratio = setting("-1%", live=True, doc="from the reference price", example="-1%")
    ceiling: Ratio = setting("1%", live=True, doc="from the reference price", example="1%")
    refresh: PositiveDurationUs = setting("1d", live=True, doc="how often", example="1d")


class HangingOrders(ConfigModel):
    """What becomes of an order whose partner on the other side was filled."""

    cancel_distance: Spread = setting("10%", live=True, doc="farther from the reference price it goes", example="10%")


class OrderOptimization(ConfigModel):
    """Quote just in front of the market instead of far in front of it."""

    bid_depth: NonNegativeDecimal = setting("0", live=True, doc="base quantity that may stand before us", example="0.5")
    ask_depth: NonNegativeDecimal = setting("0", live=True, doc="base quantity that may stand before us", example="0.5")


class PureMarketMakingConfig(StrategyConfig):
    """Quote both sides around a reference price."""

    kind: Literal["pure_market_making"] = setting("pure_market_making", doc="this strategy")
    exchange: str = setting(doc="name of the exchange", example="sim")
    trading_pair: TradingPair = setting(doc="what is traded", example="BTC-USDT")

    bid_spread: Spread | None = setting(None, live=True, doc="first bid from the reference price", example="0.1%")
    ask_spread: Spread | None = setting(None, live=True, doc="first ask from the reference price", example="0.1%")
    order_amount: Amount | None = setting(None, live=True, doc="of the first level, in base or quote", example="0.01")
    order_levels: int = setting(1, live=True, ge=1, le=100, doc="a side", example="3")
    order_level_spread: Spread = setting("1%", live=True, doc="added with each further level", example="0.05%")
    order_level_amount: SignedAmount = setting("0", live=True, doc="added with each further level", example="0.002")
    bid_order_level_spreads: tuple[Spread, ...] | None = setting(
        None, live=True, max_length=100, doc="one for each bid, instead of the keys above", example="[0.1%, 0.3%]"
    )
    ask_order_level_spreads: tuple[Spread, ...] | None = setting(
        None, live=True, max_length=100, doc="one for each ask, instead of the keys above", example="[0.1%, 0.3%]"
    )
    bid_order_level_amounts: tuple[Amount, ...] | None = setting(
        None, live=True, max_length=100, doc="one for each bid", example="[0.01, 0.02]"
    )
    ask_order_level_amounts: tuple[Amount, ...] | None = setting(
        None, live=True, max_length=100, doc="one for each ask", example="[0.01, 0.02]"
    )
    order_override: dict[str, tuple[Literal["buy", "sell"], Spread, Amount]] | None = setting(
        None, live=True, max_length=100, doc="name: [side, spread, amount]; replaces all levels", example="null"
    )

    price_source: Literal["current_market", "external_market"] = setting(
        "current_market", doc="whose prices are the reference"
    )
    price_source_exchange: str | None = setting(None, doc="of an external market", example="binance")
    price_source_market: TradingPair | None = setting(None, doc="of an external market", example="BTC-USDT")
    price_type: PriceType = setting("mid", doc="which price of the source")
    inventory_price: Price | None = setting(None, doc="what the holding at the start has cost", example="60000")

    price_ceiling: Price | None = setting(None, live=True, doc="no bids at or above", example="70000")
    price_floor: Price | None = setting(None, live=True, doc="no asks at or below", example="50000")
    moving_price_band: MovingPriceBand | None = setting(None, live=True, doc="floor and ceiling that follow the price")
    minimum_spread: Spread | None = setting(None, live=True, doc="an order closer than this goes", example="0.05%")
    ping_pong: bool = setting(False, live=True, doc="after a fill, only the other side until that fills too")

    inventory_skew: bool = setting(False, live=True, doc="lean against the inventory")
    inventory_skew_model: Literal["piecewise", "linear"] = setting(
        "piecewise", live=True, doc="piecewise stops a side, linear only halves it"
    )
    inventory_skew_applies_to: Literal["amount", "spread"] = setting("amount", live=True, doc="what is scaled")
    inventory_target_base: Share = setting("50%", live=True, doc="share of the base in the value held", example="50%")
    inventory_range_multiplier: PositiveDecimal = setting(
        "1", live=True, doc="half width of the range, in total order sizes of both sides", example="1"
    )

    hanging_orders: HangingOrders | None = setting(None, live=True, doc="keep the order whose partner was filled")
    order_optimization: OrderOptimization | None = setting(None, live=True, doc="not far in front of the market")
    add_transaction_costs: bool = setting(False, live=True, doc="move quotes outwards by the maker fee")
    take_if_crossed: bool = setting(False, live=True, doc="let quotes take from the book; else they are post-only")

    order_refresh_time: PositiveDurationUs = setting(
        "30s", live=True, doc="earliest age to replace an order that misfits", example="30s"
    )
    order_refresh_tolerance: Spread | None = setting(
        "0", live=True, doc="price difference that still fits; null: nothing fits", example="2bps"
    )
    quantity_tolerance: Spread = setting("0", live=True, doc="quantity difference that still fits", example="1%")
    refresh_mode: RefreshMode = setting("each", live=True, doc="replace each order alone, or all if one misfits")
    max_order_age: PositiveDurationUs = setting("30m", live=True, doc="older orders are replaced", example="30m")
    filled_order_delay: DurationUs = setting("60s", live=True, doc="pause after a complete fill", example="10s")
    filled_order_delay_scope: DelayScope = setting("all", live=True, doc="what pauses: all, the side or the slot")
    wait_for_cancel: bool = setting(True, live=True, doc="a replacement waits until the old order is gone")
    amend: AmendMode = setting("auto", live=True, doc="change orders in place where the venue can")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.trading_pair.endswith("-PERP") and self.inventory_skew:
            raise BadValue("inventory_skew is for spot: a perpetual has no base to hold", "use risk.max_position")
        if self.order_override is None:
            self._check_side("bid")
            self._check_side("ask")
        if self.price_source == "external_market" and not (self.price_source_exchange and self.price_source_market):
            raise BadValue("price_source: external_market needs price_source_exchange and price_source_market")
        if self.price_type == "inventory_cost" and self.inventory_price is None:
            raise BadValue("price_type: inventory_cost needs inventory_price", "what the base you hold has cost")
        return self

    def _check_side(self, side: str) -> None:
        spreads, amounts = getattr(self, f"{side}_{_SPREADS}"), getattr(self, f"{side}_{_AMOUNTS}")
        if spreads is None and amounts is None:
            missing = [name for name in (f"{side}_spread", "order_amount") if getattr(self, name) is None]
            if missing:
                raise BadValue(f"{' and '.join(missing)} missing", f"or give {side}_{_SPREADS} and {side}_{_AMOUNTS}")
        elif spreads is None or amounts is None or len(spreads) != len(amounts):
            raise BadValue(f"{side}_{_SPREADS} and {side}_{_AMOUNTS} must be lists of the same length")

    @property
    def keeps_levels(self) -> bool:
        """Whether a moving price never adds or takes away a level; funds and fills still may."""
        moved_by_price = (
            *(self.price_ceiling, self.price_floor, self.moving_price_band, self.minimum_spread),
            *(self.hanging_orders, self.inventory_skew, self.ping_pong),
        )
        return self.price_type in ("mid", "microprice") and not any(moved_by_price)

    def quote_settings(self) -> QuoteSettings:
        """What goes to the quote executor."""
        return QuoteSettings(
            order_refresh_time_us=self.order_refresh_time,
            order_refresh_tolerance=self.order_refresh_tolerance,
            quantity_tolerance=self.quantity_tolerance,
            refresh_mode=self.refresh_mode,
            max_order_age_us=self.max_order_age,
            filled_order_delay_us=self.filled_order_delay,
            filled_order_delay_scope=self.filled_order_delay_scope,
            wait_for_cancel=self.wait_for_cancel,
            amend=self.amend,
            post_only=not self.take_if_crossed,
        )
