"""What moves a simulated market: the protocol between the venue and whatever brings prices and other people's orders.

A market (synthetic participants, a replay of recorded data) owns one or more instruments of a `SimulatedExchange`. It
acts at times of its own choosing, on integers (ticks and lots), as the account `OUTSIDE`, which has no ledger limits:

    listing = exchange.listing("sim:BTC-USDT")
    listing.ticks(price), listing.lots(quantity)      # -> int, rounded down; .price(ticks) and .quantity(lots) go back
    book = listing.engine                             # connectors.simulated.matching.MatchingEngine
    order = book.add(Side.BUY, ticks, lots)           # GTC: takes what it crosses, rests with the remainder
    order.leaves, order.is_live, order.key            # its state, always current
    book.cancel(order.key)                            # True if it was live
    book.amend(order.key, ticks, lots)                # `lots`: new total; only less at the same price keeps its place
    book.take(Side.SELL, lots, limit_ticks=0)         # an IOC order, 0 = no limit: returns the lots that traded
    book.set_level(Side.BUY, ticks, lots)             # make OUTSIDE's total at this price `lots` (recorded L2): added
                                                      # behind, removed from behind; never matches, may cross
    book.execute(key, lots)                           # trade a resting order at its own price against OUTSIDE
    book.print_trade(ticks, lots, Side.BUY)           # publish a trade that happened elsewhere; fires stops too
    book.best(Side.BUY)                               # ticks, 0 if the side is empty
    book.last_ticks                                   # last trade, 0 if none
    book.lots_at(Side.BUY, ticks)
    book.depth(Side.BUY, levels)                      # [(ticks, lots)] best first
    book.live                                         # {key: order}; order.account is OUTSIDE or a trader's
    exchange.halt(instrument_id); exchange.resume(instrument_id)
    exchange.disconnect(until_us)                     # the streams are cut until then; requests still work

Everything done in one `step` is one instant of venue time and reaches the feed as at most one BookDelta per instrument,
followed by its trades.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from connectors.simulated.venue import SimulatedExchange

NEVER_US = 1 << 62  # later than every time


class Market(Protocol):
    """The other side of the simulated venue. Deterministic: chance comes from a `Random` it was given."""

    @property
    def next_us(self) -> int:
        """The next venue time at which it wants to `step`; NEVER_US when it is done. Must grow with every step."""
        ...

    def step(self, now_us: int, exchange: SimulatedExchange) -> None:
        """Act at venue time `now_us` (= the `next_us` it had). The first step lays out the opening book."""
        ...
