"""Instruments and the venue rules that every order has to keep."""

from dataclasses import dataclass
from decimal import Decimal

from engine.model.enums import InstrumentKind, OrderType, Side
from engine.model.money import ZERO, ceil_to, floor_to, is_multiple, to_text
from engine.model.request import SubmitOrder


def instrument_id(venue: str, symbol: str) -> str:
    """The id of a market: venue (the exchange's name in the config) and symbol, `binance:BTC-USDT`."""
    return f"{venue}:{symbol}"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One market's rules. Rates are fractions of the notional (0.0002 = 2 bps); negative maker rates are rebates.

    `quantity_min`, `quantity_max` and `quantity_step` are in base units (contracts for derivatives), `price_step` and
    `notional_min` in quote. A maximum of 0 means no limit.
    """

    instrument_id: str
    venue: str
    symbol: str
    base: str
    quote: str
    price_step: Decimal
    quantity_step: Decimal
    quantity_min: Decimal = ZERO
    quantity_max: Decimal = ZERO
    notional_min: Decimal = ZERO
    price_min: Decimal = ZERO
    price_max: Decimal = ZERO
    kind: InstrumentKind = InstrumentKind.SPOT
    venue_symbol: str = ""
    settle: str = ""
    contract_size: Decimal = Decimal(1)
    maker_rate: Decimal = ZERO
    taker_rate: Decimal = ZERO
    fee_asset: str = ""  # "" = quote; or base, or a named asset
    margin_initial_rate: Decimal = ZERO
    margin_maintenance_rate: Decimal = ZERO
    leverage_max: int = 1
    leverage: Decimal = Decimal(1)  # what the account trades it with: divides the margin of orders

    def round_price(self, price: Decimal, side: Side) -> Decimal:
        """Round onto the price grid and away from the market: buys down, sells up."""
        return floor_to(price, self.price_step) if side is Side.BUY else ceil_to(price, self.price_step)

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """Round down onto the quantity grid."""
        return floor_to(quantity, self.quantity_step)

    def too_small(self, quantity: Decimal, price: Decimal) -> str:
        """Why an order of this size would be refused as too small, or ""."""
        if quantity < self.quantity_min or quantity <= 0:
            return f"quantity {to_text(quantity)} is below the minimum {to_text(self.quantity_min)} {self.base}"
        notional = quantity * price * self.contract_size
        if notional < self.notional_min:
            return f"order value {to_text(notional)} is below the minimum {to_text(self.notional_min)} {self.quote}"
        return ""

    def accepts(self, quantity: Decimal, price: Decimal) -> bool:
        """Whether an order at a limit price keeps every rule. `problems` says which ones it does not."""
        return (
            quantity > 0
            and price > 0
            and not quantity % self.quantity_step
            and not price % self.price_step
            and self.quantity_min <= quantity
            and (not self.quantity_max or quantity <= self.quantity_max)
            and self.price_min <= price
            and (not self.price_max or price <= self.price_max)
            and quantity * price * self.contract_size >= self.notional_min
        )

    def problems(self, order: SubmitOrder) -> list[str]:
        """Every rule of the venue that the order breaks, one sentence each; empty when it may be sent."""
        found: list[str] = []
        quantity = order.quantity
        if order.stop_price is None and order.price is not None and self.accepts(quantity, order.price):
            return found
        if not is_multiple(quantity, self.quantity_step):
            found.append(f"quantity {to_text(quantity)} is not a multiple of {to_text(self.quantity_step)} {self.base}")
        if self.quantity_max and quantity > self.quantity_max:
            found.append(f"quantity {to_text(quantity)} is above the maximum {to_text(self.quantity_max)} {self.base}")
        for name, price in (("price", order.price), ("stop price", order.stop_price)):
            if price is not None:
                found.extend(self._price_problems(name, price))
        if order.price is None and order.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            found.append(f"a {order.order_type} order needs a price")
        reference = order.price or order.stop_price
        small = self.too_small(quantity, reference) if reference else self._below_minimum(quantity)
        if small:
            found.append(small)
        return found

    def _below_minimum(self, quantity: Decimal) -> str:
        return "" if quantity > 0 and quantity >= self.quantity_min else self.too_small(quantity, ZERO)

    def _price_problems(self, name: str, price: Decimal) -> list[str]:
        if price <= 0:
            return [f"{name} {to_text(price)} is not above 0"]
        found: list[str] = []
        if not is_multiple(price, self.price_step):
            found.append(f"{name} {to_text(price)} is not a multiple of {to_text(self.price_step)} {self.quote}")
        if self.price_max and price > self.price_max:
            found.append(f"{name} {to_text(price)} is above the maximum {to_text(self.price_max)} {self.quote}")
        if price < self.price_min:
            found.append(f"{name} {to_text(price)} is below the minimum {to_text(self.price_min)} {self.quote}")
        return found
