"""The ledger of one position: quantity, cost and what trading it has earned. Average cost, exact to the last digit.

Money is in the instrument's *money asset*: quote on spot, the settlement asset on derivatives. Every amount lies on a
grid of 10⁻²⁰; a share of the cost that a division cannot express stays in the cost, so that sums never lose a digit
while amounts stay below 10¹⁸.
"""

from decimal import Decimal

from msgspec import Struct, field

from engine.core.hot_words import BUY
from engine.model.enums import InstrumentKind, Side
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO

GRID = Decimal("1E-20")


def on_grid(amount: Decimal) -> Decimal:
    """The nearest amount that adds up exactly with others."""
    return amount.quantize(GRID)


def money_asset(instrument: Instrument) -> str:
    """The asset in which profit and loss of the instrument arise."""
    return instrument.settle or instrument.quote


def is_inverse(instrument: Instrument) -> bool:
    """Whether contracts of quote currency are settled in the base asset."""
    return instrument.settle == instrument.base and instrument.kind is not InstrumentKind.SPOT


def value_of(instrument: Instrument, quantity: Decimal, price: Decimal) -> Decimal:
    """What `quantity` is worth in the money asset: q·p·size, inverse q·size/p."""
    if is_inverse(instrument):
        return on_grid(quantity * instrument.contract_size / price)
    return quantity * price * instrument.contract_size


class PositionLedger(Struct, gc=False):
    """One owner's position in one instrument.

    `quantity` is signed: positive long. `cost` (≥ 0) is the entry value of the open part. `fees_quote` > 0 were paid,
    `funding_quote` > 0 was received, `unpriced_fees` are fees per asset for which no rate was known; all but these in
    the money asset. Profit is `realized` + `unrealised` − `fees_quote` + `funding_quote`.
    """

    instrument: Instrument
    owner: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    fees_quote: Decimal = ZERO
    funding_quote: Decimal = ZERO
    unpriced_fees: dict[str, Decimal] = field(default_factory=dict)

    @property
    def average_price(self) -> Decimal | None:
        """Entry price of the open part in quote; None when flat."""
        if not self.quantity:
            return None
        size = abs(self.quantity) * self.instrument.contract_size
        return size / self.cost if is_inverse(self.instrument) else self.cost / size

    def unrealised(self, mark: Decimal) -> Decimal:
        """Profit of the open part if it were closed at `mark`."""
        if not self.quantity:
            return ZERO
        return self._gain(value_of(self.instrument, abs(self.quantity), mark), self.cost)

    def book(self, side: Side, quantity: Decimal, value: Decimal) -> None:
        """A trade of `quantity` (> 0) that is worth `value`: opens, closes at average cost, or turns the position."""
        signed = quantity if side is BUY else -quantity
        held = self.quantity
        if not held or (held > 0) == (signed > 0):
            self.quantity = held + signed
            self.cost += value
            return
        size = abs(held)
        if quantity > size:
            closing = on_grid(value * size / quantity)
            self.realized += self._gain(closing, self.cost)
            self.cost = value - closing
        else:
            released = self.cost if quantity == size else on_grid(self.cost * quantity / size)
            self.realized += self._gain(value, released)
            self.cost -= released
        self.quantity = held + signed

    def book_fee(self, fill: Fill, rate: Decimal | None) -> None:
        """The fee of a fill that is already booked. `rate` turns the fee asset into the money asset; None: unknown.

        A fee in the base asset of a spot market is a disposal at the fill's price: the holding is what arrived.
        """
        fee, asset, instrument = fill.fee, fill.fee_asset, self.instrument
        if not fee:
            return
        if asset == money_asset(instrument):
            self.fees_quote += fee
        elif asset == instrument.base and instrument.kind is InstrumentKind.SPOT:
            self.book(Side.SELL if fee > 0 else Side.BUY, abs(fee), abs(fee) * fill.price)
            self.fees_quote += fee * fill.price
        elif rate is None:
            self.unpriced_fees[asset] = self.unpriced_fees.get(asset, ZERO) + fee
        else:
            self.fees_quote += on_grid(fee * rate)

    def _gain(self, value: Decimal, cost: Decimal) -> Decimal:
        """What closing a part of the present position earns. Inverse contracts are worth less, the dearer the base."""
        return value - cost if (self.quantity > 0) != is_inverse(self.instrument) else cost - value
