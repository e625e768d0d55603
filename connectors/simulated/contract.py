"""One perpetual at the venue: how large everybody's position is, what positions and orders tie up, what a trade pays.

Positions are one-way and in cross margin: one per account, backed by all that it has of the settle asset. Profit moves
when a position is closed, to or from OUTSIDE, who is the clearing house of everybody here. Margin is entry value over
leverage; orders add to it what they would add to the position, the larger of both sides:

    margin = max(|v + buys|, |v − sells|) / leverage + taker fees of the orders    (v: signed entry value)

Reduce-only orders take none. Positions and margins are exact, on the grid of `engine.core.position`; payments are
rounded to CENT, in favour of the exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from msgspec import Struct

from connectors.simulated.book_order import OUTSIDE
from connectors.simulated.ledger import FEES, INSURANCE, Ledger
from connectors.simulated.marks import Marks
from connectors.simulated.venue_order import VenueOrder
from engine.core.position import PositionLedger, is_inverse, money_asset, on_grid, value_of
from engine.model.enums import Side
from engine.model.errors import Rejected
from engine.model.instrument import Instrument
from engine.model.money import ZERO, to_text
from engine.perp.funding import HOURS_8_US
from engine.perp.margin import Exposure, Tiers
from engine.perp.payments import LIQUIDATION_FEE_RATE, charged, received

BUY = Side.BUY
TIERS = Tiers(
    (Decimal(floor), Decimal(rate), leverage_max)
    for floor, rate, leverage_max in (
        (0, "0.005", 125),
        (100_000, "0.01", 50),
        (500_000, "0.025", 20),
        (5_000_000, "0.05", 10),
    )
)


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """What a perpetual promises besides its instrument. Tiers are in the settle asset, rates are fractions.

    Funding is due at multiples of its interval since the epoch; `impact_value` is the value of the market orders whose
    prices tell the premium, in quote. Accounts that have not chosen another leverage have the instrument's.
    """

    tiers: Tiers = TIERS
    funding_interval_us: int = HOURS_8_US
    funding_cap: Decimal = Decimal("0.0075")
    liquidation_fee_rate: Decimal = LIQUIDATION_FEE_RATE
    impact_value: Decimal = Decimal(10_000)


class Need(Struct, frozen=True, gc=False):
    """What one order may come to: its value and a taker's fee."""

    account: int
    side: Side
    value: Decimal
    fee: Decimal


class Tied(Struct, gc=False):
    """The needs of one account's orders together, and the margin that is locked for them and the position."""

    buys: Decimal = ZERO
    sells: Decimal = ZERO
    fees: Decimal = ZERO
    margin: Decimal = ZERO


