"""Every importer on small files: what comes out, and what is said of files that cannot be."""

import io
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from engine.backtest.columns import RowKind
from engine.backtest.convert import EVENT, convert
from engine.backtest.dataset import Dataset
from engine.model.errors import TickwrightError
from tests.backtest.files import START_US, candles_of, capture_lines, import_one, rows_of, write
from tests.support import shared

MS = START_US // 1000
K = RowKind
TRADES = "id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\n"
TRADES += f"1,100.10,0.5,50,{MS},True,True\n2,100.2,1.25,125,{MS + 5},false,True\n"
AGG = f"7,100.5,2,1,2,{MS},true,true\n8,100.6,3,3,3,{MS + 1},false,true\n"
KLINES = f"{MS},1.0,1.5,0.5,1.25,10,{MS + 59999},12,3,1,1,0\n{MS + 60000},1.25,1.5,1.25,1.5,5,{MS + 119999},6,3,1,1,0\n"
BEST = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n"
BEST += f"5,9.9,1,10.1,2,{MS},{MS}\n"
FUNDING = f"calc_time,funding_interval_hours,last_funding_rate\n{MS},8,0.00010000\n"
STREAMED = f"rx,E,T,t,p,q,m,X\n{(START_US + 900) * 1000},{MS},{MS},11,50.5,2,false,MARKET\n"
T_TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
T_TRADES += f"b,BTCUSDT,{START_US},{START_US + 50},1,buy,9682,0.132\n"
T_BOOK = (
    "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
    f"b,BTCUSDT,{START_US},{START_US + 50},false,bid,98,9\n"
    f"b,BTCUSDT,{START_US + 1},{START_US + 60},true,bid,99,1\nb,BTCUSDT,{START_US + 1},{START_US + 60},true,ask,101,2\n"
    f"b,BTCUSDT,{START_US + 2},{START_US + 70},false,ask,101,0\n"
    f"b,BTCUSDT,{START_US + 2},{START_US + 70},false,ask,100.5,4\n"
)
T_QUOTES = (
    "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
    f"b,BTCUSDT,{START_US},{START_US + 9},2,10.1,9.9,1\n"
)

# name, format, content → (kind, ticks, lots) of every row, price step, quantity step
GOOD = [
    ("x.csv", "binance", TRADES, [(K.SELL, 1001, 50), (K.BUY, 1002, 125)], "0.1", "0.01"),
    ("BTCUSDT-aggTrades-2023-11-15.csv", "binance", AGG, [(K.SELL, 1005, 2), (K.BUY, 1006, 3)], "0.1", "1"),
    ("b.csv", "binance", BEST, [(K.BEST_BID, 99, 1), (K.BEST_ASK, 101, 2)], "0.1", "1"),
    ("f.csv", "binance", FUNDING, [(K.FUNDING, 0, 100_000)], "1", "1"),
    ("s.csv.gz", "binance", STREAMED, [(K.BUY, 505, 2)], "0.1", "1"),
    ("t.csv", "tardis", T_TRADES, [(K.BUY, 9682, 132)], "1", "0.001"),
    (
        *("l2.csv", "tardis", T_BOOK),
        [(K.CLEAR, 0, 0), (K.BID, 198, 1), (K.ASK, 202, 2), (K.ASK, 202, 0), (K.ASK, 201, 4)],
        *("0.5", "1"),
    ),
    ("q.csv", "tardis", T_QUOTES, [(K.BEST_BID, 99, 1), (K.BEST_ASK, 101, 2)], "0.1", "1"),
]


@pytest.mark.parametrize(("name", "form", "text", "rows", "price_step", "quantity_step"), GOOD, ids=lambda v: None)
def test_rows(
    tmp_path: Path, name: str, form: str, text: str, rows: list[tuple[int, ...]], price_step: str, quantity_step: str
) -> None:
    step = {"price_step": Decimal(price_step)} if name == "l2.csv" else {}
    market = import_one(write(tmp_path / name, text), form, tmp_path / "set", **step)
    (columns,) = rows_of(tmp_path / "set")
    assert list(zip(*(columns[each].tolist() for each in ("kind", "ticks", "lots")), strict=True)) == rows
    assert (market.instrument.price_step, market.instrument.quantity_step) == (
        Decimal(price_step),
        Decimal(quantity_step),
    )


