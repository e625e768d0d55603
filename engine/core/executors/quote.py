"""The quote executor: keeps the orders on the exchange equal to the quotes that a controller wants.

An order that still fits its quote keeps its place in the queue. Facts are read and decided on once a tick, in `step`.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from itertools import chain, zip_longest
from operator import attrgetter
from typing import Any

import msgspec

from engine.core.actions import StopHow
from engine.core.executors.flatten import FlattenExecutor, FlattenSettings
from engine.core.executors.quote_settings import AmendMode, DelayScope, QuoteSettings, QuoteTimers, RefreshMode
from engine.core.hot_words import BUY, CANCEL, FULL, LIVE, NO_COMMAND, SELL
from engine.core.state import State
from engine.model.enums import OrderType, Side
from engine.model.money import ONE
from engine.model.order import Order
from engine.model.quote import Quote
from engine.model.request import AmendOrder, CancelOrder, Request, SubmitOrder

ALL_SLOTS = ""
EACH, ALL, AUTO, LIMIT = RefreshMode.EACH, RefreshMode.ALL, AmendMode.AUTO, OrderType.LIMIT  # see hot_words
FAR = 1 << 62
SECOND_NAME = "+"  # ends the tag of a replacement that did not wait for the cancel of the order before it
_price_of = attrgetter("price")


class QuoteExecutor:
    """One slot a tag. Tags are unique within the executor and do not end with a plus sign."""

    def __init__(self, executor_id: str, settings: QuoteSettings) -> None:
        self.executor_id = executor_id
        self.settings = settings
        self.memory = QuoteTimers()
        self.done = False
        self._quotes: dict[str, Quote] = {}
        self._instruments: tuple[str, ...] = ()  # all that were ever quoted
        self._wanted: dict[str, Quote] = {}  # in the last step: the quotes whose books could be trusted
        self._active: list[Order] = []  # in the last step
        self._sent: list[str] = []  # client order ids submitted in the last step
        self._fit: dict[str, tuple[Decimal, Decimal, Decimal]] = {}  # by tag: order price, least and largest that fit
        self._quiet_us = 0  # while no order changes and the same slots are wanted, nothing is due before this
        self._revision = -1  # of the orders in the last step
        self._stop: StopHow | None = None
        self._flatten: list[FlattenExecutor] = []

    def set_quotes(self, quotes: Iterable[Quote]) -> None:
        """Replace the wanted quotes. One that is stopping wants none."""
        if self._stop is None:
            before, self._quotes = self._quotes, {quote.tag: quote for quote in quotes}
            if not _same_slots(self._quotes, before):
                self._quiet_us = 0
            for quote in self._quotes.values():
                if quote.instrument_id not in self._instruments:
                    self._instruments += (quote.instrument_id,)

    def change(self, changes: Mapping[str, Any]) -> None:
        """Replace fields of the settings from the next step on."""
        self.settings = msgspec.structs.replace(self.settings, **changes)
        self._quiet_us = 0
        self._fit = {}

    def stop(self, how: StopHow) -> None:
        """Cancel everything, then, for FLATTEN, close what its orders have traded."""
        self.set_quotes(())
        self._quiet_us = 0
        self._stop = how

    def refresh_due(self, tag: str, now_us: int) -> bool:
        """Whether an order in this slot would be replaced now if it did not fit."""
        return now_us >= self.memory.refresh_at_us.get(self._refresh_key(tag), 0)

    @property
    def idle(self) -> bool:
        """Whether it wants no order and had none in the last step."""
        return not (self._quotes or self._active or self._sent or self._stop)

    def outstanding(self) -> list[str]:
        """Client ids of the orders that were active in the last step or submitted by it. Some may have ended since."""
        return [order.client_order_id for order in self._active] + self._sent

    def explain(self) -> str:
        """How many quotes have an order, and why others have none."""
        if self._flatten:
            return "; ".join(each.explain() for each in self._flatten)
        text = f"{len(self._quotes)} quotes wanted, {len(self._active)} orders active"
        if self._stop is not None:
            return f"{text}; stopping ({self._stop})"
        return text if len(self._wanted) == len(self._quotes) else f"{text}; waits for a book that can be trusted"

    def quiet(self, state: State) -> bool:
        """Whether other prices for the same slots would change nothing now: every order is there and none is due."""
        if state.now_us >= self._quiet_us or state.orders.revision != self._revision:
            return False
        return self._trusted(state) is self._quotes

    def step(self, state: State) -> list[Request]:
        """Withdrawn, wrong, old and misfitting orders go; then empty slots are filled."""
        if self.quiet(state):
            return []
        if self._flatten:
            return self._step_flatten(state)
        active = state.orders.active(owner=self.executor_id)
        live = self._slots(active)
        self._note_fills(state, live)
        self._active = [*active]
        self._wanted = wanted = self._trusted(state)
        gone = self._leaving(live, wanted, state.now_us)
        requests = [self._replacement(state, live[tag], quote) for tag, quote in gone.items()] if gone else []
        if self._stop is not None:
            self._finish(active)
            return requests
        if not self.settings.wait_for_cancel:
            for request, tag in zip(requests, gone, strict=True):
                if isinstance(request, CancelOrder):
                    del live[tag]
        for tag in wanted:
            if tag not in live:
                return requests + self._submits(state, live, wanted, gone)
        if not gone and wanted is self._quotes:
            self._quiet_us = self._next_due_us(live, wanted)
            self._revision = state.orders.revision
        return requests

    def _next_due_us(self, live: dict[str, Order], wanted: dict[str, Quote]) -> int:
        """When the first of these orders may be replaced; 0 if one of them is on its way or hangs."""
        due_us = FAR
        for tag, order in live.items():
            if not order.is_working or wanted[tag].hanging:
                return 0
            refresh_us = self.memory.refresh_at_us.get(self._refresh_key(tag), 0)
            due_us = min(due_us, refresh_us, order.created_us + self.settings.max_order_age_us)
        return due_us

    # ---- facts

    def _slots(self, active: Collection[Order]) -> dict[str, Order]:
        """Our active orders by slot. Where nobody waits for a cancel, an order being cancelled has left its slot."""
        if self.settings.wait_for_cancel:
            return {order.tag: order for order in active}
        return {
            order.tag.removesuffix(SECOND_NAME): order for order in active if order.command is not CANCEL or order.doubt
        }

    def _note_fills(self, state: State, live: dict[str, Order]) -> None:
        """Find what was completely filled since the last step, also what came and went in between."""
        for order in self._active:
            if order.settled and order.close_reason is FULL:
                self._pause(order, live, state.now_us)
        if self._sent:
            for client_order_id in self._sent:
                sent = state.orders.by_client_id(client_order_id)
                if sent is not None and sent.settled and sent.close_reason is FULL:
                    self._pause(sent, live, state.now_us)
            self._sent = []

    def _pause(self, filled: Order, live: dict[str, Order], now_us: int) -> None:
        """A complete fill delays new orders in its scope; those that survive may be replaced when the pause ends."""
        tag = filled.tag.removesuffix(SECOND_NAME)
        quote = self._wanted.get(tag)
        if quote is not None and quote.hanging:
            return
        create, refresh = self.memory.create_at_us, self.memory.refresh_at_us
        scope = self._delay_key(tag, filled.side)
        until_us = create[scope] = max(create.get(scope, 0), now_us + self.settings.filled_order_delay_us)
        for other, order in live.items():
            if self._delay_key(other, order.side) == scope:
                key = self._refresh_key(other)
                refresh[key] = min(refresh.get(key, 0), until_us)

    def _delay_key(self, tag: str, side: Side) -> str:
        scope = self.settings.filled_order_delay_scope
        return ALL_SLOTS if scope is DelayScope.ALL else side if scope is DelayScope.SIDE else tag

    def _refresh_key(self, tag: str) -> str:
        return tag if self.settings.refresh_mode is EACH else ALL_SLOTS

    def _trusted(self, state: State) -> dict[str, Quote]:
        """The quotes whose books can be trusted; the others count as withdrawn."""
        for instrument_id in self._instruments:
            if state.book(instrument_id).stale:
                return {tag: quote for tag, quote in self._quotes.items() if not state.book(quote.instrument_id).stale}
        return self._quotes

    # ---- orders that go

    def _leaving(self, live: dict[str, Order], wanted: dict[str, Quote], now_us: int) -> dict[str, Quote | None]:
        """The slots whose orders go: with the quote to amend them to, or None to cancel. What is not working waits."""
        each = self.settings.refresh_mode is EACH
        refresh_at_us = self.memory.refresh_at_us
        born_us = now_us - self.settings.max_order_age_us
        gone: dict[str, Quote | None] = {}
        misfits: dict[str, Quote | None] = {}
        for tag, order in live.items():
            if order.phase is not LIVE or order.command is not NO_COMMAND:
                continue
            quote = wanted.get(tag)
            if quote is None or quote.side is not order.side or order.created_us <= born_us:
                gone[tag] = None
            elif quote.hanging or now_us < refresh_at_us.get(tag if each else ALL_SLOTS, 0):
                continue
            elif not self._fits(order, quote):
                misfits[tag] = quote
        if misfits and not each:
            for tag, order in live.items():
                quote = wanted.get(tag)
                if quote is not None and not quote.hanging and order.is_working:
                    misfits[tag] = quote
        return {**misfits, **gone} if misfits else gone

    def _fits(self, order: Order, quote: Quote) -> bool:
        tolerance = self.settings.order_refresh_tolerance
        price, quantity = order.price, order.quantity
        if tolerance is None or price is None or quantity is None:
            return False
        if quote.price != price:
            if not tolerance:
                return False
            fit = self._fit.get(quote.tag)
            if fit is None or fit[0] is not price:
                fit = self._fit[quote.tag] = (price, price * (ONE - tolerance), price * (ONE + tolerance))
            if not fit[1] <= quote.price <= fit[2]:
                return False
        if quote.quantity == quantity:
            return True
        return abs(quote.quantity - quantity) <= self.settings.quantity_tolerance * quantity

    def _replacement(self, state: State, order: Order, quote: Quote | None) -> Request:
        """An amend where the venue has one, the terms change and the rest is worth an order; else a cancel."""
        if (
            quote is not None
            and self.settings.amend is AUTO
            and _amends(state, order)
            and (quote.price, quote.quantity) != (order.price, order.quantity)
            and not state.instruments[quote.instrument_id].too_small(quote.quantity - order.filled, quote.price)
            and not _meets_own(state, quote, [])
        ):
            self._start_refresh(quote.tag, state.now_us)
            names = (order.client_order_id, order.instrument_id, order.venue_order_id)
            return AmendOrder(*names, quote.price, quote.quantity, order.side)
        return CancelOrder(order.client_order_id, order.instrument_id, order.venue_order_id)

    def _finish(self, active: Collection[Order]) -> None:
        if active:
            return
        if self._stop is StopHow.FLATTEN:
            owner = self.executor_id
            self._flatten = [FlattenExecutor(owner, FlattenSettings(each, owner)) for each in self._instruments]
        self.done = not self._flatten

    def _step_flatten(self, state: State) -> list[Request]:
        requests = [request for each in self._flatten for request in each.step(state)]
        self.done = all(each.done for each in self._flatten)
        return requests

    # ---- orders that come

    def _submits(
        self, state: State, live: dict[str, Order], wanted: dict[str, Quote], gone: dict[str, Quote | None]
    ) -> list[Request]:
        """Orders for the empty slots that are not paused, best level first, bids and asks in turn."""
        together = self.settings.refresh_mode is ALL
        if together and any(tag in gone or not order.is_working for tag, order in live.items()):
            return []
        now_us, create_at_us = state.now_us, self.memory.create_at_us
        empty = [
            quote
            for tag, quote in wanted.items()
            if tag not in live and (quote.hanging or now_us >= create_at_us.get(self._delay_key(tag, quote.side), 0))
        ]
        requests: list[Request] = []
        for quote in _by_level(empty):
            tag = self._free_name(quote, state)
            if not tag or state.slot_blocked(self.executor_id, quote.instrument_id, tag):
                continue
            if not _meets_own(state, quote, requests):
                requests.append(self._submit(state, quote, tag))
        return requests

    def _free_name(self, quote: Quote, state: State) -> str:
        """The tag, or its second name while an order on its way out still has the first; "" when both are taken."""
        for name in (quote.tag, quote.tag + SECOND_NAME):
            if state.orders.slot(self.executor_id, quote.instrument_id, name) is None:
                return name
        return ""

    def _submit(self, state: State, quote: Quote, tag: str) -> SubmitOrder:
        client_order_id = state.new_id()
        self._sent.append(client_order_id)
        self._start_refresh(quote.tag, state.now_us)
        return SubmitOrder(
            client_order_id,
            quote.instrument_id,
            quote.side,
            LIMIT,
            quote.quantity,
            quote.price,
            post_only=self.settings.post_only,
            owner=self.executor_id,
            tag=tag,
        )

    def _start_refresh(self, tag: str, now_us: int) -> None:
        self.memory.refresh_at_us[self._refresh_key(tag)] = now_us + self.settings.order_refresh_time_us


def _same_slots(quotes: Mapping[str, Quote], others: Mapping[str, Quote]) -> bool:
    """Whether the same is wanted but for prices and quantities: those count only where an order may be replaced."""
    if quotes.keys() != others.keys():
        return False
    for tag, quote in quotes.items():
        other = others[tag]
        if quote.side is not other.side or quote.hanging is not other.hanging:
            return False
    return True


def _amends(state: State, order: Order) -> bool:
    sheet = state.sheets.get(order.venue)
    return sheet is not None and sheet.amend_in_place


def _by_level(quotes: list[Quote]) -> list[Quote]:
    """Best bid, best ask, second bid, second ask …"""
    bids = sorted([quote for quote in quotes if quote.side is BUY], key=_price_of, reverse=True)
    asks = sorted([quote for quote in quotes if quote.side is not BUY], key=_price_of)
    return [quote for quote in chain.from_iterable(zip_longest(bids, asks)) if quote is not None]


def _meets_own(state: State, quote: Quote, requests: list[Request]) -> bool:
    """Whether the order would meet one of ours on the other side, in the book or about to be sent."""
    side, price = quote.side, quote.price
    resting = state.portfolio.markets[quote.instrument_id].best(SELL if side is BUY else BUY)
    if resting is not None and (resting <= price if side is BUY else resting >= price):
        return True
    for request in requests:
        if isinstance(request, SubmitOrder) and request.side is not side and request.price is not None:
            meets = request.price <= price if side is BUY else request.price >= price
            if meets and request.instrument_id == quote.instrument_id:
                return True
    return False
