"""Cross-exchange market making: quotes on the maker whose fills are traded back at a profit on the taker.

With h the average price on the taker for the size, f_m and f_t the fees and x the slippage buffer, a fill at p earns
a bid   h·(1 − f_t)·(1 − x) / (p·(1 + f_m)) − 1, and an ask   p·(1 − f_m) / (h·(1 + f_t)·(1 + x)) − 1.
"""

from collections import deque
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import asdict

from engine.core.actions import Action, ChangeExecutor, SetQuotes, StartExecutor
from engine.core.executors.cross_venue import CrossVenueExecutor
from engine.core.state import State
from engine.model.enums import Channel, Health, Side
from engine.model.instrument import Instrument, instrument_id
from engine.model.money import ONE, ZERO, to_text
from engine.model.quote import Quote
from engine.schema.values import Amount
from strategies.cross_exchange_market_making_config import CrossExchangeMarketMakingConfig
from strategies.order_optimization import top_price

TAGS = {Side.BUY: "bid", Side.SELL: "ask"}
SAMPLES, SAMPLE_EVERY_US = 12, 5_000_000  # of the best prices on the maker: a flickering order is not chased
LEVELS = 200  # of the taker's book that are looked at


class Markets(NamedTuple):
    """Both markets, and how much of the maker's quote one unit of the taker's quote is worth."""

    maker: Instrument
    taker: Instrument
    rate: Decimal


