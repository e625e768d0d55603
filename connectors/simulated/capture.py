"""Recorded market data as it came over the wire: lines of `<receive time> <JSON as received>` in a gzip file.

The receive time is ns or µs since the epoch. A JSON that names `lastUpdateId` before anything else is the answer of a
REST depth request, all others are stream frames. What they mean is for a parser of the venue's format, which is handed
in: connectors do not know each other.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from engine.model.errors import BadMessage, TickwrightError
from engine.model.market import BestQuote, BookDelta, BookSnapshot, FundingRate, MarkPrice, PublicTrade

LINE_BYTES_MAX = 9 << 20
NANOSECOND_STAMPS = 10**17  # a stamp from here on is in ns, below it in µs
SNAPSHOT_START = b'{"lastUpdateId"'

MarketData = BookSnapshot | BookDelta | PublicTrade | BestQuote | MarkPrice | FundingRate


class FrameParser(Protocol):
    """A venue's wire format. Both raise BadMessage."""

    def parse(self, frame: bytes, receive_us: int) -> Sequence[MarketData]: ...

    def parse_snapshot(self, body: bytes, instrument_id: str, receive_us: int) -> BookSnapshot: ...


class Capture:
    """The recorded frames of one instrument, in one file or several that follow on.

    `on_bad(reason, excerpt, receive_us)` is told of every line that cannot be understood; reading goes on after it.
    Raises TickwrightError for a file that cannot be opened.
    """

    def __init__(
        self, paths: Sequence[Path], instrument_id: str, parser: FrameParser, on_bad: Callable[[str, str, int], None]
    ) -> None:
        self._paths = paths
        self._instrument_id = instrument_id
        self._parser = parser
        self._on_bad = on_bad
        for path in paths:
            if not path.is_file():
                raise TickwrightError(
                    f"recorded data {path} is not there: correct market.path, or set TICKWRIGHT_DATA to its folder"
                )

    def __iter__(self) -> Iterator[tuple[int, Sequence[MarketData]]]:
        """(receive_us, events) of each line that has any. Times never go back."""
        now_us = 0
        for path in self._paths:
            for line in self._lines(path, now_us):
                stamp, _, body = line.partition(b" ")
                try:
                    now_us = max(now_us, _receive_us(stamp))
                    events = self._parse(body, now_us)
                except BadMessage as bad:
                    self._on_bad(str(bad), body[:200].decode(errors="replace").rstrip(), now_us)
                    continue
                if events:
                    yield now_us, events

    def _lines(self, path: Path, now_us: int) -> Iterator[bytes]:
        with gzip.open(path) as file:
            try:
                yield from iter(lambda: file.readline(LINE_BYTES_MAX), b"")
            except (OSError, EOFError, zlib.error) as error:
                self._on_bad(f"{path.name} is damaged, the rest of it is left out: {error}", "", now_us)

    def _parse(self, body: bytes, receive_us: int) -> Sequence[MarketData]:
        if body.startswith(SNAPSHOT_START):
            return (self._parser.parse_snapshot(body, self._instrument_id, receive_us),)
        return self._parser.parse(body, receive_us)


def _receive_us(stamp: bytes) -> int:
    if not (stamp.isdigit() and len(stamp) <= 19):
        raise BadMessage(f"a line begins with {stamp[:30]!r}, not with its receive time")
    time = int(stamp)
    return time // 1_000 if time >= NANOSECOND_STAMPS else time
