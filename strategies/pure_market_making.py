"""Pure market making: quotes on both sides of a reference price.

The steps, one a method, are those of docs/strategies.md. Levels, amounts and cost factors are worked out when settings
or fees change; a tick multiplies them with the reference price.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from msgspec.structs import asdict

from engine.core.actions import Action, ChangeExecutor, SetQuotes, StartExecutor
from engine.core.executors.quote import QuoteExecutor
from engine.core.funds import Account
from engine.core.state import State
from engine.model.enums import Side
from engine.model.instrument import Instrument, instrument_id
from engine.model.money import ONE, ZERO, to_text
from engine.model.quote import Quote
from strategies.inventory_skew import bid_and_ask_factors
from strategies.order_optimization import top_price
from strategies.own_quotes import Memory, drop_far, hang_due, note_orders
from strategies.pure_market_making_config import MovingPriceBand, PureMarketMakingConfig
from strategies.quote_ladder import INFINITE, Ladder, make_ladder, order_value
from strategies.reference_price import reference_price

Factors = tuple[Decimal | None, Decimal | None]  # of bids and asks

BUY, SELL = Side.BUY, Side.SELL
UNCHANGED: Factors = (None, None)
TWO = Decimal(2)


class Plan(NamedTuple):
    """What only settings, the instrument's rules and its accounts decide."""

    instrument: Instrument
    bids: Ladder
    asks: Ladder
    base: Account
    money: Account
    cost_factor: Decimal  # what a buy ties up per unit of price · quantity
    sell_factor: Decimal | None  # the same of sells; None on spot, where they tie up their quantity
    quantity_least: Decimal  # of an order
    notional_least: Decimal  # price · quantity of an order
    remembers: bool  # whether fills and pairs have to be followed
    steady: bool  # whether equal prices and balances mean equal quotes
    lazy: bool  # whether equal balances mean the same levels, so that only prices follow the market

    def funds(self) -> tuple[object, ...]:
        """What the funds for quotes depend on."""
        base, money = self.base, self.money
        return (
            *(base.total, base.reserved, base.unseen, base.reported),
            *(money.total, money.reserved, money.unseen, money.reported),
        )


