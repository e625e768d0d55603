"""Raw captures of what venues send: messages as they came, with the time at which they came.

Three forms, told apart line by line: `<receive time> <JSON>` and `<receive time>: <JSON>` for stream frames,
`<url> -> <receive time>: <JSON>` for answers of REST requests. What they mean is for a parser of the venue's format,
which is handed in.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from engine.backtest.found import Cursor, open_lines, stamp_us
from engine.backtest.importers.wanted import Wanted
from engine.model.errors import BadMessage
from engine.model.event import MarketEvent

# cryptofeed's own lines: its configuration, and connections with what was sent over them
_NOTE = re.compile(r"configuration: |\S+ <-")
_LINE = re.compile(r"(?:(?P<url>\S+://\S+) -> )?(?P<stamp>[0-9.]{1,24}):? (?P<body>[\[{].*)\n?")


def read(path: Path, wanted: Wanted, cursor: Cursor) -> Iterator[MarketEvent]:
    """The events of one market. Raises TickwrightError with file and row about a line that cannot be understood."""
    assert wanted.parser is not None
    for receive_us, body, url in frames(path, cursor):
        try:
            yield from wanted.parser.events(body, receive_us, url)
        except BadMessage as bad:
            raise cursor.problem(str(bad)) from bad


def frames(path: Path, cursor: Cursor) -> Iterator[tuple[int, str, str]]:
    """(receive time, JSON, URL of the request or "") of each message. Raises TickwrightError with file and row."""
    for line in open_lines(path, cursor):
        match = _LINE.fullmatch(line)
        if match is not None:
            yield stamp_us(match["stamp"], cursor), match["body"], match["url"] or ""
        elif line.strip() and not _NOTE.match(line):
            raise cursor.problem(f"does not begin with a receive time and JSON: {line[:60]!r}; is it cut off here?")
