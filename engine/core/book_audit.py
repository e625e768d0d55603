"""Whether a book that is followed by deltas still is the venue's: now and then a fresh snapshot is compared with it.

The snapshot is of some moment between two deltas, and it may come before or after them. What changed since that moment
is left out: the prices that are named by a delta which reaches beyond it.
"""

from collections.abc import Container, Iterable
from decimal import Decimal

from engine.core.book import L2Book
from engine.core.notice import show_number
from engine.model.enums import Side
from engine.model.market import BookDelta, BookSnapshot, Level
from engine.model.money import ZERO

LEVELS = 100  # a side; farther out a book may not know levels that have not changed since its own snapshot
DELTAS_MAX = 2_000  # if the snapshot takes longer than that it is not compared


class Audit:
    """From the question for a snapshot to the comparison. `sequence` is the book's when it was asked for."""

    def __init__(self, sequence: int) -> None:
        self.snapshot: BookSnapshot | None = None
        self._sequence = sequence
        self._deltas: list[BookDelta] = []

    @property
    def given_up(self) -> bool:
        """It takes too long."""
        return len(self._deltas) >= DELTAS_MAX

    def note(self, delta: BookDelta) -> None:
        """After the book has applied it."""
        self._deltas.append(delta)

    def take(self, snapshot: BookSnapshot) -> None:
        """The answer, unless it is older than the question."""
        if snapshot.sequence >= self._sequence:
            self.snapshot = snapshot

    def later(self, sequence: int) -> list[BookDelta]:
        """The deltas that contain something after `sequence`."""
        return [delta for delta in self._deltas if delta.sequence_last > sequence]

    def difference(self, book: L2Book, snapshot: BookSnapshot) -> str:
        """The best level that is not the venue's, "" if there is none. The book contains all that the snapshot does."""
        later = self.later(snapshot.sequence)
        for side, levels in ((Side.BUY, snapshot.bids), (Side.SELL, snapshot.asks)):
            touched = {price for delta in later for price, _ in (delta.bids if side is Side.BUY else delta.asks)}
            found = _difference(book, side, levels, touched)
            if found:
                return found
        return ""


def _difference(book: L2Book, side: Side, levels: Iterable[Level], touched: Container[Decimal]) -> str:
    """Of one side, down to the last of the snapshot's levels that count."""
    descending = side is Side.BUY
    best = sorted(levels, reverse=descending)[:LEVELS]
    theirs, last = dict(best), best[-1][0] if best else None
    ours = {price for price, _ in book.levels(side, LEVELS)}
    for price in sorted({*theirs, *ours}, reverse=descending):
        quantity, told = book.quantity_at(side, price), theirs.get(price, ZERO)
        if quantity != told and price not in touched:
            what = "bid" if descending else "ask"
            return f"{what} {show_number(price)}: ours {show_number(quantity)}, theirs {show_number(told)}"
        if price == last:
            break
    return ""