class PureMarketMaking:
    """Decides on the quotes of one quote executor. `memory` is all that must survive a restart."""

    Config = PureMarketMakingConfig

    def __init__(self, name: str, config: PureMarketMakingConfig) -> None:
        self.name = name
        self.memory = Memory()
        self.executor_id = f"{name}/quotes"
        self.instrument_id = instrument_id(config.exchange, config.trading_pair)
        self.source_id = self.instrument_id
        if config.price_source_exchange and config.price_source_market:
            self.source_id = instrument_id(config.price_source_exchange, config.price_source_market)
        self._config = config
        self._changed = False
        self._plan: Plan | None = None
        self._quotes: dict[str, Quote] = {}
        self._inputs: tuple[object, ...] = ()  # of the last decision
        self._accounts: tuple[object, ...] = ()  # of the last look at the funds
        self._free = (ZERO, ZERO)  # for new sells and buys: base and quote, on perpetuals half of the margin each
        self._reference: Decimal | None = None
        self._text = "not started"

    def change(self, config: PureMarketMakingConfig) -> None:
        """Take live settings over at the next tick."""
        self._config = config
        self._changed = True

    def explain(self) -> str:
        """What it quotes, and why not more."""
        if self._reference is None:
            return self._text
        text = f"{len(self._quotes)} quotes around {to_text(self._reference)}"
        return f"{text}; {self._text}" if self._text else text

    def decide(self, state: State) -> list[Action]:
        """The quotes wanted now; nothing when they are what they were."""
        actions: list[Action] = []
        executor: QuoteExecutor | None = state.executors.get(self.executor_id)
        plan = self._plan
        if plan is None or self._changed or plan.instrument is not state.instruments[self.instrument_id]:
            plan = self._plan = self._make_plan(state)
            self._inputs = ()
            self._accounts = ()
        if executor is None:
            self._quotes = {}
            self._inputs = ()
            actions.append(StartExecutor(self.executor_id, "quote", self._config.quote_settings()))
        else:
            if self._changed:
                actions.append(ChangeExecutor(self.executor_id, asdict(self._config.quote_settings())))
            if plan.remembers:
                note_orders(self.memory, executor, state, hang=self._config.hanging_orders is not None)
                hang_due(self.memory, executor, state)
            elif plan.lazy and not self._changed and executor.quiet(state) and plan.funds() == self._accounts:
                return []
        self._changed = False
        quotes = self._wanted(state, plan)
        if quotes is not None and quotes != self._quotes:
            self._quotes = quotes
            actions.append(SetQuotes(self.executor_id, tuple(quotes.values())))
        return actions

    def _make_plan(self, state: State) -> Plan:
        config = self._config
        instrument = state.instruments[self.instrument_id]
        market = state.portfolio.markets[self.instrument_id]
        size = instrument.contract_size
        factor = market.factor if market.spot else size / market.leverage + size * instrument.taker_rate
        return Plan(
            instrument,
            make_ladder(config, BUY, instrument),
            make_ladder(config, SELL, instrument),
            market.base,
            market.money,
            factor,
            None if market.spot else factor,
            max(instrument.quantity_min, instrument.quantity_step),
            instrument.notional_min / size,
            config.ping_pong or config.hanging_orders is not None or config.price_type == "last_own_trade",
            not (config.order_optimization or config.hanging_orders or config.minimum_spread),
            self.source_id == self.instrument_id and config.keeps_levels,
        )

    def _wanted(self, state: State, plan: Plan) -> dict[str, Quote] | None:
        """By tag; None: nothing they depend on has changed."""
        config, memory = self._config, self.memory
        last_trade = state.last_trade(self.source_id) if config.price_type == "last" else None
        source = state.book(self.source_id)
        ref = reference_price(config.price_type, source, last_trade, memory.last_own_trade)
        if ref is None:
            self._inputs = ()
            self._reference = None
            self._text = f"W-STALE  {self.source_id}: no price; {source.stale or 'one side of the book is empty'}"
            return {}
        book = source if self.source_id == self.instrument_id else state.book(self.instrument_id)
        bid, ask = book.best_bid, book.best_ask
        if config.moving_price_band is not None:
            self._move_band(config.moving_price_band, ref, state.now_us)
        accounts = plan.funds()
        funds_moved = accounts != self._accounts or not plan.steady
        inputs = (ref, bid, ask, memory.band_set_us, memory.net_fills)
        if inputs == self._inputs and not funds_moved:
            return None
        self._inputs = inputs
        if config.hanging_orders is not None:
            drop_far(memory, ref, config.hanging_orders.cancel_distance)
        if funds_moved:
            self._accounts = accounts
            self._free = self._free_funds(state, plan)
        free_sells, free_buys = self._free
        sizes, spreads = self._skew(plan, ref) if config.inventory_skew else (UNCHANGED, UNCHANGED)
        self._text = ""
        quotes: dict[str, Quote] = {}
        if self._buys(ref):
            prices = self._prices(state, plan.bids, ref, spreads[0])
            skip = max(memory.net_fills, 0) if config.ping_pong else 0
            self._add(quotes, plan, plan.bids, prices, _quantities(plan.bids, ref, sizes[0]), skip, ask, free_buys)
        if self._sells(ref):
            prices = self._prices(state, plan.asks, self._sell_reference(state, ref), spreads[1])
            skip = max(-memory.net_fills, 0) if config.ping_pong else 0
            self._add(quotes, plan, plan.asks, prices, _quantities(plan.asks, ref, sizes[1]), skip, bid, free_sells)
        if config.minimum_spread:
            self._drop_close(state, quotes, ref, config.minimum_spread)
        if memory.hanging:
            quotes.update(memory.hanging)
        self._reference = ref
        return quotes

    # ---- steps 1, 3 and 4: reference, band

    def _sell_reference(self, state: State, ref: Decimal) -> Decimal:
        """Sells stay above what the inventory has cost."""
        if self._config.price_type != "inventory_cost":
            return ref
        ledger = state.portfolio.ledger(self.instrument_id, self.executor_id)
        cost = ledger.average_price if ledger.quantity > 0 else self._config.inventory_price
        return ref if cost is None else max(ref, cost)

    def _move_band(self, band: MovingPriceBand, ref: Decimal, now_us: int) -> None:
        memory = self.memory
        if now_us >= memory.band_set_us + band.refresh:
            memory.band_set_us = now_us
            memory.band_floor = ref * (ONE + band.floor)
            memory.band_ceiling = ref * (ONE + band.ceiling)

    def _buys(self, ref: Decimal) -> bool:
        config = self._config
        if config.price_ceiling is not None and ref >= config.price_ceiling:
            return False
        return config.moving_price_band is None or ref < self.memory.band_ceiling

    def _sells(self, ref: Decimal) -> bool:
        config = self._config
        if config.price_floor is not None and ref <= config.price_floor:
            return False
        return config.moving_price_band is None or ref > self.memory.band_floor

    # ---- steps 2, 6 and 7: prices, not rounded yet

    def _prices(self, state: State, ladder: Ladder, ref: Decimal, scale: Decimal | None) -> list[Decimal]:
        """`scale` multiplies the spreads that the inventory skew may scale."""
        optimization = self._config.order_optimization
        if optimization is None and scale is None:
            return [ref * factor for factor in ladder.factors]
        sign = -ONE if ladder.side is BUY else ONE
        spreads = [level.spread * (ONE if scale is None else scale) + level.extra for level in ladder.levels]
        if optimization is None or not spreads:
            return [ref * (ONE + sign * spread) * ladder.costs for spread in spreads]
        first = ref * (ONE + sign * spreads[0])
        depth = optimization.bid_depth if ladder.side is BUY else optimization.ask_depth
        own = state.orders.active(instrument_id=self.instrument_id)
        top = top_price(state.book(self.instrument_id), ladder.side, depth, own)
        if top is not None:
            step = state.instruments[self.instrument_id].price_step
            first = min(first, top + step) if ladder.side is BUY else max(first, top - step)
        return [first * ratio for ratio in ladder.ratios]

    # ---- steps 8 and 9: inventory skew, funds

    def _skew(self, plan: Plan, ref: Decimal) -> tuple[Factors, Factors]:
        """What bid and ask quantities, and bid and ask spreads, are multiplied by; None: they stay as they are."""
        config = self._config
        bid, ask = bid_and_ask_factors(
            config.inventory_skew_model,
            plan.base.total * ref,
            plan.money.total,
            config.inventory_target_base,
            order_value(plan.bids, ref, plan.asks) * config.inventory_range_multiplier,
        )
        return (
            ((bid, ask), UNCHANGED)
            if config.inventory_skew_applies_to == "amount"
            else (UNCHANGED, (TWO - bid, TWO - ask))
        )

    def _free_funds(self, state: State, plan: Plan) -> tuple[Decimal, Decimal]:
        """For new sells and buys: what is free, and what the present quotes tie up. Hanging orders keep theirs."""
        hanging = self.memory.hanging
        base, money = plan.base.available, plan.money.available
        funds = state.portfolio.funds
        resting: dict[str, None] = {}
        for order in state.orders.active(owner=self.executor_id):
            if order.tag in hanging:
                resting[order.tag] = None
            elif order.side is BUY or plan.sell_factor is not None:
                money += funds.held(order)[0]
            else:
                base += funds.held(order)[0]
        for tag, quote in hanging.items():
            if tag not in resting:
                if quote.side is BUY or plan.sell_factor is not None:
                    money -= quote.quantity * quote.price * plan.cost_factor
                else:
                    base -= quote.quantity
        return (base, money) if plan.sell_factor is None else (money / 2, money / 2)

    # ---- steps 5 and 10 to 12: what is left becomes quotes

    def _add(
        self,
        quotes: dict[str, Quote],
        plan: Plan,
        ladder: Ladder,
        prices: list[Decimal],
        amounts: tuple[Sequence[Decimal], Decimal],
        skip: int,
        opposite: Decimal | None,
        free: Decimal,
    ) -> None:
        """Round prices, leave out the first `skip` levels and those that take from `opposite`, cut to `free` funds."""
        instrument, side, tags, before = plan.instrument, ladder.side, self.memory.tags, self._quotes
        step, quantity_step = instrument.price_step, instrument.quantity_step
        quantity_least, notional_min = plan.quantity_least, plan.notional_least
        quantities = amounts[0]
        buying = side is BUY
        rate = plan.cost_factor if buying else plan.sell_factor  # None: sells tie up their quantity
        scarce = not prices or amounts[1] * (ONE if rate is None else prices[0 if buying else -1] * rate) > free
        sure_price = INFINITE if scarce or quantities is not ladder.quantities else ladder.sure_price
        names = [tags.get(name, name) for name in ladder.names] if tags else ladder.names
        if self._config.take_if_crossed:
            opposite = None
        for tag, exact, quantity in islice(zip(names, prices, quantities, strict=True), skip, None):
            price = exact // step * step
            if buying:
                if opposite is not None and price >= opposite:
                    continue
            else:
                if price < exact:
                    price += step
                if opposite is not None and price <= opposite:
                    continue
            if scarce:
                unit = ONE if rate is None else price * rate
                if quantity * unit > free:
                    quantity = max(free / unit, ZERO) // quantity_step * quantity_step
                free -= quantity * unit
            if price < sure_price and (quantity < quantity_least or price * quantity < notional_min):
                self._text = f"{tag}: {instrument.too_small(quantity, price)}"
                continue
            old = before.get(tag)
            if old is None or old.price != price or old.quantity != quantity or old.hanging:
                old = Quote(self.instrument_id, side, price, quantity, tag)
            quotes[tag] = old

    def _drop_close(self, state: State, quotes: dict[str, Quote], ref: Decimal, distance: Decimal) -> None:
        """Leave out what is, or rests, closer to the reference price than the minimum spread."""
        highest, lowest = ref * (ONE - distance), ref * (ONE + distance)
        close: list[tuple[str, Side, Decimal | None]] = [(tag, each.side, each.price) for tag, each in quotes.items()]
        close += [(each.tag, each.side, each.price) for each in state.orders.active(owner=self.executor_id)]
        for tag, side, price in close:
            if tag in quotes and price is not None and (price > highest if side is BUY else price < lowest):
                del quotes[tag]
                self._text = f"{tag} is closer than minimum_spread"


def _quantities(ladder: Ladder, ref: Decimal, factor: Decimal | None) -> tuple[Sequence[Decimal], Decimal]:
    """Base quantities per level, rounded down where they were not yet, and at least their sum."""
    if not ladder.in_quote and factor is None:
        return ladder.quantities, ladder.base_sum
    step = ladder.quantity_step
    times = ONE if factor is None else factor
    exact = [(level.base_amount + level.quote_amount / ref) * times for level in ladder.levels]
    return [quantity // step * step for quantity in exact], sum(exact, ZERO)
