"""A small part of the campaign through the real code of connectors; `tests.contract.campaign` plays any number."""

import pytest

from tests.contract.adapter import Adapter
from tests.contract.adapters import ADAPTERS, PERPETUALS, SOCKETS
from tests.contract.campaign import play
from tests.sim.loop.session import event_log


@pytest.mark.parametrize("adapter", [*ADAPTERS, *SOCKETS, *PERPETUALS], ids=lambda adapter: adapter.name)
@pytest.mark.parametrize("seed", range(2))
def test_bot_and_venue_agree_after_a_storm(adapter: Adapter, seed: int) -> None:
    world = play(adapter, seed)
    assert world.differences() == []
    assert len(world.fills()) > 5


@pytest.mark.parametrize("adapter", [*ADAPTERS, *PERPETUALS], ids=lambda adapter: adapter.name)
def test_the_same_seed_is_the_same_story(adapter: Adapter) -> None:
    assert event_log(play(adapter, 3)) == event_log(play(adapter, 3)) != event_log(play(adapter, 4))