def test_klines_in_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m-2023-11.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("BTCUSDT-1m-2023-11.csv", KLINES)
    import_one(path, "binance", tmp_path / "set")
    candles = candles_of(tmp_path / "set", 60_000_000, 0, 1 << 62)
    assert candles["open_us"].tolist() == [START_US, START_US + 60_000_000]
    assert candles["high"].tolist() == [150, 150]
    assert candles["volume"].tolist() == [10, 5]


def test_candles_newest_first_of_one_interval(tmp_path: Path) -> None:
    rows = [
        f"1h,{START_US // 10**6 + hour * 3600}.0,1e-05,1.2000000000000002e-05,9e-06,1.1e-05,7" for hour in (2, 1, 0)
    ]
    text = "\n".join(["time_frame,time_s,open,high,low,close,volume", *rows, "1M,0,1,1,1,1,1", "1w,0,1,1,1,1,1"])
    market = import_one(write(tmp_path / "c.csv", text), "ohlcv", tmp_path / "set", interval_us=3_600_000_000)
    assert market.instrument.price_step == Decimal("0.000001")
    candles = candles_of(tmp_path / "set", 3_600_000_000, START_US, START_US + 2 * 3_600_000_000)
    assert candles["open_us"].tolist() == [START_US, START_US + 3_600_000_000]
    assert candles["high"].tolist() == [12, 12]


def test_capture(tmp_path: Path) -> None:
    text = "".join(capture_lines(1, 20))
    market = import_one(write(tmp_path / "a.raw.gz", text), "capture", tmp_path / "set")
    (columns,) = rows_of(tmp_path / "set")
    assert market.receive_times
    assert (market.quality.gaps, market.quality.crossed, market.quality.late_rows) == (0, 0, 0)
    assert market.quality.trades == text.count("@trade") == int(np.isin(columns["kind"], [K.BUY, K.SELL]).sum())
    assert (columns["receive_us"] >= columns["event_us"]).all()
    assert (np.diff(columns["event_us"]) >= 0).all()
    instants = columns["event_us"] * 10 + np.isin(columns["kind"], [K.BUY, K.SELL]) * -1
    assert (np.diff(instants[1:]) >= 0).all(), "at one time, trades come before the book"


def test_clock_that_runs_behind(tmp_path: Path) -> None:
    """The receiving clock is 1.25 s behind the venue's: every row is still received after it happened."""
    text = "".join(capture_lines(1, 5, START_US + 3_600_000_000, offset_us=-1_250_000))
    market = import_one(write(tmp_path / "a.raw.gz", text), "capture", tmp_path / "set")
    (columns,) = rows_of(tmp_path / "set")
    assert market.quality.clock_shift_us == -1_251_000
    assert int((columns["receive_us"] - columns["event_us"]).min()) == 1_000


def test_gap_duplicates_and_a_late_snapshot(tmp_path: Path) -> None:
    lines = capture_lines(1, 10)
    trade = next(line for line in lines if "@trade" in line)
    depth = [index for index, line in enumerate(lines) if "@depth" in line]
    del lines[depth[20]]
    snapshot = capture_lines(1, 1)[0].replace('"lastUpdateId":1000', '"lastUpdateId":1999')
    lines = [lines[depth[0]], *lines, trade, lines[-1][:20] + snapshot[20:]]
    market = import_one(write(tmp_path / "a.raw", "".join(lines)), "capture", tmp_path / "set")
    quality = market.quality
    assert (quality.duplicate_trades, quality.gaps, quality.before_snapshot) == (1, 1, 1)
    (columns,) = rows_of(tmp_path / "set")
    kinds = columns["kind"].tolist()
    assert kinds.count(K.GAP) == 1
    assert kinds.count(K.CLEAR) == 2
    gap, duplicate = (line.removeprefix(f"{tmp_path}/a.raw, row ").split(": ", 1) for line in quality.places)
    assert gap[0] == str(depth[21] + 1), "the first line after the missing one"
    assert gap[1].startswith("gap: ")
    assert duplicate == [str(len(lines) - 1), "trade 1 is there already: left out"]
    assert quality.gap_us == columns["event_us"][kinds.index(K.CLEAR, 1)] - columns["event_us"][kinds.index(K.GAP)]


