"""What the protocol works on: the exchange with its markets, the boards, the orders, keys and limits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.simulated.margin import Margin
from connectors.simulated.market import Market
from connectors.simulated.server.gate.board import Board, frame
from connectors.simulated.server.gate.entries import Entries, Entry
from connectors.simulated.server.gate.entries import order_event as spot_order_event
from connectors.simulated.server.gate.entries import trade_event as spot_trade_event
from connectors.simulated.server.gate.errors import BAD_PAIR, NO_CONTRACT, TOO_MANY_REQUESTS, GateError
from connectors.simulated.server.gate.futures_board import FuturesBoard
from connectors.simulated.server.gate.futures_rows import (
    Booking,
    FuturesEntry,
    booking_event,
    order_event,
    position_event,
    position_row,
    trade_event,
)
from connectors.simulated.server.gate.keys import Keys
from connectors.simulated.server.gate.values import milliseconds, money, seconds
from connectors.simulated.server.limits import Window
from connectors.simulated.server.stage import Stage
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, Report
from engine.model.money import ZERO
from engine.model.order import is_liquidation

SETTLE = "USDT"  # of the perpetuals that are served
BOOKINGS_KEPT = 100_000
SUMS = {"pnl_pnl": "pnl", "pnl_fund": "fund", "pnl_fee": "fee"}


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Requests per interval: orders and amends of an account on a market in a second, and so on."""

    orders_1s: int = 10
    cancels_1s: int = 200
    contracts_1s: int = 100
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
        self.entries: Entries[Entry] = Entries()
        self.futures_entries: Entries[FuturesEntry] = Entries()
        self.bookings: deque[Booking] = deque(maxlen=BOOKINGS_KEPT)
        self._booked: dict[tuple[int, str, str], Decimal] = {}
        boards = [Board(each, self.hub) for each in exchange.listings.values() if each.contract is None]
        self.boards = {board.name: board for board in boards}
        futures = [each for each in exchange.listings.values() if each.contract and each.contract.settle == SETTLE]
        self.contracts = {board.name: board for board in (FuturesBoard(each, self.hub) for each in futures)}
        self.faces += [*self.boards.values(), *self.contracts.values()]
        self._by_id = {board.listing.instrument.instrument_id: board for board in self.contracts.values()}
        instruments = [listing.instrument for listing in exchange.listings.values()]
        self.assets = tuple(dict.fromkeys(asset for each in instruments for asset in (each.base, each.quote)))
        self._windows: dict[tuple[str, str], Window] = {}
        self._waiting: list[tuple[str, Any]] = []
        self._balances: dict[tuple[int, str], tuple[Decimal, Decimal]] = {}  # total and locked, as they were told

    # --- who and what

    def board(self, pair: str) -> Board:
        if pair not in self.boards:
            raise GateError(BAD_PAIR)
        return self.boards[pair]

    def contract(self, name: str) -> FuturesBoard:
        if name not in self.contracts:
            raise GateError(NO_CONTRACT)
        return self.contracts[name]

    @property
    def margin(self) -> Margin:
        if self.exchange.margin is None:
            raise GateError(NO_CONTRACT)
        return self.exchange.margin

    def booked(self, account: int, kind: str, contract: str = "") -> Decimal:
        """Sum of an account's bookings of a kind, of one contract or of all."""
        names = [contract] if contract else self.contracts
        return sum((self._booked.get((account, kind, name), ZERO) for name in names), ZERO)

    def position(self, account: Account, board: FuturesBoard) -> dict[str, Any]:
        sums = {name: self.booked(account.number, kind, board.name) for name, kind in SUMS.items()}
        texts = {name: money(amount) for name, amount in sums.items()}
        row = texts | {"realised_pnl": money(sum(sums.values(), ZERO))}
        return position_row(self.exchange, board, account, self.now_us, row)

    def charge(self, who: str, what: str, limit: int, interval_us: int) -> tuple[int, int]:
        """Count a request; (how many are left, when the interval ends). Raises GateError if there are too many."""
        window = self._windows.setdefault((who, what), Window(interval_us))
        window.add(self.now_us, 1)
        if window.count > limit:
            raise GateError(TOO_MANY_REQUESTS)
        return limit - window.count, window.end_us(self.now_us)

    # --- telling

    def commit(self) -> None:
        moved: dict[tuple[str, str], None] = {}  # positions: account and instrument
        for report in self.exchange.drain_reports():
            board = self._by_id.get(report.order.request.instrument_id)
            if board is None:
                self._report(report)
            else:
                self._report_contract(report, board)
                if report.fill is not None:
                    moved[report.order.account.name, report.fill.instrument_id] = None
        if self.exchange.margin is not None:
            for payment in self.exchange.margin.drain_payments():
                seen = payment.transfer
                if seen.instrument_id in self._by_id:
                    self._book(payment.account, "fund", seen.amount, self._by_id[seen.instrument_id], "", seen.event_us)
        for name, instrument_id in moved:
            self.tell_position(self.exchange.accounts[name], self._by_id[instrument_id])
        accounts = {account.number: account for account in self.exchange.accounts.values()}
        for number, asset in self.exchange.drain_touched():
            if number in accounts:
                self._tell_balance(accounts[number], asset)
        self.publish()

    def deliver(self) -> None:
        waiting, self._waiting = self._waiting, []
        for stream, payload in waiting:
            self.hub.emit(stream, payload)

    def tell_position(self, account: Account, board: FuturesBoard) -> None:
        stream = f"futures.positions {account.number}"
        if self.hub.wants(stream) or self.hub.wants(f"{stream} {board.name}"):
            event = position_event(self.position(account, board), self.now_us)
            self._tell("futures.positions", account.number, event, board.name)

    # --- the parts

    def _tell(self, channel: str, account: int, row: dict[str, Any], contract: str = "") -> None:
        streams = (f"{channel} {account}", f"{channel} {account} {contract}")
        for stream in streams if contract else streams[:1]:
            if self.hub.wants(stream):
                self._waiting.append((stream, frame(channel, self.now_us, [row])))

    def _report_contract(self, report: Report, board: FuturesBoard) -> None:
        order, fill, number = report.order, report.fill, report.order.account.number
        if is_liquidation(order.request.client_order_id) and self.futures_entries.of(order.venue_order_id) is None:
            self.futures_entries.add(FuturesEntry(order, board.name, "ioc", closes=True))
        entry = self.futures_entries.of(order.venue_order_id)
        if fill is not None:
            if fill.realized:
                self._book(number, "pnl", fill.realized, board, fill.trade_id, fill.event_us)
            self._book(number, "fee", -fill.fee, board, fill.trade_id, fill.event_us)
            self._tell("futures.usertrades", number, trade_event(board, fill), board.name)
        if entry is not None:
            self._tell("futures.orders", number, order_event(entry, board, report.state), board.name)

    def _book(self, account: int, kind: str, change: Decimal, board: FuturesBoard, trade: str, at_us: int) -> None:
        balance = self.exchange.ledger.total(account, SETTLE)
        number = self.bookings[-1].number + 1 if self.bookings else 1
        booking = Booking(number, account, kind, change, balance, board.name, trade, at_us)
        self.bookings.append(booking)
        self._booked[account, kind, board.name] = self.booked(account, kind, board.name) + change
        self._tell("futures.balances", account, booking_event(booking, SETTLE))

    def _report(self, report: Report) -> None:
        entry = self.entries.of(report.order.venue_order_id)
        if entry is None:
            return
        number = report.order.account.number
        if report.fill is not None:
            entry.fee += report.fill.fee
            self._tell("spot.usertrades", number, spot_trade_event(entry, report.fill))
        self._tell("spot.orders", number, spot_order_event(entry, report.state))

    def _tell_balance(self, account: Account, asset: str) -> None:
        new, locked = self.exchange.balance(account, asset), self.exchange.ledger.locked(account.number, asset)
        old_total, old_locked = self._balances.get((account.number, asset), (ZERO, ZERO))
        self._balances[account.number, asset] = (new.total, locked)
        row = {
            "timestamp": str(seconds(self.now_us)),
            "timestamp_ms": str(milliseconds(self.now_us)),
            "user": str(account.number),
            "currency": asset,
            "change": money(new.total - old_total),
            "total": money(new.total),
            "available": money(new.free),
            "freeze": money(locked),
            "freeze_change": money(locked - old_locked),
            "change_type": "order-update",
        }
        self._tell("spot.balances", account.number, row)
