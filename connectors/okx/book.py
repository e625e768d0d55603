"""How OKX proves its books: each update names the one before it; recordings before 2024 have a checksum as well."""

from zlib import crc32

from engine.core.book import L2Book
from engine.core.books import BookRules, Verdict
from engine.model.enums import Side
from engine.model.market import BookDelta
from engine.model.money import to_text

CHECKED_LEVELS = 25


def follows(delta: BookDelta, sequence: int, bridged: bool) -> Verdict:
    """`prevSeqId` must be the id of the update before; ids may fall after maintenance, so that order proves nothing.

    Only what was kept from before a snapshot may be older than it.
    """
    if delta.sequence_previous == sequence:
        return Verdict.NEXT
    is_old = delta.sequence_last == sequence if bridged else delta.sequence_last <= sequence
    return Verdict.OLD if is_old else Verdict.GAP


def checksum(book: L2Book) -> int:
    """CRC-32, signed, of the best 25 levels "price:quantity", bid and ask in turn, joined by ":"."""
    bids, asks = book.levels(Side.BUY, CHECKED_LEVELS), book.levels(Side.SELL, CHECKED_LEVELS)
    parts: list[str] = []
    for rank in range(max(len(bids), len(asks))):
        for side in (bids, asks):
            if rank < len(side):
                parts += map(to_text, side[rank])
    number = crc32(":".join(parts).encode())
    return number - (1 << 32) if number >= 1 << 31 else number


BOOK_RULES = BookRules(sequence=follows, checksum=checksum)
