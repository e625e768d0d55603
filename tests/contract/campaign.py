"""A faulty session through a connector's real code, from a seed: the wire breaks, the bot dies, in the end all agrees.

`python -m tests.contract.campaign binance 0 300` plays many and prints those that do not; `ccxt` on two venues.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from itertools import product
from random import Random
from time import process_time

from connectors.simulated.server.faults import Fault, FaultKind
from tests.contract.adapter import Adapter
from tests.contract.adapters import ADAPTERS, PERPETUALS, SOCKETS
from tests.contract.session import LiveWorld
from tests.contract.through_ccxt import CCXT_ADAPTERS
from tests.sim.loop.simnet import NetLoop, Weather, log_normal, run_net

PLAYED = {each.name: (each,) for each in (*ADAPTERS, *SOCKETS, *PERPETUALS)} | {"ccxt": CCXT_ADAPTERS}
HOUR_US = 3_600_000_000
STORM_S, CALM_S = 60.0, 60.0
OF_REQUESTS = (
    FaultKind.REFUSE,
    FaultKind.DROP,
    FaultKind.LATE,
    FaultKind.LOSE,
    FaultKind.REPLACE,
    FaultKind.DELAY,
    FaultKind.TRUNCATE,
    FaultKind.TWICE,
)
OF_STREAMS = (FaultKind.MUTE, FaultKind.DOUBLE, FaultKind.GARBLE, FaultKind.HOLD, FaultKind.CUT, FaultKind.HALF_OPEN)


def faults(adapter: Adapter, chance: Random) -> list[Fault]:
    """A few kinds of trouble until the calm begins: some requests, orders more often than questions; some streams."""
    paths, sockets = list(adapter.paths.values()), list(adapter.sockets.values())
    paths += 4 * [adapter.paths["submit"], adapter.paths["cancel"]]
    found = []
    for kinds, places, rate in ((OF_REQUESTS, paths, 0.3), (OF_STREAMS, sockets, 0.03)):
        for kind in chance.sample(kinds, chance.randint(2, 5)):
            where, probability = chance.choice(places), chance.random() * rate
            seconds = chance.choice((0.5, 3.0, 7.0))
            found.append(
                Fault(kind, where, probability, until=STORM_S, seconds=seconds, status=chance.choice((500, 503)))
            )
    return found


def play(adapter: Adapter, seed: int) -> LiveWorld:
    """One session: a storm with crashes, then a calm."""
    chance = Random(f"campaign:{adapter.name}:{seed}")
    weather = Weather(log_normal(chance.choice((2_000, 10_000, 40_000))))
    weather.split = weather.joined = 0.1
    loop = NetLoop(seed, weather=weather, shuffled=True, us_max=HOUR_US)
    crashes = [chance.randint(200, 2_000) for _ in range(chance.randint(0, 3))]
    skew_us = chance.choice((0, 0, 400_000, -1_500_000))

    async def storm() -> None:
        weather.refused, weather.unresolved = 0.05 * chance.random(), 0.0
        while loop.time() < STORM_S:
            await asyncio.sleep(chance.expovariate(1 / 10))
            for connection in list(loop.connections):
                if chance.random() < 0.3:
                    chance.choice([loop.blackhole, loop.reset])(connection)
        weather.refused = 0.0

    async def main() -> LiveWorld:
        world = LiveWorld(loop, adapter, seed)
        for fault in faults(adapter, chance):
            world.server.world.wire.arm(fault)
        await asyncio.gather(world.run(STORM_S + CALM_S, crashes, skew_us), storm())
        return world

    played: LiveWorld = run_net(loop, main())
    return played


def main(name: str, first: int, last: int) -> int:
    """Print the seeds of [first, last) after which bot and venue do not agree; their number."""
    began = process_time()
    orders = fills = broken = 0
    for adapter, seed in product(PLAYED[name], range(first, last)):
        try:
            world = play(adapter, seed)
            found = world.differences()
            orders += world.disk.execute("SELECT count(*) FROM orders").fetchone()[0]
            fills += len(world.fills())
        except Exception as error:  # handled: a seed that fails is reported, the others are still played
            found = [f"{type(error).__name__}: {error}"]
        if found:
            broken += 1
            print(f"{adapter.name}, seed {seed}: {'; '.join(found)[:400]}", flush=True)
    sessions = len(PLAYED[name]) * (last - first)
    spent = process_time() - began
    print(f"{sessions} sessions, {orders} orders, {fills} fills, {broken} with differences, {spent:.0f} CPU-s")
    return broken


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # ccxt complains of what killed processes have not closed
    sys.exit(min(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])), 100))
