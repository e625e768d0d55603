"""What the protocol works on: the exchange with its markets, the boards, the orders, keys and limits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.simulated.contract import Contract
from connectors.simulated.margin import Payment
from connectors.simulated.market import Market
from connectors.simulated.server.okx.board import Board
from connectors.simulated.server.okx.entries import Entries, Entry, order_event
from connectors.simulated.server.okx.errors import BAD_INSTRUMENT, TOO_MANY_ORDERS, TOO_MANY_REQUESTS, Kind, OkxError
from connectors.simulated.server.okx.keys import Keys
from connectors.simulated.server.okx.positions import position_row
from connectors.simulated.server.okx.values import Fields, money, stamp
from connectors.simulated.server.stage import Stage
from connectors.simulated.server.users import Users
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, OrderState, VenueOrder
from engine.model.fill import Fill
from engine.model.money import ZERO
from engine.model.order import is_liquidation

WINDOW_US = 2_000_000
PLACE, CANCEL, AMEND = "place", "cancel", "amend"
SUMS = ("totalEq", "adjEq", "isoEq", "ordFroz", "imr", "mmr", "mgnRatio", "notionalUsd", "upl")  # in USD: not here
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
        self.boards = {board.name: board for board in (Board(each, code, self.hub) for code, each in listings)}
        self.faces += self.boards.values()
        self._by_id = {board.listing.instrument.instrument_id: board for board in self.boards.values()}
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

    def contracts(self) -> list[tuple[Board, Contract]]:
        """The perpetuals."""
        return [(board, board.contract) for board in self.boards.values() if board.contract is not None]

    def charge(self, account: Account, domain: str, symbol: str) -> None:
        """Count an order in a request of one kind, over REST or a socket. Raises OkxError if there are too many."""
        limit = self.limits.batches_2s if domain in BATCHES.values() else self.limits.orders_2s
        self._count(account, f"{domain} {symbol}", limit, TOO_MANY_REQUESTS)
        if domain not in (CANCEL, BATCHES[CANCEL]):
            self._count(account, "", self.limits.account_2s, TOO_MANY_ORDERS)

    # --- telling

    def commit(self) -> None:
        moved: dict[tuple[str, str], None] = {}  # positions: account and instrument
        for report in self.exchange.drain_reports():
            fill, account = report.fill, report.order.account
            if is_liquidation(report.order.request.client_order_id):
                self._meet(report.order)
            if fill is not None:
                self.entries.book(fill, self.exchange.ledger.total(account.number, fill.fee_asset))
                moved[account.name, fill.instrument_id] = None
            entry = self.entries.of(report.order.venue_order_id)
            if entry is not None:
                self.tell_order(entry, report.state, fill)
        if self.exchange.margin is not None:
            for payment in self.exchange.margin.drain_payments():
                self._pay(payment)
        touched: dict[int, list[str]] = {}
        for number, asset in self.exchange.drain_touched():
            touched.setdefault(number, []).append(asset)
        for account in self.exchange.accounts.values():
            if account.number in touched:
                self.users.tell(account.number, ("account", self.balances(account, touched[account.number])))
        for name, instrument_id in moved:
            self.tell_position(self.exchange.accounts[name], self._by_id[instrument_id])
        self.publish()

    def deliver(self) -> None:
        self.users.deliver()

    def tell_order(self, entry: Entry, state: OrderState, fill: Fill | None) -> None:
        self.users.tell(entry.order.account.number, ("orders", order_event(entry, state, fill)))

    def tell_position(self, account: Account, board: Board) -> None:
        if board.contract is not None and self.users.is_watched(account.number):
            self.users.tell(account.number, ("positions", self.position(account, board)))

    def position(self, account: Account, board: Board) -> dict[str, Any]:
        return position_row(self.exchange, self.entries, account, board, self.now_us)

    def balances(self, account: Account, assets: Sequence[str]) -> dict[str, Any]:
        """The row of `account/balance` with these assets."""
        rows, number, margin = [], account.number, self.exchange.margin
        for balance in (self.exchange.balance(account, asset) for asset in assets):
            frozen = money(self.exchange.ledger.locked(number, balance.asset))
            profit = ZERO if margin is None else margin.profit(number, balance.asset)
            needed = ZERO if margin is None else margin.maintenance(number, balance.asset)
            equity, free = money(balance.total + profit), money(balance.free)
            rows.append(
                {"ccy": balance.asset, "uTime": stamp(self.now_us), "cashBal": money(balance.total)}
                | dict.fromkeys(("eq", "disEq", "eqUsd"), equity)
                | dict.fromkeys(("availBal", "availEq"), free)
                | {"frozenBal": frozen, "ordFrozen": frozen, "imr": frozen, "mmr": money(needed), "upl": money(profit)}
                | dict.fromkeys(("liab", "interest", "crossLiab"), "0")
            )
        return {"uTime": stamp(self.now_us), "details": rows} | dict.fromkeys(SUMS, "")

    # --- the parts

    def _meet(self, order: VenueOrder) -> None:
        """An order of the venue's own, by which it closes a position."""
        board, request = self._by_id[order.request.instrument_id], order.request
        if board.contract is not None and self.entries.of(order.venue_order_id) is None:
            lever = money(board.contract.leverage(order.account.number))
            entry = Entry(order, board.name, "", "ioc", "", request.quantity, "", board.contract.settle, lever)
            self.entries.add(entry)

    def _pay(self, payment: Payment) -> None:
        """Funding."""
        seen = payment.transfer
        balance = self.exchange.ledger.total(payment.account, seen.asset)
        self.entries.book_funding(payment, self._by_id[seen.instrument_id].name, balance)

    def _count(self, account: Account, what: str, limit: int, kind: Kind) -> None:
        window = self._windows.setdefault((account.number, what), deque())
        while window and window[0] <= self.now_us - WINDOW_US:
            window.popleft()
        if len(window) >= limit:
            raise OkxError(kind)
        window.append(self.now_us)
