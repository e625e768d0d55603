"""Money that came to a futures account, or left it, without a trade: funding, transfers, insurance. No I/O.

Source: page "Get Income History". The stream tells that something was paid, but not for which market and under what id;
so postings are read from this list only.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.json import Decoder

from connectors.base.decoding import Numbers, decode
from connectors.binance.parse import Stamp, microseconds
from engine.core.venue_sheet import SECOND_US
from engine.model.event import TransferSeen

PAGE = 1_000
BACK_US = 600 * SECOND_US  # rows may come into the list so late
REMEMBERED_US = 7 * 86_400 * SECOND_US  # how far back postings are read at the start
EARLIER_US = 90 * SECOND_US  # funding is posted so long after the time that its row names, at most
WAIT_US = 120 * SECOND_US  # for the row of a posting
OF_TRADES = ("REALIZED_PNL", "COMMISSION")  # told with the trade
KINDS = {
    "FUNDING_FEE": "funding",
    **dict.fromkeys(
        ("TRANSFER", "INTERNAL_TRANSFER", "CROSS_COLLATERAL_TRANSFER", "COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW"),
        "transfer",
    ),
}
"""Any other keeps Binance's word, in small letters."""
OF_A_WEEK = ("FUNDING_FEE", "TRANSFER")
"""What is asked for of a long time, kind by kind: rows of trades would be most of it, and each question is dear."""


class _Row(Struct, gc=False, rename="camel"):
    income_type: str
    income: str
    asset: str
    time: Stamp
    tran_id: str | int
    symbol: str = ""


_ROWS = Decoder(list[_Row])


class Income:
    """`instrument` gives our id of Binance's symbol."""

    def __init__(self, venue: str, instrument: Callable[[str], str]) -> None:
        self._venue = venue
        self._instrument = instrument
        self._numbers = Numbers(PAGE)
        self._expected_us = 0  # when something was posted whose row was not read yet

    def expect(self, posted_us: int) -> None:
        """The stream says that something was posted then, by the venue's clock."""
        self._expected_us = posted_us

    def complete(self, venue_us: int) -> bool:
        """Whether the list showed everything that the stream spoke of: else balances are ahead of it."""
        return not self._expected_us or venue_us - self._expected_us > WAIT_US

    @staticmethod
    def kinds(since_us: int, venue_us: int) -> tuple[str, ...]:
        """Which types of rows to ask for from `since_us` on; "" is all of them."""
        return OF_A_WEEK if venue_us - since_us > 2 * BACK_US else ("",)

    def page(self, body: bytes, receive_us: int) -> tuple[list[TransferSeen], int]:
        """A page, oldest first, and from when on to read the next one; 0: this was the last. Raises BadMessage."""
        rows = decode(_ROWS, body)
        found = [self._seen(row, receive_us) for row in rows if row.income_type not in OF_TRADES]
        if any(each.event_us >= self._expected_us - EARLIER_US for each in found):
            self._expected_us = 0
        if len(rows) < PAGE:
            return found, 0
        first_us, last_us = microseconds(rows[0].time), microseconds(rows[-1].time)
        return found, last_us + (first_us == last_us) * 1_000  # more than a page in a millisecond cannot be told apart

    def _seen(self, row: _Row, receive_us: int) -> TransferSeen:
        """Binance's ids are unique among postings of one kind; with the symbol they are for certain."""
        kind = KINDS.get(row.income_type, row.income_type.lower()[:40])
        amount, at_us = self._numbers.signed(row.income), microseconds(row.time)
        market = self._instrument(row.symbol) if row.symbol else ""
        transfer_id = f"{row.tran_id} {row.symbol}".strip()
        return TransferSeen(self._venue, row.asset, amount, kind, transfer_id, at_us, receive_us, market)
