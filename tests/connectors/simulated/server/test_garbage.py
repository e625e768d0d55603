"""Whatever is sent, the answer is a documented error, and the venue's books stay right."""

import json
from random import Random
from typing import Any

import pytest

from connectors.simulated.server.limits import Limits
from connectors.simulated.server.operations import BY_METHOD, BY_PATH
from tests.connectors.simulated.server.venues import serving

PLENTY = Limits(request_weight_1m=10**9, orders_10s=10**9, messages_1s=0)
NAMES = [
    *("symbol", "symbols", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "stopPrice", "newQty"),
    *("icebergQty", "trailingDelta", "newClientOrderId", "orderId", "origClientOrderId", "limit", "startTime"),
    *("endTime", "fromId", "interval", "recvWindow", "newOrderRespType", "cancelReplaceMode", "cancelOrderId"),
    *("aboveType", "abovePrice", "aboveStopPrice", "belowType", "belowPrice", "belowStopPrice", "orderListId"),
    *("listClientOrderId", "aboveClientOrderId", "belowTimeInForce", "stopLimitPrice"),
    *("workingType", "workingSide", "workingPrice", "workingQuantity", "workingTimeInForce", "pendingType"),
    *("pendingSide", "pendingQuantity", "pendingPrice", "pendingAboveType", "pendingAbovePrice", "pendingBelowType"),
    *(
        "pendingBelowStopPrice",
        "strategyId",
        "strategyType",
        "selfTradePreventionMode",
        "omitZeroBalances",
        "cancelRestrictions",
    ),
]
GOOD = ["BTCUSDT", "BUY", "SELL", "LIMIT", "MARKET", "STOP_LOSS_LIMIT", "GTC", "IOC", "1", "0.5", "100", "99.5", "1M"]
GOOD += [
    "LIMIT_MAKER",
    "90",
    "110",
    "2",
    "3",
    "4",
    "5",
    "100.5",
    "STOP_ON_FAILURE",
    "FULL",
    "1000",
    "1700000005000",
    '["BTCUSDT"]',
]
BAD = [
    "",
    "0",
    "-1",
    "1e5",
    "NaN",
    "inf",
    "9" * 20,
    "9" * 1500,
    "0." + "1" * 20,
    "\n",
    "1\n",
    "ä",
    "\x00",
    "[" * 500,
    "١",
]
START = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "99.5"}


def mutated(chance: Random) -> dict[str, str]:
    """An order with some parameters changed, left out or added."""
    params = dict(START)
    for _ in range(chance.randrange(5)):
        name = chance.choice(NAMES)
        if chance.random() < 0.2:
            params.pop(name, None)
        else:
            params[name] = chance.choice(BAD if chance.random() < 0.3 else GOOD)
    return params


@pytest.mark.parametrize("seed", range(3))
async def test_requests(seed: int) -> None:
    chance = Random(f"garbage:{seed}")
    paths = sorted(BY_PATH)
    async with serving(PLENTY) as site:
        ledger = site.world.exchange.ledger
        paid_in = {asset: ledger.sum(asset) for asset in ("BTC", "USDT")}
        statuses = set()
        for _ in range(150):
            method, path = chance.choice(paths)
            answer = await site.signed(method, path, chance.choice(["alice", "bob"]), **mutated(chance))
            statuses.add(answer.status)
            assert answer.status in (200, 400, 409, 410), (method, path, answer.body)
        assert {200, 400} <= statuses
        assert {asset: ledger.sum(asset) for asset in paid_in} == paid_in


FRAMES: list[Any] = [
    *(
        "",
        "{",
        "null",
        "[[]]",
        "1",
        '"x"',
        "[" * 50_000,
        '{"id": [], "method": "time"}',
    ),
    *('{"method": []}', '{"method": {}, "params": []}', '{"id": "\\ud800"}', '{"id": 99999999999999999999999}'),
    '{"id": 1, "method": "SUBSCRIBE", "params": [[]]}',
    '{"id": 1, "method": "depth", "params": {"symbol": ["BTCUSDT"], "limit": 1e400}}',
    '{"id": 1, "method": "depth", "params": {"symbol": null}}',
]


@pytest.mark.parametrize("path", ["/ws", "/ws-api/v3"])
async def test_frames(path: str) -> None:
    async with serving(PLENTY) as site, site.socket(path) as socket:
        for frame in FRAMES:
            await socket.connection.send_str(frame)
            answer = await socket.next()
            assert "error" in answer, frame
        assert (await socket.request({"id": 5, "method": "time"}))["id"] == 5


async def test_methods() -> None:
    chance = Random("methods")
    async with serving(PLENTY) as site, site.socket("/ws-api/v3") as socket:
        for method in sorted(BY_METHOD) * 3:
            params: dict[str, Any] = mutated(chance)
            answer = await socket.call(method, "alice", **params)
            assert answer["status"] in (200, 400, 409), (method, json.dumps(params), answer)
