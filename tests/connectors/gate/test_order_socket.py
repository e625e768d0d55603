"""Gate's orders on a socket, beside the contract suite: the log-in, and frames that make no sense."""

import pytest

from connectors.simulated.server.faults import Fault, FaultKind
from engine.model.enums import Action, Channel, OrderStatus, Side
from engine.model.event import BadMessageSeen, OrderUpdate, RequestFailed
from engine.model.request import AmendOrder, Reconnect
from tests.contract.gate import GateSocketAdapter
from tests.contract.rig import Rig, run_rig
from tests.sim.loop.session import MARKET, VENUE

GATE = GateSocketAdapter()


def test_a_log_in_that_is_refused_is_told_and_tried_again() -> None:
    body = (
        '{"request_id":"0","header":{"status":"401"},"data":{"errs":{"label":"INVALID_KEY","message":"Invalid key"}}}'
    )

    async def main(rig: Rig) -> None:
        since = len(rig.told)
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "?user spot.login", body=body, count=1))
        rig.connector.send(Reconnect(VENUE, Channel.USER))
        await rig.down(Channel.REST, since)
        (bad,) = rig.all(BadMessageSeen, since)
        assert bad.reason == "log-in refused: INVALID_KEY Invalid key"
        await rig.healthy(Channel.USER, since)
        await rig.rest()

    run_rig(GATE, main)


@pytest.mark.parametrize(
    "body",
    [
        '{"request_id":"999","header":{"status":"200"},"data":{"result":{}}}',
        '{"request_id":"$id","header":{"status":"fine"},"data":{"result":{}}}',
        '{"request_id":7}',
    ],
)
def test_an_answer_to_nothing_leaves_the_order_in_doubt(body: str) -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        rig.arm(FaultKind.REPLACE, "submit", body=body)
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert update.status is OrderStatus.UNKNOWN
        assert [each.channel for each in rig.all(BadMessageSeen, since)] == [Channel.USER]
        assert rig.open_orders() == 1

    run_rig(GATE, main)


def test_amends_leave_on_the_socket_and_expire_there() -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        assert order.price is not None
        assert order.quantity is not None
        request = AmendOrder(
            order.client_order_id, MARKET, order.venue_order_id, order.price, order.quantity / 2, Side.BUY
        )
        rig.server.world.wire.arm(Fault(FaultKind.LATE, "?user spot.order_amend", seconds=4.5, count=1))
        rig.connector.send(request)
        await rig.heard(OrderUpdate, lambda each: each.quantity == request.quantity)
        rig.server.world.wire.arm(Fault(FaultKind.LATE, "?user spot.order_amend", seconds=5.5, count=1))
        *_, failure = await rig.ask(request, RequestFailed)
        assert isinstance(failure, RequestFailed)
        assert failure.action is Action.AMEND

    run_rig(GATE, main)
