"""How much a client may ask and order: request weight per address, unfilled orders per account, bans.

Intervals are aligned to the clock: the minute, :00, :10 …, the UTC day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.simulated.server.errors import (
    BANNED,
    TOO_MANY_CONNECTIONS,
    TOO_MANY_ORDERS,
    TOO_MUCH_WEIGHT,
    ApiError,
)
from connectors.simulated.server.values import DAY_US, MINUTE_US, SECOND_US

BAN_AFTER = 10  # requests that ignore a 429
BAN_US, BAN_MAX_US = 2 * MINUTE_US, 3 * DAY_US
UNITS = {"SECOND": SECOND_US, "MINUTE": MINUTE_US, "DAY": DAY_US}
MAKER_BONUS = 5  # by how much a first fill as maker lowers the count of unfilled orders; as taker 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed."""

    request_weight_1m: int = 6000
    raw_requests_5m: int = 300_000
    orders_10s: int = 100
    orders_1d: int = 200_000
    connections_5m: int = 300
    messages_1s: int = 5
    streams: int = 1024

    def rows(self) -> list[dict[str, Any]]:
        """As in exchangeInfo."""
        return [
            limit_row("REQUEST_WEIGHT", "MINUTE", 1, self.request_weight_1m),
            *self.order_rows(),
            limit_row("RAW_REQUESTS", "MINUTE", 5, self.raw_requests_5m),
        ]

    def order_rows(self) -> list[dict[str, Any]]:
        return [limit_row("ORDERS", "SECOND", 10, self.orders_10s), limit_row("ORDERS", "DAY", 1, self.orders_1d)]


def limit_row(kind: str, interval: str, count: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}


class Window:
    """A count that starts again with every interval."""

    __slots__ = ("_interval_us", "_number", "count")

    def __init__(self, interval_us: int) -> None:
        self._interval_us = interval_us
        self._number = 0
        self.count = 0

    def at(self, now_us: int) -> int:
        """The count in the interval of `now_us`."""
        number = now_us // self._interval_us
        if number != self._number:
            self._number, self.count = number, 0
        return self.count

    def add(self, now_us: int, count: int) -> None:
        self.count = max(0, self.at(now_us) + count)

    def end_us(self, now_us: int) -> int:
        """When the interval of `now_us` ends."""
        return (now_us // self._interval_us + 1) * self._interval_us


class Address:
    """What one client address has used. After `BAN_AFTER` requests in spite of a 429 it is banned, each time longer."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.weight = Window(MINUTE_US)
        self.requests = Window(5 * MINUTE_US)
        self.connections = Window(5 * MINUTE_US)
        self._defied = 0
        self._wait_until_us = 0
        self._banned_until_us = 0
        self._ban_us = BAN_US

    def check_ban(self, now_us: int) -> None:
        if now_us < self._banned_until_us:
            raise ApiError(BANNED, self._banned_until_us // 1000, retry_after_us=self._banned_until_us)

    def charge(self, now_us: int, weight: int) -> None:
        """Count one request of this weight; refuse it if that is too much."""
        self.check_ban(now_us)
        self.requests.add(now_us, 1)
        self.weight.add(now_us, weight)
        for window, limit, interval in (
            (self.weight, self._limits.request_weight_1m, "1 MINUTE"),
            (self.requests, self._limits.raw_requests_5m, "5 MINUTE"),
        ):
            if window.count > limit:
                self._defy(now_us, window.end_us(now_us))
                raise ApiError(TOO_MUCH_WEIGHT, limit, interval, retry_after_us=window.end_us(now_us))

    def connect(self, now_us: int) -> None:
        """Count a WebSocket connection."""
        self.check_ban(now_us)
        self.connections.add(now_us, 1)
        if self.connections.count > self._limits.connections_5m:
            end_us = self.connections.end_us(now_us)
            raise ApiError(TOO_MANY_CONNECTIONS, self._limits.connections_5m, "5 MINUTE", retry_after_us=end_us)

    def _defy(self, now_us: int, end_us: int) -> None:
        if end_us != self._wait_until_us:
            self._wait_until_us, self._defied = end_us, 0
        self._defied += 1
        if self._defied > BAN_AFTER:
            self._banned_until_us = now_us + self._ban_us
            self._ban_us = min(2 * self._ban_us, BAN_MAX_US)
            self._defied = 0
            self.check_ban(now_us)


class OrderCount:
    """How many orders an account has placed that have not traded yet."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.windows = [Window(UNITS[row["interval"]] * row["intervalNum"]) for row in limits.order_rows()]

    def check(self, now_us: int, orders: int) -> None:
        """Refuse `orders` more if that is too many."""
        for window, row in zip(self.windows, self._limits.order_rows(), strict=True):
            if window.at(now_us) + orders > row["limit"]:
                interval = f"{row['intervalNum']} {row['interval']}"
                raise ApiError(TOO_MANY_ORDERS, row["limit"], interval, retry_after_us=window.end_us(now_us))

    def add(self, now_us: int, orders: int) -> None:
        for window in self.windows:
            window.add(now_us, orders)

    def first_fill(self, now_us: int, maker: bool) -> None:
        """An order has traded for the first time."""
        self.add(now_us, -MAKER_BONUS if maker else -1)

    def rows(self, now_us: int) -> list[dict[str, Any]]:
        """The limits with the counts."""
        rows = self._limits.order_rows()
        return [row | {"count": window.at(now_us)} for row, window in zip(rows, self.windows, strict=True)]
