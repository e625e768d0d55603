"""How far in front of the market a quote has to be: the book less our own orders."""

from collections.abc import Iterable
from decimal import Decimal

from engine.core.book_view import BookView
from engine.model.enums import Phase, Side
from engine.model.money import ZERO
from engine.model.order import Order

LEVELS = 10  # read at first, then twice as many


def top_price(book: BookView, side: Side, depth: Decimal, own: Iterable[Order]) -> Decimal | None:
    """The price at which the quantity of others, from the best on, first reaches `depth`; 0: their best price.

    The last level with orders of others where the book holds less; None where there are none.
    """
    ours: dict[Decimal, Decimal] = {}
    for order in own:
        if order.side is side and order.phase is Phase.LIVE and order.price is not None:
            ours[order.price] = ours.get(order.price, ZERO) + order.open_quantity
    count, read = LEVELS, 0
    total, top = ZERO, None
    while True:
        levels = book.levels(side, count)
        for price, quantity in levels[read:]:
            others = quantity - ours.get(price, ZERO)
            if others > 0:
                total += others
                top = price
                if total >= depth:
                    return top
        if len(levels) < count:
            return top
        read, count = count, count * 2
