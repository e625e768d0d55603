"""What is to be read from files, as far as the files do not say it themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from engine.core.books import BookRules
from engine.model.event import MarketEvent


class FrameParser(Protocol):
    """What a venue sends, about one market. `book_rules` prove its book."""

    @property
    def book_rules(self) -> BookRules: ...

    def events(self, body: str, receive_us: int, url: str) -> Iterable[MarketEvent]:
        """What a line of a capture says of the market: nothing if it is about something else.

        `url` is that of the REST request that the line answers, "" of stream frames. Raises BadMessage.
        """
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """One market. `interval_us` is that of candles, 0: as the times show; `parser` is for captures.

    `price_step` and `quantity_step` are for formats whose numbers are not exact.
    """

    instrument_id: str
    interval_us: int = 0
    parser: FrameParser | None = None
    price_step: Decimal | None = None
    quantity_step: Decimal | None = None

    @property
    def assets(self) -> tuple[str, str]:
        """Base and quote of the market, of which venues make its name."""
        base, quote, *_ = self.instrument_id.partition(":")[2].split("-")
        return base, quote
