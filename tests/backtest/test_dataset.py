"""The catalog: what lies where, what is read of it, and what `data check` finds."""

from pathlib import Path

import numpy as np
import pytest

from engine.backtest.check import check_dataset
from engine.backtest.columns import RowKind, read_columns, write_columns
from engine.backtest.dataset import MANIFEST, Dataset, find_datasets
from engine.model.errors import TickwrightError
from tests.backtest.files import DAY_US, START_US, capture_set, import_one, write

END_US = 1 << 62


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty seconds before midnight and thirty after."""
    return capture_set(tmp_path_factory.mktemp("data"), 5, 60, START_US + DAY_US - 30_000_000)


def test_a_file_a_day_and_the_book_between(two_days: Path) -> None:
    dataset = Dataset.open(two_days)
    first, second = dataset.market("BTC-USDT").rows
    assert (first.file, second.file) == ("BTC-USDT/rows/2023-11-15.parquet", "BTC-USDT/rows/2023-11-16.parquet")
    assert (first.opening, second.opening) == ("", "BTC-USDT/rows/2023-11-16.opening.parquet")
    assert dataset.span("BTC-USDT") == (first.first_us, second.last_us + 1)


def book_after(*parts: "dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]") -> dict[tuple[int, int], int]:
    levels: dict[tuple[int, int], int] = {}
    for columns in parts:
        for kind, ticks, lots in zip(*(columns[name].tolist() for name in ("kind", "ticks", "lots")), strict=True):
            if kind == RowKind.CLEAR:
                levels.clear()
            elif kind in (RowKind.BID, RowKind.ASK):
                levels[kind, ticks] = lots
    return {level: lots for level, lots in levels.items() if lots}


def test_the_opening_is_the_book_of_the_day_before(two_days: Path) -> None:
    dataset = Dataset.open(two_days)
    first, second = dataset.market("BTC-USDT").rows
    whole = [dataset.read_rows(part, opening=False, end_us=END_US) for part in (first, second)]
    alone = dataset.read_rows(second, opening=True, end_us=END_US)
    assert book_after(*whole) == book_after(alone)
    assert (np.diff(alone["event_us"]) >= 0).all()
    assert dataset.count_rows(second, opening=True, end_us=END_US) == len(alone["event_us"]) > second.rows


def test_parts_and_rows_of_a_span(two_days: Path) -> None:
    dataset = Dataset.open(two_days)
    first, second = dataset.market("BTC-USDT").rows
    midnight_us = START_US + DAY_US
    assert dataset.row_parts("BTC-USDT", 0, END_US) == [first, second]
    assert dataset.row_parts("BTC-USDT", midnight_us + 10, END_US) == [second]
    assert dataset.row_parts("BTC-USDT", first.first_us, midnight_us) == [first]
    end_us = midnight_us + 5_000_000
    columns = dataset.read_rows(second, opening=False, end_us=end_us)
    assert columns["event_us"][-1] < end_us
    assert len(columns["event_us"]) == dataset.count_rows(second, opening=False, end_us=end_us) < second.rows


def test_digest_is_of_the_files(two_days: Path, tmp_path: Path) -> None:
    same = capture_set(tmp_path / "a", 5, 60, START_US + DAY_US - 30_000_000)
    other = capture_set(tmp_path / "b", 6, 60, START_US + DAY_US - 30_000_000)
    digests = [
        [part.digest for part in Dataset.open(folder).market("BTC-USDT").rows] for folder in (two_days, same, other)
    ]
    assert digests[0] == digests[1] != digests[2]


def test_what_is_no_data_set(tmp_path: Path, two_days: Path) -> None:
    with pytest.raises(TickwrightError, match="is no data set"):
        Dataset.open(tmp_path)
    write(tmp_path / MANIFEST, "format: [")
    with pytest.raises(TickwrightError, match="cannot be read"):
        Dataset.open(tmp_path)
    write(tmp_path / MANIFEST, "format: 99\nvenue: x\n")
    with pytest.raises(TickwrightError, match="has format 99, this version reads 1"):
        Dataset.open(tmp_path)
    with pytest.raises(TickwrightError, match="has no data of ETH-USDT, only of BTC-USDT"):
        Dataset.open(two_days).market("ETH-USDT")
    write(tmp_path / "x.parquet", "no")
    with pytest.raises(TickwrightError, match=r"x\.parquet cannot be read: .*; import it again"):
        read_columns(tmp_path / "x.parquet")


def test_span_of_candles_ends_with_the_last_of_them(tmp_path: Path) -> None:
    text = f"time_ms,open,high,low,close,volume\n{START_US // 1000},1,2,1,2,5\n"
    import_one(write(tmp_path / "c.csv", text), "ohlcv", tmp_path / "set")
    assert Dataset.open(tmp_path / "set").span("BTC-USDT") == (START_US, START_US + 60_000_000)


def test_find(two_days: Path) -> None:
    assert [each.folder for each in find_datasets(two_days.parent)] == [two_days]


def test_check_finds_nothing_in_good_data(two_days: Path) -> None:
    assert list(check_dataset(Dataset.open(two_days))) == []


@pytest.mark.parametrize(
    ("name", "row", "value", "message"),
    [
        ("event_us", 9, 5, "row 10: is older than the row before"),
        ("kind", 4, 77, "row 5: is of an unknown kind"),
        ("ticks", 3, 0, "row 4: has a price that is not above 0"),
        ("lots", 3, -1, "row 4: has a quantity below 0"),
        ("receive_us", 3, 1, "row 4: was received before it happened"),
        ("ticks", 3, 90_000, "row 79: crosses the book"),
    ],
)
def test_check_names_file_and_row(tmp_path: Path, name: str, row: int, value: int, message: str) -> None:
    folder = capture_set(tmp_path, 5, 5)
    dataset = Dataset.open(folder)
    path = folder / dataset.market("BTC-USDT").rows[0].file
    columns = {each: column.copy() for each, column in read_columns(path).items()}
    columns["kind"] = columns["kind"].astype(np.int64)
    columns[name][row] = value
    write_columns(path, columns)
    problems = list(check_dataset(dataset))
    assert f"{path} was changed since it was written: import it again" in problems
    assert f"{path}, {message}" in problems


def test_check_misses_nothing(tmp_path: Path) -> None:
    dataset = Dataset.open(capture_set(tmp_path, 5, 2))
    (dataset.folder / dataset.market("BTC-USDT").rows[0].file).unlink()
    assert [text.rpartition("/")[2] for text in check_dataset(dataset)] == [
        "2023-11-15.parquet is missing: import it again"
    ]


def test_check_of_candles(tmp_path: Path) -> None:
    text = f"time_ms,open,high,low,close,volume\n{START_US // 1000},1,2,1,2,5\n"
    import_one(write(tmp_path / "c.csv", text), "ohlcv", tmp_path / "set")
    dataset = Dataset.open(tmp_path / "set")
    assert list(check_dataset(dataset)) == []
    path = tmp_path / "set" / dataset.market("BTC-USDT").parts[0].file
    write_columns(path, read_columns(path) | {"low": np.array([3])})
    assert f"{path}, row 1: has an open, high, low or close that cannot be" in list(check_dataset(dataset))
