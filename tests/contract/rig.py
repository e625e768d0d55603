"""A connector at its venue in virtual time, without an engine: requests go in by hand, all that it tells is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any, TypeVar

from connectors.simulated.contract import ContractTerms
from connectors.simulated.server.faults import Fault, FaultKind
from connectors.simulated.venue import SimulatedExchange
from engine.core.ports import LiveConnector
from engine.model.enums import Action, Channel, Health, OrderStatus, OrderType, Side, UpdateSource
from engine.model.event import ConnectorStatus, Event, OrderUpdate, RequestFailed
from engine.model.request import CancelOrder, LookupOrder, Request, SubmitOrder
from tests.connectors.simulated.builders import ScriptedMarket, quotes
from tests.contract.adapter import PORT, Adapter
from tests.sim.loop.session import VENUE
from tests.sim.loop.simnet import NetLoop, run_net

BID, ASK = Decimal(59990), Decimal(60010)
FUNDING_US = 600_000_000  # between two payments
PATIENT_S = 60.0  # what takes longer is not looked for so often
E = TypeVar("E", bound=Event)
T = TypeVar("T")


class Rig:
    """`told` is everything that the connector has told, in order. Our clock is `skew_us` ahead."""

    def __init__(self, loop: NetLoop, adapter: Adapter, skew_us: int = 0) -> None:
        self.loop = loop
        self.adapter = adapter
        self.told: list[Event] = []
        terms = {adapter.market: ContractTerms(funding_interval_us=FUNDING_US)}
        self.exchange = SimulatedExchange(VENUE, [adapter.instrument], terms=terms)
        self.account = self.exchange.open_account("bot", adapter.money)
        market = ScriptedMarket((loop.wall_us(), quotes(599_900, 600_100, 1_000, adapter.market)))
        self.server = adapter.server(self.exchange, self.account, [market], loop.wall_us)
        self.connector: LiveConnector
        self.skew_us = skew_us
        self._numbers = 0
        self._running: asyncio.Task[None] | None = None

    def now_us(self) -> int:
        return self.loop.wall_us() + self.skew_us

    # ---- its life

    async def open(self) -> None:
        """Serve, connect, and wait until both channels are up."""
        await self.server.start(port=PORT)
        self.connector = await self.adapter.connect(PORT, self.now_us, 1)
        self._running = asyncio.create_task(self.connector.run(self.told.extend, self.now_us))
        await self.healthy(Channel.USER)
        await self.healthy(Channel.MARKET)

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        await self.server.stop()

    # ---- asking

    def order(self, side: Side, quantity: str, price: str | None, **terms: Any) -> SubmitOrder:
        """An order with an id of its own; MARKET without a price."""
        self._numbers += 1
        name, market = f"RIGS000001{self._numbers:06}", self.adapter.market
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        limit = None if price is None else Decimal(price)
        return SubmitOrder(name, market, side, kind, self.adapter.size(quantity), limit, **terms)

    async def ask(self, request: Request, *kinds: type[Event], seconds: float = 20.0) -> list[Event]:
        """Send, and return what was told up to the first event of these kinds, or to the answer to an order's."""
        first = len(self.told)
        self.connector.send(request)
        await self.until(lambda: any(_ends(each, request, kinds) for each in self.told[first:]), seconds)
        last = next(n for n, each in enumerate(self.told[first:]) if _ends(each, request, kinds))
        return self.told[first : first + last + 1]

    async def submit(self, side: Side, quantity: str, price: str | None, **terms: Any) -> OrderUpdate:
        """The answer to a new order."""
        request = self.order(side, quantity, price, **terms)
        return (await self.ask(request))[-1]  # type: ignore[return-value]

    async def rest(self, quantity: str = "0.1", price: str = "59000") -> OrderUpdate:
        """A bid that rests in the book."""
        update = await self.submit(Side.BUY, quantity, price)
        assert update.status is OrderStatus.OPEN, update
        return update

    async def look(self, order: OrderUpdate) -> OrderUpdate | RequestFailed:
        """The answer to a lookup."""
        request = LookupOrder(order.client_order_id, order.venue_order_id, self.adapter.market)
        return (await self.ask(request))[-1]  # type: ignore[return-value]

    async def cancel(self, order: OrderUpdate) -> OrderUpdate | RequestFailed:
        """The answer to a cancel."""
        request = CancelOrder(order.client_order_id, self.adapter.market, order.venue_order_id)
        return (await self.ask(request))[-1]  # type: ignore[return-value]

    # ---- waiting

    async def until(self, met: Callable[[], bool], seconds: float = 20.0) -> float:
        """Wait, at most so long; how many seconds it took."""
        begun = self.loop.time()
        while not met():
            waited = self.loop.time() - begun
            assert waited < seconds, "\n".join(map(str, self.told[-20:]))
            await asyncio.sleep(0.01 if waited < PATIENT_S else 0.5)
        return self.loop.time() - begun

    async def heard(self, kind: type[E], fits: Callable[[E], bool], since: int = 0, seconds: float = 20.0) -> E:
        """The first event of that kind from number `since` on that fits."""
        found: list[E] = []
        looked = since

        def met() -> bool:
            nonlocal looked
            found.extend(each for each in self.all(kind, looked) if fits(each))
            looked = len(self.told)
            return bool(found)

        await self.until(met, seconds)
        return found[0]

    async def healthy(self, channel: Channel, since: int = 0, seconds: float = 20.0) -> ConnectorStatus:
        return await self.heard(
            ConnectorStatus, lambda each: each.channel is channel and each.health is Health.HEALTHY, since, seconds
        )

    async def down(self, channel: Channel, since: int = 0, seconds: float = 20.0) -> ConnectorStatus:
        return await self.heard(
            ConnectorStatus, lambda each: each.channel is channel and each.health is Health.DOWN, since, seconds
        )

    def all(self, kind: type[E], since: int = 0) -> list[E]:
        """Everything of one kind from number `since` on."""
        return [each for each in self.told[since:] if isinstance(each, kind)]

    # ---- the world

    def arm(self, kind: FaultKind, where: str, **terms: Any) -> None:
        """A fault for requests or streams by the adapter's name for them; once, unless said otherwise."""
        line = self.adapter.paths.get(where) or self.adapter.sockets[where]
        self.server.world.wire.arm(Fault(kind, line, **({"count": 1} | terms)))

    def open_orders(self) -> int:
        """How many orders are open, by the venue's own books."""
        return len(self.exchange.open_orders(self.account))


