"""A second look at a data set: whether its files are whole and say what rows may say."""

from collections.abc import Iterator

import numpy as np
from sortedcontainers import SortedDict  # type: ignore[import-untyped]

from engine.backtest.columns import Column, Columns, RowKind, file_digest, read_columns
from engine.backtest.dataset import Dataset, Market
from engine.model.errors import TickwrightError

PROBLEMS_MAX = 20  # a file; the rest is counted


def check_dataset(dataset: Dataset) -> Iterator[str]:
    """Every problem in a sentence that names the file, and the row where there is one. None: all is well."""
    for symbol, market in dataset.manifest.markets.items():
        if not market.parts:
            yield f"{symbol}: there are no data"
        yield from _check_market(dataset, market)


def _check_market(dataset: Dataset, market: Market) -> Iterator[str]:
    """File by file; the levels are played through all of them: no message may leave the best prices crossed."""
    book = _Book()
    for part in market.parts:
        path = dataset.folder / part.file
        if not path.is_file():
            yield f"{path} is missing: import it again"
            continue
        if file_digest(path) != part.digest:
            yield f"{path} was changed since it was written: import it again"
        try:
            columns = read_columns(path)
        except TickwrightError as error:
            yield str(error)
            continue
        is_rows = "kind" in columns
        for row, text in _row_problems(columns) if is_rows else _candle_problems(columns):
            yield f"{path}, row {row + 1}: {text}"
        if is_rows:
            yield from (f"{path}, row {row + 1}: crosses the book" for row in book.play(columns))


def _row_problems(columns: Columns) -> Iterator[tuple[int, str]]:
    kind, ticks, lots = columns["kind"], columns["ticks"], columns["lots"]
    priced = (kind <= RowKind.BEST_ASK) | (kind == RowKind.MARK)
    trade = (kind == RowKind.BUY) | (kind == RowKind.SELL)
    yield from _at(np.diff(columns["event_us"], prepend=columns["event_us"][:1]) < 0, "is older than the row before")
    yield from _at((kind < RowKind.BID) | (kind > RowKind.FUNDING), "is of an unknown kind")
    yield from _at(priced & (ticks <= 0), "has a price that is not above 0")
    yield from _at((lots < 0) & (kind != RowKind.FUNDING), "has a quantity below 0")
    yield from _at(trade & (lots == 0), "is a trade of nothing")
    if "receive_us" in columns:
        yield from _at(columns["receive_us"] < columns["event_us"], "was received before it happened")


def _candle_problems(columns: Columns) -> Iterator[tuple[int, str]]:
    opened, high, low, close = (columns[name] for name in ("open", "high", "low", "close"))
    inside = (low <= np.minimum(opened, close)) & (high >= np.maximum(opened, close)) & (low > 0)
    yield from _at(
        np.diff(columns["open_us"], prepend=columns["open_us"][0] - 1) <= 0, "does not come after the row before"
    )
    yield from _at(~inside, "has an open, high, low or close that cannot be")
    yield from _at(columns["volume"] < 0, "has a volume below 0")


def _at(wrong: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]", text: str) -> Iterator[tuple[int, str]]:
    rows = np.flatnonzero(wrong)
    for row in rows[:PROBLEMS_MAX].tolist():
        yield row, text
    if len(rows) > PROBLEMS_MAX:
        yield int(rows[PROBLEMS_MAX]), f"{text}; so are {len(rows) - PROBLEMS_MAX - 1} more"


class _Book:
    def __init__(self) -> None:
        self._bids: SortedDict = SortedDict()
        self._asks: SortedDict = SortedDict()

    def play(self, columns: Columns) -> Iterator[int]:
        """The rows after which a message left the book crossed."""
        ends = np.diff(columns["message"], append=columns["message"][-1:] + 1) != 0
        rows = zip(_list(columns["kind"]), _list(columns["ticks"]), _list(columns["lots"]), ends.tolist(), strict=True)
        for row, (kind, ticks, lots, last) in enumerate(rows):
            if kind in (RowKind.BID, RowKind.ASK):
                side = self._bids if kind == RowKind.BID else self._asks
                if lots:
                    side[ticks] = lots
                else:
                    side.pop(ticks, None)
            elif kind in (RowKind.CLEAR, RowKind.GAP):
                self._bids.clear()
                self._asks.clear()
            if last and self._bids and self._asks and self._bids.peekitem(-1)[0] >= self._asks.peekitem(0)[0]:
                yield row


def _list(column: Column) -> list[int]:
    values: list[int] = column.tolist()
    return values
