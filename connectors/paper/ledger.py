"""The account at a paper venue: totals, reservations, positions and fees, in the venue's time and exact.

Spot: a resting buy reserves its value with the fee, a sell its quantity. Derivatives: an order reserves its initial
margin with the fee, a position ties up its own; profit is paid when a position is closed. Everything of a settle asset
backs all positions in it; when their equity is no more than the maintenance margin, they are liquidated.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from engine.core.hot_words import BUY, SELL
from engine.core.position import PositionLedger, is_inverse, money_asset, on_grid, value_of
from engine.model.account import Balance, Position
from engine.model.enums import InstrumentKind, Side
from engine.model.instrument import Instrument
from engine.model.money import ONE, ZERO, ceil_to, floor_to
from engine.perp.margin import Exposure, Tiers, bankruptcy_price, liquidation_price
from engine.perp.payments import LIQUIDATION_FEE_RATE


class Liquidation(NamedTuple):
    """The trade that ended a position."""

    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal


class Market:
    """One instrument of the account. `leverage` divides the margin of derivatives; `mark` values their positions."""

    def __init__(self, instrument: Instrument, leverage: Decimal) -> None:
        self.instrument = instrument
        self.spot = instrument.kind is InstrumentKind.SPOT
        self.money = money_asset(instrument)
        self.fee_asset = instrument.fee_asset or self.money  # base: of what is received
        self.buy_factor = ONE if self.fee_asset != self.money else ONE + max(instrument.taker_rate, ZERO)
        self.leverage = leverage
        self.position = PositionLedger(instrument, "")
        self.tiers = Tiers([(ZERO, instrument.margin_maintenance_rate, instrument.leverage_max)])
        self.mark: Decimal | None = None

    def need(self, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
        """What an order ties up of `asset(side)`."""
        if self.spot:
            return quantity * price * self.buy_factor if side is BUY else quantity
        value = value_of(self.instrument, quantity, price)
        return on_grid(value / self.leverage) + value * (self.buy_factor - ONE)

    def asset(self, side: Side) -> str:
        return self.instrument.base if self.spot and side is SELL else self.money


class Ledger:
    """Balances of one account. `touched` lists the assets whose balance is to be told, in order."""

    def __init__(self, venue: str, balances: Mapping[str, Decimal], markets: Iterable[Market]) -> None:
        self.venue = venue
        self.totals: dict[str, Decimal] = dict(balances)
        self.reserved: dict[str, Decimal] = dict.fromkeys(balances, ZERO)
        self.touched: dict[str, None] = {}
        self.markets = {market.instrument.instrument_id: market for market in markets}
        for market in self.markets.values():
            for asset in (market.instrument.base, market.money, market.fee_asset):
                self.totals.setdefault(asset, ZERO)
                self.reserved.setdefault(asset, ZERO)
        self._told_reserved: dict[str, None] = {}  # assets whose last told balance had something reserved

    # ---- orders

    def reserve(self, asset: str, need: Decimal) -> bool:
        """Tie up what an order needs. Returns whether it was there."""
        if need > self.available(asset):
            return False
        self.reserved[asset] += need
        return True

    def release(self, asset: str, amount: Decimal) -> None:
        """Free what an order no longer needs."""
        self.reserved[asset] -= amount
        if asset in self._told_reserved:
            self.touched[asset] = None

    def available(self, asset: str) -> Decimal:
        """What a new order may use. Losses of open positions count, gains do not."""
        free = self.totals[asset] - self.reserved[asset]
        for market in self.markets.values():
            if not market.spot and market.money == asset and market.position.quantity:
                free -= on_grid(market.position.cost / market.leverage)
                free += min(ZERO, self._unrealised(market))
        return free

    def reducible(self, market: Market, side: Side) -> Decimal:
        """How much an order of `side` can take off the position."""
        held = self.totals[market.instrument.base] if market.spot else market.position.quantity
        return max(ZERO, -held if side is BUY else held)

    # ---- what happens

    def book(self, market: Market, side: Side, price: Decimal, quantity: Decimal, rate: Decimal) -> tuple[Decimal, str]:
        """A fill; `rate` is its fee as a fraction of its value. Returns the fee and its asset."""
        instrument, totals = market.instrument, self.totals
        value = value_of(instrument, quantity, price)
        if not market.spot:
            self._book_contracts(market, side, quantity, value)
        elif side is BUY:
            totals[instrument.base] += quantity
            totals[market.money] -= value
        else:
            totals[instrument.base] -= quantity
            totals[market.money] += value
        fee, asset = value * rate, market.money
        if market.fee_asset == instrument.base and market.spot and side is BUY:
            fee, asset = quantity * rate, instrument.base
        totals[asset] -= fee
        self.touched[instrument.base] = self.touched[market.money] = None
        return fee, asset

    def liquidate(self, market: Market) -> Liquidation:
        """Close a position at its mark, or at the price at which nothing is left if the mark is beyond that."""
        held, mark, step = market.position.quantity, market.mark, market.instrument.price_step
        assert mark is not None
        exposure = Exposure(held * market.instrument.contract_size, market.position.cost, is_inverse(market.instrument))
        behind = self._equity(market.money) - market.position.unrealised(mark)
        end = bankruptcy_price(exposure, behind) or mark
        end = ceil_to(end, step) if held > 0 else floor_to(end, step)
        price = max(mark, end) if held > 0 else min(mark, end)
        side, quantity = (SELL if held > 0 else BUY), abs(held)
        value = value_of(market.instrument, quantity, price)
        left = abs(value - value_of(market.instrument, quantity, end))
        fee = min(on_grid(value * LIQUIDATION_FEE_RATE), left)
        self._book_contracts(market, side, quantity, value)
        self.pay(market.money, -fee)
        return Liquidation(side, price, quantity, fee)

    def pay(self, asset: str, amount: Decimal) -> None:
        """Money that moves without a trade; positive: we receive it."""
        self.totals[asset] += amount
        self.touched[asset] = None

    def funding(self, market: Market, rate: Decimal) -> Decimal:
        """What a payment at `rate` brings us: longs pay a positive one. Needs a mark price."""
        if market.mark is None or not market.position.quantity:
            return ZERO
        value = value_of(market.instrument, abs(market.position.quantity), market.mark) * rate
        return -value if market.position.quantity > 0 else value

    def in_trouble(self, asset: str) -> bool:
        """Whether equity in a margin asset is no more than what its open positions must keep."""
        kept = ZERO
        held = False
        for market in self.markets.values():
            if not market.spot and market.money == asset and market.position.quantity and market.mark is not None:
                held = True
                kept += market.tiers.maintenance(
                    value_of(market.instrument, abs(market.position.quantity), market.mark)
                )
        return held and self._equity(asset) <= kept

    # ---- reading

    def balance(self, asset: str, event_us: int, receive_us: int) -> Balance:
        """One asset as it is now; the next change of what is reserved of it will be told."""
        if self.reserved[asset]:
            self._told_reserved[asset] = None
        else:
            self._told_reserved.pop(asset, None)
        total = self.totals[asset]
        return Balance(self.venue, asset, total, self.available(asset), event_us, receive_us)

    def positions(self) -> tuple[Position, ...]:
        """Of the derivatives."""
        return tuple(
            Position(
                instrument_id,
                market.position.quantity,
                market.position.average_price or ZERO,
                market.position.realized,
                on_grid(market.position.cost / market.leverage),
                self._liquidation_price(market),
            )
            for instrument_id, market in self.markets.items()
            if not market.spot
        )

    def _book_contracts(self, market: Market, side: Side, quantity: Decimal, value: Decimal) -> None:
        """A trade of a derivative pays what it closes."""
        before = market.position.realized
        market.position.book(side, quantity, value)
        self.totals[market.money] += market.position.realized - before

    def _equity(self, asset: str) -> Decimal:
        """What stands behind the positions that are settled in an asset."""
        markets = [each for each in self.markets.values() if not each.spot and each.money == asset]
        return self.totals[asset] + sum((self._unrealised(each) for each in markets), ZERO)

    def _liquidation_price(self, market: Market) -> Decimal | None:
        held = market.position
        if not held.quantity:
            return None
        exposure = Exposure(held.quantity * market.instrument.contract_size, held.cost, is_inverse(market.instrument))
        behind = self._equity(market.money) - self._unrealised(market)
        return liquidation_price(exposure, behind, market.tiers)

    def _unrealised(self, market: Market) -> Decimal:
        return ZERO if market.mark is None else market.position.unrealised(market.mark)
