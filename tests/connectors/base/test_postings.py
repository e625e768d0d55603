"""What is posted without a trade comes before the balances that contain it, once."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from connectors.base.outcomes import Failed
from connectors.base.postings import ROUNDS, Postings
from engine.model.event import AccountSnapshot, Event, TransferSeen


class Venue:
    """Has a posting for each number below `posted`, and `busy` of them more at every look."""

    def __init__(self, posted: int, busy: int = 0) -> None:
        self.posted, self.busy = posted, busy
        self.postings = Postings(self._account, self._listed, lambda: 1_000_000_000, 1)

    async def _account(self, started_us: int) -> AccountSnapshot:
        return AccountSnapshot("x", started_us, started_us)

    async def _listed(self, since_us: int) -> Sequence[TransferSeen]:
        self.posted += self.busy
        return [TransferSeen("x", "USDT", Decimal(1), "rebate", str(each), each, each) for each in range(self.posted)]

    def told(self) -> list[Event]:
        return asyncio.run(self.postings.told(7))


def test_every_posting_is_told_once_and_then_the_balances() -> None:
    venue = Venue(2)
    *postings, last = venue.told()
    assert [each.transfer_id for each in postings if isinstance(each, TransferSeen)] == ["0", "1"]
    assert isinstance(last, AccountSnapshot)
    assert len(venue.told()) == 1


def test_an_account_that_never_rests_does_not_keep_the_question_for_ever() -> None:
    venue = Venue(0, busy=1)
    with pytest.raises(Failed):
        venue.told()
    venue.busy = 0
    assert len(venue.told()) == ROUNDS + 1, "what was read meanwhile is told with the next answer"
