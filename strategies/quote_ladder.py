"""The levels of one side of pure market making, worked out from the settings as far as no price is needed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from engine.model.enums import Side
from engine.model.instrument import Instrument
from engine.model.money import ONE, ZERO, ceil_to
from engine.schema.values import Amount
from strategies.pure_market_making_config import PureMarketMakingConfig

INFINITE = Decimal("Infinity")


class Level(NamedTuple):
    """`spread` is what inventory skew may scale, `extra` is added to it; both as fractions of the reference price."""

    spread: Decimal
    extra: Decimal
    base_amount: Decimal
    quote_amount: Decimal  # becomes base at the reference price


class Ladder(NamedTuple):
    """One side. Per level, best first: its name, price as a fraction of the reference (costs included), price as a
    fraction of the first level's (costs included), and quantity, rounded where it needs no price.
    """

    side: Side
    levels: tuple[Level, ...]
    names: tuple[str, ...]
    factors: tuple[Decimal, ...]
    ratios: tuple[Decimal, ...]
    quantities: tuple[Decimal, ...]
    costs: Decimal  # the factor that covers transaction costs
    quantity_step: Decimal
    base_sum: Decimal
    quote_sum: Decimal
    in_quote: bool  # whether quantities have to be worked out at the reference price
    sure_price: Decimal  # from here on none of `quantities` is too small; infinite if no price makes that certain


def make_ladder(config: PureMarketMakingConfig, side: Side, instrument: Instrument) -> Ladder:
    """Levels without a positive amount or price are dropped."""
    sign = -ONE if side is Side.BUY else ONE
    levels = [level for level in _levels(config, side, instrument) if _is_level(level, sign)]
    costs = ONE + sign * instrument.maker_rate if config.add_transaction_costs else ONE
    first = ONE + sign * levels[0].spread if levels else ONE
    word = "bid" if side is Side.BUY else "ask"
    in_quote = any(level.quote_amount for level in levels)
    quantities = () if in_quote else tuple(instrument.round_quantity(level.base_amount) for level in levels)
    return Ladder(
        side,
        tuple(levels),
        tuple(f"{word}_{number}" for number in range(1, len(levels) + 1)),
        tuple((ONE + sign * (level.spread + level.extra)) * costs for level in levels),
        tuple((ONE + sign * level.extra) * (ONE + sign * level.spread) / first * costs for level in levels),
        quantities,
        costs,
        instrument.quantity_step,
        sum((level.base_amount for level in levels), ZERO),
        sum((level.quote_amount for level in levels), ZERO),
        in_quote,
        _sure_price(quantities, instrument),
    )


def _sure_price(quantities: Sequence[Decimal], instrument: Instrument) -> Decimal:
    smallest = min(quantities, default=ZERO)
    if smallest < max(instrument.quantity_min, instrument.quantity_step):
        return INFINITE
    return ceil_to(instrument.notional_min / (smallest * instrument.contract_size), instrument.price_step)


def order_value(bids: Ladder, price: Decimal, asks: Ladder) -> Decimal:
    """What all levels of both sides are worth in quote at `price`."""
    return (bids.base_sum + asks.base_sum) * price + bids.quote_sum + asks.quote_sum


def _is_level(level: Level, sign: Decimal) -> bool:
    positive = level.base_amount > 0 or level.quote_amount > 0
    return positive and ONE + sign * (level.spread + level.extra) > 0


def _levels(config: PureMarketMakingConfig, side: Side, instrument: Instrument) -> list[Level]:
    if config.order_override is not None:
        word = "buy" if side is Side.BUY else "sell"
        chosen = [(spread, amount) for kind, spread, amount in config.order_override.values() if kind == word]
        return [
            _level(spread, ZERO, [amount], instrument) for spread, amount in sorted(chosen, key=lambda each: each[0])
        ]
    buying = side is Side.BUY
    spreads = config.bid_order_level_spreads if buying else config.ask_order_level_spreads
    amounts = config.bid_order_level_amounts if buying else config.ask_order_level_amounts
    if spreads is not None and amounts is not None:
        pairs = zip(spreads, amounts, strict=True)
        return [_level(spread, ZERO, [amount], instrument) for spread, amount in pairs]
    spread = config.bid_spread if buying else config.ask_spread
    assert spread is not None
    assert config.order_amount is not None
    step, first = config.order_level_amount, config.order_amount
    return [
        _level(
            spread, number * config.order_level_spread, [first, Amount(step.number * number, step.asset)], instrument
        )
        for number in range(config.order_levels)
    ]


def _level(spread: Decimal, extra: Decimal, amounts: Sequence[Amount], instrument: Instrument) -> Level:
    """Amounts are in base or quote, quantities of perpetuals are contracts."""
    size = instrument.contract_size
    quote = sum((amount.number for amount in amounts if amount.asset == instrument.quote), ZERO)
    base = sum((amount.number for amount in amounts if amount.asset != instrument.quote), ZERO)
    return Level(spread, extra, base / size, quote / size)
