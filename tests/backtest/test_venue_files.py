"""What venues' own recordings become: made-up files of each form, what is wrong with others, and damaged ones."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from engine.backtest.check import check_dataset
from engine.backtest.columns import RowKind as K
from engine.backtest.dataset import Dataset
from engine.model.errors import TickwrightError
from tests.backtest.files import START_US, capture_lines, import_one, rows_of, write

MS = START_US // 1000
Found = list[tuple[int, int, int]]  # kind, ticks, lots
FIRST: Found = [(K.CLEAR, 0, 0), (K.BID, 99, 1), (K.ASK, 101, 2)]


def bitstamp(*events: tuple[int, str, object]) -> str:
    return "".join(f"{MS + late} {kind} {json.dumps(body)}\n" for late, kind, body in events)


def order(number: int, side: int, price: str, amount: str) -> dict[str, object]:
    return {"price": price, "amount": amount, "datetime": str(MS // 1000), "id": number, "order_type": side}


BEST = {"bids": [["99.00", "1.00000000"]], "asks": [["101.00", "2.00000000"]]}
BEGUN: Sequence[tuple[int, str, object]] = [(0, "order_book", BEST)]
BITSTAMP = [
    (0, "order_book", BEST),
    (1, "order_created", order(10, 0, "100.00", "3.00000000")),
    (2, "order_created", order(11, 1, "100.00", "1.00000000")),  # will take: held back
    (3, "order_changed", order(10, 0, "100.00", "2.00000000")),
    (3, "order_deleted", order(11, 1, "100.00", "0.00000000")),
    (5, "trade", {"price": 100.0, "amount": 1.0000000000000002, "id": 7}),
]


def hyperliquid(*frames: tuple[str, object]) -> str:
    return "".join(
        f"{(START_US + 1_000 * (late + 100)) * 1000} {json.dumps({'channel': channel, 'data': data})}\n"
        for late, (channel, data) in enumerate(frames)
    )


def levels(late: int, bid: str, ask: str, coin: str = "BTC") -> tuple[str, object]:
    sides = [[{"px": bid, "sz": "1", "n": 1}], [{"px": ask, "sz": "2", "n": 1}]]
    return "l2Book", {"coin": coin, "time": MS + late, "levels": sides}


def trades(late: int, side: str, coin: str = "BTC") -> tuple[str, object]:
    return "trades", [{"coin": coin, "side": side, "px": "101", "sz": "2", "time": MS + late, "tid": 9 + late}]


HYPERLIQUID = hyperliquid(
    ("subscriptionResponse", {"method": "subscribe"}),
    levels(0, "99", "101"),
    levels(0, "1", "2", coin="ETH"),
    trades(-20_000, "A"),
    trades(3, "B"),
    trades(3, "B", coin="ETH"),
    levels(4, "100", "102"),
)


def bybit(
    kind: str, update: int, bids: list[list[str]], asks: list[list[str]], symbol: str = "BTCUSDT", late: int = 0
) -> str:
    data = {"s": symbol, "b": bids, "a": asks, "u": update, "seq": 5 * update}
    return json.dumps({"topic": f"orderbook.500.{symbol}", "type": kind, "ts": MS + late + update, "data": data}) + "\n"


BYBIT = bybit("snapshot", 7, [["99", "1"]], [["101", "2"]]) + bybit("delta", 8, [["100", "3"]], [["101", "0"]])
COINBASE = "\n".join(
    [
        "_id,asks,bids,changes,channels,message,price,product_id,side,size,time,trade_id,type",
        """1,"[['101', '2']]","[['99', '1']]",,,,,BTC-USDT,,,,,snapshot""",
        "2,,,,,,100,BTC-USDT,sell,1,2023-11-15T00:00:00.000100Z,40.0,last_match",
        '3,,,,"[{}]",,,,,,,,subscriptions',
        """4,,,"[['buy', '100', '3']]",,,,BTC-USDT,,,2023-11-15T00:00:00.000200Z,,l2update""",
        "5,,,,,,100,BTC-USDT,buy,1,2023-11-15T00:00:00.000300Z,41.0,match",
        """6,,,"[['buy', '1', '1']]",,,,ETH-USDT,,,2023-11-15T00:00:00.000300Z,,l2update""",
        """7,,,"[['sell', '101', '0'], ['sell', '102', '1']]",,,,BTC-USDT,,,2023-11-15T00:00:00.000400Z,,l2update""",
        "",
    ]
)
COINBASE_FRAMES = "".join(
    f"{(START_US + late) / 1e6:.6f}: {json.dumps(body)}\n"
    for late, body in [
        (1, {"type": "snapshot", "product_id": "BTC-USDT", "bids": [["99", "1"]], "asks": [["101", "2"]]}),
        (
            300,
            {
                "type": "l2update",
                "product_id": "BTC-USDT",
                "changes": [["buy", "100", "3"]],
                "time": "2023-11-15T00:00:00.000200Z",
            },
        ),
    ]
)
T_DEPTH = "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu\n"
T_DEPTH += "".join(f"BTCUSDT,{MS},50,50,{level},-1\n" for level in ("b,snap,99,1", "b,snap,98,1", "a,snap,101,2"))
T_DEPTH += f"BTCUSDT,{MS + 5},49,60,b,set,98,0,48\nBTCUSDT,{MS + 9},62,70,b,set,100,3,61\n"


def okx(kind: str, sequence: int, previous: int, bids: list[list[str]], asks: list[list[str]]) -> str:
    data = {"bids": [[*each, "0", "1"] for each in bids], "asks": [[*each, "0", "1"] for each in asks]}
    row = {**data, "ts": str(MS + sequence), "seqId": sequence, "prevSeqId": previous, "checksum": 0}
    body = {"arg": {"channel": "books", "instId": "BTC-USDT"}, "action": kind, "data": [row]}
    return f"{(START_US + 1_000 * sequence) / 1e6:.6f}: {json.dumps(body)}\n"


OKX = (
    f"https://www.okx.com/api/v5/public/instruments?instType=SPOT -> {START_US / 1e6}: {{}}\n"
    "wss://ws.okx.com:8443/ws/v5/public <- 1700006400.0: {}\n"
    '1700006400.1: {"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}\n'
    + okx("snapshot", 7, -1, [["99", "1"]], [["101", "2"]])
    + okx("update", 9, 7, [["100", "3"]], [])
)
GATE = (
    f"https://api.gateio.ws/api/v4/spot/order_book?currency_pair=ETH_USDT&limit=1 -> {START_US / 1e6}: [1]\n"
    f"https://api.gateio.ws/api/v4/spot/order_book?currency_pair=BTC_USDT&with_id=true -> {START_US / 1e6}: "
    + json.dumps({"id": 7, "update": MS, "bids": [["99", "1"]], "asks": [["101", "2"]]})
    + "".join(
        f"\n{START_US / 1e6}: " + json.dumps({"channel": f"spot.{channel}", "event": event, "result": result})
        for channel, event, result in [
            ("order_book_update", "subscribe", {"status": "success"}),
            ("candlesticks", "update", {"t": "1"}),
            ("order_book_update", "update", {"s": "ETH_USDT"}),
            (
                *("order_book_update", "update"),
                {"t": MS, "s": "BTC_USDT", "U": 6, "u": 9, "b": [["100", "3"]], "a": []},
            ),
        ]
    )
    + "\n"
)

GATE_FUTURES = (
    f"https://api.gateio.ws/api/v4/futures/usdt/order_book?contract=BTC_USDT&with_id=true -> {START_US / 1e6}: "
    + json.dumps({"id": 7, "update": MS / 1000, "bids": [{"p": "99", "s": 1}], "asks": [{"p": "101", "s": 2}]})
    + "".join(
        f"\n{START_US / 1e6}: " + json.dumps({"channel": f"futures.{channel}", "event": "update", "result": result})
        for channel, result in [
            ("order_book_update", {"t": MS, "s": "BTC_USDT", "U": 8, "u": 9, "b": [{"p": "100", "s": 3}], "a": []}),
            ("trades", [{"contract": "ETH_USDT", "size": -4, "id": 4, "create_time_ms": MS, "price": "9"}]),
            ("trades", [{"contract": "BTC_USDT", "size": -4, "id": 5, "create_time_ms": MS + 5, "price": "100"}]),
            ("tickers", [{"contract": "BTC_USDT"}]),
            ("trades", []),
        ]
    )
    + "\n"
)

# name, format, venue, content, rows, gaps
GOOD: list[tuple[str, str, str, str, Found, int]] = [
    (
        *("b.log.xz", "bitstamp", "bitstamp", bitstamp(*BITSTAMP)),
        [*FIRST, (K.BID, 100, 3), (K.SELL, 100, 1), (K.BID, 100, 2)],
        0,
    ),
    (
        *("h.raw.gz", "hyperliquid", "hyperliquid", HYPERLIQUID),
        [*FIRST, (K.BUY, 101, 2), (K.CLEAR, 0, 0), (K.BID, 100, 1), (K.ASK, 102, 2)],
        0,
    ),
    (
        *("b.data.zip", "bybit", "bybit", BYBIT),
        [*FIRST, (K.BID, 100, 3), (K.ASK, 101, 0)],
        0,
    ),
    (
        *("b.data", "bybit", "bybit", BYBIT + bybit("snapshot", 1, [["90", "1"]], [["91", "1"]], late=9)),
        [*FIRST, (K.BID, 100, 3), (K.ASK, 101, 0), (K.GAP, 0, 0), (K.CLEAR, 0, 0), (K.BID, 90, 1), (K.ASK, 91, 1)],
        1,
    ),
    (
        *("b.data", "bybit", "bybit", BYBIT + bybit("delta", 10, [["100", "4"]], [])),
        [*FIRST, (K.BID, 100, 3), (K.ASK, 101, 0), (K.GAP, 0, 0)],
        1,
    ),
    (
        *("c.csv.gz", "coinbase", "coinbase", COINBASE),
        [*FIRST, (K.BID, 100, 3), (K.SELL, 100, 1), (K.ASK, 101, 0), (K.ASK, 102, 1)],
        0,
    ),
    (
        *("c.ws.0", "coinbase", "coinbase", COINBASE_FRAMES),
        [*FIRST, (K.BID, 100, 3)],
        0,
    ),
    (
        *("t.csv", "binance", "binance", T_DEPTH),
        [(K.CLEAR, 0, 0), (K.BID, 99, 1), (K.BID, 98, 1), (K.ASK, 101, 2), (K.BID, 98, 0), (K.GAP, 0, 0)],
        1,
    ),
    (
        *("o.ws.0", "capture", "okx", OKX),
        [*FIRST, (K.BID, 100, 3)],
        0,
    ),
    (
        *("g.ws.0", "capture", "gate", GATE),
        [*FIRST, (K.BID, 100, 3)],
        0,
    ),
    (
        *("g-PERP.ws.0", "capture", "gate", GATE_FUTURES),
        [*FIRST, (K.BID, 100, 3), (K.SELL, 100, 4)],
        0,
    ),
]
IDS = [f"{venue}-{name}" for name, _, venue, *_ in GOOD]


def symbol_of(name: str) -> str:
    return "BTC-USDT-PERP" if "PERP" in name else "BTC-USDT"


@pytest.mark.parametrize(("name", "form", "venue", "text", "rows", "gaps"), GOOD, ids=IDS)
def test_rows(tmp_path: Path, name: str, form: str, venue: str, text: str, rows: Found, gaps: int) -> None:
    symbol = symbol_of(name)
    market = import_one(write(tmp_path / name, text), form, tmp_path / "set", symbol, venue=venue)
    (columns,) = rows_of(tmp_path / "set", symbol)
    found = list(zip(*(columns[each].tolist() for each in ("kind", "ticks", "lots")), strict=True))
    assert found == rows
    assert (market.quality.gaps, market.quality.crossed, market.quality.late_rows) == (gaps, 0, 0)
    assert list(check_dataset(Dataset.open(tmp_path / "set"))) == []


def test_what_new_subscribers_are_told_of_the_past_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "h.raw", HYPERLIQUID)
    market = import_one(path, "hyperliquid", tmp_path / "set", venue="hyperliquid")
    assert market.quality.places == [f"{path}, row 4: trade -19991 was before the recording: left out"]


CHECKED = okx("snapshot", 7, -1, [["99", "1"]], [["101", "2"]]).replace('"checksum": 0', '"checksum": 5')
CHECKED += okx("update", 9, 7, [["100", "3"]], []).replace('"checksum": 0', '"checksum": 5')


def test_a_wrong_checksum_is_a_gap(tmp_path: Path) -> None:
    market = import_one(write(tmp_path / "o.ws", CHECKED), "capture", tmp_path / "set", venue="okx")
    assert market.quality.gaps == 1
    assert market.quality.places == [f"{tmp_path}/o.ws, row 2: gap: wrong checksum at update 9"]


# format, venue, content, what is said
BAD = [
    ("bitstamp", "bitstamp", f"{MS} order_moved {{}}\n", "row 1: is no event of Bitstamp's: '"),
    ("bitstamp", "bitstamp", bitstamp(*BITSTAMP)[:-30], "row 6: is no trade: Input data was truncated; is it cut off"),
    ("bitstamp", "bitstamp", bitstamp((0, "order_book", {})), "row 1: is no order_book: Object missing required"),
    (
        *("bitstamp", "bitstamp", bitstamp((0, "order_created", order(1, 2, "1", "1")))),
        "row 1: is no order_created: Expected `int` <= 1",
    ),
    (
        *("bitstamp", "bitstamp", bitstamp(*BEGUN, (1, "order_created", order(1, 1, "NaN", "1")))),
        "row 2: 'NaN' is not a finite number",
    ),
    ("bitstamp", "bitstamp", bitstamp(*BEGUN).replace(str(MS), "soon"), "row 1: 'soon' is not a time"),
    ("hyperliquid", "hyperliquid", HYPERLIQUID[:-20], "row 7: is no frame of Hyperliquid's: "),
    ("hyperliquid", "hyperliquid", hyperliquid(levels(0, "1", "2"), trades(2, "C")), "row 2: 'C' is neither B nor A"),
    ("hyperliquid", "hyperliquid", hyperliquid(levels(0, "1", "2", "ETH")), "held nothing of this market after 1 rows"),
    ("bybit", "bybit", BYBIT[:-20], "row 2: is no message of an order book: Input data was truncated"),
    ("bybit", "bybit", bybit("sudden", 1, [], []), "row 1: is of type 'sudden', neither snapshot nor delta"),
    (
        "bybit",
        "bybit",
        bybit("snapshot", 1, [["1", "1"]], [], late=MS * 2),
        "row 1: 5100019200001000 µs since",
    ),
    ("bybit", "bybit", bybit("delta", 1, [], [], "ETHUSDT"), "row 1: is about orderbook.500.ETHUSDT, not about the"),
    ("coinbase", "coinbase", COINBASE.replace("'buy', '100'", "'bid', '100'"), "row 5: 'bid' is neither buy nor sell"),
    ("coinbase", "coinbase", COINBASE.replace("41.0", "41.5"), "row 6: is no message of Coinbase's: Expected `int`"),
    ("coinbase", "coinbase", COINBASE[:-30], "row 8: has 11 columns instead of 13; is the file cut off here?"),
    ("coinbase", "coinbase", "a,b\n1,2\n", "row 1: these are not the fields of Coinbase's messages: a, b"),
    ("coinbase", "coinbase", COINBASE.replace("000200Z", "0002OOZ"), "row 5: '2023-11-15T00:00:00.0002OOZ' is not"),
    ("binance", "binance", T_DEPTH.replace("a,snap", "x,snap"), "row 4: 'x' is neither b nor a"),
    ("binance", "binance", T_DEPTH.replace(",set,98", ",reset,98"), "row 6: 'reset' is neither snap nor set"),
    ("binance", "binance", T_DEPTH.replace(",snap,99,1", ",snap,99,1e31"), "row 2: '1e31' has more than 30 digits"),
    ("binance", "binance", T_DEPTH.replace(",snap,99,1", ",snap,99,1e30"), "is too large for steps of 1"),
    ("binance", "binance", T_DEPTH.replace(str(MS), "4" * 16), "row 5: '4444444444444444' is not a time from 1970 to"),
    ("capture", "okx", OKX[:-10], "row 5: Input data was truncated"),
    ("capture", "okx", okx("snapshot", 7, -1, [["1", "x"]], []), "row 1: 'x' is not a plain number"),
    ("capture", "okx", OKX.replace(str(MS + 7), "9" * 15), "row 4: is of a time 998299993600.0 s after its receipt"),
    ("capture", "gate", GATE.replace('"U"', '"V"'), "row 6: Object missing required field `U`"),
]


@pytest.mark.parametrize(("form", "venue", "text", "message"), BAD, ids=[f"{row[1]}-{n}" for n, row in enumerate(BAD)])
def test_what_cannot_be_read_is_said_with_its_row(
    tmp_path: Path, form: str, venue: str, text: str, message: str
) -> None:
    path = write(tmp_path / ("x.csv" if "," in text.partition("\n")[0][:9] else "x.raw"), text)
    with pytest.raises(TickwrightError) as caught:
        import_one(path, form, tmp_path / "set", venue=venue)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "set" / "dataset.yml").exists()


LOT = Decimal("0.00000001")
DAMAGED = [
    *((name, form, venue, text) for name, form, venue, text, *_ in GOOD if ".zip" not in name),
    ("a.raw", "capture", "binance", "".join(capture_lines(2, 4))),
]


@pytest.mark.parametrize(("name", "form", "venue", "text"), DAMAGED, ids=[f"{row[2]}-{row[0]}" for row in DAMAGED])
def test_a_damaged_file_imports_or_is_named(tmp_path: Path, name: str, form: str, venue: str, text: str) -> None:
    """Cut anywhere, or a few bytes changed: either there are rows that pass the check, or one error with the file."""
    chance = Random(f"damage:{name}")
    path = write(tmp_path / name.partition(".")[0] / "x", "")
    path = path.with_name(name.removesuffix(".gz").removesuffix(".xz"))
    data = text.encode()
    said = 0
    for turn in range(60):
        mutant = bytearray(data[: chance.randrange(len(data))] if turn % 2 else data)
        for _ in range(turn % 3):
            if mutant:
                mutant[chance.randrange(len(mutant))] = chance.choice(b'0123456789.,:"[]{}-eE \n\x00\xff')
        path.write_bytes(mutant)
        folder = tmp_path / str(turn)
        problem = ""
        try:
            import_one(path, form, folder, symbol_of(name), venue=venue, price_step=Decimal(1), quantity_step=LOT)
        except TickwrightError as error:
            problem = str(error)
        said += bool(problem)
        assert str(path) in problem or list(check_dataset(Dataset.open(folder))) == []
    assert said > 5
