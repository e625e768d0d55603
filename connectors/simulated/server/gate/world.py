"""What the protocol works on: the exchange with its markets, the boards, the orders, keys and limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.simulated.market import Market
from connectors.simulated.server.gate.board import Board, frame
from connectors.simulated.server.gate.entries import Entries, order_event, trade_event
from connectors.simulated.server.gate.errors import BAD_PAIR, TOO_MANY_REQUESTS, GateError
from connectors.simulated.server.gate.keys import Keys
from connectors.simulated.server.gate.values import milliseconds, money, seconds
from connectors.simulated.server.limits import Window
from connectors.simulated.server.stage import Stage
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, Report
from engine.model.account import Balance
from engine.model.money import ZERO

PRIVATE = ("spot.orders", "spot.usertrades", "spot.balances")


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Requests per interval: orders and amends of an account on a market in a second, and so on."""

    orders_1s: int = 10
    cancels_1s: int = 200
    private_10s: int = 200
    public_10s: int = 200


class GateWorld(Stage):
    def __init__(
        self,
        exchange: SimulatedExchange,
        markets: Sequence[Market],
        now_us: Callable[[], int],
        limits: GateLimits | None = None,
    ) -> None:
        super().__init__(exchange, markets, now_us)
        self.limits = limits or GateLimits()
        self.keys = Keys()
        self.entries = Entries()
        boards = [Board(listing, self.hub) for listing in exchange.listings.values()]
        self.boards: dict[str, Board] = {board.name: board for board in boards}
        self._pairs = {board.listing.instrument.instrument_id: board for board in boards}
        instruments = [board.listing.instrument for board in boards]
        self.assets = tuple(dict.fromkeys(asset for each in instruments for asset in (each.base, each.quote)))
        self._windows: dict[tuple[str, str], Window] = {}
        self._waiting: list[tuple[str, Any]] = []
        self._balances: dict[tuple[int, str], Balance] = {}  # as they were told

    # --- who and what

    def board(self, pair: str) -> Board:
        if pair not in self.boards:
            raise GateError(BAD_PAIR)
        return self.boards[pair]

    def charge(self, who: str, what: str, limit: int, interval_us: int) -> tuple[int, int]:
        """Count a request; (how many are left, when the interval ends). Raises GateError if there are too many."""
        window = self._windows.setdefault((who, what), Window(interval_us))
        window.add(self.now_us, 1)
        if window.count > limit:
            raise GateError(TOO_MANY_REQUESTS)
        return limit - window.count, window.end_us(self.now_us)

    # --- telling

    def commit(self) -> None:
        for report in self.exchange.drain_reports():
            self._report(report)
        accounts = {account.number: account for account in self.exchange.accounts.values()}
        for number, asset in self.exchange.drain_touched():
            if number in accounts:
                self._tell_balance(accounts[number], asset)
        for board in self.boards.values():
            board.publish(self.now_us)

    def deliver(self) -> None:
        waiting, self._waiting = self._waiting, []
        for stream, payload in waiting:
            self.hub.emit(stream, payload)

    # --- the parts

    def _tell(self, channel: str, account: int, row: dict[str, Any]) -> None:
        stream = f"{channel} {account}"
        if self.hub.wants(stream):
            self._waiting.append((stream, frame(channel, self.now_us, [row])))

    def _report(self, report: Report) -> None:
        entry = self.entries.of(report.order.venue_order_id)
        if entry is None:
            return
        number = report.order.account.number
        if report.fill is not None:
            entry.fee += report.fill.fee
            self._tell("spot.usertrades", number, trade_event(entry, report.fill))
        self._tell("spot.orders", number, order_event(entry, report.state))

    def _tell_balance(self, account: Account, asset: str) -> None:
        new = self.exchange.balance(account, asset)
        old = self._balances.get((account.number, asset))
        self._balances[account.number, asset] = new
        locked = new.total - new.free
        row = {
            "timestamp": str(seconds(self.now_us)),
            "timestamp_ms": str(milliseconds(self.now_us)),
            "user": str(account.number),
            "currency": asset,
            "change": money(new.total - (old.total if old else ZERO)),
            "total": money(new.total),
            "available": money(new.free),
            "freeze": money(locked),
            "freeze_change": money(locked - (old.total - old.free if old else ZERO)),
            "change_type": "order-update",
        }
        self._tell("spot.balances", account.number, row)
