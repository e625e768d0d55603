"""Orders that turn up: own ones that we do not know (T22, T23), the venue's liquidations (T22) and twins (R12).

After a log loss the venue is the memory. And a client order id is unique among *open* orders only, so a doubled create
can execute again once the first one is closed: an order is its venue id, and a client id may name several.
"""

from decimal import Decimal

from engine.core.order_change import AlarmKind
from engine.core.order_record import Record
from engine.core.tracker_state import TrackerState
from engine.core.venue_sheet import LeftoverPolicy
from engine.model.enums import OrderStatus, OrderType, Phase, Side, UpdateSource
from engine.model.event import OrderUpdate
from engine.model.fill import Fill
from engine.model.money import to_text
from engine.model.order import Order


def adopt_fill(state: TrackerState, fill: Fill, now_us: int) -> Record:
    """T22: a fill of an own order nobody knows. Its quantity stays unknown: the fill's size is not the order's."""
    record = _adopt(state, fill, fill.side, None, None, now_us)
    state.want_cancel(record, now_us)
    state.look_at(record, now_us)
    text = "a fill of an own order that nobody knows: looking it up and cancelling it; no new orders meanwhile"
    state.alarm(AlarmKind.QUANTITY_UNKNOWN, record.order, text, now_us)
    return record


def adopt_update(state: TrackerState, update: OrderUpdate, now_us: int) -> Record | None:
    """T23: an own order nobody knows. None when it has ended without a trade, or its side was not said."""
    if update.side is None or update.status in (OrderStatus.REJECTED, OrderStatus.UNKNOWN):
        return None
    ended = update.status is not OrderStatus.OPEN
    if ended and not update.filled and update.status is not OrderStatus.FILLED:
        return None
    record = _adopt(state, update, update.side, update.price, update.quantity, now_us)
    claims = state.sheet(update.instrument_id).leftover is LeftoverPolicy.CLAIM
    claimable = claims and not ended and update.source is UpdateSource.SNAPSHOT
    if not ended and not claimable:
        state.want_cancel(record, now_us)
    text = f"own order found at the venue ({update.status}): {'waiting for a slot' if claimable else 'cancelling it'}"
    state.alarm(AlarmKind.CLAIMABLE if claimable else AlarmKind.ADOPTED, record.order, text, now_us)
    return record


def adopt_liquidation(state: TrackerState, news: OrderUpdate | Fill, now_us: int) -> Record | None:
    """T22: an order by which the venue closed our position. Its trades are ours; nobody cancels it."""
    if news.side is None:
        return None
    price, quantity = (news.price, news.quantity) if isinstance(news, OrderUpdate) else (None, None)
    record = _adopt(state, news, news.side, price, quantity, now_us)
    size = "" if quantity is None else f"{to_text(quantity)} "
    text = f"the exchange closed a position of ours: {news.side} {size}by its order {news.venue_order_id}"
    state.alarm(AlarmKind.LIQUIDATED, record.order, text, now_us)
    return record


def _adopt(
    state: TrackerState,
    news: OrderUpdate | Fill,
    side: Side,
    price: Decimal | None,
    quantity: Decimal | None,
    now_us: int,
) -> Record:
    order = Order(
        client_order_id=news.client_order_id,
        instrument_id=news.instrument_id,
        side=side,
        order_type=OrderType.LIMIT if price is not None else OrderType.MARKET,
        quantity=quantity,
        price=price,
        venue_order_id=news.venue_order_id,
        phase=Phase.LIVE,
        status=OrderStatus.UNKNOWN,
        created_us=now_us,
        updated_us=now_us,
    )
    record = state.records.add(order)
    record.news_us = now_us
    state.look_at(record, now_us + state.patience_us(order))
    return record


def adopt_twin(state: TrackerState, first: Record, news: OrderUpdate | Fill, now_us: int) -> Record:
    """R12: the known client id with another venue id is another order: cancelled by venue id."""
    original = first.order
    order = Order(
        client_order_id=original.client_order_id,
        instrument_id=original.instrument_id,
        side=original.side,
        order_type=original.order_type,
        quantity=news.quantity if isinstance(news, OrderUpdate) else None,
        price=original.price,
        time_in_force=original.time_in_force,
        post_only=original.post_only,
        reduce_only=original.reduce_only,
        owner=original.owner,
        tag=original.tag,
        twin=original.twin + 1,
        venue_order_id=news.venue_order_id,
        phase=Phase.LIVE,
        status=OrderStatus.UNKNOWN,
        created_us=now_us,
        updated_us=now_us,
    )
    record = state.records.add(order)
    record.news_us = now_us
    state.want_cancel(record, now_us)
    state.look_at(record, now_us + state.patience_us(order))
    text = f"the venue executed the request again as {order.venue_order_id}: cancelling it"
    state.alarm(AlarmKind.TWIN, order, text, now_us)
    return record
