"""What is special about Gate, against the served exchange in virtual time; the rest is in the contract suite."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from connectors.base.credentials import credentials
from connectors.gate.build import LiveSettings, addresses, prepare
from connectors.simulated.server.faults import FaultKind
from connectors.simulated.server.gate import orders
from connectors.simulated.server.gate.values import Fields
from engine.model.enums import Channel, OrderStatus, OrderType, Outcome, Side, TimeInForce
from engine.model.errors import TickwrightError, Unauthorized
from engine.model.event import AccountSnapshot, Fill, OrderUpdate, RequestFailed, TradesSynced
from engine.model.request import ArmDeadMan, FetchOpenOrders, FetchTrades, LookupOrder, Reconnect
from tests.contract.gate import KEY, SECRET, GateAdapter
from tests.contract.rig import ASK, BID, Rig, run_rig
from tests.sim.loop.session import MARKET, PAIR, VENUE

GATE = GateAdapter()


def place(rig: Rig, side: str, amount: str, price: str, **others: Any) -> dict[str, Any]:
    """An order of our account, given past the connector and the limits of the protocol."""
    body = {"currency_pair": "BTC_USDT", "side": side, "amount": amount, "price": price}
    return orders.place(rig.server.world, rig.account, Fields(body | others))


def test_market_orders_to_buy_are_limit_orders_with_a_reach() -> None:
    async def main(rig: Rig) -> None:
        update = await rig.submit(Side.BUY, "0.4", None)
        assert (update.status, update.filled) == (OrderStatus.FILLED, Decimal("0.4"))
        rest = await rig.submit(Side.BUY, "1", None)
        assert (rest.status, rest.filled) == (OrderStatus.EXPIRED, Decimal("0.6"))
        nobody = await rig.submit(Side.BUY, "0.1", None)
        assert (nobody.status, nobody.reason) == (OrderStatus.REJECTED, "not_sent:no_price")
        rig.arm(FaultKind.REFUSE, "snapshot")
        unknown = await rig.submit(Side.BUY, "0.1", None)
        assert (unknown.status, unknown.reason) == (OrderStatus.REJECTED, "not_sent:no_price")

    run_rig(GATE, main)


def test_an_order_that_has_ended_is_found_by_its_client_id() -> None:
    async def main(rig: Rig) -> None:
        order = await rig.submit(Side.BUY, "0.1", str(ASK))
        for _ in range(120):
            place(rig, "buy", "0.001", "100", time_in_force="ioc")
        request = LookupOrder(order.client_order_id, "", MARKET, rig.now_us() - 60_000_000)
        found = (await rig.ask(request))[-1]
        assert isinstance(found, OrderUpdate)
        assert (found.status, found.venue_order_id) == (OrderStatus.FILLED, order.venue_order_id)
        late = LookupOrder(order.client_order_id, "", MARKET, rig.now_us() + 60_000_000)
        absent = (await rig.ask(late))[-1]
        assert isinstance(absent, RequestFailed)
        assert (absent.outcome, absent.code) == (Outcome.ABSENT, "ORDER_NOT_FOUND")
        rig.arm(FaultKind.REPLACE, "lookup", count=0)
        lost = (await rig.ask(request))[-1]
        assert isinstance(lost, RequestFailed)
        assert lost.outcome is Outcome.AMBIGUOUS

    run_rig(GATE, main)


def test_open_orders_come_in_pages() -> None:
    """A list that changes while it is read is not complete: an order may have moved to a page that was read."""

    async def main(rig: Rig) -> None:
        names = [place(rig, "buy", "0.001", "100")["id"] for _ in range(120)]
        whole = (await rig.ask(FetchOpenOrders(VENUE), AccountSnapshot))[-1]
        assert isinstance(whole, AccountSnapshot)
        assert (len(whole.open_orders or ()), whole.complete) == (120, True)
        rig.connector.send(FetchOpenOrders(VENUE))
        since = len(rig.told)
        await asyncio.sleep(0.025)  # the first page is on its way back
        orders.cancel(rig.server.world, rig.account, Fields({"currency_pair": "BTC_USDT", "order_id": names[-1]}))
        partial = await rig.heard(AccountSnapshot, lambda each: each.open_orders is not None, since)
        assert not partial.complete

    run_rig(GATE, main)


def test_trades_come_in_pages() -> None:
    async def main(rig: Rig) -> None:
        for side, price in (("sell", BID), ("buy", ASK)):
            for _ in range(600):
                place(rig, side, "0.001", str(price), time_in_force="ioc")
        told = await rig.ask(FetchTrades(MARKET), TradesSynced)
        synced, fills = told[-1], [each for each in told if isinstance(each, Fill)]
        assert isinstance(synced, TradesSynced)
        assert (len({each.trade_id for each in fills}), synced.complete) == (1_200, True)
        assert [each.event_us for each in fills] == sorted(each.event_us for each in fills)

    run_rig(GATE, main)


@pytest.mark.parametrize("status", [202, 500, 502, 504])
def test_what_is_no_clear_answer_proves_nothing(status: int) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.REPLACE, "submit", status=status, body='{"label":"INVALID_PARAM_VALUE","message":"x"}')
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert (update.status, update.reason) == (OrderStatus.UNKNOWN, "ambiguous:INVALID_PARAM_VALUE")
        assert rig.open_orders() == 1

    run_rig(GATE, main)


@pytest.mark.parametrize(
    "terms",
    [
        {"order_type": OrderType.STOP_LIMIT, "stop_price": Decimal(1)},
        {"time_in_force": TimeInForce.GTD},
        {"list_id": "x"},
    ],
)
def test_orders_that_are_not_sent(terms: dict[str, Any]) -> None:
    async def main(rig: Rig) -> None:
        request = rig.order(Side.BUY, "0.1", "59000")
        fields = {name: getattr(request, name) for name in request.__struct_fields__} | terms
        answer = (await rig.ask(type(request)(**fields)))[-1]
        assert isinstance(answer, OrderUpdate)
        assert (answer.status, answer.reason) == (OrderStatus.REJECTED, "not_sent:unsupported")

    run_rig(GATE, main)


def test_icebergs_show_a_part() -> None:
    async def main(rig: Rig) -> None:
        update = await rig.submit(Side.BUY, "0.5", "59000", display_quantity=Decimal("0.1"))
        assert (update.status, update.quantity) == (OrderStatus.OPEN, Decimal("0.5"))
        assert rig.exchange.listing(MARKET).levels(Side.BUY, 2)[1] == (Decimal(59000), Decimal("0.1"))

    run_rig(GATE, main)


def test_the_dead_mans_switch() -> None:
    async def main(rig: Rig) -> None:
        await rig.rest()
        rig.connector.send(ArmDeadMan(VENUE, MARKET, 10_000))
        await asyncio.sleep(9)
        assert rig.open_orders() == 1
        await asyncio.sleep(2)
        assert rig.open_orders() == 0

    run_rig(GATE, main)


def test_a_subscription_that_is_refused_is_told() -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        GATE.revoke_key(rig.server)
        rig.connector.send(Reconnect(VENUE, Channel.USER))
        status = await rig.down(Channel.REST, since)
        assert "INVALID_KEY" in status.reason

    run_rig(GATE, main)


def test_a_subscription_that_is_stamped_wrongly_measures_the_clock() -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        rig.skew_us = 70_000_000
        rig.connector.send(Reconnect(VENUE, Channel.USER))
        await rig.healthy(Channel.USER, since, seconds=30)

    run_rig(GATE, main)


def test_starts_that_fail_say_why() -> None:
    async def main(rig: Rig) -> None:
        here = addresses("http://127.0.0.1:8070")
        with pytest.raises(TickwrightError, match="sim does not trade NO-PE now"):
            await prepare(LiveSettings(VENUE, ["NO-PE"], here, None), rig.now_us)
        with pytest.raises(Unauthorized, match="sim refuses the key"):
            await prepare(LiveSettings(VENUE, [PAIR], here, credentials(KEY, "wrong")), rig.now_us)
        with pytest.raises(TickwrightError, match="does not tell what it trades"):
            await prepare(LiveSettings(VENUE, [PAIR], addresses("http://127.0.0.1:9"), None), rig.now_us)
        listed = await prepare(LiveSettings(VENUE, [PAIR], here, None), rig.now_us)
        assert [each.taker_rate for each in listed.instruments] == [Decimal("0.0005")]
        named = LiveSettings(VENUE, [PAIR], here, credentials(KEY, SECRET), maker_rate=Decimal("0.1"))
        assert [each.maker_rate for each in (await prepare(named, rig.now_us)).instruments] == [Decimal("0.1")]

    run_rig(GATE, main)