def run_rig(adapter: Adapter, main: Callable[[Rig], Awaitable[T]], seed: int = 1, skew_us: int = 0) -> T:
    """Connect, run `main`, and end."""
    loop = NetLoop(seed)

    async def body() -> T:
        rig = Rig(loop, adapter, skew_us)
        try:
            await rig.open()
            return await main(rig)
        finally:
            await rig.close()

    result: T = run_net(loop, body())
    return result


_SOURCES = {SubmitOrder: UpdateSource.ACK, CancelOrder: UpdateSource.ACK, LookupOrder: UpdateSource.LOOKUP}
_ACTIONS = {CancelOrder: Action.CANCEL, LookupOrder: Action.LOOKUP}


def _ends(event: Event, request: Request, kinds: tuple[type[Event], ...]) -> bool:
    """Whether an event is what is waited for."""
    if not isinstance(request, SubmitOrder | CancelOrder | LookupOrder):
        return isinstance(event, kinds)
    if isinstance(event, RequestFailed):
        return event.action is _ACTIONS.get(type(request)) and event.client_order_id == request.client_order_id
    if not isinstance(event, OrderUpdate) or event.source is not _SOURCES[type(request)]:
        return False
    return event.client_order_id == request.client_order_id


def unknown(update: OrderUpdate) -> bool:
    """Whether the answer to an order proves nothing."""
    return update.status is OrderStatus.UNKNOWN and update.reason.startswith("ambiguous:")
