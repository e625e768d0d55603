"""Requests without an answer: every kind has a word that the engine understands."""

from typing import get_args

import pytest

from connectors.simulated.unanswered import ambiguous, not_sent
from engine.model.enums import Action, Channel, OrderStatus, Outcome, Side
from engine.model.event import OrderUpdate, RequestFailed
from engine.model.money import ONE
from engine.model.request import (
    AmendOrder,
    ArmDeadMan,
    CancelAll,
    CancelOrder,
    FetchBalances,
    FetchOpenOrders,
    FetchTrades,
    LookupOrder,
    RecallOrder,
    Reconnect,
    Request,
    ResyncBook,
    SubmitOrder,
    SyncClock,
)
from tests.connectors.simulated.builders import BTC, order

SUBMIT = order("a", Side.BUY, 2, 100)
FAILED: dict[Action, Request] = {
    Action.CANCEL: CancelOrder("a", BTC, "7"),
    Action.AMEND: AmendOrder("a", BTC, "7", ONE, ONE),
    Action.CANCEL_ALL: CancelAll("sim", BTC),
    Action.LOOKUP: LookupOrder("a", "7", BTC),
    Action.TRADES: FetchTrades(BTC, "7"),
    Action.OPEN_ORDERS: FetchOpenOrders("sim"),
    Action.BALANCES: FetchBalances("sim"),
    Action.CLOCK: SyncClock("sim"),
    Action.DEAD_MAN: ArmDeadMan("sim", BTC, 60_000),
}
SILENT: list[Request] = [ResyncBook(BTC), Reconnect("sim", Channel.USER), RecallOrder("a")]


def test_every_request_is_dealt_with() -> None:
    assert {SubmitOrder, *map(type, FAILED.values()), *map(type, SILENT)} == set(get_args(Request))


@pytest.mark.parametrize(
    ("make", "status", "reason"),
    [(not_sent, OrderStatus.REJECTED, "not_sent:why"), (ambiguous, OrderStatus.UNKNOWN, "ambiguous:why")],
)
def test_a_submit_gets_an_order_update(make: object, status: OrderStatus, reason: str) -> None:
    (update,) = make(SUBMIT, "why", 5, 9)  # type: ignore[operator]
    assert isinstance(update, OrderUpdate)
    assert (update.client_order_id, update.status, update.reason) == ("a", status, reason)
    assert (update.started_us, update.receive_us, update.quantity) == (5, 9, SUBMIT.quantity)


@pytest.mark.parametrize("action", FAILED)
def test_anything_else_is_a_failed_request(action: Action) -> None:
    for make, outcome in ((not_sent, Outcome.NOT_SENT), (ambiguous, Outcome.AMBIGUOUS)):
        (failed,) = make(FAILED[action], "why", 5, 9)
        assert isinstance(failed, RequestFailed)
        assert (failed.action, failed.outcome, failed.code, failed.venue) == (action, outcome, "why", "sim")
        assert (failed.started_us, failed.receive_us) == (5, 9)


def test_what_nobody_waits_for_is_not_mentioned() -> None:
    assert [ambiguous(request, "why", 5, 9) for request in SILENT] == [[], [], []]
