"""Every error that the venue may answer with in Gate's words: HTTP status, label and text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.model.errors import Rejected, TickwrightError


@dataclass(frozen=True, slots=True)
class Kind:
    status: int
    label: str
    text: str = ""


class GateError(TickwrightError):
    """An answer that is an error."""

    def __init__(self, kind: Kind, text: str = "") -> None:
        super().__init__(text or kind.text or kind.label)
        self.kind = kind

    def body(self) -> dict[str, Any]:
        """The JSON object that clients get."""
        return {"label": self.kind.label, "message": str(self)}


NO_SUCH_PATH = Kind(404, "NOT_FOUND", "The requested URL was not found")
BAD_BODY = Kind(400, "INVALID_REQUEST_BODY", "The request body is not a JSON object")
BAD_VALUE = Kind(400, "INVALID_PARAM_VALUE")
MISSING = Kind(400, "MISSING_REQUIRED_PARAM")
MISSING_HEADER = Kind(400, "MISSING_REQUIRED_HEADER")
BAD_PAIR = Kind(400, "INVALID_CURRENCY_PAIR", "Invalid currency pair")
BAD_TEXT = Kind(400, "INVALID_CLIENT_ORDER_ID", "text must be t- and 1 to 28 of 0-9 A-Z a-z _ - .")
BAD_PRECISION = Kind(400, "INVALID_PRECISION")
TOO_LITTLE = Kind(400, "AMOUNT_TOO_LITTLE", "Your order size is too small")
TOO_MUCH = Kind(400, "AMOUNT_TOO_MUCH", "Your order size is too large")
NOT_ENOUGH = Kind(400, "BALANCE_NOT_ENOUGH", "Not enough balance")
WOULD_TAKE = Kind(400, "POC_FILL_IMMEDIATELY", "Order would match and take immediately so its cancelled")
REPEATED = Kind(400, "REPEATED_CREATION", "text is already used by an open order")
TOO_MANY_ORDERS = Kind(400, "TOO_MANY_ORDERS", "Too many open orders")
RESTRICTED = Kind(400, "TRADE_RESTRICTED", "The market is not open for trading")
NO_SUCH_ORDER = Kind(404, "ORDER_NOT_FOUND", "Order not found")
ORDER_CLOSED = Kind(400, "ORDER_CLOSED", "Order has been closed")
ORDER_CANCELLED = Kind(400, "ORDER_CANCELLED", "Order has been cancelled")
BAD_KEY = Kind(401, "INVALID_KEY", "Invalid key provided")
BAD_SIGNATURE = Kind(401, "INVALID_SIGNATURE", "Signature mismatch")
EXPIRED = Kind(403, "REQUEST_EXPIRED", "The request came too late, or its Timestamp is too far from the server's time")
TOO_MANY_REQUESTS = Kind(429, "TOO_MANY_REQUESTS", "Request Rate limit Exceeded")
NOT_LOGGED_IN = Kind(401, "AUTHENTICATION_FAILED", "Not login")

NO_CONTRACT = Kind(400, "CONTRACT_NOT_FOUND", "contract not found")
NO_MARGIN = Kind(400, "INSUFFICIENT_AVAILABLE", "insufficient balance")
SIZE_TOO_LARGE = Kind(400, "SIZE_TOO_LARGE", "size is above order_size_max")
SIZE_TOO_SMALL = Kind(400, "SIZE_TOO_SMALL", "size is below order_size_min")
TOO_DEVIATED = Kind(400, "PRICE_TOO_DEVIATED", "order price deviates too much from the mark price")
LEVERAGE_TOO_HIGH = Kind(400, "LEVERAGE_TOO_HIGH", "leverage is above the maximum of this risk limit")
ORDER_POC_IMMEDIATE = Kind(400, "ORDER_POC_IMMEDIATE", "order would match and take immediately")
ORDER_FINISHED = Kind(400, "ORDER_FINISHED", "order finished")
POSITION_EMPTY = Kind(400, "POSITION_EMPTY", "position is empty")
POSITION_NOT_FOUND = Kind(400, "POSITION_NOT_FOUND", "position not found")
POSITION_HOLDING = Kind(400, "POSITION_HOLDING")
INCREASE_POSITION = Kind(400, "INCREASE_POSITION", "a reduce-only order would increase the position")

REFUSALS = {
    "insufficient_funds": NOT_ENOUGH,
    "duplicate_client_order_id": REPEATED,
    "would_take": WOULD_TAKE,
    "halted": RESTRICTED,
    "too_many_orders": TOO_MANY_ORDERS,
    "unknown_order": NO_SUCH_ORDER,
    "invalid_order": BAD_VALUE,
}


FUTURES_REFUSALS = {
    "insufficient_funds": NO_MARGIN,
    "would_take": ORDER_POC_IMMEDIATE,
    "leverage_too_high": LEVERAGE_TOO_HIGH,
    "nothing_to_reduce": INCREASE_POSITION,
}


def futures_refusal(error: Rejected) -> GateError:
    """The exchange's no in the words that perpetuals have for it."""
    kind = FUTURES_REFUSALS.get(error.code)
    return refusal(error) if kind is None else GateError(kind, str(error))


def refusal(error: Rejected) -> GateError:
    """The exchange's no in the words of this protocol."""
    return GateError(REFUSALS.get(error.code, BAD_VALUE), str(error))
