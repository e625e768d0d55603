"""Contract, part 4: a book that follows the stream is the venue's at whatever moment a snapshot is taken beside it."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from engine.core.books import BookTracker
from engine.model.enums import Side
from engine.model.market import BookDelta, BookSnapshot
from tests.contract.adapter import Adapter
from tests.contract.adapters import ADAPTERS
from tests.contract.rig import BID, Rig, run_rig
from tests.sim.loop.session import MARKET, VENUE

AUDITED = [each for each in ADAPTERS if each.sheet.books.audit_every_us]
EVERY_US = 7_300_000


@pytest.mark.parametrize("adapter", AUDITED, ids=lambda adapter: adapter.name)
def test_59_a_true_book_is_never_blamed(adapter: Adapter) -> None:
    async def main(rig: Rig) -> None:
        books = BookTracker([MARKET], {VENUE: replace(adapter.sheet.books, audit_every_us=EVERY_US)})
        complaints: list[str] = []
        books.on_mismatch = lambda instrument_id, difference, now_us: complaints.append(difference)
        others = [rig.exchange.open_account(name, {"USDT": Decimal(10**7), "BTC": Decimal(10)}) for name in "ab"]
        asked = read = 0
        for number in range(1_500):
            if number % 3 == 0:  # the market moves while the snapshot is under way
                turn = number // 3
                order = rig.order((Side.BUY, Side.SELL)[turn % 2], "0.01", str(BID + turn // 2 % 20))
                rig.exchange.submit(others[turn % 2], order)
            await asyncio.sleep(0.02)
            new, read = rig.told[read:], len(rig.told)
            for event in new:
                if isinstance(event, BookSnapshot | BookDelta):
                    books.apply(event)
            for request in books.tick(rig.now_us()):
                rig.connector.send(request)
                asked += 1
        assert asked >= 3
        assert complaints == []
        assert not books.book(MARKET).stale

    run_rig(adapter, main)
