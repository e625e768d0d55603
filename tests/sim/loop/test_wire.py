"""A bot trades over real aiohttp and websockets: the same every time, whatever breaks, whenever it dies."""

import asyncio
import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from random import Random
from typing import TypeVar

import pytest

from engine.core.journal import read, read_header
from engine.model.enums import Channel, Health, OrderType, Side
from engine.model.event import ClockSynced, ConnectorStatus
from engine.model.request import SubmitOrder
from tests.sim.loop.session import MARKET, World, event_log
from tests.sim.loop.simloop import START_US
from tests.sim.loop.simnet import NetLoop, Weather, log_normal, run_net
from tests.support import ROOT

CRASH_STRIDE = int(os.environ.get("TICKWRIGHT_CRASH_STRIDE", "5"))  # 1: kill at every single resumption
HOUR_US = 3_600_000_000
E = TypeVar("E", ConnectorStatus, ClockSynced)


def trade(
    seconds: float = 20,
    crashes: Sequence[int] = (),
    *,
    seed: int = 1,
    rough: bool = False,
    skew_us: int = 0,
    trouble: Callable[[World], Awaitable[None]] | None = None,
) -> World:
    """A session. `rough`: shuffled order, varying latency, cut and joined segments. `trouble` runs beside the bot."""
    weather = Weather(log_normal(10_000) if rough else None)
    weather.split = weather.joined = 0.1 * rough
    loop = NetLoop(seed, weather=weather, shuffled=rough, us_max=HOUR_US)

    async def main() -> World:
        world = World(loop)
        run = world.run(seconds, crashes, skew_us)
        await (run if trouble is None else asyncio.gather(run, trouble(world)))
        return world

    world: World = run_net(loop, main())
    return world


def digests(seed: int) -> list[str]:
    """Of the event logs of a quiet session, and of a rough one with a crash, each made twice."""
    worlds = [trade(seed=seed, rough=rough, crashes=[300] * rough) for rough in (False, False, True, True)]
    return [hashlib.sha256(event_log(world)).hexdigest() for world in worlds]


def told(world: World, kind: type[E]) -> list[E]:
    """What a bot without crashes was told."""
    stream = io.BytesIO(event_log(world))
    read_header(stream)
    return [entry for entry in read(stream) if isinstance(entry, kind)]


def statuses(world: World) -> list[tuple[float, Health]]:
    """Seconds from the start, and the health of the private stream from then on."""
    said = [each for each in told(world, ConnectorStatus) if each.channel is Channel.USER]
    return [((each.receive_us - START_US) / 1e6, each.health) for each in said]


def test_a_bot_trades_and_agrees_with_the_venue_in_the_end() -> None:
    world = trade(60)
    assert len(world.fills()) > 10
    assert world.differences() == []
    assert [health for _, health in statuses(world)] == [Health.HEALTHY]
    assert world.bot.driver.missed == 0


def test_the_same_seed_gives_the_same_event_log_in_every_process() -> None:
    here = digests(7)
    assert here[0] == here[1]
    assert here[2] == here[3]
    assert here[0] != here[2]
    assert digests(8)[2] != here[2]
    code = "from tests.sim.loop.test_wire import digests; print(*digests(7))"
    for hash_seed in ("0", "1"):
        found = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.split() == here


def test_a_bot_that_is_killed_at_any_await_comes_back_and_loses_nothing() -> None:
    steps = trade(12).lives[0].steps
    assert steps > 300
    for first in range(1, steps + 1, CRASH_STRIDE):
        world = trade(12, [first])
        assert not world.lives[0].alive
        assert world.differences() == [], f"killed at {first}"


def test_a_bot_that_is_killed_twice_comes_back_too() -> None:
    for first in range(20, 400, 4 * CRASH_STRIDE):
        crashes = [first, 10 + first * 37 % 150]
        world = trade(12, crashes, rough=True, seed=first)
        assert world.differences() == [], f"killed at {crashes}"


def test_the_check_sees_what_is_wrong() -> None:
    world = trade(20)
    trade_id = world.fills()[0].trade_id
    world.disk.execute("DELETE FROM fills WHERE trade_id = ?", (trade_id,))
    world.exchange.ledger.deposit(world.account.number, {"BTC": Decimal(1)})
    order = SubmitOrder("FOREIGN", MARKET, Side.BUY, OrderType.LIMIT, Decimal("0.01"), Decimal(50_000))
    world.exchange.submit(world.account, order)
    open_there, missing, money = world.differences()
    assert open_there.startswith("open at the venue")
    assert trade_id in missing
    assert money.startswith("BTC: ")


async def half_open(world: World) -> None:
    """The stream dies at second 10 without a word."""
    await asyncio.sleep(10)
    (stream,) = [each for each in world.loop.connections if each.get_extra_info("peername")[1] == 81]
    world.loop.blackhole(stream)


def test_a_half_open_stream_is_noticed_and_replaced() -> None:
    world = trade(60, trouble=half_open)
    (_, up), (lost_s, lost), (back_s, back) = statuses(world)
    assert (up, lost, back) == (Health.HEALTHY, Health.DOWN, Health.HEALTHY)
    assert 10 < lost_s <= 10 + 11
    assert back_s - lost_s < 1
    assert world.differences() == []


def test_a_mute_stream_is_noticed_and_replaced() -> None:
    async def mute(world: World) -> None:
        await asyncio.sleep(10)
        world.venue.muted = True
        await asyncio.sleep(20)
        world.venue.muted = False

    world = trade(60, trouble=mute)
    assert [health for _, health in statuses(world)].count(Health.DOWN) >= 1
    assert world.differences() == []


@pytest.mark.parametrize("seed", range(6))
def test_no_fault_of_the_network_loses_an_order(seed: int) -> None:
    """40 s of trouble with every connection, crashes included, then 40 s of calm."""
    chance = Random(f"trouble:{seed}")

    async def storm(world: World) -> None:
        loop, weather = world.loop, world.loop.weather
        weather.refused, weather.unresolved = 0.1, 0.1
        while loop.time() < 40:
            await asyncio.sleep(chance.expovariate(1 / 3))
            for connection in list(loop.connections):
                if chance.random() < 0.5:
                    chance.choice([loop.blackhole, loop.reset])(connection)
        weather.refused = weather.unresolved = 0.0

    world = trade(80, [chance.randint(100, 1500)], seed=seed, rough=True, trouble=storm)
    assert world.differences() == []
    assert len(world.fills()) > 5


@pytest.mark.parametrize(("skew_us", "trades"), [(-1_000_000, True), (2_000_000, True), (3_000_000, False)])
def test_a_clock_that_is_wrong_is_measured_and_too_wrong_a_one_keeps_the_bot_from_trading(
    skew_us: int, trades: bool
) -> None:
    world = trade(skew_us=skew_us)
    offsets = [each.offset_us for each in told(world, ClockSynced)]
    assert offsets
    assert all(abs(offset_us + skew_us) <= 10_000 for offset_us in offsets)
    assert bool(world.fills()) is trades
    assert world.differences() == []
