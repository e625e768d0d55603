"""What pure market making remembers of its own orders: fills that count, pairs, and orders that hang."""

from decimal import Decimal

from msgspec import Struct, field

from engine.core.executors.quote import SECOND_NAME, QuoteExecutor
from engine.core.state import State
from engine.model.enums import CloseReason, Side
from engine.model.money import ZERO
from engine.model.order import Order
from engine.model.quote import Quote

LEVEL_MARK = "."  # ask_1.2 is the second order of level ask_1, while the first one hangs
PARTNERS = {"bid": "ask", "ask": "bid"}


class Memory(Struct):
    """All that a strategy must not forget over a restart. Times are absolute, 0 = never.

    `net_fills` are complete buys less complete sells. `waiting` are the orders (by tag: client order id) that will hang
    at their next refresh, `hanging` those that do, with what is still wanted of them. `tags` are the slots of levels
    that had to move because their first slot hangs.
    """

    band_set_us: int = 0
    band_floor: Decimal = ZERO
    band_ceiling: Decimal = ZERO
    net_fills: int = 0
    last_own_trade: Decimal | None = None
    last_own_trade_us: int = 0
    waiting: dict[str, str] = field(default_factory=dict)
    hanging: dict[str, Quote] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def note_orders(memory: Memory, executor: QuoteExecutor, state: State, *, hang: bool) -> None:
    """Read what became of the orders of the last step: each that has ended is seen here exactly once."""
    orders = state.orders
    ended = []
    for client_order_id in executor.outstanding():
        order = orders.by_client_id(client_order_id)
        if order is None:
            continue
        if order.fills:
            _note_trade(memory, order)
        if order.settled:
            ended.append(order)
    for order in ended:
        tag = order.tag.removesuffix(SECOND_NAME)
        if tag in memory.hanging:
            _note_hanging(memory, tag, order, state)
        elif order.close_reason is CloseReason.FILLED:
            memory.net_fills += 1 if order.side is Side.BUY else -1
            if hang:
                _note_pair(memory, tag, order, executor, state)


def hang_due(memory: Memory, executor: QuoteExecutor, state: State) -> None:
    """Orders whose partner was filled begin to hang when they would be refreshed."""
    for tag, client_order_id in list(memory.waiting.items()):
        order = state.orders.by_client_id(client_order_id)
        if order is None or order.settled or order.price is None or order.quantity is None:
            del memory.waiting[tag]
        elif executor.refresh_due(tag, state.now_us):
            del memory.waiting[tag]
            memory.hanging[tag] = Quote(order.instrument_id, order.side, order.price, order.quantity, tag, hanging=True)
            _move_level(memory, tag)


def drop_far(memory: Memory, reference: Decimal, distance: Decimal) -> None:
    """Hanging orders farther than `distance` (a fraction) from the reference price go."""
    low, high = reference * (1 - distance), reference * (1 + distance)
    for tag, quote in list(memory.hanging.items()):
        if not low <= quote.price <= high:
            del memory.hanging[tag]


def _note_trade(memory: Memory, order: Order) -> None:
    trade = next(reversed(order.fills.values()))
    if trade.receive_us > memory.last_own_trade_us:
        memory.last_own_trade_us = trade.receive_us
        memory.last_own_trade = trade.price


def _note_hanging(memory: Memory, tag: str, order: Order, state: State) -> None:
    """A hanging order is gone: what it did not trade is still wanted."""
    quote = memory.hanging[tag]
    left = quote.quantity - order.filled
    if state.instruments[quote.instrument_id].too_small(left, quote.price):
        del memory.hanging[tag]
    else:
        memory.hanging[tag] = Quote(quote.instrument_id, quote.side, quote.price, left, tag, hanging=True)


def _note_pair(memory: Memory, tag: str, filled: Order, executor: QuoteExecutor, state: State) -> None:
    """The partner, made in the same tick for the same level of the other side, waits to hang if it still rests."""
    word, _, level = tag.partition(LEVEL_MARK)[0].partition("_")
    name = f"{PARTNERS[word]}_{level}"
    partner_tag = memory.tags.get(name, name)
    partner = state.orders.slot(executor.executor_id, filled.instrument_id, partner_tag)
    if partner is not None and partner.created_us == filled.created_us and partner_tag not in memory.hanging:
        memory.waiting[partner_tag] = partner.client_order_id


def _move_level(memory: Memory, tag: str) -> None:
    """The level whose order hangs gets the first slot in which nothing hangs."""
    name = tag.partition(LEVEL_MARK)[0]
    number, free = 1, name
    while free in memory.hanging:
        number += 1
        free = f"{name}{LEVEL_MARK}{number}"
    memory.tags[name] = free