BAD = [
    ("x.csv", "binance", TRADES + "3,100.2,1", "row 4: has 3 columns instead of 6; is the file cut off here?"),
    ("x.csv", "binance", TRADES.replace("100.2", "1oo.2"), "row 3: '1oo.2' is not a number"),
    ("x.csv", "binance", TRADES.replace("100.2", "inf"), "row 3: 'inf' is not a finite number"),
    ("x.csv", "binance", TRADES.replace("false", "maybe"), "row 3: 'maybe' does not say whether the buyer"),
    ("x.csv", "binance", TRADES.replace(f",{MS + 5},", ",soon,"), "row 3: 'soon' is not a time since the epoch"),
    ("x.csv", "binance", TRADES.replace(f",{MS + 5},", ",1e999999,"), "row 3: '1e999999' is not a time from 1970 to"),
    ("x.csv", "binance", TRADES.replace("100.2", "-100.2"), "row 3: price -100.2 is not above 0"),
    ("x.csv", "binance", AGG, "row 1: there is no header, and the name of the file has no -trades-"),
    ("x.csv", "binance", "timestamp,percentage,depth,notional\n", "row 1: bookDepth files hold totals"),
    ("x.csv", "binance", "a,b\n1,2\n", "row 1: these are not the columns of a known file: a, b"),
    ("x.csv", "binance", "", "held nothing of this market after 0 rows"),
    ("x.csv", "tardis", T_BOOK.replace("ask,100.5", "offer,100.5"), "row 6: 'offer' is neither bid nor ask"),
    ("x.csv", "tardis", T_TRADES.replace("buy", "bought"), "row 2: 'bought' is neither buy nor sell"),
    ("x.csv", "tardis", "a\n", "row 1: these are not the columns of incremental_book_L2"),
    ("x.csv", "tardis", T_TRADES + "b,", "row 3: has 2 columns instead of 8"),
    ("x.csv", "ohlcv", "open,high,low,close,volume\n1,1,1,1,1\n", "row 1: has no column with the time"),
    ("x.csv", "ohlcv", "time_ms,open,high,low\n", "row 1: has no column close, volume"),
    (
        "x.csv",
        "ohlcv",
        f"time_ms,open,high,low,close,volume\n{MS},2,1,1,1,1\n",
        "row 2: open, high, low, close, volume 2, 1",
    ),
    ("x.csv", "ohlcv", "date,open,high,low,close,volume\n2023-13-01,1,1,1,1,1\n", "row 2: '2023-13-01' is not a time"),
    ("x.csv", "ohlcv", f"time_ms,open,high,low,close,volume\n{MS},1,1,1,1,1\n" * 2, "row 3: 'time_ms' is not a time"),
    (
        "x.csv",
        "ohlcv",
        f"time_frame,time_ms,open,high,low,close,volume\n1x,{MS},1,1,1,1,1\n",
        "row 2: '1x' is not a dur",
    ),
    ("x.raw", "capture", "".join(capture_lines(1, 2))[:-30], "row 30: Input data was truncated"),
    ("x.raw", "capture", f"{START_US} {{}}\n", "row 1: is no frame of a combined stream"),
    ("x.raw", "capture", "hello\n", "row 1: does not begin with a receive time and JSON"),
    ("x.raw", "capture", f'{START_US} {{"stream":"btcusdt@depth","data":{{}}}}\n', "row 1: Object missing required"),
    ("x.csv", "hftbacktest", "no zip", "row 0: is no npz file of hftbacktest"),
]


@pytest.mark.parametrize(("name", "form", "text", "message"), BAD, ids=[f"{row[1]}-{n}" for n, row in enumerate(BAD)])
def test_what_cannot_be_read_is_said_with_its_row(
    tmp_path: Path, name: str, form: str, text: str, message: str
) -> None:
    path = write(tmp_path / name, text)
    with pytest.raises(TickwrightError) as caught:
        import_one(path, form, tmp_path / "set")
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "set" / "dataset.yml").exists()


