"""Answers and news about perpetuals have the fields that recorded ones have, and each is told as text where they are.

The recordings are read from the shared data folder.
"""

import gzip
import json
from collections.abc import Iterator
from typing import Any

from tests.connectors.simulated.server.gate.test_futures import NAME, ROOT
from tests.connectors.simulated.server.gate.test_futures import trade as trade_at_gate
from tests.connectors.simulated.server.gate.venues import serving as serving_gate
from tests.connectors.simulated.server.okx.test_swaps import trade as trade_at_okx
from tests.connectors.simulated.server.okx.venues import serving as serving_okx
from tests.connectors.simulated.server.venues import with_perpetual
from tests.support import shared

HOURS_8_US = 8 * 3_600_000_000
OKX_SWAP = "instId=BTC-USDT-SWAP"
OKX = {
    "account/positions": "",
    "account/bills": "",
    "account/balance": "",
    "account/leverage-info": f"?{OKX_SWAP}&mgnMode=cross",
    "public/instruments": "?instType=SWAP",
    "public/mark-price": "?instType=SWAP",
    "public/funding-rate": f"?{OKX_SWAP}",
    "public/funding-rate-history": f"?{OKX_SWAP}",
    "public/position-tiers": "?instType=SWAP&tdMode=cross&instFamily=BTC-USDT",
    "market/tickers": "?instType=SWAP",
    "trade/orders-pending": "",
    "trade/fills": "",
}
GATE = {
    "accounts": "",
    "account_book": "",
    "contracts": "",
    "tickers": "",
    "order_book": f"contract={NAME}&with_id=true",
    "trades": f"contract={NAME}",
    "candlesticks": f"contract={NAME}",
    "funding_rate": f"contract={NAME}",
    "risk_limit_tiers": "",
    "orders": "status=finished",
    "positions": "",
    "my_trades": "",
}
CHANNELS = {
    **dict.fromkeys(("orders", "usertrades", "positions", "balances"), ("1", "!all")),
    **dict.fromkeys(("trades", "tickers", "book_ticker"), (NAME,)),
    "candlesticks": ("1m", NAME),
}
LEFT_OUT = {  # of options, loans, conditional orders, other people, and sums that nobody needs here
    *("adl", "borrowFroz", "closeOrderAlgo", "attachAlgoOrds", "source", "quickMgnType", "isTpLimit", "lever"),
    *("uplLastPx", "uplRatioLastPx", "pendingCloseOrdLiabVal", "bizRefId", "bizRefType", "ccy", "feeRate"),
    *("maxIcebergSz", "maxLmtAmt", "maxMktAmt", "maxStopSz", "maxTriggerSz", "maxTwapSz", "posBal", "posBalChg"),
    *("enable_evolved_classic", "short_users", "long_users", "config_change_time", "trade_size", "volume_24h_btc"),
    *("enable_bonus", "enable_credit", "funding_cap_ratio", "is_internal"),
}
PARTS_LEFT_OUT = ("delta", "gamma", "theta", "vega", "Vol", "Fwd", "Usd", "IdxPx", "MarkPx", "algo", "Algo", "tp", "sl")
PARTS_LEFT_OUT += ("stp", "base", "quote", "SpotInUse", "pxType")
SIZES = {  # numbers here; texts for clients that ask for parts of contracts
    *("size", "left", "iceberg", "close_size", "v", "B", "A", "order_size_min", "order_size_max", "position_size"),
}


def recorded(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(shared(f"data/payloads/{name}.jsonl.gz"), "rt") as lines:
        yield from map(json.loads, lines)


def compare(what: str, expected: Any, found: Any) -> None:
    """Of lists the first rows."""
    want, row = (each[0] if isinstance(each, list) else each for each in (expected, found))
    missing = {name for name in want if name not in row} - LEFT_OUT
    assert {name for name in missing if not any(part in name for part in PARTS_LEFT_OUT)} == set(), what
    texts = {name for name, value in want.items() if isinstance(value, str) and value and name in row}
    others = {name for name in texts if not isinstance(row[name], str)}
    assert others <= SIZES, what


async def test_okx() -> None:
    samples = {each["path"]: each["response"]["data"] for each in recorded("jkorf_okx") if each.get("method") == "GET"}
    async with serving_okx(make=with_perpetual) as site:
        await trade_at_okx(site, "sell", "4", "100.5", by="bob")
        await trade_at_okx(site, "buy", "4")
        await trade_at_okx(site, "buy", "1", "95")
        site.pass_time(HOURS_8_US)
        for path, query in OKX.items():
            compare(path, samples[f"/api/v5/{path}"], await site.rows(path + query))


async def test_gate() -> None:
    found = list(recorded("jkorf_gate"))
    samples = {each["path"]: each["response"] for each in found if each.get("method") == "GET"}
    frames = [frame.get("json", {}) for row in found for frame in row.get("frames", ())]
    news = {each["channel"]: each["result"] for each in frames if each.get("event") == "update"}
    async with serving_gate(make=with_perpetual) as site, site.socket("/v4/ws/usdt") as socket:
        for channel, payload in CHANNELS.items():
            await socket.subscribe(f"futures.{channel}", *payload, by="alice")
        await trade_at_gate(site, -4, "100.5", by="bob")
        await trade_at_gate(site, 4)
        site.pass_time(HOURS_8_US)
        heard: dict[str, Any] = {}
        while len(heard) < len(CHANNELS):
            event = await socket.next()
            heard[event["channel"]] = event["result"]
        for channel, result in heard.items():
            compare(channel, news[channel], result)
        for path, query in GATE.items():
            answer = await site.signed("GET", f"{ROOT}/{path}", query)
            compare(path, samples[f"/api/v4/{ROOT}/{path}"], answer.body)
