"""What an account holds: balances, and on swaps positions and what moved money without a trade."""

from __future__ import annotations

from collections.abc import Callable

from connectors.base.outcomes import Failed
from connectors.base.postings import Postings
from connectors.base.rate_limit import Priority
from connectors.okx.margin import BILLS, MarginParser
from connectors.okx.private import AccountParser
from connectors.okx.rest import Question, Rest
from connectors.okx.sheet import SWAP
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import Action, Outcome
from engine.model.event import AccountSnapshot, Event, TransferSeen

BALANCES = Question("account/balance", Action.BALANCES, Priority.SNAPSHOT, "balance")
POSITIONS = Question("account/positions", Action.BALANCES, Priority.SNAPSHOT, "positions")
POSTINGS = Question("account/bills", Action.BALANCES, Priority.SNAPSHOT, "bills")
REMEMBERED_US = (7 * 86_400 - 3_600) * SECOND_US  # `bills` goes back seven days


class Money:
    """`margin` understands an account that trades swaps; None: spot. `now_us` is our clock, `venue_us` OKX's."""

    def __init__(
        self,
        venue: str,
        rest: Rest,
        account: AccountParser,
        margin: MarginParser | None,
        now_us: Callable[[], int],
        venue_us: Callable[[], int],
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._account = account
        self._margin = margin
        self._now_us = now_us
        self._postings = Postings(self._held, self._posted, venue_us, REMEMBERED_US)

    async def told(self, started_us: int) -> list[Event]:
        """The answer to `FetchBalances`. Raises Failed and BadMessage."""
        return [await self._held(started_us)] if self._margin is None else await self._postings.told(started_us)

    async def _held(self, started_us: int) -> AccountSnapshot:
        reply = await self._rest.ask(BALANCES)
        balances = self._account.balances(reply.body, reply.receive_us)
        if self._margin is None:
            return AccountSnapshot(self._venue, started_us, reply.receive_us, balances=balances)
        reply = await self._rest.ask(POSITIONS, instType=SWAP.inst_type)
        positions = self._margin.positions(reply.body)
        return AccountSnapshot(self._venue, started_us, reply.receive_us, balances=balances, positions=positions)

    async def _posted(self, since_us: int) -> list[TransferSeen]:
        assert self._margin is not None
        told: list[TransferSeen] = []
        for kind in BILLS:
            rows, complete = await self._rest.pages(
                POSTINGS, self._margin.bill_rows, lambda row: row.bill_id, type=kind, begin=str(since_us // 1_000)
            )
            if not complete:
                raise Failed(Outcome.AMBIGUOUS, "too_many", f"more than {len(rows)} bills")
            now_us = self._now_us()
            told += [self._margin.posting(row, now_us) for row in rows]
        return told
