"""What Binance Spot promises, as data: addresses, limits, and what each of its errors allows us to conclude.

Source: Binance Spot API documentation, pages "REST API", "WebSocket API", "Errors", "LIMITS", "Order amend keep
priority".
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base.outcomes import DUPLICATE, NO_FUNDS, RATE_LIMIT, TIMESTAMP, UNAUTHORIZED, WOULD_TAKE, Row
from connectors.base.rate_limit import Limit
from connectors.binance.dialect import Dialect
from engine.core.books import AUDIT_EVERY_US, BookRules
from engine.core.venue_sheet import SECOND_US, LookupScope, VenueSheet
from engine.model.enums import Action, OrderStatus, Outcome

DOCS_READ = "2026-07"
RECV_WINDOW_MS = 5_000
MINUTE_US = 60 * SECOND_US


@dataclass(frozen=True, slots=True)
class Urls:
    """`rest` and `stream` are bases without a path, `api` is the whole address of the WebSocket API."""

    rest: str
    stream: str
    api: str


LIVE = Urls("https://api.binance.com", "wss://stream.binance.com:9443", "wss://ws-api.binance.com:443/ws-api/v3")
TESTNET = Urls(
    "https://testnet.binance.vision",
    "wss://stream.testnet.binance.vision",
    "wss://ws-api.testnet.binance.vision/ws-api/v3",
)


def addresses(url: str, testnet: bool = False) -> Urls:
    """The venue itself, its test network, or a venue of this machine at `url` (http://host:port)."""
    if url:
        socket = "ws" + url.removeprefix("http")
        return Urls(url, socket, f"{socket}/ws-api/v3")
    return TESTNET if testnet else LIVE


WALLET = "/sapi/v1/"  # where the rights of a key are told

WEIGHT, RAW, ORDERS_10S, ORDERS_1M, ORDERS_1D = "weight", "raw", "orders_10s", "orders_1m", "orders_1d"
LIMITS = {
    WEIGHT: Limit(6_000, MINUTE_US, aligned=True),
    RAW: Limit(300_000, 5 * MINUTE_US, aligned=True),
    ORDERS_10S: Limit(100, 10 * SECOND_US, aligned=True),
    ORDERS_1D: Limit(200_000, 1440 * MINUTE_US, aligned=True),
}
"""Until `exchangeInfo` tells the real ones."""
TOLD_BY_HEADER = {
    "X-MBX-USED-WEIGHT-1M": WEIGHT,
    "X-MBX-ORDER-COUNT-10S": ORDERS_10S,
    "X-MBX-ORDER-COUNT-1D": ORDERS_1D,
}

STATUSES = {
    "NEW": OrderStatus.OPEN,
    "PARTIALLY_FILLED": OrderStatus.OPEN,
    "PENDING_NEW": OrderStatus.OPEN,
    "PENDING_CANCEL": OrderStatus.OPEN,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}

_NEVER = ("-1013", "-1014", "-1020", *(f"-110{digit}" for digit in range(7)), "-1108", "-1111")
_NEVER += tuple(f"-{code}" for code in (*range(1114, 1119), 1121, 1128, 1130, 1134, 1145, 1158, 1160, 1165, 1166, 1168))
_NEVER += tuple(f"-{code}" for code in (*range(1196, 1200), 1210, 1211, 1220))
_SUBMIT, _CANCEL, _LOOKUP, _AMEND = (Action.SUBMIT,), (Action.CANCEL,), (Action.LOOKUP,), (Action.AMEND,)

OUTCOMES = (
    Row(Outcome.NOT_SENT, status=429, word=RATE_LIMIT),
    Row(Outcome.NOT_SENT, status=418, word="banned"),
    Row(Outcome.NOT_SENT, status=403, word="firewall"),
    Row(Outcome.NOT_SENT, ("-1003", "-1015", "-1034"), word=RATE_LIMIT),
    Row(Outcome.NOT_SENT, ("-1021",), word=TIMESTAMP),
    Row(Outcome.NOT_SENT, ("-1002", "-1022", "-2014", "-2015"), word=UNAUTHORIZED),
    Row(Outcome.NOT_SENT, ("-1016",)),
    Row(Outcome.AMBIGUOUS, ("-2010",), _SUBMIT, text="Duplicate order sent", word=DUPLICATE),
    Row(Outcome.REJECTED, ("-2010",), _SUBMIT, text="insufficient balance", word=NO_FUNDS),
    Row(Outcome.REJECTED, ("-2010",), _SUBMIT, text="immediately match and take", word=WOULD_TAKE),
    Row(Outcome.REJECTED, ("-2010", *_NEVER), _SUBMIT),
    Row(Outcome.ABSENT, ("-2011",), _CANCEL, text="Unknown order sent"),
    Row(Outcome.REJECTED, ("-2011",), _CANCEL),
    Row(Outcome.ABSENT, ("-2013",), _LOOKUP),
    Row(Outcome.AMBIGUOUS, ("-2038",), _AMEND, text="would change no state"),
    Row(Outcome.ABSENT, ("-2038",), _AMEND, text="Unknown order sent"),
    Row(Outcome.REJECTED, ("-2038", "-1013"), _AMEND),
)
"""Whatever is not here, every 5xx above all, is AMBIGUOUS: -1000, -1001, -1006, -1007, -1008, -2039 …"""

SPOT = Dialect(
    prefix="/api/v3/",
    in_us=True,
    outcomes=OUTCOMES,
    limits=LIMITS,
    told_by_header=TOLD_BY_HEADER,
    every=(RAW,),
    creates={Action.SUBMIT: (ORDERS_10S, ORDERS_1D)},
    filters=("-1013",),
    trades="myTrades",
    no_trades="0",
    info_weight=20,
    snapshot_weight=50,
    lookup_weight=4,
    open_weights=(6, 80),
    trades_weights=(20, 5),
)

ARCHIVED = "-2026"  # to a lookup: it ended more than 90 days ago without a fill
NO_SUCH_SYMBOL = "-1121"
NOTHING_OPEN = "-2011"  # to a cancel-all: a success
STALE_STAMP = "-1021"
SUBSCRIBED = -2035  # to a subscription: it is there already


def venue_sheet() -> VenueSheet:
    """Of one spot account. Own trades name the order only, and orders are not amended in price."""
    return VenueSheet(
        request_expiry_us=RECV_WINDOW_MS * 1_000,
        ahead_us=SECOND_US,
        lookup_scope=LookupScope.ALL,
        unfilled_kept_us=90 * 1440 * MINUTE_US,
        cancel_by_client_id=True,
        acks_streamed=True,
        books=BookRules(audit_every_us=AUDIT_EVERY_US),
    )
