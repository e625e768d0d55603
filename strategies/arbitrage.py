"""Arbitrage: buy on one market and sell on another at once, as far as each unit still earns enough after all fees."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Literal, NamedTuple

from msgspec import Struct
from pydantic import Field

from engine.core.actions import Action, SetQuotes, StartExecutor
from engine.core.executors.cross_venue import CrossVenueExecutor, CrossVenueSettings, Leg
from engine.core.state import State
from engine.model.enums import Side
from engine.model.instrument import Instrument, instrument_id
from engine.model.market import Level
from engine.model.money import ONE, ZERO, to_text
from engine.model.quote import Quote
from engine.schema.base import ConfigModel, StrategyConfig
from engine.schema.fields import Amount, DurationUs, PositiveDurationUs, Ratio, Spread, TradingPair, setting

LEVELS = 100  # of each book that are looked at


class MarketConfig(ConfigModel):
    """A market."""

    exchange: str = setting(doc="name of the exchange", example="binance")
    trading_pair: TradingPair = setting(doc="all of them have the same base", example="BTC-USDT")


class ArbitrageConfig(StrategyConfig):
    """Take price differences between markets."""

    kind: Literal["arbitrage"] = setting("arbitrage", doc="this strategy")
    markets: tuple[MarketConfig, ...] = Field(min_length=2, max_length=10, description="where to buy and sell")
    order_amount: Amount = setting(doc="the most of one trade", example="0.01")
    min_profitability: Ratio = setting(doc="of the last unit, after all fees", example="0.1%")
    slippage_buffer: Spread = setting("0.05%", doc="limit prices beyond the worst level that was used")
    slippage_max: Spread = setting("0.5%", doc="to end a pair of which one leg failed, after leg_timeout")
    leg_timeout: PositiveDurationUs = setting("3s", doc="how long a failed leg is mended within slippage_buffer")
    cooldown: DurationUs = setting("5s", doc="between two trades", example="5s")
    skew_max: DurationUs = setting("500ms", doc="how far the two books may lie apart in time", example="500ms")


class ArbitrageMemory(Struct):
    """When the next trade may begin."""

    next_us: int = 0


class Chance(NamedTuple):
    """What two books offer. `profit` in the first market's quote, before slippage."""

    buy: Instrument
    sell: Instrument
    quantity: Decimal
    buy_limit: Decimal
    sell_limit: Decimal
    profit: Decimal


class Arbitrage:
    """One cross-venue executor takes both books, and mends what only half succeeded before anything new begins."""

    Config = ArbitrageConfig

    def __init__(self, name: str, config: ArbitrageConfig) -> None:
        self.name = name
        self.memory = ArbitrageMemory()
        self.executor_id = f"{name}/pair"
        self.markets = [instrument_id(each.exchange, each.trading_pair) for each in config.markets]
        self._config = config
        self._text = "not started"

    def explain(self) -> str:
        """The last chance, or why there is none."""
        return self._text

    def decide(self, state: State) -> list[Action]:
        """Take the most profitable pair of markets, if there is one and the last trade is over."""
        config = self._config
        executor: CrossVenueExecutor | None = state.executors.get(self.executor_id)
        if executor is None:
            settings = CrossVenueSettings(
                legs=tuple(Leg(market) for market in self.markets),
                slippage_buffer=config.slippage_buffer,
                slippage_max=config.slippage_max,
                hedge_timeout_us=config.leg_timeout,
            )
            return [StartExecutor(self.executor_id, "cross_venue", settings)]
        if state.orders.active(owner=self.executor_id) or not executor.idle:
            self._text = executor.explain()
            return []
        if state.now_us < self.memory.next_us:
            return []
        chance = max(self._chances(state), key=lambda each: each.profit, default=None)
        if chance is None:
            self._text = "no difference that pays"
            return []
        self.memory.next_us = state.now_us + config.cooldown
        quantity = to_text(chance.quantity)
        self._text = f"{quantity} from {chance.buy.instrument_id} to {chance.sell.instrument_id}"
        legs = (
            Quote(chance.buy.instrument_id, Side.BUY, chance.buy_limit, chance.quantity, "buy"),
            Quote(chance.sell.instrument_id, Side.SELL, chance.sell_limit, chance.quantity, "sell"),
        )
        return [SetQuotes(self.executor_id, legs)]

    def _chances(self, state: State) -> Iterator[Chance]:
        """Every ordered pair of markets whose books can be trusted, belong together in time, and cross after fees."""
        for buy, sell in permutations((state.instruments[each] for each in self.markets), 2):
            asks, bids = state.book(buy.instrument_id), state.book(sell.instrument_id)
            rate = state.portfolio.rates.rate(sell.quote, buy.quote)
            money = state.portfolio.rates.rate(buy.quote, state.instruments[self.markets[0]].quote)
            apart_us = abs(asks.receive_us - bids.receive_us)
            if asks.stale or bids.stale or rate is None or money is None or apart_us > self._config.skew_max:
                continue
            chance = self._chance(state, buy, sell, rate)
            if chance is not None:
                yield chance._replace(profit=chance.profit * money)

    def _chance(self, state: State, buy: Instrument, sell: Instrument, rate: Decimal) -> Chance | None:
        config = self._config
        asks = state.book(buy.instrument_id).levels(Side.SELL, LEVELS)
        bids = state.book(sell.instrument_id).levels(Side.BUY, LEVELS)
        if not asks or not bids:
            return None
        costs, worth = ONE + buy.taker_rate, (ONE - sell.taker_rate) * rate
        buffer = config.slippage_buffer
        amount = config.order_amount
        most = min(
            amount.number / asks[0][0] if amount.asset == buy.quote else amount.number,
            state.portfolio.available(buy.venue, buy.quote) / (asks[0][0] * (ONE + buffer) * costs),
            state.portfolio.available(sell.venue, sell.base),
        )
        walked = walk(asks, bids, costs, worth, config.min_profitability, most)
        quantity = sell.round_quantity(buy.round_quantity(walked.quantity))
        if buy.too_small(quantity, walked.ask) or sell.too_small(quantity, walked.bid):
            return None
        return Chance(
            buy,
            sell,
            quantity,
            buy.round_price(walked.ask * (ONE + buffer), Side.BUY),
            sell.round_price(walked.bid * (ONE - buffer), Side.SELL),
            walked.profit,
        )


class Walked(NamedTuple):
    """How far two books can be taken together: the quantity, its worst prices, and the profit in the buyer's quote."""

    quantity: Decimal
    ask: Decimal
    bid: Decimal
    profit: Decimal


def walk(
    asks: Sequence[Level], bids: Sequence[Level], costs: Decimal, worth: Decimal, least: Decimal, most: Decimal
) -> Walked:
    """Level by level while the last unit earns bid·worth / (ask·costs) − 1 ≥ least, up to `most`."""
    quantity, profit = ZERO, ZERO
    ask, bid = asks[0][0], bids[0][0]
    sellers, buyers = iter(asks), iter(bids)
    (offer, offered), (wish, wished) = next(sellers), next(buyers)
    while quantity < most and wish * worth / (offer * costs) - ONE >= least:
        part = min(offered, wished, most - quantity)
        quantity += part
        profit += part * (wish * worth - offer * costs)
        ask, bid = offer, wish
        offered, wished = offered - part, wished - part
        if not offered:
            offer, offered = next(sellers, (offer, ZERO))
        if not wished:
            wish, wished = next(buyers, (wish, ZERO))
        if not (offered and wished):
            break
    return Walked(quantity, ask, bid, profit)
