"""What an account holds: balances, and on swaps positions and what moved money without a trade."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from connectors.base.outcomes import Failed
from connectors.base.rate_limit import Priority
from connectors.okx.margin import BILLS, BillRow, MarginParser
from connectors.okx.private import AccountParser
from connectors.okx.rest import Question, Rest
from connectors.okx.sheet import SWAP
from connectors.okx.wire import stamp_us
from engine.model.enums import Action, Outcome
from engine.model.event import AccountSnapshot, Event, TransferSeen

BALANCES = Question("account/balance", Action.BALANCES, Priority.SNAPSHOT, "balance")
POSITIONS = Question("account/positions", Action.BALANCES, Priority.SNAPSHOT, "positions")
POSTINGS = Question("account/bills", Action.BALANCES, Priority.SNAPSHOT, "bills")
REMEMBERED_MS = 7 * 86_400_000 - 3_600_000  # `bills` goes back seven days
OVERLAP_MS = 60_000  # before the newest known bill, from which they are fetched


class Money:
    """`margin` understands an account that trades swaps; None: spot. `venue_us` is OKX's clock."""

    def __init__(
        self, venue: str, rest: Rest, account: AccountParser, margin: MarginParser | None, venue_us: Callable[[], int]
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._account = account
        self._margin = margin
        self._venue_us = venue_us
        self._asked_ms = 0  # when bills were asked for last
        self._read: set[str] = set()  # the bills of that answer
        self._untold: list[TransferSeen] = []  # what was read, but no balances after it yet
        self._turn = asyncio.Lock()

    async def told(self, started_us: int) -> list[Event]:
        """The answer to `FetchBalances`. Raises Failed and BadMessage.

        Whatever moved money is told before the balances that contain it: they are asked for again until nothing new
        was booked meanwhile.
        """
        async with self._turn:
            return await self._ask(started_us)

    async def _ask(self, started_us: int) -> list[Event]:
        while True:
            reply = await self._rest.ask(BALANCES)
            balances = self._account.balances(reply.body, reply.receive_us)
            if self._margin is None:
                return [AccountSnapshot(self._venue, started_us, reply.receive_us, balances=balances)]
            listed = await self._rest.ask(POSITIONS, instType=SWAP.inst_type)
            positions = self._margin.positions(listed.body)
            now_us = listed.receive_us
            if not await self._transfers(self._margin, now_us):
                transfers, self._untold = self._untold, []
                return [*transfers, AccountSnapshot(self._venue, started_us, now_us, True, balances, positions)]

    async def _transfers(self, margin: MarginParser, receive_us: int) -> bool:
        """Read what was booked, at first in the last days; whether there is something new."""
        now_ms = self._venue_us() // 1_000
        since_ms = self._asked_ms - OVERLAP_MS if self._asked_ms else now_ms - REMEMBERED_MS
        rows: list[BillRow] = []
        for kind in BILLS:
            found, complete = await self._rest.pages(
                POSTINGS, margin.bill_rows, lambda row: row.bill_id, type=kind, begin=str(since_ms)
            )
            if not complete:
                raise Failed(Outcome.AMBIGUOUS, "too_many", f"more than {len(found)} bills")
            rows += found
        fresh = sorted((row for row in rows if row.bill_id not in self._read), key=lambda row: stamp_us(row.ts))
        self._untold += [margin.transfer(row, receive_us) for row in fresh]
        self._asked_ms, self._read = now_ms, {row.bill_id for row in rows}
        return bool(fresh)
