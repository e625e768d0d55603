"""The derived status is a total function: every combination of facts against an independent reading of its table."""

from itertools import product

import pytest

from engine.core.order_status import derive_status
from engine.model.enums import CloseReason, Command, OrderStatus, OrderType, Phase, Side
from engine.model.order import Order
from tests.core.order_support import BTC, dec

TERMINAL = {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED}
FACTS = list(product(Phase, (None, *CloseReason), Command, (False, True), (False, True), (False, True), (0, 2, 2.001)))


def possible(phase: Phase, reason: CloseReason | None, settled: bool) -> bool:
    """A reason belongs to CLOSED, and only CLOSED is settled."""
    return (reason is not None) == (phase is Phase.CLOSED) and (phase is Phase.CLOSED or not settled)


def table(
    phase: Phase,
    reason: CloseReason | None,
    command: Command,
    settled: bool,
    doubt: bool,
    ambiguous: bool,
    age_s: float,
) -> OrderStatus:
    """Table 2.1 of the specification, row by row."""
    unproven = phase in (Phase.INTENT, Phase.SENT)
    rows = [
        (settled and reason == "FILLED", OrderStatus.FILLED),
        (settled and reason == "CANCELED", OrderStatus.CANCELED),
        (settled and reason in ("EXPIRED", "LOST"), OrderStatus.EXPIRED),
        (settled and reason in ("REJECTED", "NOT_SENT", "NEVER_EXISTED"), OrderStatus.REJECTED),
        (phase == "CLOSED" and (command == "CANCEL" or reason != "FILLED"), OrderStatus.PENDING_CANCEL),
        (phase == "CLOSED", OrderStatus.OPEN),
        ((phase == "LIVE" and doubt) or (unproven and (ambiguous or age_s > 2)), OrderStatus.UNKNOWN),
        (command == "CANCEL", OrderStatus.PENDING_CANCEL),
        (unproven, OrderStatus.PENDING_NEW),
        (phase == "LIVE", OrderStatus.OPEN),
    ]
    return next(status for holds, status in rows if holds)


@pytest.mark.parametrize("phase", list(Phase))
def test_every_combination(phase: Phase) -> None:
    seen = 0
    for facts in FACTS:
        _, reason, command, settled, doubt, ambiguous, age_s = facts
        if facts[0] is not phase or not possible(phase, reason, settled):
            continue
        seen += 1
        order = Order(
            client_order_id="A",
            instrument_id=BTC,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            quantity=dec(1),
            phase=phase,
            close_reason=reason,
            command=command,
            settled=settled,
            doubt=doubt,
            ambiguous=ambiguous,
            created_us=1_000_000,
        )
        status = derive_status(order, 1_000_000 + round(age_s * 1e6))
        assert status is table(*facts), facts
        assert (status in TERMINAL) == order.settled == (not order.is_open)
    assert seen >= 36


def test_what_an_order_says_about_itself() -> None:
    order = Order(
        client_order_id="A",
        instrument_id=BTC,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=dec(10),
        price=dec(100),
        phase=Phase.LIVE,
        filled=dec(2),
        venue_filled=dec(3),
        cost=dec(190),
    )
    assert (order.venue, order.remaining, order.open_quantity, order.average_price) == ("sim", 8, 7, 95)
    assert (order.reserved_quantity, order.reserved_price, list(order.trade_ids)) == (8, 100, [])
    assert (order.is_working, order.settling, order.provisional_filled) == (True, False, 0)
    order.amend_quantity, order.amend_price = dec(12), dec(101)
    assert (order.reserved_quantity, order.reserved_price) == (10, 101)
    order.venue_filled = dec(11)
    assert order.open_quantity == 0  # never negative
    order.phase, order.close_reason = Phase.CLOSED, CloseReason.CANCELED
    assert (order.settling, order.open_quantity, order.reserved_quantity) == (True, 0, 10)
    order.settled = True
    assert order.reserved_quantity == 0
    order.quantity = None
    assert (order.remaining, order.reserved_quantity) == (0, 0)
    order.filled = order.cost = dec(0)
    assert order.average_price is None
