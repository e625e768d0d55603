"""Whether the markets are still open, and their rules still those that the engine knows: looked at every half hour."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from connectors.base.outcomes import Failed
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Channel, Health
from engine.model.errors import BadMessage
from engine.model.event import BadMessageSeen, ConnectorStatus, Event, RulesChanged
from engine.model.instrument import Instrument

REFRESH_SECONDS = 1_800.0
OF_THE_ACCOUNT = ("maker_rate", "taker_rate", "leverage", "leverage_max")  # what lists of markets do not tell
OF_THE_MARKET = ("base", "quote", "kind", "venue_symbol", "settle", "contract_size", "fee_asset")  # what it is
LOOK_AGAIN_US = 60 * SECOND_US  # after an order was refused; not more often


class RuleWatch:
    """`listed` asks for what is open for trading now; what is wrong with a market is told as STALE.

    `known` are the rules as they are, by instrument id. That they changed is told; but where nobody `trades` the market
    becomes STALE: orders on paper are filled on the steps of the start.
    """

    def __init__(
        self,
        known: Sequence[Instrument],
        listed: Callable[[], Awaitable[Sequence[Instrument]]],
        hear: Callable[[Sequence[Event]], None],
        now_us: Callable[[], int],
        trades: bool,
    ) -> None:
        self.known = {each.instrument_id: each for each in known}
        self._venue = known[0].venue
        self._trades = trades
        self._listed = listed
        self._hear = hear
        self._now_us = now_us
        self._wrong: dict[str, str] = {}  # instrument → why it must not be traded now
        self._wanted = asyncio.Event()
        self._looked_us = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._looked_us = self._now_us()
            await self._look()
            self._wanted.clear()
            try:
                async with asyncio.timeout(REFRESH_SECONDS):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    def doubt(self) -> None:
        """An order was refused that kept the rules as they are known: look now, unless that was done a moment ago."""
        if self._now_us() - self._looked_us >= LOOK_AGAIN_US:
            self._wanted.set()

    def tell(self) -> None:
        """Say again which markets must not be traded: a connection that comes up speaks for all of them."""
        for instrument_id, reason in self._wrong.items():
            self._say(instrument_id, Health.STALE, reason)

    async def _look(self) -> None:
        """Without an answer what was known stays."""
        try:
            listed = {each.instrument_id: each for each in await self._listed()}
        except (Failed, BadMessage) as error:
            self._hear([BadMessageSeen(self._venue, Channel.REST, f"trading rules: {error}"[:200], "", self._now_us())])
            return
        before, self._wrong = self._wrong, {}
        for name, known in self.known.items():
            if name not in listed:
                self._wrong[name] = "the market is closed"
                continue
            now = replace(listed[name], **{each: getattr(known, each) for each in OF_THE_ACCOUNT})
            if now == known:
                continue
            if self._trades and all(getattr(now, each) == getattr(known, each) for each in OF_THE_MARKET):
                self.known[name] = now
                self._hear([RulesChanged(now, self._now_us())])
            else:
                self._wrong[name] = "its trading rules changed; start the bot again"
        for instrument_id in [each for each in before if each not in self._wrong]:
            self._say(instrument_id, Health.HEALTHY, "open again")
        self.tell()

    def _say(self, instrument_id: str, health: Health, reason: str) -> None:
        self._hear([ConnectorStatus(self._venue, Channel.MARKET, health, reason, self._now_us(), instrument_id)])
