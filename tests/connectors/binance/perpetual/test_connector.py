"""What is particular to a connector to USD-M futures, at the served exchange: set-up, listen keys, postings, amends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from connectors.base.start import LiveSettings
from connectors.binance.parse import INTERVALS_US
from connectors.binance.perpetual.build import CANDLES, addresses, prepare
from connectors.simulated.server.faults import Fault, FaultKind
from engine.core.ports import LiveConnector
from engine.model.account import Balance
from engine.model.enums import Action, Channel, Health, OrderStatus, Outcome, Side, TimeInForce, UpdateSource
from engine.model.errors import TickwrightError
from engine.model.event import (
    AccountSnapshot,
    BadMessageSeen,
    ConnectorStatus,
    Event,
    OrderUpdate,
    RequestFailed,
    TransferSeen,
)
from engine.model.greeting import KeyRights
from engine.model.market import BookSnapshot, Candle, MarkPrice
from engine.model.request import AmendOrder, ArmDeadMan, FetchBalances
from tests.contract.adapter import PORT, Clock
from tests.contract.binance_perpetual import BinancePerpetualAdapter
from tests.contract.rig import ASK, BID, FUNDING_US, Rig, run_rig
from tests.sim.loop.session import VENUE
from tests.sim.loop.simnet import NetLoop, run_net

D = Decimal
PERPETUAL = BinancePerpetualAdapter()
MARKET = PERPETUAL.market
HOUR, MINUTE_US = 3_600, INTERVALS_US["1m"]


def run(main: Callable[[Rig], Awaitable[None]], leverage: Decimal | None = None) -> None:
    adapter = BinancePerpetualAdapter()
    adapter.leverage = leverage
    run_rig(adapter, main)


def refused(arm: Callable[[Rig], None], leverage: Decimal | None = None) -> str:
    """Why a connector does not start at a venue that was made as `arm` says."""
    adapter, loop = BinancePerpetualAdapter(), NetLoop(1)
    adapter.leverage = leverage

    async def body() -> str:
        rig = Rig(loop, adapter)
        arm(rig)
        await rig.server.start(port=PORT)
        try:
            await adapter.connect(PORT, rig.now_us, 1)
        except TickwrightError as error:
            return str(error)
        finally:
            await rig.server.stop()
        return ""

    why: str = run_net(loop, body())
    return why


# ---- the start


def test_an_account_in_hedge_mode_is_refused_with_the_way_to_change_it() -> None:
    def hedge(rig: Rig) -> None:
        body = '{"dualSidePosition":true}'
        rig.server.world.wire.arm(Fault(FaultKind.REPLACE, "GET /fapi/v1/positionSide/dual", status=200, body=body))

    why = refused(hedge)
    assert why.startswith("sim: the account holds long and short positions apart (hedge mode)")
    assert "fix: close its positions, then choose One-way Mode" in why


def test_more_leverage_than_a_market_allows_is_refused() -> None:
    assert refused(lambda rig: None, D(126)).endswith(
        "BTC-USDT-PERP allows a leverage of 125 at the most\n  fix: leverage: 125"
    )


def test_a_spot_pair_is_refused() -> None:
    async def main(rig: Rig) -> None:
        settings = LiveSettings(VENUE, ["BTC-USDT"], addresses(f"http://127.0.0.1:{PORT}"), None)
        with pytest.raises(TickwrightError, match="not BTC-USDT\n  fix: write BTC-USDT-PERP"):
            await prepare(settings, rig.now_us)
        settings = LiveSettings(VENUE, ["ETH-USDT-PERP"], addresses(f"http://127.0.0.1:{PORT}"), None)
        with pytest.raises(TickwrightError, match="does not trade ETH-USDT-PERP now"):
            await prepare(settings, rig.now_us)

    run(main)


def test_leverage_is_set_where_it_differs() -> None:
    async def main(rig: Rig) -> None:
        assert rig.exchange.margin is not None
        assert rig.exchange.margin.contract(MARKET).leverage(rig.account.number) == 7
        (told,) = rig.connector.instruments
        assert told.leverage == 7

    run(main, D(7))


def test_leverage_that_is_not_named_stays_as_it_is() -> None:
    async def main(rig: Rig) -> None:
        assert rig.exchange.margin is not None
        rig.exchange.margin.contract(MARKET).set_leverage(rig.account.number, D(3))
        (told,) = (await rig.adapter.connect(PORT, rig.now_us, 1)).instruments
        assert (told.leverage, told.leverage_max) == (3, 125)

    run(main)


def test_without_a_key_the_market_is_heard() -> None:
    async def main(rig: Rig) -> None:
        told: list[Event] = []
        settings = LiveSettings(VENUE, [rig.adapter.instrument.symbol], addresses(f"http://127.0.0.1:{PORT}"), None)
        market = await prepare(settings, rig.now_us)
        assert market.greeting.rights is None
        running = asyncio.create_task(market.run(told.extend, rig.now_us))
        await rig.until(lambda: {BookSnapshot, MarkPrice} <= {type(each) for each in told})
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert not any(isinstance(each, ConnectorStatus) and each.channel is Channel.USER for each in told)

    run(main)


def test_the_key_is_one_for_futures() -> None:
    async def main(rig: Rig) -> None:
        assert (await rig.adapter.connect(PORT, rig.now_us, 1)).greeting.rights == KeyRights(True, False, True)

    run(main)


# ---- the private stream


def test_a_listen_key_is_kept_alive() -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        await asyncio.sleep(HOUR + 60)
        assert not [each for each in rig.all(ConnectorStatus, since) if each.channel is Channel.USER]
        order = await rig.rest()
        await rig.heard(OrderUpdate, lambda each: each.source is UpdateSource.STREAM, since)
        assert order.status is OrderStatus.OPEN

    run(main)


@pytest.mark.parametrize("told", [True, False])
def test_a_listen_key_that_ended_is_replaced(told: bool) -> None:
    """Whether the stream says so, or the next renewal finds it out."""

    async def main(rig: Rig) -> None:
        since = len(rig.told)
        keys, number = rig.server.world.listen_keys, rig.account.number
        if told:
            rig.server.world.users.tell(number, {"e": "listenKeyExpired", "E": 0, "listenKey": "x"})
        keys.close(number)
        await rig.rest()
        await asyncio.sleep(0 if told else HOUR // 2)
        await rig.down(Channel.USER, since)
        await rig.healthy(Channel.USER, since)
        since = len(rig.told)
        await rig.rest()
        await rig.heard(OrderUpdate, lambda each: each.source is UpdateSource.STREAM, since)

    run(main)


def test_without_a_listen_key_there_is_no_private_stream() -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        rig.arm(FaultKind.REFUSE, "listen_key", count=0, status=503, body="")
        rig.arm(FaultKind.CUT, "user")
        await rig.rest()
        lost = await rig.down(Channel.USER, since)
        why = await rig.down(Channel.USER, rig.told.index(lost) + 1, seconds=60)
        assert why.reason == "cannot connect: http_503"
        rig.server.world.wire.heal()
        await rig.healthy(Channel.USER, since, seconds=60)

    run(main)


def test_the_market_is_up_when_both_of_its_streams_are() -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        rig.server.world.wire.arm(Fault(FaultKind.CUT, "/market/stream", count=1))
        await rig.down(Channel.MARKET, since)
        await rig.healthy(Channel.MARKET, since)
        statuses = [each.health for each in rig.all(ConnectorStatus, since) if each.channel is Channel.MARKET]
        assert statuses == [Health.DOWN, Health.HEALTHY]

    run(main)


# ---- positions and money


def test_a_trade_changes_the_position_on_the_stream_and_the_balances_soon_after() -> None:
    async def main(rig: Rig) -> None:
        await rig.ask(FetchBalances(VENUE), AccountSnapshot)
        since = len(rig.told)
        await rig.submit(Side.BUY, "0.5", str(ASK))
        streamed = await rig.heard(AccountSnapshot, lambda each: True, since)
        assert [each.quantity for each in streamed.positions or ()] == [D("0.5")]
        money = await rig.heard(Balance, lambda each: True, since, seconds=3)
        assert money.total - money.free >= 30_000
        assert not any(each.complete for each in rig.all(AccountSnapshot, since))

    run(main)


def test_money_that_cannot_be_asked_for_is_asked_for_later() -> None:
    async def main(rig: Rig) -> None:
        since = len(rig.told)
        rig.arm(FaultKind.REPLACE, "positions", status=200, body="{}")
        await rig.submit(Side.BUY, "0.5", str(ASK))
        await asyncio.sleep(5)
        assert not rig.all(Balance, since)
        assert not rig.all(BadMessageSeen, since)
        await rig.ask(FetchBalances(VENUE), AccountSnapshot)

    run(main)


def test_balances_wait_for_the_payment_that_the_stream_told_of() -> None:
    """The list of postings is behind: what is told meanwhile proves nothing."""

    async def main(rig: Rig) -> None:
        await rig.submit(Side.BUY, "0.5", str(ASK))
        await rig.ask(FetchBalances(VENUE), AccountSnapshot)
        assert rig.exchange.margin is not None
        rig.exchange.margin.set_index(MARKET, D(59_000))
        rig.arm(FaultKind.REPLACE, "postings", count=0, status=200, body="[]")
        since = len(rig.told)
        await asyncio.sleep(FUNDING_US / 1e6 - 10)
        behind = await rig.heard(AccountSnapshot, lambda each: each.balances is not None and not each.complete, since)
        assert not rig.all(TransferSeen)
        rig.server.world.wire.heal()
        told = await rig.ask(FetchBalances(VENUE), AccountSnapshot)
        assert [type(each) for each in told if isinstance(each, TransferSeen | AccountSnapshot)] == [
            TransferSeen,
            AccountSnapshot,
        ]
        whole = told[-1]
        assert isinstance(whole, AccountSnapshot)
        assert whole.complete
        assert [each.total for each in whole.balances or ()] == [each.total for each in behind.balances or ()]

    run(main)


# ---- orders


def test_an_amend_changes_price_and_quantity() -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest("0.5", "59000")
        since = len(rig.told)
        names = (order.client_order_id, MARKET, order.venue_order_id)
        rig.connector.send(AmendOrder(*names, D("59000.5"), D("0.7"), Side.BUY))
        for source in (UpdateSource.ACK, UpdateSource.STREAM):
            amended = await rig.heard(OrderUpdate, lambda each, source=source: each.source is source, since)  # type: ignore[misc]
            assert (amended.price, amended.quantity, amended.status) == (D("59000.5"), D("0.7"), OrderStatus.OPEN)
        same = await rig.ask(AmendOrder(*names, D("59000.5"), D("0.7"), Side.BUY), RequestFailed)
        assert isinstance(same[-1], RequestFailed)
        assert (same[-1].outcome, same[-1].code) == (Outcome.AMBIGUOUS, "-5027")

    run(main)


def test_an_amend_of_a_post_only_order_that_would_take_ends_it() -> None:
    async def main(rig: Rig) -> None:
        order = await rig.submit(Side.BUY, "0.5", str(BID), post_only=True)
        since = len(rig.told)
        request = AmendOrder(order.client_order_id, MARKET, order.venue_order_id, ASK, D("0.5"), Side.BUY)
        failure = (await rig.ask(request, RequestFailed))[-1]
        assert isinstance(failure, RequestFailed)
        assert failure.outcome is Outcome.AMBIGUOUS
        ended = await rig.heard(OrderUpdate, lambda each: each.status is not OrderStatus.OPEN, since)
        assert (ended.status, ended.filled) == (OrderStatus.CANCELED, 0)

    run(main)


def test_the_dead_mans_switch() -> None:
    async def main(rig: Rig) -> None:
        await rig.rest()
        rig.connector.send(ArmDeadMan(VENUE, MARKET, 10_000))
        await asyncio.sleep(5)
        rig.connector.send(ArmDeadMan(VENUE, MARKET, 10_000))
        await asyncio.sleep(9)
        assert rig.open_orders() == 1
        await asyncio.sleep(2)
        assert rig.open_orders() == 0
        assert not [each for each in rig.all(RequestFailed) if each.action is Action.DEAD_MAN]

    run(main)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (503, '{"code":0,"msg":"Service Unavailable."}', OrderStatus.REJECTED),
        (
            503,
            '{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}',
            OrderStatus.REJECTED,
        ),
        (503, '{"code":-1008,"msg":"Request throttled by system-level protection."}', OrderStatus.REJECTED),
        (
            503,
            '{"code":-1003,"msg":"Unknown error, please check your request or try again later."}',
            OrderStatus.UNKNOWN,
        ),
        (503, "<html>503 Service Unavailable.</html>", OrderStatus.UNKNOWN),
        (408, '{"code":-1007,"msg":"Timeout"}', OrderStatus.UNKNOWN),
        (500, '{"code":-2019,"msg":"Margin is insufficient."}', OrderStatus.UNKNOWN),
    ],
)
def test_what_a_venue_in_trouble_says_about_an_order(status: int, body: str, outcome: OrderStatus) -> None:
    async def main(rig: Rig) -> None:
        rig.arm(FaultKind.REFUSE, "submit", status=status, body=body)
        assert (await rig.submit(Side.BUY, "0.1", "59000")).status is outcome

    run(main)


def test_an_order_that_is_good_till_a_date() -> None:
    async def main(rig: Rig) -> None:
        until_us = rig.now_us() + 2 * HOUR * 1_000_000
        order = await rig.submit(Side.BUY, "0.1", "59000", time_in_force=TimeInForce.GTD, expire_us=until_us)
        assert order.status is OrderStatus.OPEN
        (listed,) = rig.exchange.open_orders(rig.account)
        assert listed.request.expire_us == until_us // 1_000_000 * 1_000_000

    run(main)


def test_orders_that_do_not_exist_here_are_not_sent() -> None:
    async def main(rig: Rig) -> None:
        update = await rig.submit(Side.BUY, "0.1", "59000", display_quantity=D("0.01"))
        assert (update.status, update.reason) == (OrderStatus.REJECTED, "not_sent:unsupported")

    run(main)


class WithCandles(BinancePerpetualAdapter):
    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        pair = self.instrument.symbol
        settings = LiveSettings(VENUE, [pair], addresses(f"http://127.0.0.1:{port}"), None, candles=[(pair, MINUTE_US)])
        return await prepare(settings, now_us)


def test_candles() -> None:
    async def main(rig: Rig) -> None:
        told: list[Event] = []
        market = await WithCandles().connect(PORT, rig.now_us, 1)
        running = asyncio.create_task(market.run(told.extend, rig.now_us))
        for _ in range(5):
            await rig.submit(Side.BUY, "0.01", str(ASK))
            await asyncio.sleep(30)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        candles = [each for each in told if isinstance(each, Candle)]
        assert {(each.instrument_id, each.interval_us, each.closed) for each in candles} == {(MARKET, MINUTE_US, True)}
        assert len({each.open_us for each in candles}) >= 2

    run(main)


def test_intervals() -> None:
    assert MINUTE_US in CANDLES
    assert INTERVALS_US["1s"] not in CANDLES
