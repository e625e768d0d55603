"""Whether our key still may do what it might when the bot started, and no more: looked at every six hours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from connectors.base.outcomes import Failed
from engine.model.enums import Channel, Health
from engine.model.errors import BadMessage
from engine.model.event import BadMessageSeen, ConnectorStatus, Event
from engine.model.greeting import KeyRights

LOOK_SECONDS = 6 * 3_600.0
AGAIN_SECONDS = 60.0  # after a change for the worse, and when the venue did not say


class RightsWatch:
    """`known` is what the bot was started with; what has got worse since is told until it is as it was."""

    def __init__(
        self,
        venue: str,
        known: KeyRights,
        ask: Callable[[], Awaitable[KeyRights]],
        hear: Callable[[Sequence[Event]], None],
        now_us: Callable[[], int],
    ) -> None:
        self._venue = venue
        self._known = known
        self._ask = ask
        self._hear = hear
        self._now_us = now_us

    async def run(self) -> None:
        """Until cancelled."""
        wrong = ""
        while True:
            pause_s = AGAIN_SECONDS
            try:
                found = ", ".join(worse(self._known, await self._ask()))
            except (Failed, BadMessage) as error:
                text = f"rights of the key: {error}"[:200]
                self._hear([BadMessageSeen(self._venue, Channel.REST, text, "", self._now_us())])
            else:
                if found != wrong:
                    wrong = found
                    health, reason = (Health.DOWN, _reason(found)) if found else (Health.HEALTHY, "it is as it was")
                    self._hear([ConnectorStatus(self._venue, Channel.KEY, health, reason, self._now_us())])
                if not found:
                    pause_s = LOOK_SECONDS
            await asyncio.sleep(pause_s)


def worse(before: KeyRights, now: KeyRights) -> Iterator[str]:
    """What a key may do that it might not, or the other way round."""
    if now.moves_money and not before.moves_money:
        yield "may withdraw or transfer"
    if now.trades is False and before.trades is not False:
        yield "may not trade"
    if now.bound is False and before.bound is not False:
        yield "works from any address"


def _reason(found: str) -> str:
    return f"the rights of our key changed at the exchange: it now {found}. Make it as it was there, or stop the bot"
