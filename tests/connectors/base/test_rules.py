"""Markets that close, come back, or change their rules; questions about them that are not answered."""

import asyncio
from dataclasses import replace
from decimal import Decimal

from connectors.base.outcomes import Failed
from connectors.base.rules import LOOK_AGAIN_US, REFRESH_SECONDS, RuleWatch
from engine.model.enums import Health, Outcome
from engine.model.event import BadMessageSeen, ConnectorStatus, Event, RulesChanged
from engine.model.instrument import Instrument
from tests.sim.loop.session import INSTRUMENT, MARKET
from tests.sim.loop.simnet import NetLoop, run_net


class Venue:
    """What is listed now; None: no answer. Counts how often it was asked."""

    def __init__(self) -> None:
        self.listed: list[Instrument] | None = [INSTRUMENT]
        self.asked = 0

    async def list(self) -> list[Instrument]:
        self.asked += 1
        if self.listed is None:
            raise Failed(Outcome.AMBIGUOUS, "timeout", "no answer")
        return self.listed


def test_a_market_is_watched() -> None:
    loop, told, venue = NetLoop(1), list[Event](), Venue()

    async def main() -> None:
        watch = RuleWatch([INSTRUMENT], venue.list, told.extend, loop.wall_us, trades=False)
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(1)
        assert told == []
        venue.listed = [replace(INSTRUMENT, taker_rate=Decimal(1))]  # rates of fees are not rules
        watch.doubt()
        await asyncio.sleep(1)
        assert venue.asked == 1  # it was looked at a moment ago
        for listed, health, reason in (
            ([], Health.STALE, "the market is closed"),
            ([INSTRUMENT], Health.HEALTHY, "open again"),
            (
                [replace(INSTRUMENT, price_step=Decimal(1))],
                Health.STALE,
                "its trading rules changed; start the bot again",
            ),
        ):
            venue.listed = listed
            await asyncio.sleep(LOOK_AGAIN_US / 1e6)
            watch.doubt()
            await asyncio.sleep(1)
            (status,) = told
            assert isinstance(status, ConnectorStatus)
            assert (status.instrument_id, status.health, status.reason) == (MARKET, health, reason)
            told.clear()
        watch.tell()
        assert len(told) == 1
        told.clear()
        venue.listed = None
        await asyncio.sleep(REFRESH_SECONDS)
        (seen,) = told
        assert isinstance(seen, BadMessageSeen)
        watch.tell()
        assert len(told) == 2  # what was known stays
        running.cancel()

    run_net(loop, main())
    assert venue.asked == 5


def test_who_trades_is_told_the_new_rules() -> None:
    loop, told, venue = NetLoop(1), list[Event](), Venue()
    finer = replace(INSTRUMENT, price_step=Decimal("0.01"), notional_min=Decimal(5))

    async def main() -> None:
        watch = RuleWatch([INSTRUMENT], venue.list, told.extend, loop.wall_us, trades=True)
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(1)
        venue.listed = [replace(finer, taker_rate=Decimal(1))]  # the account's own rates are kept
        await asyncio.sleep(2 * REFRESH_SECONDS)
        assert told == [RulesChanged(finer, loop.wall_us() - round(1e6 + REFRESH_SECONDS * 1e6))]  # once
        assert watch.known == {MARKET: finer}
        venue.listed = [replace(finer, contract_size=Decimal(10))]
        await asyncio.sleep(REFRESH_SECONDS)
        status = told[-1]
        assert isinstance(status, ConnectorStatus)
        assert (status.health, status.reason) == (Health.STALE, "its trading rules changed; start the bot again")
        running.cancel()

    run_net(loop, main())
