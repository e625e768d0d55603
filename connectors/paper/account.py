"""What a paper venue remembers of our orders and fills, and the events it tells them with."""

from collections import deque
from decimal import Decimal

from msgspec import Struct

from engine.model.enums import OrderStatus, UpdateSource
from engine.model.event import OrderUpdate
from engine.model.fill import Fill
from engine.model.money import ZERO
from engine.model.request import SubmitOrder

ORDERS_KEPT = 20_000  # ended ones
FILLS_KEPT = 10_000


class PaperOrder(Struct, gc=False):
    """One of our orders at the venue; `quantity` and `price` are as amended.

    `reserved` is what it ties up, valued at `pays`; None there: it ties up nothing.
    """

    key: int
    request: SubmitOrder
    number: int  # of its instrument
    started_us: int  # when its last request was sent
    quantity: Decimal
    price: Decimal | None
    pays: Decimal | None = None
    reserved: Decimal = ZERO
    status: OrderStatus = OrderStatus.PENDING_NEW
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    event_us: int = 0
    reason: str = ""

    def update(self, receive_us: int, source: UpdateSource, started_us: int | None) -> OrderUpdate:
        """The order as it is now."""
        request, filled = self.request, self.filled
        return OrderUpdate(
            request.instrument_id,
            request.client_order_id,
            str(self.key),
            self.status,
            filled,
            self.reason,
            self.event_us,
            receive_us,
            source,
            started_us,
            request.side,
            self.price,
            self.quantity,
            self.cost / filled if filled else None,
        )


class Orders:
    """All orders that can be asked for: the open ones, and the last that ended."""

    def __init__(self) -> None:
        self.by_key: dict[int, PaperOrder] = {}
        self.open: dict[int, PaperOrder] = {}
        self.fills: deque[Fill] = deque(maxlen=FILLS_KEPT)
        self._keys: dict[str, int] = {}  # by client order id
        self._ended: deque[int] = deque()

    def add(self, order: PaperOrder) -> None:
        self.by_key[order.key] = self.open[order.key] = order
        self._keys[order.request.client_order_id] = order.key

    def end(self, order: PaperOrder) -> None:
        """Remember an ended order for a while."""
        del self.open[order.key]
        self._ended.append(order.key)
        if len(self._ended) > ORDERS_KEPT:
            gone = self.by_key.pop(self._ended.popleft())
            if self._keys[gone.request.client_order_id] == gone.key:
                del self._keys[gone.request.client_order_id]

    def find(self, client_order_id: str, venue_order_id: str) -> PaperOrder | None:
        """By the venue's id if given, else the newest of the client's."""
        if venue_order_id:
            return self.by_key.get(int(venue_order_id)) if venue_order_id.isdecimal() else None
        return self.by_key.get(self._keys.get(client_order_id, 0))

    def fills_after(self, instrument_id: str, venue_order_id: str, cursor: int) -> list[Fill]:
        """Own trades with larger ids, of one order or of all, oldest first."""
        found: list[Fill] = []
        for fill in reversed(self.fills):
            if int(fill.trade_id) <= cursor:
                break
            if fill.instrument_id == instrument_id and venue_order_id in ("", fill.venue_order_id):
                found.append(fill)
        return found[::-1]
