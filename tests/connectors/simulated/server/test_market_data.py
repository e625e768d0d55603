"""Public questions: what they answer on a small book, and what they refuse."""

from typing import Any

import pytest

from engine.model.enums import Side
from tests.connectors.simulated.server.venues import START_US, Site, serving

NOW = START_US // 1000
MINUTE = 1_699_999_980_000  # the minute that START_US is in
BTCUSDT = {"symbol": "BTCUSDT"}
TRADE = {
    "id": 1,
    "price": "100.00000000",
    "qty": "1.00000000",
    "quoteQty": "100.00000000",
    "time": NOW,
    "isBuyerMaker": False,
    "isBestMatch": True,
}
TOUCH = {
    "symbol": "BTCUSDT",
    "bidPrice": "99.00000000",
    "bidQty": "1.00000000",
    "askPrice": "101.00000000",
    "askQty": "1.00000000",
}
NO_TOUCH = {"symbol": "ETHUSDT"} | dict.fromkeys(("bidPrice", "bidQty", "askPrice", "askQty"), "0.00000000")
BAR = [MINUTE, "100.00000000", "100.00000000", "100.00000000", "100.00000000", "1.00000000", MINUTE + 59_999]
BAR += ["100.00000000", 1, "1.00000000", "100.00000000", "0"]
DEPTH = {"lastUpdateId": 2, "bids": [["99.00000000", "1.00000000"]], "asks": [["101.00000000", "1.00000000"]]}
JOINED = {"a": 1, "p": "100.00000000", "q": "1.00000000", "f": 1, "l": 1, "T": NOW, "m": False, "M": True}
ANSWERS: list[tuple[str, dict[str, Any], Any]] = [
    ("ping", {}, {}),
    ("time", {}, {"serverTime": NOW}),
    ("depth", BTCUSDT, DEPTH),
    ("trades", BTCUSDT, [TRADE]),
    ("historicalTrades", BTCUSDT | {"fromId": 1}, [TRADE]),
    ("historicalTrades", BTCUSDT | {"fromId": 2}, []),
    ("aggTrades", BTCUSDT, [JOINED]),
    ("aggTrades", BTCUSDT | {"startTime": NOW, "endTime": NOW}, [JOINED]),
    ("aggTrades", BTCUSDT | {"startTime": NOW + 1}, []),
    ("klines", BTCUSDT | {"interval": "1m"}, [BAR]),
    ("uiKlines", BTCUSDT | {"interval": "1m", "startTime": MINUTE}, [BAR]),
    ("klines", BTCUSDT | {"interval": "1m", "startTime": MINUTE + 1}, []),
    ("klines", {"symbol": "ETHUSDT", "interval": "1M"}, []),
    ("avgPrice", BTCUSDT, {"mins": 5, "price": "100.00000000", "closeTime": NOW}),
    ("ticker/price", BTCUSDT, {"symbol": "BTCUSDT", "price": "100.00000000"}),
    ("ticker/price", {"symbols": '["BTCUSDT"]'}, [{"symbol": "BTCUSDT", "price": "100.00000000"}]),
    ("ticker/bookTicker", {}, [TOUCH, NO_TOUCH]),
]
REFUSALS: list[tuple[str, dict[str, Any], tuple[int, int, str]]] = [
    ("depth", {}, (400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")),
    ("depth", {"symbol": "btcusdt"}, (400, -1100, "Illegal characters found in parameter 'symbol'; legal range is")),
    ("depth", {"symbol": "XRPUSDT"}, (400, -1121, "Invalid symbol.")),
    ("depth", BTCUSDT | {"limit": 0}, (400, -1130, "Invalid data sent for parameter 'limit'.")),
    ("depth", BTCUSDT | {"limit": ""}, (400, -1105, "Parameter 'limit' was empty.")),
    ("klines", BTCUSDT | {"interval": "2m"}, (400, -1120, "Invalid interval.")),
    ("ticker/price", BTCUSDT | {"symbols": "[]"}, (400, -1128, "Combination of optional parameters invalid.")),
    ("ticker/price", {"symbols": "BTCUSDT"}, (400, -1130, "Invalid data sent for parameter 'symbols'.")),
    ("ticker/24hr", {"type": "HALF"}, (400, -1130, "Invalid data sent for parameter 'type'.")),
    ("aggTrades", BTCUSDT | {"fromId": 1, "startTime": 1}, (400, -1128, "Combination of optional parameters")),
]
WEIGHTS = [
    ("ping", {}, 1),
    ("exchangeInfo", {}, 20),
    ("depth", BTCUSDT, 5),
    ("depth", BTCUSDT | {"limit": 101}, 25),
    ("depth", BTCUSDT | {"limit": 1000}, 50),
    ("depth", BTCUSDT | {"limit": 9999}, 250),
    ("trades", BTCUSDT, 25),
    ("aggTrades", BTCUSDT, 4),
    ("klines", BTCUSDT | {"interval": "1m"}, 2),
    ("ticker/24hr", BTCUSDT, 2),
    ("ticker/24hr", {}, 80),
    ("ticker/price", {}, 4),
]


async def test_answers() -> None:
    async with serving() as site:
        for path, params, expected in ANSWERS:
            answer = await site.get(path, **params)
            assert (answer.status, answer.body) == (200, expected), path


async def test_refusals() -> None:
    async with serving() as site:
        for path, params, (status, code, text) in REFUSALS:
            error = (await site.get(path, **params)).error
            assert error[:2] == (status, code), path
            assert error[2].startswith(text), path


async def test_weights() -> None:
    async with serving() as site:
        used = 0
        for path, params, weight in WEIGHTS:
            used += weight
            assert (await site.get(path, **params)).headers["X-MBX-USED-WEIGHT-1M"] == str(used), path


async def test_exchange_info() -> None:
    async with serving() as site:
        info = (await site.get("exchangeInfo")).body
        assert [symbol["symbol"] for symbol in info["symbols"]] == ["BTCUSDT", "ETHUSDT"]
        symbol = (await site.get("exchangeInfo", symbol="BTCUSDT")).body["symbols"][0]
        filters = {each["filterType"]: each for each in symbol["filters"]}
        assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
        assert filters["LOT_SIZE"]["stepSize"] == "0.00100000"
        assert filters["NOTIONAL"]["minNotional"] == "5.00000000"
        assert (symbol["status"], symbol["permissionSets"]) == ("TRADING", [["SPOT"]])
        site.world.exchange.halt("sim:BTC-USDT")
        assert (await site.get("exchangeInfo", symbol="BTCUSDT")).body["symbols"][0]["status"] == "HALT"


async def test_day_ticker() -> None:
    async with serving() as site:
        site.pass_time(61_000_000)
        site.engine.take(Side.BUY, 500)
        site.server.tick()
        full = (await site.get("ticker/24hr", symbol="BTCUSDT")).body
        assert (full["priceChange"], full["priceChangePercent"]) == ("1.00000000", "1.000")
        assert (full["volume"], full["quoteVolume"]) == ("1.50000000", "150.50000000")
        assert (full["firstId"], full["lastId"], full["count"]) == (1, 2, 2)
        mini = (await site.get("ticker/24hr", symbol="BTCUSDT", type="MINI")).body
        assert {name: full[name] for name in mini} == mini
        only_full = {"prevClosePrice", "priceChange", "priceChangePercent", "weightedAvgPrice", "lastQty"}
        assert full.keys() - mini.keys() == only_full | {"askPrice", "askQty", "bidPrice", "bidQty"}
        empty = (await site.get("ticker/24hr", symbol="ETHUSDT")).body
        assert (empty["lastPrice"], empty["count"]) == ("0.00000000", 0)


async def test_candles_without_trades_repeat_the_last_close() -> None:
    async with serving() as site:
        site.pass_time(180_000_000)
        bars = (await site.get("klines", symbol="BTCUSDT", interval="1m")).body
        assert [(bar[0] - MINUTE, bar[4], bar[8]) for bar in bars] == [
            (0, "100.00000000", 1),
            (60_000, "100.00000000", 0),
            (120_000, "100.00000000", 0),
            (180_000, "100.00000000", 0),
        ]
        assert (await site.get("klines", symbol="BTCUSDT", interval="1m", limit=1)).body == bars[-1:]
        assert (await site.get("klines", symbol="BTCUSDT", interval="1m", startTime=MINUTE, limit=2)).body == bars[:2]
        assert (await site.get("klines", symbol="BTCUSDT", interval="1m", endTime=MINUTE + 60_000)).body == bars[:2]
        for interval, opened in (("1d", 1_699_920_000), ("1w", 1_699_833_600), ("1M", 1_698_796_800)):
            (bar,) = (await site.get("klines", symbol="BTCUSDT", interval=interval)).body
            assert bar[0] == opened * 1000, interval
        seconds = (await site.get("klines", symbol="BTCUSDT", interval="1s")).body
        assert len(seconds) == 181


async def test_joined_trades() -> None:
    """One taker over two makers at one price is one row; another price is another."""
    async with serving() as site:
        site.engine.add(Side.SELL, 10_100, 1_000)
        site.engine.add(Side.SELL, 10_200, 1_000)
        site.engine.take(Side.BUY, 2_500)
        site.server.tick()
        rows = (await site.get("aggTrades", symbol="BTCUSDT", fromId=2)).body
        assert [(row["f"], row["l"], row["q"]) for row in rows] == [(2, 3, "2.00000000"), (4, 4, "0.50000000")]


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS"])
async def test_other_methods(method: str) -> None:
    async with serving() as site, site.session.request(method, f"{site.base}/api/v3/time") as response:
        assert response.status == 404


async def test_paths_in_front_and_stubs() -> None:
    async with serving() as site:
        for path in (
            "/public/api/v3/ping",
            "/sapi/v1/system/status",
            "/fapi/v1/exchangeInfo",
            "/sapi/v1/asset/tradeFee",
        ):
            async with site.session.get(site.base + path) as response:
                assert response.status == 200, path
        coins = await _json(site, "/sapi/v1/capital/config/getall")
        assert [coin["coin"] for coin in coins] == ["BTC", "USDT", "ETH"]


async def _json(site: Site, path: str) -> Any:
    async with site.session.get(site.base + path) as response:
        return await response.json()
