"""The margin accounts of an exchange: marks, funding, and the liquidation of who cannot keep his positions.

One margin account per trader and settle asset: what it has of the asset and the profits of its positions at mark stand
behind all of them (cross margin). At one microsecond things happen in this order: funding that is due is paid at the
mark and rate as they are; the markets move; marks follow; who has not more equity than maintenance margin is liquidated
(by account number); then requests arrive.

Liquidation: all orders on contracts of this asset are cancelled; then position after position, the one that must keep
most first, until equity suffices. A position goes to the book with a limit at its bankruptcy price, what the book does
not take goes to INSURANCE at that price, which is rid of it at mark. The fee is INSURANCE's as far as money is left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal

from msgspec import Struct

from connectors.simulated.book_order import OUTSIDE
from connectors.simulated.contract import Contract
from connectors.simulated.ledger import INSURANCE, Ledger
from connectors.simulated.listing import Listing
from connectors.simulated.market import NEVER_US
from connectors.simulated.marks import Marks, Touch
from connectors.simulated.venue_order import Account
from engine.core.position import PositionLedger, on_grid, value_of
from engine.model.account import Position
from engine.model.enums import Side
from engine.model.event import Event, TransferSeen
from engine.model.market import FundingRate, MarkPrice
from engine.model.money import ZERO, ceil_to, floor_to
from engine.model.order import LIQUIDATION
from engine.perp.funding import funding_payment
from engine.perp.margin import bankruptcy_price, health, liquidation_price
from engine.perp.payments import received

BUY, SELL = Side.BUY, Side.SELL
PAYMENTS_KEPT = 1_000
MARK_EVERY_US = 1_000_000  # public news of a mark
RATE_EVERY_US = 60_000_000  # and of a rate that has not been paid
CloseOut = Callable[[Account, Listing, Side, Decimal, Decimal], Decimal]
"""(account, listing, side, quantity, limit price) of a liquidation order, to what the book did not take."""


class Payment(Struct, frozen=True):
    """Funding of one position: positive amounts were received."""

    account: int
    transfer: TransferSeen
    rate: Decimal


class Told(Struct, gc=False):
    """What the public has been told of a contract, and when."""

    mark: Decimal | None = None
    mark_us: int = 0
    rate: Decimal | None = None
    rate_us: int = 0
    next_us: int = 0


class Margin:
    """`listings` are the perpetuals, by instrument id. `history` has the latest payments, oldest first.

    `cancel_all` and `close_out` are the exchange's: the first cancels an account's orders on a listing for a reason.
    """

    def __init__(
        self,
        venue: str,
        ledger: Ledger,
        listings: Mapping[str, Listing],
        accounts: Mapping[str, Account],
        cancel_all: Callable[[int, Listing, str], object],
        close_out: CloseOut,
    ) -> None:
        self.listings = listings
        self.history: deque[Payment] = deque(maxlen=PAYMENTS_KEPT)
        self._venue = venue
        self._ledger = ledger
        self._accounts = accounts
        self._cancel_all = cancel_all
        self._close_out = close_out
        self._payments: list[Payment] = []
        self._told: dict[str, Told] = {}
        self._indices: dict[str, Decimal] = {}

    # --- questions

    def contract(self, instrument_id: str) -> Contract:
        """Of a perpetual that is listed here."""
        return _contract(self.listings[instrument_id])

    def profit(self, account: int, asset: str) -> Decimal:
        """Unrealised profit at mark of all positions that are settled in this asset."""
        return sum((each.unrealised(account) for each in self._contracts(asset)), ZERO)

    def equity(self, account: int, asset: str) -> Decimal:
        """What stands behind the positions."""
        return self._ledger.total(account, asset) + self.profit(account, asset)

    def maintenance(self, account: int, asset: str) -> Decimal:
        """What the positions must keep."""
        return sum((each.maintenance(account) for each in self._contracts(asset)), ZERO)

    def health(self, account: int, asset: str) -> Decimal | None:
        """Equity over maintenance margin, None without positions; at 1 and below they are liquidated."""
        return health(self.equity(account, asset), self.maintenance(account, asset))

    def position(self, account: int, instrument_id: str) -> Position:
        """A position as the account sees it; its margin is entry value over leverage."""
        contract = self.contract(instrument_id)
        held = contract.position(account)
        if not held.quantity:
            return Position(instrument_id, ZERO, ZERO, held.realized)
        behind = self._behind(account, contract)
        price = liquidation_price(contract.exposure(account), behind, contract.terms.tiers)
        margin = on_grid(held.cost / contract.leverage(account))
        return Position(instrument_id, held.quantity, held.average_price or ZERO, held.realized, margin, price)

    def positions(self, account: int) -> tuple[Position, ...]:
        """On every perpetual, flat ones included."""
        return tuple(self.position(account, name) for name in self.listings)

    # --- time

    @property
    def next_us(self) -> int:
        """When funding is due next; NEVER_US before the first price."""
        return min(each.marks.next_us or NEVER_US for each in self._all())

    def set_index(self, instrument_id: str, price: Decimal) -> None:
        """What a contract's asset is worth from now on, in quote: a market says so at its steps."""
        self._indices[instrument_id] = price

    def pay_funding(self, now_us: int) -> None:
        """Pay what is due by now, at the mark and rate as they are."""
        for name in self.listings:
            contract = self.contract(name)
            while 0 < contract.marks.next_us <= now_us:
                self._fund(name, contract, contract.marks.next_us)

    def step(self, now_us: int) -> None:
        """The markets have moved: marks follow, then who cannot keep his positions is liquidated."""
        moved: dict[str, None] = {}
        for name, listing in self.listings.items():
            contract, engine = self.contract(name), listing.engine
            before, marks = contract.marks.mark, contract.marks
            bid, ask, last = engine.best(BUY), engine.best(SELL), engine.last_ticks
            touch = Touch(*(listing.price(ticks) if ticks else None for ticks in (bid, ask, last)))
            marks.move(self._indices.get(name), touch, now_us)
            if marks.sample_due(now_us):
                marks.sample(listing.levels(BUY), listing.levels(SELL), now_us)
            if marks.mark != before:
                moved[contract.settle] = None
        for asset in moved:
            for account in list(self._accounts.values()):
                self._look_after(account, asset)

    # --- news

    def drain_payments(self) -> list[Payment]:
        """The payments since the last call."""
        payments, self._payments = self._payments, []
        return payments

    def news(self, now_us: int, receive_us: int) -> list[Event]:
        """Marks and funding rates that changed, at most one a second and one a minute; every rate after a payment."""
        events: list[Event] = []
        for name in self.listings:
            marks, told = self.contract(name).marks, self._told.setdefault(name, Told())
            if marks.mark is None:
                continue
            if told.mark is None or (marks.mark != told.mark and now_us >= told.mark_us + MARK_EVERY_US):
                told.mark, told.mark_us = marks.mark, now_us
                events.append(_mark(name, marks, now_us, receive_us))
            if marks.next_us != told.next_us or (marks.rate != told.rate and now_us >= told.rate_us + RATE_EVERY_US):
                told.rate, told.next_us, told.rate_us = marks.rate, marks.next_us, now_us
                events.append(_rate(name, marks, now_us, receive_us))
        return events

    def snapshots(self, now_us: int, receive_us: int) -> list[Event]:
        """All marks and funding rates as they are."""
        events: list[Event] = []
        for name in self.listings:
            marks = self.contract(name).marks
            if marks.mark is not None:
                events += [_mark(name, marks, now_us, receive_us), _rate(name, marks, now_us, receive_us)]
        return events

    # --- the parts

    def _all(self) -> list[Contract]:
        return [self.contract(name) for name in self.listings]

    def _contracts(self, asset: str) -> list[Contract]:
        return [each for each in self._all() if each.settle == asset]

    def _behind(self, account: int, contract: Contract) -> Decimal:
        """What stands behind one position: all but its own profit."""
        return self.equity(account, contract.settle) - contract.unrealised(account)

    def _fund(self, name: str, contract: Contract, due_us: int) -> None:
        rate, mark = contract.marks.fund(), contract.marks.mark
        for account in self._accounts.values():
            held = contract.holding(account.number)
            if not held or mark is None:
                continue
            exposure = contract.exposure(account.number)
            amount = received(funding_payment(exposure.size, mark, rate, inverse=exposure.inverse))
            self._ledger.move(OUTSIDE, account.number, contract.settle, amount)
            transfer = TransferSeen(
                self._venue, contract.settle, amount, "funding", f"funding-{due_us}", due_us, 0, name
            )
            payment = Payment(account.number, transfer, rate)
            self._payments.append(payment)
            self.history.append(payment)

    def _look_after(self, account: Account, asset: str) -> None:
        """Liquidate what an account cannot keep. Positions on halted markets wait."""
        number = account.number
        if not self._is_over(number, asset):
            return
        listings = [each for name, each in self.listings.items() if self.contract(name).settle == asset]
        for listing in listings:
            self._cancel_all(number, listing, LIQUIDATION)
        open_listings = [each for each in listings if not each.engine.halted]
        open_listings.sort(key=lambda each: -_contract(each).maintenance(number))
        for listing in open_listings:
            if _contract(listing).holding(number) and self._is_over(number, asset):
                self._liquidate(account, listing)

    def _is_over(self, account: int, asset: str) -> bool:
        found = self.health(account, asset)
        return found is not None and found <= 1

    def _liquidate(self, account: Account, listing: Listing) -> None:
        """Close a whole position at its bankruptcy price or better."""
        contract, number = _contract(listing), account.number
        mark, held = contract.marks.mark, contract.holding(number)
        assert mark is not None
        step = contract.instrument.price_step
        price = bankruptcy_price(contract.exposure(number), self._behind(number, contract)) or mark
        price = ceil_to(price, step) if held > 0 else max(floor_to(price, step), step)
        contract.bankrupt[number] = price
        left = self._close_out(account, listing, SELL if held > 0 else BUY, abs(held), price)
        del contract.bankrupt[number]
        if left:
            taken = left if held > 0 else -left
            over = PositionLedger(contract.instrument, "", taken, value_of(contract.instrument, left, price))
            self._ledger.move(OUTSIDE, INSURANCE, contract.settle, over.unrealised(mark))


def _mark(name: str, marks: Marks, now_us: int, receive_us: int) -> MarkPrice:
    return MarkPrice(name, marks.mark or ZERO, now_us, receive_us, marks.index)


def _rate(name: str, marks: Marks, now_us: int, receive_us: int) -> FundingRate:
    return FundingRate(name, marks.rate, marks.next_us, now_us, receive_us)


def _contract(listing: Listing) -> Contract:
    assert listing.contract is not None
    return listing.contract
