"""Turns what a matching engine did into money, order histories, own trades and reports."""

from __future__ import annotations

from decimal import Decimal

from connectors.simulated.book_order import OUTSIDE, BookOrder, Outcome, What
from connectors.simulated.contract import Contract
from connectors.simulated.ledger import Ledger
from connectors.simulated.listing import Listing, Print
from connectors.simulated.register import OrderRegister
from connectors.simulated.venue_order import Account, OrderState, Report, VenueOrder
from engine.model.enums import Liquidity, OrderStatus, Side
from engine.model.event import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO

STATUS = {
    What.TRIGGERED: OrderStatus.OPEN,
    What.AMENDED: OrderStatus.OPEN,
    What.CANCELED: OrderStatus.CANCELED,
    What.EXPIRED: OrderStatus.EXPIRED,
    What.REJECTED: OrderStatus.REJECTED,
}
ACCEPTED, FILLED, AMENDED, REJECTED = What.ACCEPTED, What.FILLED, What.AMENDED, What.REJECTED
OPEN = OrderStatus.OPEN


def fee_rates(account: Account, instrument: Instrument) -> tuple[Decimal, Decimal]:
    """(maker, taker) rates that the account pays on the instrument."""
    maker = instrument.maker_rate if account.maker_rate is None else account.maker_rate
    taker = instrument.taker_rate if account.taker_rate is None else account.taker_rate
    return maker, taker


class Bookkeeper:
    """`reports` are the news for the traders' private streams that nobody has fetched yet."""

    def __init__(self, ledger: Ledger, register: OrderRegister) -> None:
        self.reports: list[Report] = []
        self._ledger = ledger
        self._register = register

    def settle(self, listing: Listing, now_us: int) -> None:
        """Book everything that the listing's engine has done since the last call."""
        for outcome in listing.engine.drain():
            if outcome.what is FILLED:
                self._print(listing, outcome, now_us)
            else:
                self._note(listing, listing.orders[outcome.order.key], outcome, now_us)

    def lock(self, listing: Listing, order: VenueOrder, price: Decimal | None, quantity: Decimal) -> bool:
        """Lock what `quantity` at `price` needs; False if the funds do not cover it. No price: nothing is locked.

        Perpetuals say why they do not cover it: Rejected.
        """
        if price is not None:
            request = order.request
            rate = max(fee_rates(order.account, listing.instrument))
            settlement = listing.settlement
            if isinstance(settlement, Contract):
                settlement.lock(order, price, quantity, rate)
                order.lock_price = price
                return True
            asset, amount = settlement.need(request.side, price, quantity, rate)
            list_id = request.list_id and f"{request.instrument_id} {request.list_id}"
            if not self._ledger.lock(order.account.number, order.book.key, asset, amount, list_id):
                return False
        order.lock_price = price
        return True

    def take_over(self, listing: Listing, order: VenueOrder, price: Decimal, now_us: int) -> None:
        """Fill the rest of an order outside the book, at this price: the public sees nothing."""
        listing.trade_number += 1
        number, quantity = order.account.number, order.remaining
        buyer, seller = (number, OUTSIDE) if order.request.side is Side.BUY else (OUTSIDE, number)
        listing.settlement.trade(buyer, seller, price, quantity)
        self._fill(listing, order.book, Liquidity.TAKER, price, quantity, now_us)

    def _note(self, listing: Listing, order: VenueOrder, outcome: Outcome, now_us: int) -> None:
        """Anything but a trade."""
        what = outcome.what
        if what is ACCEPTED:
            self._register.add(order)
            self.reports.append(Report(order, order.state))
            return
        old = order.state
        price, quantity = old.price, old.quantity
        if what is AMENDED:
            price = listing.price(outcome.ticks) if outcome.ticks else None
            quantity = listing.quantity(outcome.lots)
        status = STATUS[what]
        state = OrderState(now_us, what, status, old.filled, old.cost, price, quantity, outcome.reason)
        order.history.append(state)
        if what is not REJECTED:
            self.reports.append(Report(order, state))
        if status is not OPEN:
            self._end(listing, order)

    def _end(self, listing: Listing, order: VenueOrder) -> None:
        (self._ledger if listing.contract is None else listing.contract).release(order.book.key)
        del listing.orders[order.book.key]
        if order.state.status is not OrderStatus.REJECTED:
            self._register.end(order)

    def _print(self, listing: Listing, outcome: Outcome, now_us: int) -> None:
        """A trade: tell the public, move the money, tell the traders (maker first)."""
        listing.trade_number += 1
        taker, maker = outcome.order, outcome.maker
        listing.prints.append(Print(listing.trade_number, outcome.ticks, outcome.lots, taker.side))
        if maker is None or (maker.account == OUTSIDE and taker.account == OUTSIDE):
            return
        price, quantity = listing.price(outcome.ticks), listing.quantity(outcome.lots)
        buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
        listing.settlement.trade(buyer.account, seller.account, price, quantity)
        for book, liquidity in ((maker, Liquidity.MAKER), (taker, Liquidity.TAKER)):
            if book.account != OUTSIDE:
                self._fill(listing, book, liquidity, price, quantity, now_us)

    def _fill(
        self, listing: Listing, book: BookOrder, liquidity: Liquidity, price: Decimal, quantity: Decimal, now_us: int
    ) -> None:
        """One trader's side of a trade."""
        order = listing.orders[book.key]
        request, old = order.request, order.state
        rate = fee_rates(order.account, listing.instrument)[liquidity is Liquidity.TAKER]
        fee, fee_asset = listing.settlement.charge(book.account, request.side, price, quantity, rate)
        filled = old.filled + quantity
        status = OrderStatus.FILLED if filled == old.quantity else OrderStatus.OPEN
        state = OrderState(now_us, What.FILLED, status, filled, old.cost + price * quantity, old.price, old.quantity)
        order.history.append(state)
        fill = Fill(
            str(listing.trade_number),
            request.client_order_id,
            order.venue_order_id,
            request.instrument_id,
            request.side,
            price,
            quantity,
            fee,
            fee_asset,
            liquidity,
            now_us,
            0,
            realized=None if listing.contract is None else listing.contract.realized(book.account, request.side),
        )
        listing.add_trade(book.account, fill)
        self.reports.append(Report(order, state, fill))
        if status is OrderStatus.FILLED:
            self._end(listing, order)
        else:
            self.lock(listing, order, order.lock_price, max(order.remaining, ZERO))
