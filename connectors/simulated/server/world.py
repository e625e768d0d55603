"""What the protocol's operations work on: the exchange with its markets, the boards, the orders, keys and limits.

Everything happens at `now_us` of the clock that was handed in. After each command `commit` tells the streams about it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from connectors.simulated.book_order import What
from connectors.simulated.market import Market
from connectors.simulated.server.board import Board
from connectors.simulated.server.credentials import Credential
from connectors.simulated.server.limits import Limits
from connectors.simulated.server.order_lists import OrderLists
from connectors.simulated.server.reception import Reception
from connectors.simulated.server.reports import account_position, balance_update, execution_report, list_status
from connectors.simulated.server.symbols import Symbol
from connectors.simulated.server.tickets import Tickets, has_lost
from connectors.simulated.server.values import money
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account, Report
from engine.model.enums import Liquidity


class World(Reception):
    """`executions` are the ids of the last private report of each symbol."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        markets: Sequence[Market],
        now_us: Callable[[], int],
        *,
        limits: Limits | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(exchange, markets, now_us, limits=limits, seed=seed)
        self.tickets = Tickets()
        symbols = [Symbol(listing, exchange.orders_max) for listing in exchange.listings.values()]
        self.boards = {symbol.name: Board(symbol, self.hub) for symbol in symbols}
        self.faces += self.boards.values()
        self._names = {symbol.instrument.instrument_id: symbol.name for symbol in symbols}
        instruments = [symbol.instrument for symbol in symbols]
        self.assets = tuple(dict.fromkeys(asset for each in instruments for asset in (each.base, each.quote)))
        self.executions = dict.fromkeys(self.boards, 0)
        self.lists = OrderLists(exchange)

    # --- who and what

    def add_key(self, credential: Credential) -> None:
        for board in self.boards.values():
            board.symbol.check_account(credential.account)
        super().add_key(credential)

    # --- telling

    def commit(self) -> None:
        while reports := [*self.exchange.drain_reports(), *self.lists.drain_reports()]:
            for report in reports:
                self._report(report)
            self.lists.move_on()
        for order_list in self.lists.drain_done():
            self.users.tell(order_list.account, list_status(order_list, self.now_us))
        touched: dict[int, list[str]] = {}
        for number, asset in self.exchange.drain_touched():
            touched.setdefault(number, []).append(asset)
        for number, assets in touched.items():
            account = self.accounts.get(number)
            if account is not None:
                balances = [self.exchange.balance(account, asset) for asset in assets]
                self.users.tell(number, account_position(balances, self.now_us))
        self.publish()

    def deposit(self, account: Account, asset: str, amount: Decimal) -> None:
        """Money comes from outside; a negative amount goes."""
        self.exchange.ledger.deposit(account.number, {asset: amount})
        self.users.tell(account.number, balance_update(asset, money(amount), self.now_us))
        self.commit()

    # --- the parts

    def _report(self, report: Report) -> None:
        symbol = self._names[report.order.request.instrument_id]
        ticket = self.tickets.of_order(report.order, symbol)
        if ticket is None:
            return
        account = report.order.account
        if report.fill is not None:
            if not ticket.fills:
                is_maker = report.fill.liquidity is Liquidity.MAKER
                self.order_count(account).first_fill(self.now_us, is_maker)
            ticket.fills.append(report.fill)
        if report.state.what is What.CANCELED and not ticket.cancel_id and not has_lost(ticket, report.state):
            ticket.cancel_id = self.new_client_id()
        self.executions[symbol] += 1
        event = execution_report(ticket, report, self.executions[symbol], self.now_us)
        self.users.tell(account.number, event)
