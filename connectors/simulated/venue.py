"""The simulated exchange: accounts, instruments, orders. Synchronous; its clock is moved by `advance`.

Requests succeed or raise `Rejected(code, message)`. What happens to anybody's order, at once or later, is told by
`drain_reports`. Nothing here knows of connectors, networks or latencies: those are wrapped around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import count

import msgspec

from connectors.simulated.book_order import BookOrder, SelfTrade, What
from connectors.simulated.bookkeeping import Bookkeeper, fee_rates
from connectors.simulated.contract import Contract, ContractTerms
from connectors.simulated.ledger import Ledger
from connectors.simulated.listing import Listing
from connectors.simulated.margin import Margin, Payment
from connectors.simulated.market import NEVER_US
from connectors.simulated.order_rules import MARKETS, order_problems
from connectors.simulated.register import OrderRegister
from connectors.simulated.settlement import SpotSettlement
from connectors.simulated.venue_order import Account, ClientIds, OrderState, Report, VenueOrder
from engine.model.account import Balance, Position
from engine.model.enums import InstrumentKind, OrderStatus, OrderType, Side, TimeInForce
from engine.model.errors import Rejected
from engine.model.event import BadMessageSeen, Fill
from engine.model.instrument import Instrument
from engine.model.money import ONE, ZERO, to_text
from engine.model.order import LIQUIDATION, liquidation_id
from engine.model.request import AmendOrder, SubmitOrder


class SimulatedExchange:
    """`orders_max` open orders per account and instrument; `orders_kept` ended orders can still be looked up.

    `margin` keeps the margin accounts where perpetuals are listed, else it is None; `terms` by instrument id.
    """

    def __init__(
        self,
        venue: str,
        instruments: Iterable[Instrument],
        *,
        client_ids: ClientIds = ClientIds.OPEN_ONLY,
        fee_prices: Mapping[str, Decimal] | None = None,
        orders_max: int = 200,
        orders_kept: int = 100_000,
        terms: Mapping[str, ContractTerms] | None = None,
    ) -> None:
        self.venue = venue
        self.now_us = 0
        self.cut_until_us = 0
        self.notices: list[BadMessageSeen] = []  # what a market has to say about its source, for the public stream
        self.ledger = Ledger()
        self.accounts: dict[str, Account] = {}
        self.orders_max = orders_max
        self._next_key = count(1).__next__
        self.margin: Margin | None = None
        self.listings: dict[str, Listing] = {}
        for instrument in instruments:
            settlement: SpotSettlement | Contract
            if instrument.kind is InstrumentKind.SPOT:
                settlement = SpotSettlement(self.ledger, instrument, fee_prices or {})
            else:
                found = (terms or {}).get(instrument.instrument_id) or ContractTerms()
                settlement = Contract(self.ledger, instrument, found, self._profit)
            self.listings[instrument.instrument_id] = Listing(instrument, settlement, self._next_key, self._admit)
        self._register = OrderRegister(client_ids, orders_kept)
        self._books = Bookkeeper(self.ledger, self._register)
        contracts = {name: each for name, each in self.listings.items() if each.contract is not None}
        if contracts:
            self.margin = Margin(venue, self.ledger, contracts, self.accounts, self._cancel_all, self._close_out)
        self._dead_men: dict[tuple[int, str], int] = {}

    # --- set-up and the market's controls

    def open_account(
        self,
        name: str,
        balances: Mapping[str, Decimal],
        *,
        self_trade: SelfTrade = SelfTrade.NONE,
        maker_rate: Decimal | None = None,
        taker_rate: Decimal | None = None,
    ) -> Account:
        """Add a trader with its deposits."""
        assert name not in self.accounts, f"{self.venue} already has an account {name}"
        account = Account(len(self.accounts) + 1, name, self_trade, maker_rate, taker_rate)
        self.accounts[name] = account
        self.ledger.deposit(account.number, balances)
        return account

    def listing(self, instrument_id: str) -> Listing:
        listing = self.listings.get(instrument_id)
        if listing is None:
            raise Rejected("unknown_instrument", f"{self.venue} does not list {instrument_id}")
        return listing

    def halt(self, instrument_id: str) -> None:
        """No new orders and no amends until `resume`; cancels still work."""
        self.listing(instrument_id).engine.halted = True

    def resume(self, instrument_id: str) -> None:
        self.listing(instrument_id).engine.halted = False

    def disconnect(self, until_us: int) -> None:
        """The venue's streams are cut until then; requests are still served."""
        self.cut_until_us = until_us

    def new_order_id(self) -> str:
        """An id that no order has: for one that a protocol tells of while the exchange does not have it."""
        return str(self._next_key())

    # --- time

    @property
    def next_us(self) -> int:
        """When an order may expire, funding or a dead man's switch be due by itself; NEVER_US if nothing is."""
        next_us = min(self._dead_men.values()) if self._dead_men else NEVER_US
        if self.margin is not None:
            next_us = min(next_us, self.margin.next_us)
        for listing in self.listings.values():
            expiries = listing.engine.expiries
            if expiries and expiries[0][0] < next_us:
                next_us = expiries[0][0]
        return next_us

    def advance(self, now_us: int) -> None:
        """Move the venue's clock (never backwards) and let what is due happen."""
        self.now_us = now_us
        if self.margin is not None:
            self.margin.pay_funding(now_us)
        for listing in self.listings.values():
            listing.engine.advance(now_us)
            if listing.engine.outcomes:
                self._books.settle(listing, now_us)
        for (number, instrument_id), deadline_us in list(self._dead_men.items()) if self._dead_men else ():
            if deadline_us <= now_us:
                del self._dead_men[number, instrument_id]
                self._cancel_all(number, self.listings[instrument_id], "dead_man")

    def settle(self, listing: Listing) -> None:
        """Book what the listing's engine has done: after every use of the engine that did not go through a request."""
        if listing.engine.outcomes:
            self._books.settle(listing, self.now_us)

    def settle_all(self) -> None:
        """Book everything that a market's step has done; then marks follow, and liquidations."""
        for listing in self.listings.values():
            if listing.engine.outcomes:
                self._books.settle(listing, self.now_us)
        if self.margin is not None:
            self.margin.step(self.now_us)

    # --- requests

    def submit(self, account: Account, request: SubmitOrder, key: int = 0) -> VenueOrder:
        """Place an order. The answer's `state` already has what happened to it on arrival.

        `key` is a number that `new_order_id` gave out for it.
        """
        listing = self.listing(request.instrument_id)
        self._check(account, listing, request)
        key = key or self._next_key()
        state = OrderState(self.now_us, What.ACCEPTED, OrderStatus.OPEN, ZERO, ZERO, request.price, request.quantity)
        order = VenueOrder(request, account, str(key), listing.book_order(account, request, key), [state])
        self._fund(listing, order)
        listing.orders[key] = order
        if request.reduce_only:
            listing.engine.positions[account.number] = listing.lots(listing.settlement.holding(account.number))
        listing.engine.submit(order.book)
        self.settle(listing)
        if order.state.status is OrderStatus.REJECTED:
            raise Rejected(order.state.reason, f"{request.instrument_id} refused order {request.client_order_id}")
        return order

    def cancel(
        self, account: Account, instrument_id: str, client_order_id: str = "", venue_order_id: str = ""
    ) -> VenueOrder:
        """Cancel a live order, named by the venue's id, else by ours."""
        listing, order = self._live(account, instrument_id, client_order_id, venue_order_id)
        listing.engine.cancel(order.book.key)
        self.settle(listing)
        return order

    def amend(self, account: Account, request: AmendOrder) -> VenueOrder:
        """Give a live order a new price (ignored by market orders) and a new total."""
        listing, order = self._live(account, request.instrument_id, request.client_order_id, request.venue_order_id)
        old = order.request
        priced = old.order_type not in MARKETS
        price = request.price if priced else None
        plain = priced and old.display_quantity is None
        if not (plain and listing.instrument.accepts(request.quantity, request.price)):
            self._check_rules(listing, msgspec.structs.replace(old, price=price, quantity=request.quantity))
        lock_price, remaining = order.lock_price, order.remaining
        wanted = max(request.quantity - order.state.filled, ZERO)
        if not self._books.lock(listing, order, price or lock_price, wanted):
            raise Rejected("insufficient_funds", f"{request.instrument_id}: {account.name} cannot pay for the amend")
        ticks, lots = listing.ticks(request.price) if priced else 0, listing.lots(request.quantity)
        reason = listing.engine.amend(order.book.key, ticks, lots)
        if reason:
            self._books.lock(listing, order, lock_price, remaining)
            raise Rejected(reason, f"{request.instrument_id}: order {order.venue_order_id} was not amended")
        self.settle(listing)
        return order

    def cancel_all(self, account: Account, instrument_id: str) -> list[VenueOrder]:
        """Cancel all of an account's orders on an instrument and return them."""
        return self._cancel_all(account.number, self.listing(instrument_id), "")

    def arm_dead_man(self, account: Account, instrument_id: str, timeout_ms: int) -> None:
        """Cancel everything on the instrument in `timeout_ms` unless it is armed again before; 0 disarms."""
        self.listing(instrument_id)
        self._dead_men.pop((account.number, instrument_id), None)
        if timeout_ms:
            self._dead_men[account.number, instrument_id] = self.now_us + timeout_ms * 1000

    # --- questions

    def lookup(
        self, account: Account, instrument_id: str, client_order_id: str = "", venue_order_id: str = ""
    ) -> VenueOrder | None:
        """An order by the venue's id if given, else by the client id: then the open one, else the newest."""
        return self._register.find(account, instrument_id, client_order_id, venue_order_id)

    def open_orders(self, account: Account, instrument_id: str = "") -> list[VenueOrder]:
        """An account's open orders, oldest first; of all instruments if none is named."""
        listings = [self.listing(instrument_id)] if instrument_id else self.listings.values()
        return [order for listing in listings for order in listing.orders.values() if order.account is account]

    def orders(self, account: Account, instrument_id: str) -> list[VenueOrder]:
        """All of an account's orders on an instrument that are remembered, oldest first."""
        self.listing(instrument_id)
        return self._register.orders(account, instrument_id)

    def trades(self, account: Account, instrument_id: str, venue_order_id: str = "", after: int = 0) -> list[Fill]:
        """Own trades with a trade id above `after`, oldest first; of one order if it is named."""
        fills = self.listing(instrument_id).trades_after(account.number, after)
        return [fill for fill in fills if not venue_order_id or fill.venue_order_id == venue_order_id]

    def balances(self, account: Account) -> tuple[Balance, ...]:
        """Every asset the account has ever held, by name."""
        return tuple(self.balance(account, asset) for asset in sorted(self.ledger.totals.get(account.number, {})))

    def balance(self, account: Account, asset: str) -> Balance:
        """One asset; where it backs positions, `free` counts their unrealised profits and losses."""
        total, free = self.ledger.total(account.number, asset), self.ledger.free(account.number, asset)
        if self.margin is not None:
            free = max(ZERO, free + self.margin.profit(account.number, asset))
        return Balance(self.venue, asset, total, free, self.now_us)

    def positions(self, account: Account) -> tuple[Position, ...] | None:
        """On every perpetual; None at an exchange without any."""
        return None if self.margin is None else self.margin.positions(account.number)

    def drain_payments(self) -> list[Payment]:
        """Funding that was paid since the last call."""
        return [] if self.margin is None else self.margin.drain_payments()

    def drain_reports(self) -> list[Report]:
        """News about traders' orders since the last call, in order."""
        reports = self._books.reports
        if reports:
            self._books.reports = []
        return reports

    def drain_touched(self) -> list[tuple[int, str]]:
        """(account number, asset) of every balance that changed since the last call."""
        touched = self.ledger.touched
        if not touched:
            return []
        drained = list(touched)
        touched.clear()
        return drained

    # --- the parts of a request

    def _live(
        self, account: Account, instrument_id: str, client_order_id: str, venue_order_id: str
    ) -> tuple[Listing, VenueOrder]:
        listing = self.listing(instrument_id)
        order = self.lookup(account, instrument_id, client_order_id, venue_order_id)
        if order is None or not order.is_open:
            what = "unknown" if order is None else order.state.status.lower()
            raise Rejected("unknown_order", f"{instrument_id}: order {venue_order_id or client_order_id} is {what}")
        return listing, order

    def _cancel_all(self, number: int, listing: Listing, reason: str) -> list[VenueOrder]:
        orders = [order for order in listing.orders.values() if order.account.number == number]
        for order in orders:
            listing.engine.cancel(order.book.key, reason)
        self.settle(listing)
        return orders

    def _check(self, account: Account, listing: Listing, request: SubmitOrder) -> None:
        """Everything that can be refused before the order exists."""
        self._check_rules(listing, request)
        if self._register.is_taken(account, request.instrument_id, request.client_order_id):
            raise Rejected("duplicate_client_order_id", f"client order id {request.client_order_id} is in use")
        mine = sum(order.account is account for order in listing.orders.values())
        if mine >= self.orders_max:
            raise Rejected("too_many_orders", f"{mine} of at most {self.orders_max} orders are open")

    @staticmethod
    def _check_rules(listing: Listing, request: SubmitOrder) -> None:
        problems = order_problems(request, listing.instrument)
        if problems:
            raise Rejected("invalid_order", f"{request.instrument_id}: {'; '.join(problems)}")

    def _fund(self, listing: Listing, order: VenueOrder) -> None:
        """Lock an order's funds. A MARKET order locks nothing, but must be able to pay for what it will meet."""
        request, account = order.request, order.account
        if request.order_type is OrderType.MARKET:
            covered = self._covers(listing, order)
        else:
            covered = self._books.lock(listing, order, self._lock_price(listing, request), request.quantity)
        if not covered:
            raise Rejected(
                "insufficient_funds",
                f"{request.instrument_id}: {account.name} cannot pay for {request.side} {to_text(request.quantity)}",
            )

    @staticmethod
    def _lock_price(listing: Listing, request: SubmitOrder) -> Decimal:
        """The price at which funds are locked: limit, else stop, else where a trailing stop would fire now."""
        price = request.price or request.stop_price
        if price is not None:
            return price
        assert request.trailing_delta is not None
        engine = listing.engine
        return listing.price(max(engine.best(Side.SELL), engine.last_ticks)) * (ONE + request.trailing_delta)

    def _covers(self, listing: Listing, order: VenueOrder) -> bool:
        """Whether an account can pay for a market order, going by the book. Perpetuals say why not: Rejected."""
        instrument, side, quantity = listing.instrument, order.request.side, order.request.quantity
        lots, ticks = listing.engine.reachable(order.book)
        cost = instrument.price_step * instrument.quantity_step * ticks
        rate = max(fee_rates(order.account, instrument))
        settlement = listing.settlement
        if isinstance(settlement, Contract):
            if lots:
                settlement.check_market(order, listing.quantity(lots), instrument.price_step * ticks / lots, rate)
            return True
        price, quantity = (cost, ONE) if side is Side.BUY else (ZERO, quantity)
        asset, amount = settlement.need(side, price, quantity, rate)
        return amount <= self.ledger.free(order.account.number, asset) + self.ledger.locked_for(order.book.key)

    def _admit(self, listing: Listing, book: BookOrder) -> str:
        """Whether a triggered order may enter: a market order must be able to pay for what it meets now."""
        self.settle(listing)
        try:
            if book.order_type is OrderType.STOP_MARKET and not self._covers(listing, listing.orders[book.key]):
                return "insufficient_funds"
        except Rejected as error:
            return error.code
        return ""

    def _profit(self, account: int, asset: str) -> Decimal:
        assert self.margin is not None
        return self.margin.profit(account, asset)

    def _close_out(self, account: Account, listing: Listing, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
        """An order by which the exchange closes a position: what the book does not take is filled outside of it.

        Returns how much that was.
        """
        key = self._next_key()
        instrument_id = listing.instrument.instrument_id
        request = SubmitOrder(
            liquidation_id(self.venue, str(key)), instrument_id, side, OrderType.LIMIT, quantity, price, TimeInForce.IOC
        )
        state = OrderState(self.now_us, What.ACCEPTED, OrderStatus.OPEN, ZERO, ZERO, price, quantity, LIQUIDATION)
        order = VenueOrder(request, account, str(key), listing.book_order(account, request, key), [state])
        listing.orders[key] = order
        engine = listing.engine
        engine.submit(order.book)
        engine.outcomes = [
            each for each in engine.outcomes if each.what is not What.EXPIRED or each.order is not order.book
        ]
        self.settle(listing)
        left = order.remaining
        if left:
            self._books.take_over(listing, order, price, self.now_us)
        return left
