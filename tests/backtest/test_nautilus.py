"""Files that NautilusTrader 1.221.0 wrote of a made-up market, and what is wrong with others."""

from decimal import Decimal
from pathlib import Path

import polars
import pytest

from engine.backtest.columns import RowKind
from engine.model.errors import TickwrightError
from tests.backtest.files import START_US, candles_of, import_one, rows_of, write
from tests.support import ROOT

FILES = ROOT / "tests" / "data" / "nautilus"
SECOND_US = 1_000_000


def test_book_and_trades(tmp_path: Path) -> None:
    files = [FILES / "order_book_delta.parquet", FILES / "trade_tick.parquet"]
    market = import_one(files[0], "nautilus", tmp_path / "set", files=files)
    (columns,) = rows_of(tmp_path / "set")
    found = list(zip(*(columns[name].tolist() for name in ("kind", "ticks", "lots")), strict=True))
    assert found == [
        (RowKind.CLEAR, 0, 0),
        (RowKind.BID, 10_001, 150),
        (RowKind.BID, 10_000, 200),
        (RowKind.ASK, 10_002, 50),
        (RowKind.SELL, 10_001, 25),
        (RowKind.BID, 10_001, 125),
        (RowKind.BUY, 10_002, 50),
        (RowKind.ASK, 10_002, 0),
        (RowKind.ASK, 10_003, 75),
    ]
    assert (market.instrument.price_step, market.instrument.quantity_step) == (Decimal("0.01"), Decimal("0.01"))
    assert columns["event_us"].tolist()[4:6] == [START_US + SECOND_US] * 2
    assert set((columns["receive_us"] - columns["event_us"]).tolist()) == {5_000}
    assert (market.quality.trades, market.quality.gaps, market.quality.crossed) == (2, 0, 0)


def test_quotes(tmp_path: Path) -> None:
    market = import_one(FILES / "quote_tick.parquet", "nautilus", tmp_path / "set")
    (columns,) = rows_of(tmp_path / "set")
    assert columns["kind"].tolist() == [RowKind.BEST_BID, RowKind.BEST_ASK] * 2
    assert columns["ticks"].tolist() == [10_001, 10_002, 10_001, 10_003]
    assert market.best_known


def test_bars_are_named_by_their_open(tmp_path: Path) -> None:
    import_one(FILES / "bar.parquet", "nautilus", tmp_path / "set")
    candles = candles_of(tmp_path / "set", 60 * SECOND_US, 0, 1 << 62)
    assert candles["open_us"].tolist() == [START_US, START_US + 60 * SECOND_US]
    assert candles["high"].tolist() == [10_150, 10_200]
    assert candles["volume"].tolist() == [1250, 325]
    with pytest.raises(TickwrightError, match=r"holds bars of 1 MINUTE: give their --interval"):
        import_one(FILES / "bar.parquet", "nautilus", tmp_path / "other", interval_us=3_600 * SECOND_US)


def test_numbers_of_standard_precision(tmp_path: Path) -> None:
    """Eight bytes with nine decimals."""
    row = {
        name: [value]
        for name, value in (("aggressor_side", 2), ("trade_id", "1"), ("ts_event", 10**18), ("ts_init", 10**18))
    }
    numbers = {"price": [(100_250_000_000).to_bytes(8, "little")], "size": [(5_000_000).to_bytes(8, "little")]}
    polars.DataFrame(numbers | row).write_parquet(tmp_path / "trades.parquet")
    market = import_one(tmp_path / "trades.parquet", "nautilus", tmp_path / "set")
    (columns,) = rows_of(tmp_path / "set")
    assert (columns["ticks"].tolist(), columns["lots"].tolist()) == ([10_025], [5])
    assert (market.instrument.price_step, market.instrument.quantity_step) == (Decimal("0.01"), Decimal("0.001"))
    polars.DataFrame({**numbers, "price": [b"123"]} | row).write_parquet(tmp_path / "odd.parquet")
    with pytest.raises(TickwrightError, match=r"odd.parquet, row 1: has a number of 3 bytes"):
        import_one(tmp_path / "odd.parquet", "nautilus", tmp_path / "odd")


def test_other_and_damaged_files(tmp_path: Path) -> None:
    polars.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(TickwrightError, match=r"other.parquet, row 0: is no file of deltas, trades, quotes or bars"):
        import_one(tmp_path / "other.parquet", "nautilus", tmp_path / "set")
    whole = (FILES / "trade_tick.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TickwrightError, match=r"cut.parquet, row 0: is no Parquet file, or cut off"):
        import_one(tmp_path / "cut.parquet", "nautilus", tmp_path / "set")
    with pytest.raises(TickwrightError, match="is no Parquet file"):
        import_one(write(tmp_path / "text.parquet", "hello"), "nautilus", tmp_path / "set")
