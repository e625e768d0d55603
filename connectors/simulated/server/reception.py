"""What Binance's protocols have in common: keys, what an address and an account may ask for, who listens in private."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from string import ascii_letters, digits

from connectors.simulated.market import Market
from connectors.simulated.server.board import Board
from connectors.simulated.server.credentials import Credential, KeyRing
from connectors.simulated.server.errors import BAD_SYMBOL, ApiError
from connectors.simulated.server.limits import Address, Limits, OrderCount
from connectors.simulated.server.params import SYMBOL, Parameters
from connectors.simulated.server.stage import Stage
from connectors.simulated.server.users import Users
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account

CLIENT_ID_LENGTH = 22
ID_LETTERS = ascii_letters + digits


class Reception(Stage):
    """`seed` makes generated client ids, `accounts` are those with a key, by number, `boards` the markets by symbol."""

    boards: Mapping[str, Board]

    def __init__(
        self,
        exchange: SimulatedExchange,
        markets: Sequence[Market],
        now_us: Callable[[], int],
        *,
        limits: Limits | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(exchange, markets, now_us)
        self.limits = limits or Limits()
        self.users = Users()
        self.keys = KeyRing()
        self.accounts: dict[int, Account] = {}
        self._chance = Random(f"client ids:{seed}")
        self._addresses: dict[str, Address] = {}
        self._counts: dict[int, OrderCount] = {}

    def add_key(self, credential: Credential) -> None:
        """Let a key trade for its account."""
        self.accounts[credential.account.number] = credential.account
        self.keys.add(credential)

    def board(self, params: Parameters) -> Board:
        """The board of the mandatory `symbol`."""
        return self.board_of(params.text("symbol", SYMBOL))

    def board_of(self, name: str) -> Board:
        if name not in self.boards:
            raise ApiError(BAD_SYMBOL)
        return self.boards[name]

    def address(self, name: str) -> Address:
        if name not in self._addresses:
            self._addresses[name] = Address(self.limits)
        return self._addresses[name]

    def order_count(self, account: Account) -> OrderCount:
        if account.number not in self._counts:
            self._counts[account.number] = OrderCount(self.limits)
        return self._counts[account.number]

    def new_client_id(self) -> str:
        """A client order id for a client that named none."""
        return "".join(self._chance.choices(ID_LETTERS, k=CLIENT_ID_LENGTH))

    def deliver(self) -> None:
        self.users.deliver()
