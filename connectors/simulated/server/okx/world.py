"""What the protocol works on: the exchange with its markets, the boards, the orders, keys and limits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.simulated.market import Market
from connectors.simulated.server.okx.board import Board
from connectors.simulated.server.okx.entries import Entries, Entry, order_event
from connectors.simulated.server.okx.errors import BAD_INSTRUMENT, TOO_MANY_ORDERS, TOO_MANY_REQUESTS, Kind, OkxError
from connectors.simulated.server.okx.keys import Keys
from connectors.simulated.server.okx.values import Fields, money, stamp
from connectors.simulated.server.stage import Stage
from connectors.simulated.server.users import Users
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, OrderState
from engine.model.fill import Fill

WINDOW_US = 2_000_000
PLACE, CANCEL, AMEND = "place", "cancel", "amend"
BATCHES = {domain: f"batch {domain}" for domain in (PLACE, CANCEL, AMEND)}


@dataclass(frozen=True, slots=True)
class OkxLimits:
    """Orders in any two seconds: of one kind of request per account and instrument; new ones and amends per account."""

    orders_2s: int = 60
    batches_2s: int = 300
    account_2s: int = 1_000


class OkxWorld(Stage):
    """Private news are (channel, row)."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        markets: Sequence[Market],
        now_us: Callable[[], int],
        limits: OkxLimits | None = None,
    ) -> None:
        super().__init__(exchange, markets, now_us)
        self.limits = limits or OkxLimits()
        self.users = Users()
        self.keys = Keys()
        self.entries = Entries()
        listings = enumerate(exchange.listings.values(), 1)
        self.boards: dict[str, Board] = {
            board.name: board for board in (Board(each, code, self.hub) for code, each in listings)
        }
        self._windows: dict[tuple[int, str], deque[int]] = {}

    # --- who and what

    def board(self, symbol: str) -> Board:
        if symbol not in self.boards:
            raise OkxError(BAD_INSTRUMENT)
        return self.boards[symbol]

    def named(self, fields: Fields) -> Board:
        """The board of `instId`, or of the number `instIdCode` that stands beside it in `public/instruments`."""
        code = fields.whole("instIdCode")
        symbols = {board.code: name for name, board in self.boards.items()}
        return self.board(fields.need("instId") if code is None else symbols.get(code, ""))

    def charge(self, account: Account, domain: str, symbol: str) -> None:
        """Count an order in a request of one kind, over REST or a socket. Raises OkxError if there are too many."""
        limit = self.limits.batches_2s if domain in BATCHES.values() else self.limits.orders_2s
        self._count(account, f"{domain} {symbol}", limit, TOO_MANY_REQUESTS)
        if domain not in (CANCEL, BATCHES[CANCEL]):
            self._count(account, "", self.limits.account_2s, TOO_MANY_ORDERS)

    # --- telling

    def commit(self) -> None:
        for report in self.exchange.drain_reports():
            if report.fill is not None:
                self.entries.book(report.fill)
            entry = self.entries.of(report.order.venue_order_id)
            if entry is not None:
                self.tell_order(entry, report.state, report.fill)
        touched: dict[int, list[str]] = {}
        for number, asset in self.exchange.drain_touched():
            touched.setdefault(number, []).append(asset)
        for account in self.exchange.accounts.values():
            if account.number in touched:
                self.users.tell(account.number, ("account", self.balances(account, touched[account.number])))
        for board in self.boards.values():
            board.publish(self.now_us)

    def deliver(self) -> None:
        self.users.deliver()

    def tell_order(self, entry: Entry, state: OrderState, fill: Fill | None) -> None:
        self.users.tell(entry.order.account.number, ("orders", order_event(entry, state, fill)))

    def balances(self, account: Account, assets: Sequence[str]) -> dict[str, Any]:
        """The row of `account/balance` with these assets."""
        rows = []
        for balance in (self.exchange.balance(account, asset) for asset in assets):
            total, free = money(balance.total), money(balance.free)
            frozen = money(balance.total - balance.free)
            same = dict.fromkeys(("cashBal", "eq", "disEq", "eqUsd"), total) | dict.fromkeys(
                ("availBal", "availEq"), free
            )
            rows.append(
                {"ccy": balance.asset, "uTime": stamp(self.now_us), **same}
                | {"frozenBal": frozen, "ordFrozen": frozen}
                | dict.fromkeys(("liab", "upl", "interest", "crossLiab"), "0")
            )
        return {"uTime": stamp(self.now_us), "totalEq": "", "details": rows}

    # --- the parts

    def _count(self, account: Account, what: str, limit: int, kind: Kind) -> None:
        window = self._windows.setdefault((account.number, what), deque())
        while window and window[0] <= self.now_us - WINDOW_US:
            window.popleft()
        if len(window) >= limit:
            raise OkxError(kind)
        window.append(self.now_us)
