"""What is special about Gate's perpetuals, at the served exchange in virtual time, beside the contract suite."""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.base.credentials import credentials
from connectors.gate.perpetual import LiveSettings, addresses, prepare
from connectors.gate.sheet import LIVE_FUTURES
from connectors.simulated.server.faults import Fault, FaultKind
from engine.model.enums import OrderStatus, OrderType, Outcome, Side, TimeInForce
from engine.model.errors import TickwrightError
from engine.model.event import AccountSnapshot, OrderUpdate, RequestFailed
from engine.model.money import ONE
from engine.model.request import ArmDeadMan, FetchBalances, FetchOpenOrders, LookupOrder, SubmitOrder
from tests.contract.adapter import PORT
from tests.contract.gate import KEY, SECRET, GatePerpetualAdapter
from tests.contract.rig import ASK, Rig, run_rig
from tests.sim.loop.session import VENUE

GATE = GatePerpetualAdapter()
SETTINGS = LiveSettings(VENUE, ["BTC-USDT-PERP"], addresses(f"http://127.0.0.1:{PORT}"), credentials(KEY, SECRET))


class GatePerpetualSocketAdapter(GatePerpetualAdapter):
    order_entry = "socket"


def test_starts_that_fail_say_why() -> None:
    async def main(rig: Rig) -> None:
        for terms, says in (
            ({"trading_pairs": ["BTC-USDT"]}, r"does not trade BTC-USDT\n  fix: write BTC-USDT-PERP"),
            ({"trading_pairs": ["NO-USDT-PERP"]}, "sim does not trade NO-USDT-PERP now"),
            ({"urls": addresses("http://127.0.0.1:9")}, "does not tell what it trades"),
            ({"leverage": Decimal(1_000)}, r"leverage of BTC_USDT to 1000: .*\n  fix: choose another leverage"),
        ):
            with pytest.raises(TickwrightError, match=says):
                await prepare(replace(SETTINGS, **terms), rig.now_us)
        hedged = '{"user":1,"total":"1","available":"1","in_dual_mode":true}'
        rig.arm(FaultKind.REFUSE, "balances", status=200, body=hedged)
        with pytest.raises(TickwrightError, match=r"keeps long and short positions apart\n  fix: choose one-way"):
            await prepare(SETTINGS, rig.now_us)
        assert addresses("") == LIVE_FUTURES

    run_rig(GATE, main)


def test_a_key_is_tested_without_markets() -> None:
    async def main(rig: Rig) -> None:
        connector = await prepare(replace(SETTINGS, trading_pairs=[]), rig.now_us)
        assert connector.greeting.rights is not None
        assert list(connector.instruments) == []

    run_rig(GATE, main)


def test_leverage_and_rates_are_those_of_the_account() -> None:
    async def main(rig: Rig) -> None:
        for wanted, told in ((None, 1), (Decimal(5), 5), (Decimal(5), 5), (None, 5)):
            connector = await prepare(replace(SETTINGS, leverage=wanted), rig.now_us)
            assert [each.leverage for each in connector.instruments] == [told]
        absent = {"status": 400, "body": '{"label":"POSITION_NOT_FOUND","message":"position not found"}'}
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "futures/usdt/positions/", count=1, **absent))  # type: ignore[arg-type]
        connector = await prepare(SETTINGS, rig.now_us)
        assert [each.leverage for each in connector.instruments] == [1]
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "futures/usdt/positions/", status=503))
        with pytest.raises(TickwrightError, match="does not tell"):
            await prepare(SETTINGS, rig.now_us)
        listener = await prepare(replace(SETTINGS, credentials=None, maker_rate=Decimal("0.1")), rig.now_us)
        assert [(each.maker_rate, each.leverage) for each in listener.instruments] == [(Decimal("0.1"), ONE)]

    run_rig(GATE, main)


