"""A key whose rights change while the bot runs."""

import asyncio

import pytest

from connectors.base.outcomes import Failed
from connectors.base.rights import AGAIN_SECONDS, LOOK_SECONDS, RightsWatch, worse
from engine.model.enums import Channel, Health, Outcome
from engine.model.event import BadMessageSeen, ConnectorStatus, Event
from engine.model.greeting import KeyRights
from tests.sim.loop.simnet import NetLoop, run_net

GOOD = KeyRights(trades=True, moves_money=False, bound=True)


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (GOOD, GOOD, []),
        (GOOD, KeyRights(True, True, True), ["may withdraw or transfer"]),
        (GOOD, KeyRights(False, False, True), ["may not trade"]),
        (GOOD, KeyRights(True, False, False), ["works from any address"]),
        (
            KeyRights(),
            KeyRights(False, True, False),
            ["may withdraw or transfer", "may not trade", "works from any address"],
        ),
        (KeyRights(True, True, False), KeyRights(True, True, False), []),  # accepted at the start
        (KeyRights(True, True, False), GOOD, []),
        (GOOD, KeyRights(), []),
    ],
)
def test_what_is_worse(before: KeyRights, now: KeyRights, found: list[str]) -> None:
    assert list(worse(before, now)) == found


class Venue:
    """What it says of the key; None: no answer."""

    def __init__(self) -> None:
        self.rights: KeyRights | None = GOOD
        self.asked = 0

    async def ask(self) -> KeyRights:
        self.asked += 1
        if self.rights is None:
            raise Failed(Outcome.AMBIGUOUS, "timeout", "no answer")
        return self.rights


def test_a_key_is_watched() -> None:
    """Every six hours; every minute while it is not as it was, or nobody says."""
    loop, told, venue = NetLoop(1), list[Event](), Venue()

    async def main() -> None:
        watch = asyncio.create_task(RightsWatch("sim", GOOD, venue.ask, told.extend, loop.wall_us).run())
        await asyncio.sleep(LOOK_SECONDS + 1)
        assert (venue.asked, told) == (2, [])
        venue.rights = KeyRights(True, True, True)
        await asyncio.sleep(LOOK_SECONDS)
        (status,) = told
        assert isinstance(status, ConnectorStatus)
        assert (status.channel, status.health) == (Channel.KEY, Health.DOWN)
        assert "it now may withdraw or transfer" in status.reason
        venue.rights = None
        await asyncio.sleep(AGAIN_SECONDS)
        assert isinstance(told[-1], BadMessageSeen)
        venue.rights = KeyRights(True, True, True)
        await asyncio.sleep(2 * AGAIN_SECONDS)
        assert len(told) == 2
        venue.rights, asked = GOOD, venue.asked
        await asyncio.sleep(AGAIN_SECONDS)
        assert isinstance(told[-1], ConnectorStatus)
        assert (told[-1].health, venue.asked) == (Health.HEALTHY, asked + 1)
        await asyncio.sleep(LOOK_SECONDS - AGAIN_SECONDS)
        assert venue.asked == asked + 1
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)

    run_net(loop, main())
