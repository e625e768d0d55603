"""What happens at the venue whatever we do: maintenance, changed rules, cancelled orders, strangers, partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from connectors.simulated.book_order import What
from connectors.simulated.corrections import correct
from connectors.simulated.venue_order import Account, Report
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import OrderType, Side
from engine.model.errors import Rejected
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO
from engine.model.request import SubmitOrder

if TYPE_CHECKING:
    from connectors.simulated.faulty_venue import FaultyVenue

MINUTE_US = 60 * SECOND_US
STRANGER = "manual"  # how the client ids of a stranger's orders begin


class Weather:
    """Times are the venue's; 0 or past: it is over."""

    def __init__(self, venue: FaultyVenue, chance: Random) -> None:
        self.maintenance_us = 0
        self.partition_us = 0
        self.no_trades_us = 0
        self._venue = venue
        self._chance = chance
        self._rules_us = 0
        self._rules: dict[str, Instrument] = {}  # as they were
        self._strangers = 0
        self.drift_us = 0
        self.may_drift = False  # whoever begins a ledger with a wrong balance cannot know
        self._drift: dict[str, Decimal] = {}  # what balances are wrong by
        self._no_rights_us = 0

    @property
    def closed(self) -> bool:
        """The venue is in maintenance."""
        return self.maintenance_us > self._venue.now_us

    @property
    def cut_off(self) -> bool:
        """Nothing gets through."""
        return self.partition_us > self._venue.now_us

    @property
    def rules_changed(self) -> bool:
        """F23: the instruments are not what the bot believes, or were not until a moment ago."""
        return self._venue.now_us < self._rules_us + 10 * SECOND_US

    def heal(self) -> None:
        self.maintenance_us = self.partition_us = self.no_trades_us = 0
        self._restore_rules()
        self._restore_balances()
        self._venue.desk.refuses_trading = False

    def note(self, reports: Sequence[Report]) -> None:
        """F24, F25: the venue cancels an order that it has just accepted, or takes a trade back, a little later."""
        for report in reports:
            fill = report.fill
            if fill is not None and self._venue.strikes(self._venue.rates.bust, "bust"):
                delay_us = int(self._chance.random() * 20 * SECOND_US) + 1
                self._venue.after(delay_us, partial(self._bust, fill, report.order.account))
            if report.state.what is not What.ACCEPTED or not self._venue.strikes(
                self._venue.rates.venue_cancel, "venue_cancel"
            ):
                continue
            delay_us = int(self._chance.random() * 10 * SECOND_US) + 1
            self._venue.after(delay_us, partial(self._cancel, report.order.request, report.order.book.key))

    def step(self) -> None:
        """Once a second."""
        rates, now_us = self._venue.rates, self._venue.now_us
        if self._rules and now_us >= self._rules_us:
            self._restore_rules()
        if self._drift and now_us >= self.drift_us:
            self._restore_balances()
        if now_us >= self._no_rights_us:
            self._venue.desk.refuses_trading = False
        if rates.maintenance_rate and not self.closed and self._strikes(rates.maintenance_rate, "maintenance"):
            self.maintenance_us = now_us + self._seconds(30, 120)
            if self._chance.random() < 0.5:
                self._cancel_everything()
        if rates.partition_rate and not self.cut_off and self._strikes(rates.partition_rate, "partition"):
            self.partition_us = now_us + self._seconds(20, 120)
        if rates.trades_rate and self.no_trades_us < now_us and self._strikes(rates.trades_rate, "no_trades"):
            self.no_trades_us = now_us + self._seconds(60, 110)
        if rates.rules_rate and not self._rules and self._strikes(rates.rules_rate, "rules"):
            self._change_rules()
        if rates.drift_rate and self.may_drift and not self._drift and self._strikes(rates.drift_rate, "drift"):
            self._change_balance()
        if rates.key_rights_rate and self._strikes(rates.key_rights_rate, "key_rights"):
            self._no_rights_us = now_us + self._seconds(5, 40)
            self._venue.desk.refuses_trading = True
        if rates.stranger_rate and self._strikes(rates.stranger_rate, "stranger"):
            self._stranger()

    def _strikes(self, rate: float, fault: str) -> bool:
        if self._chance.random() >= rate:
            return False
        self._venue.count(fault)
        return True

    def _seconds(self, low: int, high: int) -> int:
        return int((low + self._chance.random() * (high - low)) * SECOND_US)

    def _cancel(self, request: SubmitOrder, key: int) -> None:
        exchange = self._venue.exchange
        listing = exchange.listing(request.instrument_id)
        if key in listing.orders:
            listing.engine.cancel(key, "liquidation")
            exchange.settle(listing)

    def _cancel_everything(self) -> None:
        exchange = self._venue.exchange
        for listing in exchange.listings.values():
            for key in list(listing.orders):
                listing.engine.cancel(key, "maintenance")
            exchange.settle(listing)

    def _change_rules(self) -> None:
        """F23: a larger minimum, or no trading."""
        exchange = self._venue.exchange
        self._rules_us = self._venue.now_us + self._seconds(5, 40)
        halts = self._chance.random() < 0.5
        for instrument_id, listing in exchange.listings.items():
            self._rules[instrument_id] = old = listing.instrument
            if halts:
                exchange.halt(instrument_id)
            else:
                listing.instrument = replace(old, quantity_min=old.quantity_step * 1_000_000)

    def _restore_rules(self) -> None:
        for instrument_id, instrument in self._rules.items():
            self._venue.exchange.listing(instrument_id).instrument = instrument
            self._venue.exchange.resume(instrument_id)
        self._rules.clear()

    def _change_balance(self) -> None:
        """F20: money appears or is gone, and no list says why."""
        assets = [balance.asset for balance in self._venue.exchange.balances(self._venue.desk.account)]
        amount = Decimal(self._chance.choice(("0.5", "-0.5", "0.00000001")))
        self._drift = {self._chance.choice(assets): amount}
        self.drift_us = self._venue.now_us + self._seconds(60, 150)
        self._deposit(self._drift)

    def _restore_balances(self) -> None:
        self._deposit({asset: -amount for asset, amount in self._drift.items()})
        self._drift = {}

    def _deposit(self, amounts: dict[str, Decimal]) -> None:
        desk = self._venue.desk
        self._venue.exchange.ledger.deposit(desk.account.number, amounts)
        desk.note_money()

    def _bust(self, fill: Fill, account: Account) -> None:
        """F25: half of them as a whole."""
        exchange = self._venue.exchange
        listing = exchange.listing(fill.instrument_id)
        lots = listing.lots(fill.quantity)
        left = listing.quantity(self._chance.randrange(lots)) if self._chance.random() < 0.5 else ZERO
        made = correct(exchange.ledger, listing, account.number, fill, left)
        self._venue.desk.note_money()
        if made is not None and self._venue.listener is not None:
            self._venue.listener.hear_private([made])

    def _stranger(self) -> None:
        """F36: a manual order far from the market, or a manual cancel of any order of the account."""
        exchange, account = self._venue.exchange, self._venue.desk.account
        orders = exchange.open_orders(account)
        if orders and self._chance.random() < 0.6:
            order = self._chance.choice(orders)
            exchange.cancel(account, order.request.instrument_id, "", order.venue_order_id)
            return
        instrument_id, listing = next(iter(exchange.listings.items()))
        best = listing.engine.best(Side.BUY)
        if not best:
            return
        self._strangers += 1
        price = listing.price(max(1, best // 2))
        quantity = listing.instrument.quantity_step * 3
        name = f"{STRANGER}{self._strangers}"
        try:
            exchange.submit(account, SubmitOrder(name, instrument_id, Side.BUY, OrderType.LIMIT, quantity, price))
        except Rejected:  # handled: the stranger is told that the venue does not take it, and gives up
            self._venue.count("stranger_refused")
