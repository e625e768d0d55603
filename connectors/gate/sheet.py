"""What Gate promises, as data: addresses, limits, and what each of its errors allows us to conclude.

Source: Gate API v4 documentation, "Spot", "Error Codes", "Rate Limits"; "Gate Spot WebSocket v4".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connectors.base.outcomes import DUPLICATE, NO_FUNDS, RATE_LIMIT, TIMESTAMP, UNAUTHORIZED, WOULD_TAKE, Row
from connectors.base.rate_limit import Limit
from engine.core.books import AUDIT_EVERY_US, BookRules
from engine.core.venue_sheet import SECOND_US, LookupScope, VenueSheet
from engine.model.enums import Action, Outcome

DOCS_READ = "2026-07"
EXPIRY_US = 5 * SECOND_US


@dataclass(frozen=True, slots=True)
class Urls:
    """`rest` is a base without a path; `market` and `account` are whole addresses of sockets, which may be the same."""

    rest: str
    market: str
    account: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of Gate's API: `name` begins its channels, `path` its requests; `pair` is how these name a market.

    `amend` is the method of amends; `public` are channels of markets beside that of books, `private` the account's.
    These are subscribed to with `everything`.
    """

    name: str
    path: str
    pair: str
    amend: str
    public: Sequence[str]
    private: Sequence[str]
    everything: Sequence[str] = ("!all",)


FUTURES = Section(
    "futures", "futures/usdt", "contract", "PUT", ("trades", "tickers"), ("orders", "usertrades", "positions")
)
SPOT = Section("spot", "spot", "currency_pair", "PATCH", ("trades",), ("orders", "usertrades", "balances"))

_SOCKET = "wss://api.gateio.ws/ws/v4/"
LIVE = Urls("https://api.gateio.ws", _SOCKET, _SOCKET)


def addresses(url: str) -> Urls:
    """Gate itself, or a venue of this machine at `url` (http://host:port)."""
    socket = f"ws{url.removeprefix('http')}/ws/v4/"
    return Urls(url, socket, socket) if url else LIVE


_FUTURES_SOCKET = "wss://fx-ws.gateio.ws/v4/ws/usdt"
LIVE_FUTURES = Urls("https://api.gateio.ws", _FUTURES_SOCKET, _FUTURES_SOCKET)


def futures_addresses(url: str) -> Urls:
    """The same for USDT perpetuals."""
    socket = f"ws{url.removeprefix('http')}/v4/ws/usdt"
    return Urls(url, socket, socket) if url else LIVE_FUTURES


ORDERS, CANCELS, PRIVATE, PUBLIC = "orders", "cancels", "private", "public"
LIMITS = {
    ORDERS: Limit(10, SECOND_US),  # of a market; amends too
    CANCELS: Limit(200, SECOND_US),
    PRIVATE: Limit(200, 10 * SECOND_US),  # of a path
    PUBLIC: Limit(200, 10 * SECOND_US),  # of a path and an address
}

_SUBMIT, _CHANGES = (Action.SUBMIT,), (Action.SUBMIT, Action.AMEND)
_OF_ORDER = (Action.CANCEL, Action.AMEND, Action.LOOKUP)
AGAINST_RULES = (
    *("INVALID_PRECISION", "AMOUNT_TOO_LITTLE", "AMOUNT_TOO_MUCH", "TRADE_RESTRICTED"),
    *("SIZE_TOO_SMALL", "SIZE_TOO_LARGE", "INVALID_PARAM_VALUE", "CONTRACT_IN_DELISTING"),
)
ABSENT = ("ORDER_NOT_FOUND", "CLIENT_ID_NOT_FOUND", "ORDER_CLOSED", "ORDER_CANCELLED", "ORDER_FINISHED")
OUTCOMES = (
    Row(Outcome.NOT_SENT, status=429, word=RATE_LIMIT),
    Row(Outcome.NOT_SENT, ("TOO_MANY_REQUESTS", "TOO_FAST"), word=RATE_LIMIT),
    Row(Outcome.NOT_SENT, ("REQUEST_EXPIRED",), word=TIMESTAMP),
    Row(
        Outcome.NOT_SENT,
        ("INVALID_SIGNATURE", "INVALID_KEY", "IP_FORBIDDEN", "READ_ONLY", "FORBIDDEN"),
        word=UNAUTHORIZED,
    ),
    Row(Outcome.AMBIGUOUS, ("REPEATED_CREATION",), _SUBMIT, word=DUPLICATE),
    Row(Outcome.REJECTED, ("BALANCE_NOT_ENOUGH", "INSUFFICIENT_AVAILABLE"), _CHANGES, word=NO_FUNDS),
    Row(Outcome.REJECTED, ("POC_FILL_IMMEDIATELY", "ORDER_POC_IMMEDIATE"), _CHANGES, word=WOULD_TAKE),
    Row(
        Outcome.REJECTED,  # perpetuals
        (
            *("SIZE_TOO_SMALL", "SIZE_TOO_LARGE", "LEVERAGE_TOO_HIGH", "CONTRACT_NOT_FOUND", "CONTRACT_IN_DELISTING"),
            *("POSITION_EMPTY", "INCREASE_POSITION", "ORDER_FOK", "RISK_LIMIT_EXCEEDED", "LIQUIDATE_IMMEDIATELY"),
        ),
        _CHANGES,
    ),
    Row(
        Outcome.REJECTED,
        (
            "FOK_NOT_FILL",
            "INVALID_PRECISION",
            "INVALID_PARAM_VALUE",
            "AMOUNT_TOO_LITTLE",
            "AMOUNT_TOO_MUCH",
            "QUANTITY_NOT_ENOUGH",
            "PRICE_TOO_DEVIATED",
            "INVALID_CURRENCY_PAIR",
            "TOO_MANY_ORDERS",
            "INVALID_CLIENT_ORDER_ID",
            "TRADE_RESTRICTED",
        ),
        _CHANGES,
    ),
    Row(Outcome.ABSENT, ABSENT, _OF_ORDER),
)
"""For answers with status 4xx; whatever is not here, every other status above all, is AMBIGUOUS."""


def venue_sheet() -> VenueSheet:
    """Of one classic spot account. An order that has ended is not found by its client id any more."""
    return VenueSheet(
        request_expiry_us=EXPIRY_US,
        lookup_scope=LookupScope.OPEN_ONLY,
        client_id_in_trades=True,
        cancel_by_client_id=True,
        amend_in_place=True,
        acks_streamed=True,
        dead_man=True,
        books=BookRules(audit_every_us=AUDIT_EVERY_US),
    )


def futures_sheet() -> VenueSheet:
    """Of an account of USDT perpetuals. Gate does not tell the profit of a trade, which it rounds, and which depends on
    the order of trades: that may not be the one in which they reached us. `believed` is in USDT.
    """
    return replace(venue_sheet(), believed=Decimal(1))
