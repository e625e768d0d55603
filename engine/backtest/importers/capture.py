"""Raw WebSocket captures: frames as they came over the wire, with the time at which they came.

Three forms, told apart line by line: `<receive time> <JSON>` and `<receive time>: <JSON>` for stream frames,
`<url> -> <receive time>: <JSON>` for answers of REST requests. A JSON that names `lastUpdateId` before anything else
is a depth snapshot. What frames mean is for a parser of the venue's format, which is handed in.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from engine.backtest.found import Cursor, open_lines, stamp_us
from engine.backtest.importers.wanted import Wanted
from engine.model.errors import BadMessage
from engine.model.event import MarketEvent

SNAPSHOT_START = '{"lastUpdateId"'
# cryptofeed's own lines: its configuration, and connections with what was sent over them
_NOTE = re.compile(r"configuration: |\S+ <-")
_LINE = re.compile(r"(?:(?P<url>\S+://\S+) -> )?(?P<stamp>[0-9.]{1,24}):? (?P<body>[\[{].*)\n?")
_STREAM = re.compile(r'\s*\{\s*"stream"\s*:\s*"([^"@]{1,80})@([A-Za-z]+)[^"]*"')


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """The events of one market. Raises TickwrightError with file and row about a line that cannot be understood."""
    assert wanted.parser is not None
    parser, symbol = wanted.parser, wanted.venue_symbol
    channels = frozenset(parser.channels)  # other streams, such as candles, are left out
    for line in open_lines(path, cursor):
        match = _LINE.fullmatch(line)
        if match is None:
            if line.strip() and not _NOTE.match(line):
                raise cursor.problem(f"does not begin with a receive time and JSON: {line[:60]!r}; is it cut off here?")
            continue
        receive_us, body = stamp_us(match["stamp"], cursor), match["body"]
        try:
            if body.startswith(SNAPSHOT_START):
                if not match["url"] or f"symbol={symbol}&" in f"{match['url']}&":
                    yield parser.parse_snapshot(body.encode(), wanted.instrument_id, receive_us)
                continue
            stream = _STREAM.match(body)
            if stream is None:
                raise cursor.problem(f"is no frame of a combined stream: {body[:60]!r}")
            if stream[1].upper() == symbol and stream[2] in channels:
                yield from parser.parse(body.encode(), receive_us)
        except BadMessage as bad:
            raise cursor.problem(str(bad)) from bad
