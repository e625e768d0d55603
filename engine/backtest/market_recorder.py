"""What a live market tells, written down line by line as it comes: a crash loses at most the last second.

A file holds one JSON array a line, a market event or the state of the market's connection. It begins with a connection
that is down, so that what is missing between two files shows as a gap.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from engine.core.books import BookTracker
from engine.core.ports import LiveConnector
from engine.core.venue_sheet import VenueSheet
from engine.model.enums import Channel, Health
from engine.model.event import ConnectorStatus, Event, MarketEvent
from engine.model.market import BookDelta, BookSnapshot

SYNC_SECONDS = 1.0
Line = MarketEvent | ConnectorStatus
_encoder = msgspec.json.Encoder()


class MarketRecorder:
    """Records one connector's markets into one file. `events` counts, `progress` hears of it once a second."""

    def __init__(
        self, connector: LiveConnector, sheet: VenueSheet, now_us: Callable[[], int], progress: Callable[[int], None]
    ) -> None:
        self.events = 0
        self._connector = connector
        self._books = BookTracker(
            [each.instrument_id for each in connector.instruments], {connector.venue: sheet.books}
        )
        self._now_us = now_us
        self._progress = progress
        self._file: BinaryIO

    async def run(self, path: Path, stop: asyncio.Event) -> None:
        """Until `stop`, or until the connector fails. The file is new."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as self._file:
            try:
                self._write(
                    ConnectorStatus(self._connector.venue, Channel.MARKET, Health.DOWN, "begin", self._now_us())
                )
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(self._connector.run(self._hear, self._now_us)),
                        group.create_task(self._keep()),
                    ]
                    await stop.wait()
                    for task in tasks:
                        task.cancel()
            finally:
                self._sync()

    def _hear(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, MarketEvent):
                self.events += 1
                if isinstance(event, BookDelta | BookSnapshot):
                    self._books.apply(event)
                self._write(event)
            elif isinstance(event, ConnectorStatus) and event.channel is Channel.MARKET:
                self._books.apply_status(event)
                self._write(event)

    async def _keep(self) -> None:
        """Ask for the books that lost their proof, and see that what is written stays."""
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            for request in self._books.tick(self._now_us()):
                self._connector.send(request)
            self._sync()
            self._progress(self.events)

    def _write(self, line: Line) -> None:
        self._file.write(_encoder.encode(line) + b"\n")

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
