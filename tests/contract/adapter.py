"""What a connector has to bring to be put through the contract suite: its venue, and the connector itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from connectors.simulated.market import Market
from connectors.simulated.server.app import VenueServer
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.core.ports import LiveConnector
from engine.core.venue_sheet import VenueSheet
from engine.model.instrument import Instrument

Clock = Callable[[], int]


class Adapter(ABC):
    """One venue's protocol and its connector. The exchange is called `sim` and trades `instrument`.

    `paths` say what part of a request's line (method and path) names each of these requests: submit, cancel, lookup,
    trades, open_orders, balances, snapshot, clock, instruments. `sockets` the same for the streams `user` and `market`.
    """

    name: str
    instrument: Instrument
    sheet: VenueSheet
    paths: ClassVar[dict[str, str]]
    sockets: ClassVar[dict[str, str]]

    @abstractmethod
    def server(
        self, exchange: SimulatedExchange, account: Account, markets: Sequence[Market], now_us: Clock
    ) -> VenueServer[Any]:
        """The venue, with one key that trades for `account`; not started yet."""

    @abstractmethod
    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        """A connector to the venue at 127.0.0.1:`port`, after it has asked what is traded."""
