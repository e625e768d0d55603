"""Money comes from trades alone: booking fills, taking them back, and inferring one that the venue never delivers.

Transitions T7, T10, T15, T25, T26 and the provisional fill. Cumulative quantities of reports only say what is missing.
"""

from decimal import Decimal

import msgspec

from engine.core.hot_words import BUY, CANCEL, CLOSED, LIVE
from engine.core.marks import mark
from engine.core.order_change import AlarmKind
from engine.core.order_record import Record
from engine.core.order_reports import close_if_full, sign_of_life, wake_the_dead
from engine.core.tracker_state import TrackerState
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import CloseReason, Liquidity, UpdateSource
from engine.model.event import FillCorrected, OperatorDecision
from engine.model.fill import Fill
from engine.model.money import ZERO, to_text
from engine.model.order import Order

PROVISIONAL_AFTER_US = 60 * SECOND_US


def book(state: TrackerState, record: Record, fill: Fill, now_us: int) -> bool:
    """T7, T10, T15: book a new trade. A fill proves that the order exists; a full order is closed."""
    order = record.order
    if order.phase is CLOSED:
        mark("fill_after_close")
    elif order.phase is not LIVE:
        mark("fill_before_ack")
        state.go_live(record, now_us)
    else:
        if order.command is CANCEL:
            mark("fill_in_pending_cancel")
        if record.absent_us or record.unlisted or order.doubt:
            sign_of_life(record)
    _post(state, order, fill)
    order.fills[fill.trade_id] = fill
    if order.filled > order.venue_filled:
        order.venue_filled = order.filled
    if order.quantity is not None:
        close_if_full(state, record)
        if order.phase is CLOSED and order.filled > order.quantity:
            _alarm_overfill(state, order, now_us)
    return True


def _alarm_overfill(state: TrackerState, order: Order, now_us: int) -> None:
    """Refusing real fills would make the ledger wrong on purpose, so they are booked."""
    quantity = ZERO if order.quantity is None else order.quantity
    text = f"filled {to_text(order.filled)} of {to_text(quantity)}: booked, no new orders until this is understood"
    state.alarm(AlarmKind.OVERFILL, order, text, now_us)


def book_late(state: TrackerState, record: Record, fill: Fill, now_us: int) -> bool:
    """T10 on a DONE order: fills still count."""
    state.alarm(AlarmKind.LATE_FILL, record.order, f"trade {fill.trade_id} came after the order was settled", now_us)
    return book(state, record, fill, now_us)


def book_dead(state: TrackerState, record: Record, fill: Fill, now_us: int) -> bool:
    """T9 and T10: a fill of an order that was closed as dead."""
    mark("resurrect_by_fill")
    wake_the_dead(state, record, now_us)
    return book(state, record, fill, now_us)


def _post(state: TrackerState, order: Order, fill: Fill, sign: int = 1) -> None:
    """Add a trade to the order's sums and to the position, or take it back with sign −1."""
    quantity = fill.quantity * sign
    order.filled += quantity
    order.cost += fill.price * quantity
    fees = order.fees
    fees[fill.fee_asset] = fees.get(fill.fee_asset, ZERO) + fill.fee * sign
    _move_position(state, order, quantity)


def _move_position(state: TrackerState, order: Order, quantity: Decimal) -> None:
    positions = state.positions
    before = positions.get(order.instrument_id, ZERO)
    positions[order.instrument_id] = before + quantity if order.side is BUY else before - quantity


