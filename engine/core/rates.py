"""Rates between assets, through at most two hops of the markets that the session already has."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from engine.model.enums import InstrumentKind
from engine.model.instrument import Instrument
from engine.model.money import ONE

PriceOf = Callable[[str], Decimal | None]
"""Price of an instrument in quote, None while it has none."""
Hop = tuple[str, bool]  # an instrument id, and whether its price has to be inverted


class Rates:
    """A rate stays at its last known value while a book is empty or stale: money does not vanish with a feed."""

    def __init__(self, instruments: Iterable[Instrument], price: PriceOf) -> None:
        self._price = price
        self._hops: dict[str, dict[str, Hop]] = {}
        self._routes: dict[tuple[str, str], tuple[Hop, ...] | None] = {}
        self._last: dict[str, Decimal] = {}
        for instrument in sorted(instruments, key=lambda each: each.kind is not InstrumentKind.SPOT):
            name, base, quote = instrument.instrument_id, instrument.base, instrument.quote
            self._hops.setdefault(base, {}).setdefault(quote, (name, False))
            self._hops.setdefault(quote, {}).setdefault(base, (name, True))

    def rate(self, asset: str, into: str) -> Decimal | None:
        """How much of `into` one `asset` is worth; None without a route or before its first price."""
        if asset == into:
            return ONE
        route = self._routes.get((asset, into)) or self.route(asset, into)
        if route is None:
            return None
        rate: Decimal | None = None
        for instrument_id, inverted in route:
            price = self.price(instrument_id)
            if price is None:
                return None
            if rate is None:
                rate = ONE / price if inverted else price
            else:
                rate = rate / price if inverted else rate * price
        return rate

    def price(self, instrument_id: str) -> Decimal | None:
        """The last known price of an instrument; None before the first."""
        price = self._price(instrument_id)
        if not price:
            return self._last.get(instrument_id)
        self._last[instrument_id] = price
        return price

    def route(self, asset: str, into: str) -> tuple[Hop, ...] | None:
        """The markets from `asset` to `into`: the fewest, spot before derivatives, in the order of the session."""
        pair = (asset, into)
        if pair not in self._routes:
            self._routes[pair] = self._find(asset, into)
        return self._routes[pair]

    def _find(self, asset: str, into: str) -> tuple[Hop, ...] | None:
        hops = self._hops.get(asset, {})
        if into in hops:
            return (hops[into],)
        for middle, hop in hops.items():
            if into in self._hops[middle]:
                return (hop, self._hops[middle][into])
        return None
