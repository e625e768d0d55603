"""The venue's memory of orders: by its own id, by the client's id, open or ended."""

from __future__ import annotations

from collections import deque

from connectors.simulated.venue_order import Account, ClientIds, VenueOrder


class OrderRegister:
    """Ended orders beyond `kept` are forgotten, oldest first."""

    def __init__(self, client_ids: ClientIds, kept: int) -> None:
        self.client_ids = client_ids
        self.kept = kept
        self._by_venue: dict[tuple[int, str, str], VenueOrder] = {}  # (account, instrument id, venue order id)
        self._by_client: dict[tuple[int, str, str], list[VenueOrder]] = {}  # the same with the client order id
        self._ended: deque[VenueOrder] = deque()

    def add(self, order: VenueOrder) -> None:
        venue_key, client_key = _keys(order)
        self._by_venue[venue_key] = order
        self._by_client.setdefault(client_key, []).append(order)

    def end(self, order: VenueOrder) -> None:
        """Note that an order ended; the oldest one beyond the limit goes."""
        self._ended.append(order)
        if len(self._ended) <= self.kept:
            return
        venue_key, client_key = _keys(self._ended.popleft())
        forgotten = self._by_venue.pop(venue_key)
        twins = self._by_client[client_key]
        twins.remove(forgotten)
        if not twins:
            del self._by_client[client_key]

    def is_taken(self, account: Account, instrument_id: str, client_order_id: str) -> bool:
        """Whether a new order may not have this client id."""
        twins = self._by_client.get((account.number, instrument_id, client_order_id), [])
        return bool(twins) and (self.client_ids is ClientIds.FOREVER or any(order.is_open for order in twins))

    def find(
        self, account: Account, instrument_id: str, client_order_id: str, venue_order_id: str
    ) -> VenueOrder | None:
        """An order by the venue's id if given, else by the client id: then the open one, else the newest."""
        if venue_order_id:
            return self._by_venue.get((account.number, instrument_id, venue_order_id))
        twins = self._by_client.get((account.number, instrument_id, client_order_id), [])
        return next((order for order in twins if order.is_open), twins[-1] if twins else None)

    def orders(self, account: Account, instrument_id: str) -> list[VenueOrder]:
        """All that are remembered, oldest first."""
        return [
            order
            for order in self._by_venue.values()
            if order.account is account and order.request.instrument_id == instrument_id
        ]


def _keys(order: VenueOrder) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    number, instrument_id = order.account.number, order.request.instrument_id
    return (number, instrument_id, order.venue_order_id), (number, instrument_id, order.request.client_order_id)
