"""Answers outside the served protocol that clients with default options ask for when they start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.simulated.server.values import money
from connectors.simulated.server.world import World


def _coins(world: World) -> Any:
    return [{"coin": asset, "name": asset, "networkList": []} for asset in world.assets]


def _fees(world: World) -> Any:
    return [
        {
            "symbol": name,
            "makerCommission": money(board.symbol.instrument.maker_rate),
            "takerCommission": money(board.symbol.instrument.taker_rate),
        }
        for name, board in world.boards.items()
    ]


def _empty(world: World) -> Any:
    return []


def _no_symbols(world: World) -> Any:
    return {"symbols": [], "rateLimits": []}


STUBS: dict[str, Callable[[World], Any]] = {
    "/sapi/v1/capital/config/getall": _coins,
    "/sapi/v1/margin/allPairs": _empty,
    "/sapi/v1/margin/isolated/allPairs": _empty,
    "/sapi/v1/spot/delist-schedule": _empty,
    "/sapi/v1/system/status": lambda world: {"status": 0, "msg": "normal"},
    "/sapi/v1/asset/tradeFee": _fees,
    "/fapi/v1/exchangeInfo": _no_symbols,
    "/dapi/v1/exchangeInfo": _no_symbols,
}