def correct(state: TrackerState, record: Record, event: FillCorrected, now_us: int) -> bool:
    """T25: the venue busted (quantity 0) or corrected a trade. What the order loses, its cum loses too."""
    order = record.order
    old = order.fills.get(event.trade_id)
    if old is None:
        return False
    if (old.quantity, old.price, old.fee) == (event.quantity, event.price, event.fee):
        return _recount(record, event)
    new = msgspec.structs.replace(
        old, quantity=event.quantity, price=event.price, fee=event.fee, receive_us=event.receive_us
    )
    _post(state, order, old, sign=-1)
    _post(state, order, new)
    order.fills[event.trade_id] = new
    order.venue_filled += new.quantity - old.quantity
    _note_corrected(record, event, old.quantity)
    text = f"trade {event.trade_id}: {to_text(old.quantity)} @ {to_text(old.price)} became "
    text += f"{to_text(new.quantity)} @ {to_text(new.price)}"
    state.alarm(AlarmKind.CORRECTED, order, text, now_us)
    return True


def _note_corrected(record: Record, event: FillCorrected, before: Decimal) -> None:
    """Later reports of the order count it still."""
    told = before if event.told is None else event.told
    if record.corrected is None:
        record.corrected = {}
    record.corrected[event.trade_id] = told - event.quantity


def _recount(record: Record, event: FillCorrected) -> bool:
    """It is booked, but since a restart reports may have raised the cumulative quantity by what was taken back."""
    if event.told is None or (record.corrected and event.trade_id in record.corrected):
        return False
    _note_corrected(record, event, event.quantity)
    order = record.order
    filled = max(order.filled, order.venue_filled - (event.told - event.quantity))
    if filled == order.venue_filled:
        return False
    order.venue_filled = filled
    return True


def lose(state: TrackerState, record: Record, decision: OperatorDecision, now_us: int) -> bool:
    """T26: a person gives the order up. What is missing is booked provisionally; it stays on the watch list."""
    mark("lost_by_operator")
    infer(state, record, now_us)
    state.close(record, CloseReason.LOST, f"lost: decided by {decision.operator}")
    return True


def lose_doubted(state: TrackerState, record: Record, decision: OperatorDecision, now_us: int) -> bool:
    """T26 on a LIVE order: only when the venue denies it."""
    return record.order.doubt and lose(state, record, decision, now_us)


def infer(state: TrackerState, record: Record, now_us: int) -> Fill | None:
    """One provisional fill for what is missing, until the trades come. None when nothing is or no price is known."""
    order = record.order
    quantity = order.venue_filled - order.filled
    if quantity <= 0 or order.provisional is not None:
        return None
    price = _inferred_price(state, record, quantity)
    if price is None:
        return None
    span = f"{to_text(order.filled)}-{to_text(order.venue_filled)}"
    fee, fee_asset = _taker_fee(state, order, price * quantity)
    order.provisional = Fill(
        f"syn:{order.venue_order_id}:{span}",
        order.client_order_id,
        order.venue_order_id,
        order.instrument_id,
        order.side,
        price,
        quantity,
        fee,
        fee_asset,
        Liquidity.TAKER,
        now_us,
        now_us,
        UpdateSource.PROVISIONAL,
    )
    _move_position(state, order, quantity)
    text = f"{to_text(quantity)} @ {to_text(price)} booked provisionally: the venue reports it, but not its trades"
    state.alarm(AlarmKind.PROVISIONAL, order, text, now_us)
    return order.provisional


def _inferred_price(state: TrackerState, record: Record, quantity: Decimal) -> Decimal | None:
    order = record.order
    if record.venue_average is not None:
        return (order.venue_filled * record.venue_average - order.cost) / quantity
    return order.price if order.price is not None else state.mid(order.instrument_id)


def _taker_fee(state: TrackerState, order: Order, notional: Decimal) -> tuple[Decimal, str]:
    instrument = state.instruments.get(order.instrument_id)
    if instrument is None:
        return ZERO, ""
    return notional * instrument.contract_size * instrument.taker_rate, instrument.settle or instrument.quote


def take_back_provisional(state: TrackerState, record: Record) -> Fill | None:
    """A real trade came: the inferred one goes. What is still missing is asked for, and inferred, anew."""
    order = record.order
    provisional = order.provisional
    if provisional is None:
        return None
    mark("provisional_replaced")
    order.provisional = None
    _move_position(state, order, -provisional.quantity)
    record.missing_us = 0
    return provisional
