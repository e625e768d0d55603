"""Contract, part 2: whatever happens on the wire, nothing is concluded that is not proven."""

import asyncio

import pytest

from connectors.simulated.server.faults import FaultKind
from engine.model.enums import Channel, OrderStatus, Outcome, Side, UpdateSource
from engine.model.event import (
    Fill,
    OrderUpdate,
    RequestFailed,
)
from engine.model.request import CancelOrder, LookupOrder
from tests.contract.adapter import Adapter
from tests.contract.adapters import ADAPTERS, PERPETUALS, SOCKETS
from tests.contract.rig import ASK, Rig, run_rig, unknown

pytestmark = pytest.mark.parametrize("adapter", [*ADAPTERS, *SOCKETS, *PERPETUALS], ids=lambda adapter: adapter.name)


@pytest.mark.parametrize(
    ("kind", "executed"),
    [
        (FaultKind.DROP, 0),
        (FaultKind.REFUSE, 0),
        (FaultKind.LOSE, 1),
        (FaultKind.REPLACE, 1),
        (FaultKind.TRUNCATE, 1),
    ],
)
def test_31_a_lost_answer_to_a_new_order_means_nothing(adapter: Adapter, kind: FaultKind, executed: int) -> None:
    """UNKNOWN, whether it was carried out or not; it is sent once; a lookup tells."""

    async def main(rig: Rig) -> None:
        rig.arm(kind, "submit")
        request = rig.order(Side.BUY, "0.1", "59000")
        update = (await rig.ask(request))[-1]
        assert isinstance(update, OrderUpdate)
        assert unknown(update)
        await asyncio.sleep(10)
        assert rig.open_orders() == executed
        found = await rig.look(update)
        if executed:
            assert isinstance(found, OrderUpdate)
            assert found.status is OrderStatus.OPEN
        else:
            assert isinstance(found, RequestFailed)
            assert found.outcome is Outcome.ABSENT

    run_rig(adapter, main)


def test_32_a_timeout_is_no_rejection_and_the_late_answer_is_a_fact(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.DELAY, "submit", seconds=7)
        begun = rig.loop.time()
        update = await rig.submit(Side.BUY, "0.1", str(ASK))
        assert unknown(update)
        assert rig.loop.time() - begun <= 5.1
        late = await rig.heard(
            OrderUpdate, lambda each: each.source is UpdateSource.ACK and each.status is not OrderStatus.UNKNOWN
        )
        assert late.venue_order_id

    run_rig(adapter, main)


def test_33_a_request_that_arrives_too_late_is_not_carried_out(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.LATE, "submit", seconds=8)
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert unknown(update)
        await asyncio.sleep(10)
        assert rig.open_orders() == 0
        late = rig.all(OrderUpdate)[-1]
        if adapter.names_expiry:
            assert (late.status, late.reason) == (OrderStatus.REJECTED, "not_sent:timestamp")
        else:
            assert unknown(late)

    run_rig(adapter, main)


