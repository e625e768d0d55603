"""What the operations of the futures protocol work on: the exchange and its perpetuals, boards, keys, limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.simulated.margin import Margin, Payment
from connectors.simulated.market import Market
from connectors.simulated.server.errors import BAD_SYMBOL, ApiError
from connectors.simulated.server.limits import Limits, limit_row
from connectors.simulated.server.params import SYMBOL, Parameters
from connectors.simulated.server.reception import Reception
from connectors.simulated.server.usdm.board import FutureBoard
from connectors.simulated.server.usdm.future import Future
from connectors.simulated.server.usdm.listen_keys import ListenKeys
from connectors.simulated.server.usdm.render import lite_event, order_event, position_event_row
from connectors.simulated.server.values import Moment, money
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, Report
from engine.model.enums import OrderStatus
from engine.model.money import ZERO
from engine.model.order import is_liquidation

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FutureLimits(Limits):
    """Orders are counted by ten seconds and by the minute; trades do not lower the counts."""

    request_weight_1m: int = 2_400
    orders_10s: int = 300
    orders_1m: int = 1_200
    messages_1s: int = 10

    def order_rows(self) -> list[Row]:
        return [limit_row("ORDERS", "SECOND", 10, self.orders_10s), limit_row("ORDERS", "MINUTE", 1, self.orders_1m)]


class FutureWorld(Reception):
    """`futures` are the boards by symbol. Raises BadValue about listings that the protocol does not have."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        markets: Sequence[Market],
        now_us: Callable[[], int],
        *,
        limits: Limits | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(exchange, markets, now_us, limits=limits or FutureLimits(), seed=seed)
        listings = exchange.listings.values()
        boards = [FutureBoard(Future(listing, exchange.orders_max), self.hub) for listing in listings]
        assert exchange.margin is not None, "there is at least one perpetual"
        self.margin: Margin = exchange.margin
        self.boards = self.futures = {board.symbol.name: board for board in boards}
        self.faces += boards
        self.by_instrument = {board.symbol.instrument.instrument_id: board for board in boards}
        self.assets = tuple(dict.fromkeys(board.future.contract.settle for board in boards))
        self.listen_keys = ListenKeys(self.new_client_id)

    def future(self, params: Parameters) -> FutureBoard:
        """The board of the mandatory `symbol`."""
        name = params.text("symbol", SYMBOL)
        if name not in self.futures:
            raise ApiError(BAD_SYMBOL)
        return self.futures[name]

    def chosen(self, params: Parameters) -> list[FutureBoard]:
        """The board of `symbol`, or all of them."""
        return [self.future(params)] if "symbol" in params else list(self.futures.values())

    def commit(self) -> None:
        reports, payments = self.exchange.drain_reports(), self.exchange.drain_payments()
        self.exchange.drain_touched()
        for payment in payments:
            self._tell_payment(payment)
        traded: dict[int, tuple[Account, dict[str, FutureBoard]]] = {}
        for report in reports:
            if report.fill is not None:
                account, board = report.order.account, self.by_instrument[report.fill.instrument_id]
                traded.setdefault(account.number, (account, {}))[1][board.symbol.name] = board
        for account, boards in traded.values():
            self._tell_account(account, "ORDER", list(boards.values()))
        for report in reports:
            self._report(report)
        for key, account_number in self.listen_keys.drain_expired(self.now_us):
            event = {"e": "listenKeyExpired", "E": Moment(self.now_us), "listenKey": key}
            self.users.tell(account_number, event)
        self.publish()

    # --- the parts

    def _report(self, report: Report) -> None:
        """An order's news, for its account; a liquidation for everybody too."""
        order, number = report.order, report.order.account.number
        board = self.by_instrument[order.request.instrument_id]
        if report.fill is not None:
            self.users.tell(number, lite_event(report, report.fill, board.symbol.name, self.now_us))
        self.users.tell(number, order_event(report, board.symbol.name, self.now_us))
        if report.state.status is OrderStatus.FILLED and is_liquidation(order.request.client_order_id):
            board.tell_liquidation(order)

    def _tell_payment(self, payment: Payment) -> None:
        account = self.accounts.get(payment.account)
        if account is not None:
            self._tell_account(account, "FUNDING_FEE", [], {payment.transfer.asset: payment.transfer.amount})

    def _tell_account(
        self, account: Account, why: str, boards: list[FutureBoard], changes: dict[str, Decimal] | None = None
    ) -> None:
        """ACCOUNT_UPDATE. `changes` are amounts by asset that are neither profit nor commission."""
        assets = changes or dict.fromkeys((board.future.contract.settle for board in boards), ZERO)
        balances = []
        for asset, change in assets.items():
            wallet = money(self.exchange.ledger.total(account.number, asset))
            balances.append({"a": asset, "wb": wallet, "cw": wallet, "bc": money(change)})
        rows = [position_event_row(self.margin, account, board) for board in boards]
        now = Moment(self.now_us)
        self.users.tell(
            account.number,
            {"e": "ACCOUNT_UPDATE", "E": now, "T": now, "a": {"m": why, "B": balances, "P": rows}},
        )
