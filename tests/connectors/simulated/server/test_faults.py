"""Faults on the wire: read from files, drawn by seed, and what a client sees of them. More in the contract suite."""

from contextlib import suppress

import pytest
from aiohttp import ClientError

from connectors.simulated.server.faults import Fault, FaultKind, Wire, operation_of, read_faults
from engine.schema.values import BadValue
from tests.connectors.simulated.server.venues import Site, serving

SUBMIT = "POST /api/v3/order"


async def open_orders(site: Site) -> int:
    return len((await site.signed("GET", "openOrders")).body)


def test_faults_are_read_from_yaml() -> None:
    (fault,) = read_faults(f"- {{kind: lose, where: {SUBMIT}, probability: 0.5, count: 3}}")
    assert fault == Fault(FaultKind.LOSE, SUBMIT, 0.5, 3)


@pytest.mark.parametrize("text", ["kind: lose", "- {kind: explode}", "- {kind: lose, when: now}", "[", "- {where: x}"])
def test_what_is_no_list_of_faults_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        read_faults(text)


def test_the_same_seed_meets_the_same_faults() -> None:
    def drawn(seed: int) -> list[bool]:
        wire = Wire(lambda: 0, [Fault(FaultKind.LOSE, probability=0.5)], seed)
        return [wire.strike((FaultKind.LOSE,), SUBMIT) is not None for _ in range(50)]

    assert drawn(1) == drawn(1) != drawn(2)


def test_a_fault_has_its_time_and_its_number() -> None:
    now = [0]
    wire = Wire(lambda: now[0], [Fault(FaultKind.LOSE, count=2, after=1, until=2)])

    def hits(at_us: int) -> bool:
        now[0] = at_us
        return wire.strike((FaultKind.LOSE,), SUBMIT) is not None

    assert [hits(at_us) for at_us in (999_999, 1_000_000, 1_500_000, 1_600_000)] == [False, True, True, False]
    assert not hits(2_000_000)


@pytest.mark.parametrize(
    ("kind", "executed", "status"),
    [
        (FaultKind.REFUSE, 0, 503),
        (FaultKind.DROP, 0, None),
        (FaultKind.LOSE, 1, None),
        (FaultKind.REPLACE, 1, 503),
        (FaultKind.TRUNCATE, 1, None),
        (FaultKind.TWICE, 1, 400),  # the copy of a create is refused as a duplicate
        (FaultKind.DELAY, 1, 200),
        (FaultKind.LATE, 1, 200),
    ],
)
async def test_a_request_meets_a_fault(kind: FaultKind, executed: int, status: int | None) -> None:
    async with serving() as site:
        site.world.wire.arm(Fault(kind, SUBMIT, count=1, body="{}"))
        seen = None
        with suppress(ClientError, ValueError):
            seen = (await site.order("BUY", "0.1", "90.00", newClientOrderId="mine")).status
        assert seen == status
        assert await open_orders(site) == executed
        assert (await site.order("BUY", "0.1", "91.00")).status == 200


@pytest.mark.parametrize(
    ("kind", "executed", "heard"),
    [
        (FaultKind.REFUSE, 0, "told"),
        (FaultKind.DROP, 0, None),
        (FaultKind.LOSE, 1, None),
        (FaultKind.REPLACE, 1, "told"),
        (FaultKind.TRUNCATE, 1, None),
        (FaultKind.TWICE, 1, 400),  # the copy of a create is refused as a duplicate
        (FaultKind.DELAY, 1, 200),
        (FaultKind.LATE, 1, 200),
    ],
)
async def test_a_request_on_a_socket_meets_a_fault(kind: FaultKind, executed: int, heard: object) -> None:
    """Only the one that was meant: a question on the same connection is answered as ever."""
    terms = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1"}
    async with serving() as site, site.socket("/ws-api/v3") as socket:
        site.world.wire.arm(Fault(kind, "/ws-api/v3 order.place", count=1, body='{"id":"$id","status":"told"}'))
        assert (await socket.call("time"))["status"] == 200
        seen = None
        with suppress(TypeError, ValueError):  # no text, or none that can be read
            placed = await socket.call("order.place", "alice", price="90", newClientOrderId="mine", **terms)
            seen = placed["status"]
        assert seen == heard
        assert await open_orders(site) == executed


async def test_a_request_on_a_socket_may_get_no_answer() -> None:
    async with serving() as site, site.socket("/ws-api/v3") as socket:
        site.world.wire.arm(Fault(FaultKind.REFUSE, "ws-api/v3 ping"))
        await socket.connection.send_str('{"id":1,"method":"ping"}')
        assert (await socket.call("time"))["id"] == 7
        for text in ("ping", "[]", '{"method":5}'):
            assert operation_of(text) == ""


async def test_after_healing_nothing_goes_wrong() -> None:
    async with serving() as site:
        site.world.wire.arm(Fault(FaultKind.REFUSE, status=429, retry_after=7))
        refused = await site.session.get(f"{site.base}/api/v3/time")
        assert (refused.status, refused.headers["Retry-After"]) == (429, "7")
        site.world.wire.heal()
        assert (await site.get("time")).status == 200
