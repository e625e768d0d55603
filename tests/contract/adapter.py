"""What a connector has to bring to be put through the contract suite: its venue, and the connector itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from connectors.simulated.market import Market
from connectors.simulated.server.app import VenueServer
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.core.ports import LiveConnector
from engine.core.venue_sheet import VenueSheet
from engine.model.enums import InstrumentKind
from engine.model.instrument import Instrument
from tests.sim.loop.session import INSTRUMENT

PORT = 8070
PERPETUAL = replace(  # quantities are contracts
    INSTRUMENT,
    instrument_id="sim:BTC-USDT-PERP",
    symbol="BTC-USDT-PERP",
    kind=InstrumentKind.PERPETUAL,
    settle="USDT",
    contract_size=Decimal("0.01"),
)
Clock = Callable[[], int]


class Adapter(ABC):
    """One venue's protocol and its connector. The exchange is called `sim` and trades `instrument`.

    `paths` say what part of a request's line (method and path) names each of these requests: submit, cancel, lookup,
    trades, open_orders, balances, snapshot, clock, instruments. `sockets` the same for the streams `user` and `market`.
    `refusals`: what the venue's gateway answers (status and body) to `rate_limit` and, where there is one, to `banned`;
    on a socket the body is the whole frame, where `"$until"` stands for the ms since the epoch when the pause is over.
    `money` is what the account has, `scale` how many of its units a case means by 1. `secrets` are the texts that must
    never be told. `orders_at_once` is how many the venue's limits let pass.
    `logs_in`: orders leave on a connection that shows its key once, so that one which is revoked still trades there.
    """

    name: str
    instrument: Instrument
    sheet: VenueSheet
    paths: ClassVar[dict[str, str]]
    sockets: ClassVar[dict[str, str]]
    refusals: ClassVar[dict[str, tuple[int, str]]]
    secrets: ClassVar[tuple[str, ...]]
    names_expiry: ClassVar[bool] = True
    orders_at_once: ClassVar[int] = 20
    scale: ClassVar[int] = 1
    money: ClassVar[dict[str, Decimal]] = {"BTC": Decimal(10), "USDT": Decimal(1_000_000)}
    logs_in: ClassVar[bool] = False

    @property
    def market(self) -> str:
        """The instrument's id."""
        return self.instrument.instrument_id

    def size(self, text: str) -> Decimal:
        """A quantity as the cases write it, in units of the instrument."""
        return Decimal(text) * self.scale

    @property
    def is_spot(self) -> bool:
        return self.instrument.kind is InstrumentKind.SPOT

    def locks(self, quantity: Decimal, price: Decimal) -> Decimal:
        """What an order to buy ties up: on perpetuals its margin at leverage 1, and a taker's fee."""
        if self.is_spot:
            return quantity * price
        return quantity * price * self.instrument.contract_size + self.fee(quantity, price)[0]

    def fee(self, quantity: Decimal, price: Decimal) -> tuple[Decimal, str]:
        """What the taker of a trade pays: on spot a buyer, in what is bought."""
        rate, instrument = self.instrument.taker_rate, self.instrument
        if self.is_spot:
            return quantity * rate, instrument.base
        return quantity * price * instrument.contract_size * rate, instrument.settle

    @abstractmethod
    def server(
        self, exchange: SimulatedExchange, account: Account, markets: Sequence[Market], now_us: Clock
    ) -> VenueServer[Any]:
        """The venue, with one key that trades for `account`; not started yet."""

    @abstractmethod
    def revoke_key(self, server: VenueServer[Any]) -> None:
        """The venue does not know our key any more."""

    @abstractmethod
    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        """A connector to the venue at 127.0.0.1:`port`, after it has asked what is traded."""
