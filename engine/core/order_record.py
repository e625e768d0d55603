"""An order with the tracker's notes about it."""

from decimal import Decimal

from msgspec import Struct

from engine.core.absence import AbsenceProof
from engine.model.order import Order

FAR = 1 << 62  # a deadline that never comes


class Record(Struct, gc=False, eq=False):
    """Times in engine microseconds: of what is due, FAR = never; of what happened, 0 = never."""

    order: Order
    key: str  # the client order id; twins add `#n`
    wake_us: int = FAR  # its entry in the heap of deadlines
    lookup_us: int = FAR
    trades_us: int = FAR
    repeat_us: int = FAR  # when the command is sent, confirmed or sent again
    news_us: int = 0  # last sign of life: an update or a fill
    doubt_us: int = 0  # since when an answer to the submit is missing
    lookups: int = 0  # sent since doubt_us
    missing_us: int = 0  # since when trades are missing
    fetches: int = 0  # sent since missing_us
    close_us: int = 0  # when a close was reported without its cumulative quantity
    asked: bool = False  # a lookup went out before the cancel is repeated
    confirmed: bool = False  # a lookup showed the terms from before the amend
    refused: bool = False  # the venue rejected a repeated amend
    slow: bool = False  # the alarm about a slow cancel was raised
    absent_us: int = 0  # start of the first lookup that denied the live order, since its last sign of life
    unlisted_us: int = 0  # start of the last snapshot that lacked it
    unlisted: int = 0  # such snapshots since its last sign of life
    synced_us: int = 0  # start of the last complete fetch of its trades
    done_us: int = 0
    venue_average: Decimal | None = None  # the venue's average price of venue_filled
    corrected: dict[str, Decimal] | None = None  # by trade id: what the venue took back
    proof: AbsenceProof | None = None
    older: "Record | None" = None  # the previous twin

    def due_us(self) -> int:
        """The next of its deadlines."""
        return FAR if self.order.settled else min(self.lookup_us, self.trades_us, self.repeat_us)