@pytest.mark.parametrize(
    "terms",
    [
        {"order_type": OrderType.STOP_MARKET, "stop_price": Decimal(1)},
        {"order_type": OrderType.LIMIT, "price": Decimal(1), "list_id": "a"},
        {"order_type": OrderType.LIMIT, "price": Decimal(1), "time_in_force": TimeInForce.GTD},
    ],
)
def test_what_cannot_be_said_is_not_sent(terms: dict[str, Any]) -> None:
    async def main(rig: Rig) -> None:
        request = SubmitOrder("RIGS000001900000", GATE.market, Side.BUY, quantity=Decimal(1), **terms)
        update = (await rig.ask(request))[-1]
        assert isinstance(update, OrderUpdate)
        assert update.reason == "not_sent:unsupported"

    run_rig(GATE, main)


async def rest_many(rig: Rig, count: int) -> list[OrderUpdate]:
    """So many open orders, as fast as the limits allow."""
    found = []
    for number in range(count):
        found.append(await rig.rest("0.001"))
        await asyncio.sleep(1.1 if number % 6 == 5 else 0)
    return found


def test_lists_are_read_to_their_end() -> None:
    async def main(rig: Rig) -> None:
        made = await rest_many(rig, 103)
        *_, whole = await rig.ask(FetchOpenOrders(VENUE), AccountSnapshot)
        assert isinstance(whole, AccountSnapshot)
        assert (len(whole.open_orders or ()), whole.complete) == (103, True)
        for order in made[:102]:
            rig.exchange.cancel(rig.account, GATE.market, venue_order_id=order.venue_order_id)
        since_us = rig.now_us() - 600_000_000
        first = made[0]
        found = (await rig.ask(LookupOrder(first.client_order_id, "", GATE.market, since_us)))[-1]
        assert isinstance(found, OrderUpdate)
        assert (found.status, found.venue_order_id) == (OrderStatus.CANCELED, first.venue_order_id)
        late = (await rig.ask(LookupOrder(first.client_order_id, "", GATE.market, rig.now_us() + 60_000_000)))[-1]
        assert isinstance(late, RequestFailed)
        assert late.outcome is Outcome.ABSENT

    run_rig(GATE, main)


def test_a_list_that_moves_while_it_is_read_is_not_complete() -> None:
    async def main(rig: Rig) -> None:
        made = await rest_many(rig, 103)
        rig.connector.send(FetchOpenOrders(VENUE))
        await asyncio.sleep(0.025)
        rig.exchange.cancel(rig.account, GATE.market, venue_order_id=made[-1].venue_order_id)
        told = await rig.heard(AccountSnapshot, lambda each: each.open_orders is not None)
        assert not told.complete

    run_rig(GATE, main)


def test_the_switch_cancels_when_we_are_silent() -> None:
    async def main(rig: Rig) -> None:
        await rig.rest()
        rig.connector.send(ArmDeadMan(VENUE, GATE.market, 30_000))
        await asyncio.sleep(29)
        assert rig.open_orders() == 1
        await asyncio.sleep(2)
        assert rig.open_orders() == 0
        assert rig.all(RequestFailed) == []

    run_rig(GATE, main)


def test_more_bookings_than_can_be_read_prove_nothing() -> None:
    async def main(rig: Rig) -> None:
        row = {"time": 1, "change": "1", "balance": "1", "type": "fund"}
        body = json.dumps([row | {"id": str(number)} for number in range(100)])
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "account_book", status=200, body=body))
        *_, failure = await rig.ask(FetchBalances(VENUE), RequestFailed)
        assert isinstance(failure, RequestFailed)
        assert failure.outcome is Outcome.AMBIGUOUS

    run_rig(GATE, main)


def test_orders_leave_on_the_socket_too() -> None:
    async def main(rig: Rig) -> None:
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "POST /api/v4/futures/usdt/orders"))
        order = await rig.rest()
        await rig.cancel(order)
        assert rig.open_orders() == 0
        filled = await rig.submit(Side.BUY, "0.1", str(ASK), reduce_only=True)
        assert filled.status in (OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED)

    run_rig(GatePerpetualSocketAdapter(), main)
