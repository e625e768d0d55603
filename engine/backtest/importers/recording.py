"""Our own recordings of live markets (`engine.backtest.market_recorder`). One that a crash cut off ends there."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from engine.backtest.found import Cursor, open_lines
from engine.backtest.importers.wanted import Wanted
from engine.model.event import ConnectorStatus, MarketEvent

_decoder = msgspec.json.Decoder(MarketEvent | ConnectorStatus)


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent | ConnectorStatus]:
    """The events of one market. Raises TickwrightError with file and row about a line that cannot be understood."""
    for line in open_lines(path, cursor):
        if not line.endswith("\n"):
            return  # the last line, which was being written
        try:
            event = _decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise cursor.problem(f"is no line of a recording: {error}") from error
        if event.instrument_id in (wanted.instrument_id, ""):
            yield event
