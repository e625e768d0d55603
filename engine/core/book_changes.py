"""What a message changed in one proven book: for whoever keeps rows of it rather than the book itself."""

from collections.abc import Sequence
from enum import Enum

from engine.core.books import BookRules, BookTracker
from engine.model.enums import Side
from engine.model.event import ConnectorStatus
from engine.model.market import BookDelta, BookSnapshot, Level

ALL = 1 << 30


class What(Enum):
    """NOTHING new; a GAP begins, a good book before it; the WHOLE book is anew what `levels` gives; only CHANGES."""

    NOTHING = "nothing"
    GAP = "gap"
    WHOLE = "whole"
    CHANGES = "changes"


class BookChanges:
    """Follows one book. `began`: there was a proven book before; `good`: there is one now."""

    def __init__(self, instrument_id: str, rules: BookRules) -> None:
        self.good = False
        self.began = False
        self._tracker = BookTracker()
        self._book = self._tracker.follow(instrument_id, rules)

    def apply(self, event: BookDelta | BookSnapshot) -> What:
        """One message; the levels of CHANGES are its own."""
        self._tracker.apply(event)
        was_good, self.good = self.good, not self._book.stale
        if not self.good:
            return What.GAP if was_good else What.NOTHING
        if not was_good or isinstance(event, BookSnapshot):
            self.began = True
            return What.WHOLE
        return What.CHANGES if event.sequence_last == self._book.sequence else What.NOTHING

    def apply_status(self, status: ConnectorStatus) -> What:
        """What a market channel says of itself: a broken one is a gap."""
        self._tracker.apply_status(status)
        was_good, self.good = self.good, not self._book.stale
        return What.GAP if was_good and not self.good else What.NOTHING

    @property
    def sequence(self) -> int:
        return self._book.sequence

    @property
    def stale(self) -> str:
        """Why the book must not be trusted, or ""."""
        return self._book.stale

    def levels(self, side: Side) -> Sequence[Level]:
        """All of them, best first."""
        return self._book.levels(side, ALL)
