"""Money that came to a futures account, or left it, without a trade: funding, transfers, insurance. No I/O.

Source: page "Get Income History". The stream tells that something was paid, but not for which market and under what id;
so postings are read from this list only, and each is told once.
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


class _Row(Struct, gc=False, rename="camel"):
    income_type: str
    income: str
    asset: str
    time: Stamp
    tran_id: str | int
    symbol: str = ""


_ROWS = Decoder(list[_Row])


class Postings:
    """`instrument` gives our id of Binance's symbol. Nothing is told of what the list holds when it is read first: that
    is in the balances that a bot begins with.
    """

    def __init__(self, venue: str, instrument: Callable[[str], str]) -> None:
        self.since_us = 0  # from when on the list is to be read, by the venue's clock; 0 before the first time
        self._venue = venue
        self._instrument = instrument
        self._numbers = Numbers(PAGE)
        self._known: dict[tuple[str, str, str], int] = {}  # what was read, and when it was posted
        self._expected_us = 0  # when something was posted whose row was not read yet

    def expect(self, posted_us: int) -> None:
        """The stream says that something was posted then, by the venue's clock."""
        self._expected_us = posted_us

    def complete(self, venue_us: int) -> bool:
        """Whether the list holds everything that the stream spoke of: else balances are ahead of it."""
        return not self._expected_us or venue_us - self._expected_us > WAIT_US

    def begin_us(self, venue_us: int) -> int:
        """From when on to read."""
        return self.since_us or venue_us - BACK_US

    def page(self, body: bytes, receive_us: int) -> tuple[list[TransferSeen], int]:
        """What is new in a page, and from when on to read the next one; 0: this was the last. Raises BadMessage."""
        rows = decode(_ROWS, body)
        found = []
        for row in rows:
            key = (row.income_type, str(row.tran_id), row.symbol)
            if row.income_type in OF_TRADES or key in self._known:
                continue
            at_us = self._known[key] = microseconds(row.time)
            if at_us >= self._expected_us - EARLIER_US:
                self._expected_us = 0
            if self.since_us:
                found.append(self._seen(row, at_us, receive_us))
        if len(rows) < PAGE:
            return found, 0
        first, last = microseconds(rows[0].time), microseconds(rows[-1].time)
        return found, last if last > first else last + 1_000  # more in one millisecond than fits cannot be told apart

    def read(self, started_us: int) -> None:
        """All pages were read that there were at `started_us`, by the venue's clock."""
        self.since_us = (started_us - BACK_US) // 1_000 * 1_000  # the venue counts in ms
        self._known = {key: at_us for key, at_us in self._known.items() if at_us >= self.since_us}

    def _seen(self, row: _Row, at_us: int, receive_us: int) -> TransferSeen:
        kind = KINDS.get(row.income_type, row.income_type.lower()[:40])
        amount = self._numbers.signed(row.income)
        market = self._instrument(row.symbol) if row.symbol else ""
        return TransferSeen(self._venue, row.asset, amount, kind, str(row.tran_id), at_us, receive_us, market)
