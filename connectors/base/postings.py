"""Money that came or went without a trade, told before the balances that contain it.

A venue lists such postings apart from its balances. Both are asked for in turn until the list brought nothing new after
the balances: then everything that is in them has been told. A posting is told once, also if a question fails meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from connectors.base.outcomes import Failed
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Outcome
from engine.model.event import AccountSnapshot, Event, TransferSeen

ROUNDS = 10  # then the question is given up, and asked again later
OVERLAP_US = 60 * SECOND_US  # postings may appear in the list so late


class Postings:
    """`account` asks for balances and positions, `posted` for the postings from a time on, µs of the venue's clock.

    At first those of the last `remembered_us` are read: what was posted while nobody listened. Later those from
    `overlap_us` before the last time on.
    """

    def __init__(
        self,
        account: Callable[[int], Awaitable[AccountSnapshot]],
        posted: Callable[[int], Awaitable[Sequence[TransferSeen]]],
        venue_us: Callable[[], int],
        remembered_us: int,
        overlap_us: int = OVERLAP_US,
    ) -> None:
        self._account = account
        self._posted = posted
        self._venue_us = venue_us
        self._remembered_us = remembered_us
        self._overlap_us = overlap_us
        self._asked_us = 0  # when postings were asked for last
        self._read: set[tuple[str, str]] = set()  # kinds and ids of that answer
        self._untold: list[TransferSeen] = []
        self._turn = asyncio.Lock()

    async def told(self, started_us: int) -> list[Event]:
        """The answer to `FetchBalances`. Raises Failed and BadMessage."""
        async with self._turn:
            for _ in range(ROUNDS):
                snapshot = await self._account(started_us)
                if not await self._is_new():
                    told, self._untold = self._untold, []
                    return [*told, snapshot]
        raise Failed(Outcome.AMBIGUOUS, "busy", f"something new was posted at each of {ROUNDS} looks")

    async def _is_new(self) -> bool:
        now_us = self._venue_us()
        since_us = self._asked_us - self._overlap_us if self._asked_us else now_us - self._remembered_us
        found = {(each.kind, each.transfer_id): each for each in await self._posted(since_us)}
        fresh = [each for key, each in found.items() if key not in self._read]
        self._untold += sorted(fresh, key=lambda each: each.event_us)
        self._asked_us, self._read = now_us, set(found)
        return bool(fresh)