class CrossExchangeMarketMaking:
    """One quote executor on the maker, one cross-venue executor that watches its fills."""

    Config = CrossExchangeMarketMakingConfig

    def __init__(self, name: str, config: CrossExchangeMarketMakingConfig) -> None:
        self.name = name
        self.quotes_id, self.hedge_id = f"{name}/quotes", f"{name}/hedge"
        self.maker_id = instrument_id(config.maker, config.trading_pair)
        self.taker_id = instrument_id(config.taker, config.taker_trading_pair or config.trading_pair)
        self._config = config
        self._changed = False
        self._tops: deque[tuple[Decimal | None, Decimal | None]] = deque(maxlen=SAMPLES)
        self._sample_us = 0
        self._text = "not started"

    def change(self, config: CrossExchangeMarketMakingConfig) -> None:
        """Take live settings over at the next tick."""
        self._config = config
        self._changed = True

    def explain(self) -> str:
        """What it quotes, or why it does not."""
        return self._text

    def decide(self, state: State) -> list[Action]:
        """Both quotes, or none while the taker cannot be trusted or too much is open there."""
        config = self._config
        hedger: CrossVenueExecutor | None = state.executors.get(self.hedge_id)
        quoting, hedging = config.quote_settings(), config.hedge_settings(self.maker_id, self.quotes_id, self.taker_id)
        actions: list[Action] = []
        if hedger is None:
            actions.append(StartExecutor(self.hedge_id, "cross_venue", hedging))
            actions.append(StartExecutor(self.quotes_id, "quote", quoting))
        elif self._changed:
            actions.append(ChangeExecutor(self.hedge_id, asdict(hedging)))
            actions.append(ChangeExecutor(self.quotes_id, asdict(quoting)))
        self._changed = False
        quotes: list[Quote] = []
        rate = state.portfolio.rates.rate(*(state.instruments[each].quote for each in (self.taker_id, self.maker_id)))
        self._text = self._obstacle(state, hedger, rate)
        if not self._text:
            assert rate is not None
            markets = Markets(state.instruments[self.maker_id], state.instruments[self.taker_id], rate)
            self._sample(state)
            both = [self._quote(state, markets, side) for side in Side]
            quotes = [quote for quote in both if quote is not None]
            self._text = f"{len(quotes)} quotes"
        actions.append(SetQuotes(self.quotes_id, tuple(quotes)))
        return actions

    # ---- why not

    def _obstacle(self, state: State, hedger: CrossVenueExecutor | None, rate: Decimal | None) -> str:
        """Why nothing should be quoted, or ""."""
        for market in (self.taker_id, self.maker_id):
            book = state.book(market)
            if book.stale or book.mid is None:
                return f"no quotes: {market}: {book.stale or 'one side of the book is empty'}"
        told = state.health.get((state.instruments[self.taker_id].venue, Channel.USER, ""))
        if told is not None and told.health is not Health.HEALTHY:
            return f"no quotes: what trades on {self.taker_id} is not heard: {told.reason}"
        if rate is None:
            return f"no quotes: no rate between the quotes of {self.taker_id} and {self.maker_id}"
        if hedger is None:
            return ""
        if hedger.overdue(state.now_us):
            return f"no quotes: {hedger.explain()}"
        limit = self._config.max_unhedged
        if limit is not None:
            unhedged = abs(hedger.unhedged(state))
            mid = state.mid(self.maker_id) or ZERO
            most = _in_base(limit, state.instruments[self.maker_id], mid)
            if unhedged > most:
                return f"no quotes: {to_text(unhedged)} is open (limit {to_text(most)})"
        return ""

    # ---- one quote

    def _quote(self, state: State, markets: Markets, side: Side) -> Quote | None:
        config, maker = self._config, markets.maker
        mid = state.mid(self.maker_id)
        assert mid is not None
        size = min(_in_base(config.order_amount, maker, mid), self._taker_size(state, markets, side))
        price = self._price(state, markets, side, size)
        if price is None:
            return None
        size = min(size, self._maker_funds(state, side, price))
        size = markets.taker.round_quantity(maker.round_quantity(size))
        if maker.too_small(size, price) or markets.taker.too_small(size, price / markets.rate):
            return None
        order = state.orders.slot(self.quotes_id, self.maker_id, TAGS[side])
        if order is not None and order.price is not None and order.remaining:
            earned = self._profitability(state, markets, side, order.price, order.remaining)
            if earned is None or earned < config.min_profitability:
                return None
        return Quote(self.maker_id, side, price, size, TAGS[side])

    def _profitability(
        self, state: State, markets: Markets, side: Side, price: Decimal, size: Decimal
    ) -> Decimal | None:
        """What a fill of a quote at `price` earns, as a fraction; None if the taker's book holds less than `size`."""
        worth = self._worth(state, markets, side, size)
        if worth is None:
            return None
        fee = markets.maker.maker_rate
        return worth / (price * (ONE + fee)) - ONE if side is Side.BUY else price * (ONE - fee) / worth - ONE

    def _worth(self, state: State, markets: Markets, side: Side, size: Decimal) -> Decimal | None:
        """In the maker's quote per unit: what the hedge of a bid brings in, or that of an ask costs, at the worst."""
        average = state.book(self.taker_id).vwap(side.opposite, size) if size > 0 else None
        if average is None:
            return None
        fee, buffer = markets.taker.taker_rate, self._config.slippage_buffer
        sign = -ONE if side is Side.BUY else ONE
        return average * markets.rate * (ONE + sign * fee) * (ONE + sign * buffer)

    def _price(self, state: State, markets: Markets, side: Side, size: Decimal) -> Decimal | None:
        worth = self._worth(state, markets, side, size)
        if worth is None:
            return None
        config, maker = self._config, markets.maker
        if side is Side.BUY:
            price = worth / ((ONE + maker.maker_rate) * (ONE + config.target))
        else:
            price = worth * (ONE + config.target) / (ONE - maker.maker_rate)
        tops = [top[side is Side.SELL] for top in self._tops] if config.adjust_order else []
        known = [top for top in tops if top is not None]
        if known and side is Side.BUY:
            price = min(price, max(known) + maker.price_step)
        elif known:
            price = max(price, min(known) - maker.price_step)
        return maker.round_price(price, side)

    def _sample(self, state: State) -> None:
        """The newest best prices of others take the place of the last ones; every 5 s those are kept."""
        own = state.orders.active(instrument_id=self.maker_id)
        book, depth = state.book(self.maker_id), self._config.top_depth_tolerance
        tops = (top_price(book, Side.BUY, depth, own), top_price(book, Side.SELL, depth, own))
        if state.now_us >= self._sample_us:
            self._sample_us = state.now_us + SAMPLE_EVERY_US
            self._tops.append(tops)
        else:
            self._tops[-1] = tops

    # ---- sizes in base

    def _taker_size(self, state: State, markets: Markets, side: Side) -> Decimal:
        """What the taker's book and our funds there can take back."""
        config, taker = self._config, markets.taker
        hedge = side.opposite
        book = state.book(self.taker_id)
        levels = book.levels(side, LEVELS)  # a purchase is sold into their bids
        best = levels[0][0]
        sign = -ONE if side is Side.BUY else ONE
        worst = best * (ONE + sign * config.slippage_max)
        near = [size for price, size in levels if (price >= worst if side is Side.BUY else price <= worst)]
        available = state.portfolio.available
        if hedge is Side.SELL:
            funds = available(taker.venue, taker.base)
        else:
            funds = available(taker.venue, taker.quote) / (best * (ONE + taker.taker_rate))
        return min(
            sum(near, ZERO) * config.order_size_taker_volume_factor, funds * config.order_size_taker_balance_factor
        )

    def _maker_funds(self, state: State, side: Side, price: Decimal) -> Decimal:
        """What is free on the maker, and what the present order of this side ties up."""
        maker = state.instruments[self.maker_id]
        order = state.orders.slot(self.quotes_id, self.maker_id, TAGS[side])
        held = state.portfolio.funds.held(order)[0] if order is not None else ZERO
        if side is Side.SELL:
            return state.portfolio.available(maker.venue, maker.base) + held
        return (state.portfolio.available(maker.venue, maker.quote) + held) / (price * (ONE + maker.maker_rate))


def _in_base(amount: Amount, instrument: Instrument, price: Decimal) -> Decimal:
    """An amount of the base, or of the quote at `price`."""
    return amount.number / price if amount.asset == instrument.quote and price else amount.number
