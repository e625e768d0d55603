"""What Binance USD-M futures promise, as data: addresses, limits, and what each error allows us to conclude.

Source: Binance USDⓈ-M Futures documentation, pages "General Info", "Error Code", "Websocket Market Streams", "User Data
Streams", "Modify Order", "Auto-Cancel All Open Orders".
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base.outcomes import DUPLICATE, NO_FUNDS, RATE_LIMIT, TIMESTAMP, UNAUTHORIZED, WOULD_TAKE, Row
from connectors.base.rate_limit import Limit
from connectors.binance.dialect import Dialect
from connectors.binance.sheet import MINUTE_US, ORDERS_1M, ORDERS_10S, RECV_WINDOW_MS, WEIGHT
from engine.core.books import AUDIT_EVERY_US, BookRules, chained
from engine.core.venue_sheet import SECOND_US, LookupScope, VenueSheet
from engine.model.enums import Action, Outcome

DOCS_READ = "2026-07"
V2, V3 = "/fapi/v2/", "/fapi/v3/"  # prefixes of the newer questions about an account


@dataclass(frozen=True, slots=True)
class Urls:
    """Bases without a path. `wallet` tells the rights of a key; "" where nobody does."""

    rest: str
    stream: str
    wallet: str


LIVE = Urls("https://fapi.binance.com", "wss://fstream.binance.com", "https://api.binance.com")
TESTNET = Urls("https://demo-fapi.binance.com", "wss://demo-fstream.binance.com", "")


def addresses(url: str, testnet: bool = False) -> Urls:
    """The venue itself, its test network, or a venue of this machine at `url` (http://host:port)."""
    if url:
        return Urls(url, "ws" + url.removeprefix("http"), url)
    return TESTNET if testnet else LIVE


LIMITS = {
    WEIGHT: Limit(2_400, MINUTE_US, aligned=True),
    ORDERS_10S: Limit(300, 10 * SECOND_US, aligned=True),
    ORDERS_1M: Limit(1_200, MINUTE_US, aligned=True),
}
"""Until `exchangeInfo` tells the real ones."""

_SUBMIT, _CANCEL, _LOOKUP, _AMEND = (Action.SUBMIT,), (Action.CANCEL,), (Action.LOOKUP,), (Action.AMEND,)
_RULES = ("-1013", "-1111", *(f"-{code}" for code in range(4001, 4006)), "-4013", "-4014", "-4016", "-4023", "-4024")
_RULES += ("-4131", "-4164")
"""Prices, quantities and values that a market does not take."""
_NEVER = ("-1014", "-1020", *(f"-110{digit}" for digit in range(7)), "-1108")
_NEVER += tuple(f"-{code}" for code in (*range(1114, 1119), 1121, 1128, 1130))
_NEVER += tuple(
    f"-{code}" for code in (2021, 2022, 2024, 2025, 2027, 2028, 4015, 4061, 4087, 4088, 4118, 4140, 4141, 4400)
)
_FUNDS = ("-2018", "-2019", "-4050", "-4051")

OUTCOMES = (
    Row(Outcome.NOT_SENT, status=429, word=RATE_LIMIT),
    Row(Outcome.NOT_SENT, status=418, word="banned"),
    Row(Outcome.NOT_SENT, status=403, word="firewall"),
    Row(Outcome.NOT_SENT, status=503, text="Service Unavailable."),
    Row(Outcome.NOT_SENT, status=503, text="Internal error; unable to process your request."),
    Row(Outcome.NOT_SENT, ("-1008",), status=503, word=RATE_LIMIT),
    Row(Outcome.NOT_SENT, ("-1003", "-1008", "-1015"), word=RATE_LIMIT),
    Row(Outcome.NOT_SENT, ("-1021",), word=TIMESTAMP),
    Row(Outcome.NOT_SENT, ("-1002", "-1022", "-2014", "-2015"), word=UNAUTHORIZED),
    Row(Outcome.NOT_SENT, ("-1016",)),
    Row(Outcome.AMBIGUOUS, ("-4116",), _SUBMIT, word=DUPLICATE),
    Row(Outcome.AMBIGUOUS, ("-2010",), _SUBMIT, text="Duplicate order sent", word=DUPLICATE),
    Row(Outcome.REJECTED, _FUNDS, (*_SUBMIT, *_AMEND), word=NO_FUNDS),
    Row(Outcome.REJECTED, ("-5022",), _SUBMIT, word=WOULD_TAKE),
    Row(Outcome.REJECTED, ("-2010", "-5021", *_RULES, *_NEVER), _SUBMIT),
    Row(Outcome.ABSENT, ("-2011",), (*_CANCEL, *_AMEND), text="Unknown order sent"),
    Row(Outcome.REJECTED, ("-2011",), _CANCEL),
    Row(Outcome.ABSENT, ("-2013",), (*_LOOKUP, *_AMEND)),
    Row(Outcome.REJECTED, ("-5026", *_RULES), _AMEND),
)
"""Whatever is not here is AMBIGUOUS: other texts of 503, -1000, -1001, -1006, -1007; an amend that would change nothing
(-5027), since an earlier one may have worked, and one that would take (-5022), since that may have ended the order.
"""

USD_M = Dialect(
    prefix="/fapi/v1/",
    in_us=False,
    outcomes=OUTCOMES,
    limits=LIMITS,
    told_by_header={
        "X-MBX-USED-WEIGHT-1M": WEIGHT,
        "X-MBX-ORDER-COUNT-10S": ORDERS_10S,
        "X-MBX-ORDER-COUNT-1M": ORDERS_1M,
    },
    every=(),
    creates=dict.fromkeys((Action.SUBMIT, Action.AMEND), (ORDERS_10S, ORDERS_1M)),
    filters=_RULES,
    trades="userTrades",
    no_trades="",
    info_weight=1,
    snapshot_weight=20,
    lookup_weight=1,
    open_weights=(1, 40),
    trades_weights=(5, 5),
)

NO_LISTEN_KEY = "-1125"
LISTEN_SECONDS = 1_800.0  # half the life of a listen key


def venue_sheet() -> VenueSheet:
    """Of one futures account. Own trades name the order only; an amended order goes to the end of its queue."""
    return VenueSheet(
        request_expiry_us=RECV_WINDOW_MS * 1_000,
        ahead_us=SECOND_US,
        lookup_scope=LookupScope.ALL,
        unfilled_kept_us=3 * 1440 * MINUTE_US,
        cancel_by_client_id=True,
        amend_in_place=True,
        acks_streamed=True,
        dead_man=True,
        books=BookRules(chained, audit_every_us=AUDIT_EVERY_US),
    )