def test_truncated_archive(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv.gz", TRADES + "".join(f"{n},100.2,1.5,1,{MS},true,true\n" for n in range(3, 900)))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TickwrightError, match=r"x\.csv\.gz, row \d+: the file is damaged or cut off after this row"):
        import_one(path, "binance", tmp_path / "set")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00id", b"PK\x03\x04 no zip"], ids=["encoding", "zip"])
def test_no_text(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / ("x.zip" if data.startswith(b"PK") else "x.csv")
    path.write_bytes(data)
    with pytest.raises(TickwrightError, match=r"row 0: (the row after|the file is damaged)"):
        import_one(path, "binance", tmp_path / "set")


def test_price_between_the_steps(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", TRADES)
    with pytest.raises(
        TickwrightError, match=r"x\.csv, row 2: price 100\.10 is not a multiple of the price step 0\.25"
    ):
        import_one(path, "binance", tmp_path / "set", price_step=Decimal("0.25"))


def test_same_data_again_only_in_their_place(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", TRADES)
    import_one(path, "binance", tmp_path / "set")
    with pytest.raises(TickwrightError, match="has rows of BTC-USDT already: --replace"):
        import_one(path, "binance", tmp_path / "set")
    import_one(path, "binance", tmp_path / "set", replace=True)
    with pytest.raises(TickwrightError, match="holds data of binance"):
        import_one(path, "binance", tmp_path / "set", venue="okx")


def test_two_files_of_different_streams_are_merged_by_time(tmp_path: Path) -> None:
    trades = write(
        tmp_path / "trades.csv", T_TRADES.replace(f"{START_US},{START_US + 50}", f"{START_US + 1},{START_US + 65}")
    )
    book = write(tmp_path / "book.csv", T_BOOK)
    import_one(trades, "tardis", tmp_path / "set", files=[trades, book])
    (columns,) = rows_of(tmp_path / "set")
    assert columns["kind"].tolist() == [K.BUY, K.CLEAR, K.BID, K.ASK, K.ASK, K.ASK]


def test_hftbacktest_there_and_back(tmp_path: Path) -> None:
    """What is written for hftbacktest reads back as the same market."""
    import_one(write(tmp_path / "a.raw", "".join(capture_lines(3, 20))), "capture", tmp_path / "set")
    (file,) = convert(Dataset.open(tmp_path / "set"), "BTC-USDT", tmp_path / "npz", "hftbacktest")
    steps = {"price_step": Decimal("0.1"), "quantity_step": Decimal("0.001")}
    import_one(file, "hftbacktest", tmp_path / "back", **steps)
    (before,), (after,) = rows_of(tmp_path / "set"), rows_of(tmp_path / "back")
    for name in ("event_us", "receive_us", "kind", "ticks", "lots"):
        assert before[name].tolist() == after[name].tolist(), name


def test_csv_has_exact_decimals(tmp_path: Path) -> None:
    import_one(write(tmp_path / "x.csv", TRADES), "binance", tmp_path / "set")
    (file,) = convert(Dataset.open(tmp_path / "set"), "BTC-USDT", tmp_path / "csv", "csv")
    assert file.read_text().splitlines() == [
        "event_us,kind,price,quantity,message,sequence",
        f"{START_US},SELL,100.1,0.50,0,1",
        f"{START_US + 5000},BUY,100.2,1.25,1,2",
    ]


def npz(rows: list[tuple[int, float, float]]) -> bytes:
    data = np.zeros(len(rows), EVENT)
    for index, (flags, price, quantity) in enumerate(rows):
        data[index] = (flags, START_US * 1000, START_US * 1000, price, quantity, 0, 0, 0.0)
    file = io.BytesIO()
    np.savez(file, data=data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(1 << 31 | 1, 10.0, 1.0), (1 << 31 | 2, 10.04, 1.0)], "row 2: price 10.04 is not a multiple"),
        ([(1 << 31 | 9, 10.0, 1.0)], "row 1: event 9 is none of depth, trade, clear, snapshot"),
    ],
)
def test_bad_events_of_hftbacktest(tmp_path: Path, rows: list[tuple[int, float, float]], message: str) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(npz(rows))
    with pytest.raises(TickwrightError, match=message):
        import_one(path, "hftbacktest", tmp_path / "set", price_step=Decimal("0.1"), quantity_step=Decimal(1))
    with pytest.raises(TickwrightError, match="give --price-step and --quantity-step"):
        import_one(path, "hftbacktest", tmp_path / "set")


SHARED = [
    ("binance", "trades/binance_usdm_btcusdt_2023_trades.csv.gz", 12935),
    ("binance", "trades/binance_spot_btcusdt_202408_trades.csv.gz", 19904),
    ("tardis", "trades/binance_usdm_btcusdt_20200222_tardis_trades.csv.gz", 9999),
    ("tardis", "trades/binance_usdm_btcusdt_20200222_tardis_quotes.csv.gz", 2 * 9999),
    ("binance", "perp/binance_usdm_btcusdt_markprice_1s_20230404.csv.gz", 99),
]


@pytest.mark.parametrize(("form", "name", "count"), SHARED, ids=[row[1].partition("/")[2] for row in SHARED])
def test_shared_files(tmp_path: Path, form: str, name: str, count: int) -> None:
    market = import_one(shared(f"data/{name}"), form, tmp_path / "set", "BTC-USDT-PERP")
    assert sum(part.rows for part in market.rows) + market.quality.duplicate_trades == count


CANDLES = [("binance_usdm_wldusdt_1h_2023", 60)]
CANDLES += [("freqtrade_eth_btc_5m_201801", 5), ("binance_btcusdt_multi_2024", 240)]


@pytest.mark.parametrize(("name", "minutes"), CANDLES, ids=[row[0] for row in CANDLES])
def test_shared_candles(tmp_path: Path, name: str, minutes: int) -> None:
    path = shared(f"data/candles/{name}.csv.gz")
    market = import_one(path, "ohlcv", tmp_path / "set", interval_us=minutes * 60_000_000)
    assert sum(part.rows for part in market.candles[minutes * 60_000_000]) > 100


def test_shared_capture_of_several_markets(tmp_path: Path) -> None:
    """cryptofeed's files: stream frames of four markets, and the snapshots in a file of their own."""
    files = [shared(f"data/ws/BINANCE/BINANCE.{name}.gz") for name in ("ws.1.0", "http.0.0")]
    market = import_one(files[0], "capture", tmp_path / "set", "NKN-USDT", files=files)
    assert market.quality.gaps == 0
    assert market.rows[0].rows > 1900


LATE = "\n".join(
    [
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
        f"binance,BTCUSDT,{START_US + 2_000_000},{START_US + 2_000_000},1,buy,100.1,1",
        f"binance,BTCUSDT,{START_US + 1_000_000},{START_US + 3_000_000},2,buy,100.1,1",
        f"binance,BTCUSDT,{START_US + 4_000_000},{START_US + 4_000_000},2,sell,100.1,1",
        "",
    ]
)


def test_unsorted_rows_and_duplicates_are_named(tmp_path: Path) -> None:
    market = import_one(write(tmp_path / "trades.csv", LATE), "tardis", tmp_path / "set")
    assert (market.quality.late_rows, market.quality.duplicate_trades) == (1, 1)
    assert market.quality.places == [
        f"{tmp_path}/trades.csv, row 3: is older than the row before in its stream: given its time",
        f"{tmp_path}/trades.csv, row 4: trade 2 is there already: left out",
    ]
    assert Dataset.open(tmp_path / "set").market("BTC-USDT").quality.places == market.quality.places


def test_a_trade_of_nothing_is_left_out_and_named(tmp_path: Path) -> None:
    text = T_TRADES + T_TRADES.splitlines()[1].replace(",1,buy,9682,0.132", ",2,buy,9682,0.000")
    market = import_one(write(tmp_path / "trades.csv", text), "tardis", tmp_path / "set")
    assert (market.quality.trades, market.rows[0].rows) == (1, 1)
    assert market.quality.places == [f"{tmp_path}/trades.csv, row 3: trade 2 is of nothing: left out"]


CROSSED = "\n".join(
    [
        "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount",
        *(f"binance,BTCUSDT,{START_US},{START_US},true,{level},1" for level in ("bid,100.1", "ask,100.2")),
        f"binance,BTCUSDT,{START_US + 1},{START_US + 1},false,bid,100.3,1",
        "",
    ]
)


def test_a_crossed_book_is_named(tmp_path: Path) -> None:
    market = import_one(write(tmp_path / "book.csv", CROSSED), "tardis", tmp_path / "set")
    assert (market.quality.gaps, market.quality.crossed) == (1, 1)
    (place,) = market.quality.places
    assert place.startswith(f"{tmp_path}/book.csv, row 4: gap: crossed")
