"""A bot that trades end to end through a connector's real code, on the served venue, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from connectors.simulated.contract import ContractTerms
from connectors.simulated.market import Market
from engine.core.order_change import AlarmKind
from engine.core.ports import LiveConnector
from engine.model.errors import TickwrightError
from tests.contract.adapter import PERPETUAL, PORT, Adapter
from tests.sim.loop.session import LoopClock, World
from tests.sim.loop.simnet import NetLoop

WRONG = (AlarmKind.RESURRECTED, AlarmKind.CONTRADICTION)
OFTEN = {PERPETUAL.instrument_id: ContractTerms(funding_interval_us=20_000_000)}  # several payments in a session
RETRY_S = 2.0  # a start that fails is repeated after this time


class LiveWorld(World):
    """`server` is the venue, while it serves."""

    def __init__(self, loop: NetLoop, adapter: Adapter, seed: int, markets: Sequence[Market] = ()) -> None:
        self.instrument, self.sheet, self.money = adapter.instrument, adapter.sheet, adapter.money
        self.terms = OFTEN
        super().__init__(loop, markets)
        self._adapter = adapter
        self._seed = seed
        self.server = adapter.server(self.exchange, self.account, self.markets, loop.wall_us)

    async def serve(self) -> None:
        await self.server.serve(PORT, lambda port: None)

    async def connect(self) -> LiveConnector:
        clock = LoopClock(self.loop)
        while True:
            try:
                return await self._adapter.connect(PORT, clock.now_us, self._seed)
            except TickwrightError:
                await asyncio.sleep(RETRY_S)

    def differences(self) -> list[str]:
        """As always; nor may the bot have concluded anything that turned out to be wrong."""
        return super().differences() + [f"{each.kind.value}: {each.text}" for each in self.alarms if each.kind in WRONG]
