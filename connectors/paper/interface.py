"""What the wire and the venue ask of a fill kernel, whatever its market data are."""

from typing import Protocol

from connectors.paper.words import Outcome


class Feed(Protocol):
    """When the data of a market become visible to us. `live`: more rows may come up to any time."""

    live: bool

    def horizon_us(self, now_us: int, feed_us: int) -> int:
        """The venue's time up to which all is visible at `now_us`; `feed_us` counts where that was not recorded."""
        ...

    def seen_us(self, event_us: int, feed_us: int) -> int:
        """When the data of this time become visible."""
        ...


class FillKernel(Protocol):
    """One instrument in venue time. `best_bid` is 0 and `best_ask` a large number while their side is empty."""

    told: list[Outcome]

    @property
    def source(self) -> Feed: ...
    @property
    def best_bid(self) -> int: ...
    @property
    def best_ask(self) -> int: ...
    @property
    def event_us(self) -> int:
        """Of the last row applied; 0 = none yet."""
        ...

    @property
    def stale(self) -> str:
        """Why the book must not be trusted, or ""."""
        ...

    @property
    def rows_applied(self) -> int: ...
    @property
    def next_us(self) -> int:
        """The time of the next row; a large number: there is none."""
        ...

    def run(self, until_us: int) -> None:
        """Apply every row up to and including `until_us`."""
        ...

    def submit(
        self, at_us: int, key: int, side: int, ticks: int, lots: int, flags: int, stop: int = 0, expire_us: int = 0
    ) -> None: ...
    def cancel(self, at_us: int, key: int) -> None: ...
    def amend(self, at_us: int, key: int, ticks: int, lots: int) -> None: ...
    def depth(self, side: int, levels: int) -> list[tuple[int, int]]: ...
    def lots_at(self, side: int, ticks: int) -> int: ...
