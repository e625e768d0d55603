"""What is to be read from files, as far as the files do not say it themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from engine.model.event import MarketEvent
from engine.model.market import BookSnapshot


class FrameParser(Protocol):
    """A venue's wire format. Both methods raise BadMessage; `channels` are the kinds of streams that it knows."""

    @property
    def channels(self) -> Sequence[str]: ...

    def parse(self, frame: bytes, receive_us: int) -> Sequence[MarketEvent]: ...

    def parse_snapshot(self, body: bytes, instrument_id: str, receive_us: int) -> BookSnapshot: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """One market. `venue_symbol` is its name at the venue, `interval_us` that of candles, 0: as the times show.

    `price_step` and `quantity_step` are for formats whose numbers are not exact.
    """

    instrument_id: str
    venue_symbol: str
    interval_us: int = 0
    parser: FrameParser | None = None
    price_step: Decimal | None = None
    quantity_step: Decimal | None = None
