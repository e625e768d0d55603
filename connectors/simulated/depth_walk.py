"""What an order would meet if it arrived now: for FOK, and for the funds that a market order needs."""

from __future__ import annotations

from connectors.simulated.book_order import BookOrder, SelfTrade
from connectors.simulated.book_side import BookSide
from engine.model.enums import Side

ANY_PRICE = -(1 << 62)


def signed_limit(order: BookOrder, sign: int) -> int:
    """The worst signed price that the order accepts on the side with this sign."""
    return ANY_PRICE if order.is_market else order.ticks * sign


def reachable(side: BookSide, order: BookOrder) -> tuple[int, int]:
    """(lots, cost): lots the arriving order is sure to get from `side`, and Σ ticks·lots that it pays at the most.

    Reduce-only and listed makers may vanish before they are reached: they only add to the cost of what is missing.
    """
    wanted = order.leaves or order.lots
    limit = signed_limit(order, side.sign)
    missing, cost = wanted, 0
    unsure: list[tuple[int, int]] = []
    for price in reversed(side.prices):
        if price < limit or not missing:
            break
        ticks = price * side.sign
        lots, blocked = _countable(order, side.levels[price].queue, ticks, unsure)
        lots = min(lots, missing)
        missing -= lots
        cost += lots * ticks
        if blocked:
            break
    sure = wanted - missing
    for ticks, lots in sorted(unsure, reverse=order.side is Side.BUY):
        extra = min(lots, missing)
        missing -= extra
        cost += extra * ticks
    return sure, cost


def _countable(
    order: BookOrder, queue: dict[int, BookOrder], ticks: int, unsure: list[tuple[int, int]]
) -> tuple[int, bool]:
    """Lots of one level that are sure, and whether an order of the same account blocks the way."""
    shown = hidden = 0
    for maker in queue.values():
        if maker.account == order.account and order.self_trade is not SelfTrade.NONE:
            if order.self_trade is SelfTrade.CANCEL_OLD:
                continue
            return shown, True
        if maker.reduce_only or maker.list_id:
            unsure.append((ticks, maker.leaves))
            continue
        shown += maker.visible
        hidden += maker.leaves - maker.visible
    return shown + hidden, False