def test_34_what_cannot_leave_is_not_sent(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        for connection in list(rig.loop.connections):
            rig.loop.reset(connection)
        rig.loop.weather.refused = 1.0
        await asyncio.sleep(0.1)  # a socket that has just been lost is not known to be: then it is not certain
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert (update.status, update.reason) == (OrderStatus.REJECTED, "not_sent:not_connected")
        answer = await rig.cancel(order)
        assert isinstance(answer, RequestFailed)
        assert answer.outcome is Outcome.NOT_SENT
        rig.loop.weather.refused = 0.0

    run_rig(adapter, main)


def test_35_a_create_that_the_network_doubles_is_one_order(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.TWICE, "submit")
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert unknown(update)
        assert update.reason == "ambiguous:duplicate"
        assert rig.open_orders() == 1

    run_rig(adapter, main)


@pytest.mark.parametrize("kind", [FaultKind.LOSE, FaultKind.REPLACE])
def test_36_a_lost_answer_to_a_cancel_means_nothing(adapter: Adapter, kind: FaultKind) -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        rig.arm(kind, "cancel")
        answer = await rig.cancel(order)
        assert isinstance(answer, RequestFailed)
        assert answer.outcome is Outcome.AMBIGUOUS
        found = await rig.look(order)
        assert isinstance(found, OrderUpdate)
        assert found.status is OrderStatus.CANCELED

    run_rig(adapter, main)


def test_37_a_question_is_asked_again_when_its_connection_breaks(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        rig.arm(FaultKind.LOSE, "lookup", count=2)
        found = await rig.look(order)
        assert isinstance(found, OrderUpdate)
        rig.arm(FaultKind.REPLACE, "lookup")
        failure = await rig.look(order)
        assert isinstance(failure, RequestFailed)
        assert failure.outcome is Outcome.AMBIGUOUS

    run_rig(adapter, main)


def test_38_the_fill_comes_before_the_answer(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.DELAY, "submit", seconds=2)
        request = rig.order(Side.BUY, "0.1", str(ASK))
        rig.connector.send(request)
        fill = await rig.heard(Fill, lambda each: True)
        assert fill.source is UpdateSource.STREAM
        assert fill.client_order_id == request.client_order_id
        ack = await rig.heard(OrderUpdate, lambda each: each.source is UpdateSource.ACK)
        assert ack.venue_order_id == fill.venue_order_id

    run_rig(adapter, main)


def test_39_doubled_events_name_the_same_trade(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.DOUBLE, "user", count=0)
        await rig.submit(Side.BUY, "0.1", str(ASK))
        await rig.until(lambda: len([each for each in rig.all(Fill) if each.source is UpdateSource.STREAM]) == 2)
        assert len({(each.venue_order_id, each.trade_id) for each in rig.all(Fill)}) == 1

    run_rig(adapter, main)


def refuse(rig: Rig, name: str, where: str, retry_after: int) -> None:
    status, body = rig.adapter.refusals[name]
    body = body.replace('"$until"', str(rig.loop.wall_us() // 1_000 + retry_after * 1_000))
    rig.arm(FaultKind.REFUSE, where, status=status, body=body, retry_after=retry_after)


def test_40_after_a_rate_limit_no_order_leaves_before_its_time_but_cancels_do(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        refuse(rig, "rate_limit", "submit", retry_after=7)
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert (update.status, update.reason) == (OrderStatus.REJECTED, "not_sent:rate_limit")
        begun = rig.loop.time()
        answer = await rig.cancel(order)
        assert isinstance(answer, OrderUpdate)
        assert rig.loop.time() - begun < 2
        early = await rig.submit(Side.BUY, "0.1", "59000")
        assert early.reason == "not_sent:rate_limit"
        assert rig.open_orders() == 0
        await asyncio.sleep(8)
        await rig.rest()

    run_rig(adapter, main)


def test_41_during_a_ban_nothing_leaves(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        if "banned" not in adapter.refusals:
            return
        order = await rig.rest()
        refuse(rig, "banned", "submit", retry_after=30)
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert update.status is OrderStatus.REJECTED
        status = await rig.down(Channel.REST)
        for request in (
            CancelOrder(order.client_order_id, adapter.market),
            LookupOrder(order.client_order_id, "", adapter.market),
        ):
            answer = (await rig.ask(request))[-1]
            assert isinstance(answer, RequestFailed)
            assert answer.outcome is Outcome.NOT_SENT
        assert rig.open_orders() == 1
        over = await rig.healthy(Channel.REST, seconds=40)
        assert over.receive_us - status.receive_us >= 29_000_000
        assert isinstance(await rig.cancel(order), OrderUpdate)

    run_rig(adapter, main)


def test_42_a_key_that_is_refused_is_told_at_once(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        if adapter.logs_in:
            return
        adapter.revoke_key(rig.server)
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert (update.status, update.reason) == (OrderStatus.REJECTED, "not_sent:unauthorized")
        await rig.down(Channel.REST)

    run_rig(adapter, main)
