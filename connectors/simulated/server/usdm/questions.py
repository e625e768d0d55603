"""Public questions that only the futures protocol has."""

from __future__ import annotations

from typing import Any

from connectors.simulated.server.calls import Call
from connectors.simulated.server.market import page
from connectors.simulated.server.usdm.render import Row
from connectors.simulated.server.usdm.world import FutureWorld
from connectors.simulated.server.values import HOUR_US, Moment, money
from engine.model.money import ZERO

ROWS_DEFAULT, ROWS_MAX = 100, 1000


def exchange_info(world: FutureWorld, call: Call) -> Any:
    rows = world.limits.rows()
    return {
        "timezone": "UTC",
        "serverTime": Moment(world.now_us),
        "futuresType": "U_MARGINED",
        "rateLimits": [row for row in rows if row["rateLimitType"] != "RAW_REQUESTS"],
        "exchangeFilters": [],
        "assets": [{"asset": each, "marginAvailable": True, "autoAssetExchange": "0"} for each in world.assets],
        "symbols": [board.symbol.info() for board in world.futures.values()],
    }


def premium_index(world: FutureWorld, call: Call) -> Any:
    """Mark, index and funding of one symbol, or a list of all."""
    rows = [board.premium_row() for board in world.chosen(call.params)]
    return rows[0] if "symbol" in call.params else rows


def funding_rates(world: FutureWorld, call: Call) -> Any:
    """The rates that were paid, oldest first."""
    rows: list[tuple[int, Row]] = []
    for board in world.chosen(call.params):
        for paid in board.future.contract.marks.paid:
            row = {
                "symbol": board.symbol.name,
                "fundingTime": Moment(paid.due_us),
                "fundingRate": money(paid.rate),
                "markPrice": money(paid.mark or ZERO),
            }
            rows.append((paid.due_us, row))
    rows.sort(key=lambda row: row[0])
    return [row for _, row in page(rows, lambda row: row[0], call.params, ROWS_DEFAULT, ROWS_MAX, None)]


def funding_info(world: FutureWorld, call: Call) -> Any:
    """What differs from a payment every eight hours at 0.3 % at the most, which is everything here."""
    return [
        {
            "symbol": board.symbol.name,
            "adjustedFundingRateCap": money(board.future.contract.terms.funding_cap),
            "adjustedFundingRateFloor": money(-board.future.contract.terms.funding_cap),
            "fundingIntervalHours": board.future.contract.marks.interval_us // HOUR_US,
            "disclaimer": False,
        }
        for board in world.futures.values()
    ]


def open_interest(world: FutureWorld, call: Call) -> Any:
    """Of everybody here: the longs' contracts, which are the shorts' too."""
    board = world.future(call.params)
    held = (each.quantity for each in board.future.contract.positions.values())
    longs = sum((quantity for quantity in held if quantity > 0), ZERO)
    return {"symbol": board.symbol.name, "openInterest": money(longs), "time": Moment(world.now_us)}
