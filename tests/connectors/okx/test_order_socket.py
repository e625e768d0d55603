"""OKX's orders on its private socket, beside the contract suite."""

import asyncio

import pytest

from connectors.simulated.server.faults import Fault, FaultKind
from engine.model.enums import Channel, OrderStatus, Outcome, Side
from engine.model.event import BadMessageSeen, ConnectorStatus, OrderUpdate, RequestFailed
from engine.model.request import AmendOrder
from tests.contract.okx import OkxAdapter, OkxSocketAdapter
from tests.contract.rig import Rig, run_rig
from tests.sim.loop.session import MARKET

OKX = OkxSocketAdapter()


def test_during_announced_maintenance_every_order_is_answered_once() -> None:
    """Orders move to the successor when it is ready."""

    async def main(rig: Rig) -> None:
        since = len(rig.told)
        rig.server._door.announce()  # type: ignore[attr-defined]
        for _ in range(40):
            await rig.rest("0.001")
            await asyncio.sleep(0.1)
        assert rig.open_orders() == 40
        assert [each for each in rig.all(ConnectorStatus, since) if each.channel is Channel.USER] == []

    run_rig(OKX, main)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"id":"999","op":"order","code":"0","data":[]}', "ambiguous:timeout"),
        ('{"id":"$id","op":"order","code":"0","data":[]}', "ambiguous:bad_message"),
        ('{"event":"error","id":"$id","code":"60012","msg":"Invalid request"}', "rejected:60012"),
        ('{"event":"error","id":"$id","code":"60011","msg":"Please log in"}', "not_sent:60011"),
        ('{"id":"$id","op":"order","code":"60014","data":[],"msg":"too frequent"}', "not_sent:rate_limit"),
        ('{"id":"$id","op":"order","code":"1","data":[{"sCode":"51008","sMsg":"no"}]}', "rejected:insufficient_funds"),
    ],
)
def test_what_an_answer_means(body: str, reason: str) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.REFUSE, "submit", body=body)
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert update.reason == reason

    run_rig(OKX, main)


def test_over_rest_no_answer_is_expected_here() -> None:
    async def main(rig: Rig) -> None:
        rig.server.world.wire.arm(Fault(FaultKind.GARBLE, "/ws/v5/private", body='{"id":"7"}', count=1))
        await rig.rest()
        bad = await rig.heard(BadMessageSeen, lambda each: True)
        assert bad.reason == "an answer that nobody waits for: '7'"

    run_rig(OkxAdapter(), main)


def test_an_amend_expires_on_the_socket_too() -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        assert order.price is not None
        assert order.quantity is not None
        request = AmendOrder(
            order.client_order_id, MARKET, order.venue_order_id, order.price, order.quantity / 2, Side.BUY
        )
        rig.connector.send(request)
        await rig.heard(OrderUpdate, lambda each: each.quantity == request.quantity)
        rig.server.world.wire.arm(Fault(FaultKind.LATE, "/ws/v5/private amend-order", seconds=5.5, count=1))
        *_, failure = await rig.ask(request, RequestFailed)
        assert isinstance(failure, RequestFailed)
        assert failure.outcome is Outcome.AMBIGUOUS
        assert order.status is OrderStatus.OPEN

    run_rig(OKX, main)
