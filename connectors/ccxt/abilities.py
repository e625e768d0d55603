"""What an exchange can do through ccxt, by its own word (`has`), and what is done instead of the rest."""

from __future__ import annotations

from typing import Any

UNCHECKED_BOOKS = ("gate",)  # ccxt applies their deltas without looking for gaps: asked for instead
_ENDED_LISTS = ("fetchClosedOrders", "fetchCanceledOrders", "fetchCanceledAndClosedOrders")


def can(exchange: Any, name: str) -> bool:
    """Whether the exchange itself can; what ccxt emulates does not count."""
    return exchange.has.get(name) is True


def streams_books(exchange: Any) -> bool:
    return can(exchange, "watchOrderBook") and exchange.id not in UNCHECKED_BOOKS


def ended_lists(exchange: Any) -> list[str]:
    """The methods that together list all orders that have ended."""
    return ["fetchOrders"] if can(exchange, "fetchOrders") else [each for each in _ENDED_LISTS if can(exchange, each)]


def limits_of(exchange: Any) -> list[str]:
    """What does not work as well as it should, for the operator."""
    told = [
        (streams_books(exchange), "books are asked for every second"),
        (can(exchange, "watchTrades"), "no public trades"),
        (can(exchange, "watchOrders"), "orders are looked up"),
        (can(exchange, "watchMyTrades"), "own trades are asked for every second"),
        (bool(ended_lists(exchange)), "a lost order cannot be proven absent"),
        (can(exchange, "fetchTime"), "the exchange does not tell its time"),
        (can(exchange, "fetchMyTrades") and can(exchange, "createOrder"), "no trading: own trades cannot be read"),
    ]
    return [text for works, text in told if not works]