class Contract:
    """The settlement of one perpetual. `profit` tells an account's unrealised profit of an asset, of all contracts."""

    def __init__(
        self, ledger: Ledger, instrument: Instrument, terms: ContractTerms, profit: Callable[[int, str], Decimal]
    ) -> None:
        self.instrument = instrument
        self.terms = terms
        self.settle = money_asset(instrument)
        self.marks = Marks(instrument, terms.funding_interval_us, terms.funding_cap, terms.impact_value)
        self.positions: dict[int, PositionLedger] = {}
        self.leverages: dict[int, Decimal] = {}  # of the accounts that have chosen one
        self.bankrupt: dict[int, Decimal] = {}  # the price at which nothing is left, of accounts in liquidation
        self._ledger = ledger
        self._profit = profit
        self._tied: dict[int, Tied] = {}
        self._needs: dict[int, Need] = {}  # by the order's key
        self._paid: dict[tuple[int, Side], Decimal] = {}  # by account and side: what the last trade realised

    # --- questions

    def position(self, account: int) -> PositionLedger:
        """An account's position; made when it is first asked for."""
        found = self.positions.get(account)
        if found is None:
            found = self.positions[account] = PositionLedger(self.instrument, "")
        return found

    def holding(self, account: int) -> Decimal:
        """Signed contracts."""
        found = self.positions.get(account)
        return ZERO if found is None else found.quantity

    def leverage(self, account: int) -> Decimal:
        return self.leverages.get(account, self.instrument.leverage)

    def exposure(self, account: int) -> Exposure:
        """The position as `engine.perp` takes it."""
        held = self.position(account)
        return Exposure(held.quantity * self.instrument.contract_size, held.cost, is_inverse(self.instrument))

    def unrealised(self, account: int) -> Decimal:
        """Profit of the position at mark; 0 while there is no mark."""
        held, mark = self.positions.get(account), self.marks.mark
        return ZERO if held is None or mark is None else held.unrealised(mark)

    def maintenance(self, account: int) -> Decimal:
        """What the position must keep at mark."""
        held, mark = self.positions.get(account), self.marks.mark
        if held is None or mark is None or not held.quantity:
            return ZERO
        return self.terms.tiers.maintenance(value_of(self.instrument, abs(held.quantity), mark))

    def margin(self, account: int) -> Decimal:
        """What position and orders tie up."""
        tied = self._tied.get(account)
        return ZERO if tied is None else tied.margin

    def available(self, account: int) -> Decimal:
        """What new orders may use: the free balance with the unrealised profits and losses of all positions."""
        return self._ledger.free(account, self.settle) + self._profit(account, self.settle)

    # --- orders

    def lock(self, order: VenueOrder, price: Decimal, quantity: Decimal, rate: Decimal) -> None:
        """Make `quantity` at `price` what an order may come to. Rejected, and nothing changed, if it is too much."""
        request, key = order.request, order.book.key
        if request.reduce_only:
            return
        account, before = order.account.number, self._needs.get(key)
        value = value_of(self.instrument, quantity, price)
        self._put(key, Need(account, request.side, value, on_grid(value * max(rate, ZERO))))
        try:
            self._check(account)
        except Rejected:
            self._put(key, before)
            raise
        self._tie(account)

    def check_market(self, order: VenueOrder, quantity: Decimal, price: Decimal, rate: Decimal) -> None:
        """Rejected if an account cannot pay for so much of a market order at an average price."""
        before = self._needs.get(order.book.key)  # of a stop order that has triggered
        self.lock(order, price, quantity, rate)
        self._put(order.book.key, before)
        self._tie(order.account.number)

    def release(self, key: int) -> None:
        """An order ended."""
        need = self._needs.get(key)
        if need is not None:
            self._put(key, None)
            self._tie(need.account)

    def set_leverage(self, account: int, leverage: Decimal) -> None:
        """Of position and orders from now on. Rejected if the tier forbids it or it takes more than there is."""
        tied = self._tied.setdefault(account, Tied())
        self._check_tier(self._worst(account, tied), leverage)
        before = self.leverage(account)
        self.leverages[account] = leverage
        try:
            self._check(account)
        except Rejected:
            self.leverages[account] = before
            raise
        self._tie(account)

    # --- what happens

    def trade(self, buyer: int, seller: int, price: Decimal, quantity: Decimal) -> None:
        """Move both positions and pay out what closing them earned. A negative quantity takes a trade back."""
        if quantity < 0:
            buyer, seller, quantity = seller, buyer, -quantity
        value = value_of(self.instrument, quantity, price)
        for account, side in ((buyer, BUY), (seller, Side.SELL)):
            held = self.position(account)
            before = held.realized
            held.book(side, quantity, value)
            if account != OUTSIDE:
                paid = received(held.realized - before)
                self._paid[account, side] = paid
                self._ledger.move(OUTSIDE, account, self.settle, paid)
                self._tie(account)

    def realized(self, account: int, side: Side) -> Decimal:
        """What the last trade paid out to an account that was on this side of it."""
        return self._paid[account, side]

    def charge(self, account: int, side: Side, price: Decimal, quantity: Decimal, rate: Decimal) -> tuple[Decimal, str]:
        """Take the fee of a trade and return (fee, asset). In liquidation it is the fund's, as far as money is left."""
        value = value_of(self.instrument, quantity, price)
        bankrupt = self.bankrupt.get(account)
        if bankrupt is None:
            fee, receiver = charged(value * rate), FEES
        else:
            left = abs(value - value_of(self.instrument, quantity, bankrupt))
            fee, receiver = received(min(value * self.terms.liquidation_fee_rate, left)), INSURANCE
        self._ledger.move(account, receiver, self.settle, fee)
        return fee, self.settle

    # --- the parts

    def _put(self, key: int, need: Need | None) -> None:
        """Make this the need of an order."""
        old = self._needs.pop(key, None)
        for each, sign in ((old, -1), (need, 1)):
            if each is not None:
                tied = self._tied.setdefault(each.account, Tied())
                if each.side is BUY:
                    tied.buys += each.value * sign
                else:
                    tied.sells += each.value * sign
                tied.fees += each.fee * sign
        if need is not None:
            self._needs[key] = need

    def _worst(self, account: int, tied: Tied) -> Decimal:
        """The largest value that the position can grow to."""
        held = self.positions.get(account)
        if held is None:
            return max(tied.buys, tied.sells)
        value = held.cost if held.quantity > 0 else -held.cost
        return max(abs(value + tied.buys), abs(value - tied.sells))

    def _check(self, account: int) -> None:
        """Rejected if more margin would be needed than there is, or the tier does not allow so much leverage."""
        tied = self._tied.setdefault(account, Tied())
        worst, leverage = self._worst(account, tied), self.leverage(account)
        growth = on_grid(worst / leverage) + tied.fees - tied.margin
        if growth <= 0:
            return
        self._check_tier(worst, leverage)
        available = self.available(account)
        if growth > available:
            text = f"{to_text(growth)} {self.settle} more margin are needed, {to_text(available)} available"
            raise Rejected("insufficient_funds", f"{self.instrument.instrument_id}: {text}")

    def _check_tier(self, worst: Decimal, leverage: Decimal) -> None:
        most = self.terms.tiers.at(worst).leverage_max
        if most and leverage > most:
            text = f"leverage {to_text(leverage)} is above {most}, the most for {to_text(worst)} {self.settle}"
            raise Rejected("leverage_too_high", f"{self.instrument.instrument_id}: {text}")

    def _tie(self, account: int) -> None:
        """Lock what is needed now, whether it is there or not."""
        tied = self._tied.setdefault(account, Tied())
        margin = on_grid(self._worst(account, tied) / self.leverage(account)) + tied.fees
        self._ledger.reserve(account, self.settle, margin - tied.margin)
        tied.margin = margin
