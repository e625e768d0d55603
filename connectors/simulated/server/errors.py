"""Every error that the venue may answer with: HTTP status, code and text. Clients match on the texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.model.errors import TickwrightError


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """`text` has a `{}` for each value that belongs into it."""

    status: int
    code: int
    text: str


class ApiError(TickwrightError):
    """An answer that is an error. `data` goes beside code and text, `retry_after_us` is when to come back (epoch)."""

    def __init__(self, kind: ErrorKind, *values: object, data: Any = None, retry_after_us: int = 0) -> None:
        super().__init__(kind.text.format(*values))
        self.kind = kind
        self.data = data
        self.retry_after_us = retry_after_us

    def body(self) -> dict[str, Any]:
        """The JSON object that clients get."""
        body = {"code": self.kind.code, "msg": str(self)}
        return body if self.data is None else body | {"data": self.data}


DISCONNECTED = ErrorKind(503, -1001, "Internal error; unable to process your request. Please try again.")
BANNED = ErrorKind(
    418, -1003, "Way too much request weight used; IP banned until {}. Please use WebSocket Streams for live updates."
)
TOO_MUCH_WEIGHT = ErrorKind(
    429,
    -1003,
    "Too much request weight used; current limit is {} request weight per {}. "
    "Please use WebSocket Streams for live updates to avoid polling the API.",
)
TOO_MANY_CONNECTIONS = ErrorKind(429, -1034, "Too many connections; current limit is {} connections per {}.")
TOO_MANY_ORDERS = ErrorKind(429, -1015, "Too many new orders; current limit is {} orders per {}.")
FILTER = ErrorKind(400, -1013, "Filter failure: {}")
SELF_TRADE_MODE = ErrorKind(400, -1013, "This symbol does not allow the specified self-trade prevention mode.")
BAD_COMBINATION = ErrorKind(400, -1014, "Unsupported order combination.")
RETIRED = ErrorKind(410, -1016, "This service is no longer available.")
UNSUPPORTED = ErrorKind(400, -1020, "This operation is not supported.")
TOO_LATE = ErrorKind(400, -1021, "Timestamp for this request is outside of the recvWindow.")
TOO_EARLY = ErrorKind(400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
BAD_SIGNATURE = ErrorKind(400, -1022, "Signature for this request is not valid.")
ILLEGAL = ErrorKind(400, -1100, "Illegal characters found in parameter '{}'; legal range is '{}'.")
REPEATED = ErrorKind(400, -1101, "Duplicate values for parameter '{}' detected.")
MISSING = ErrorKind(400, -1102, "Mandatory parameter '{}' was not sent, was empty/null, or malformed.")
MISSING_BOTH = ErrorKind(400, -1102, "Param '{}' or '{}' must be sent, but both were empty/null!")
WINDOW_TOO_LARGE = ErrorKind(400, -1102, "'recvWindow' contains unexpected value. Cannot be greater than 60000.")
EMPTY = ErrorKind(400, -1105, "Parameter '{}' was empty.")
NOT_REQUIRED = ErrorKind(400, -1106, "Parameter '{}' sent when not required.")
TOO_PRECISE = ErrorKind(400, -1111, "Parameter '{}' has too much precision.")
BAD_TIME_IN_FORCE = ErrorKind(400, -1115, "Invalid timeInForce.")
BAD_ORDER_TYPE = ErrorKind(400, -1116, "Invalid orderType.")
BAD_SIDE = ErrorKind(400, -1117, "Invalid side.")
BAD_INTERVAL = ErrorKind(400, -1120, "Invalid interval.")
BAD_SYMBOL = ErrorKind(400, -1121, "Invalid symbol.")
LOOKUP_TOO_WIDE = ErrorKind(400, -1127, "More than {} hours between startTime and endTime.")
BAD_OPTIONS = ErrorKind(400, -1128, "Combination of optional parameters invalid.")
BAD_DATA = ErrorKind(400, -1130, "Invalid data sent for parameter '{}'.")
BAD_JSON = ErrorKind(400, -1135, "Invalid JSON Request")
BAD_RESTRICTION = ErrorKind(400, -1145, "Invalid cancelRestrictions")
BAD_TIME_UNIT = ErrorKind(400, -1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
REFUSED = ErrorKind(400, -2010, "{}")
CANCEL_REFUSED = ErrorKind(400, -2011, "{}")
NO_SUCH_ORDER = ErrorKind(400, -2013, "Order does not exist.")
BAD_KEY_FORMAT = ErrorKind(401, -2014, "API-key format invalid.")
BAD_KEY = ErrorKind(401, -2015, "Invalid API-key, IP, or permissions for action.")
PARTLY_REPLACED = ErrorKind(409, -2021, "Order cancel-replace partially failed.")
NOT_REPLACED = ErrorKind(400, -2022, "Order cancel-replace failed.")
SUBSCRIBED = ErrorKind(400, -2035, "User data stream subscription already active.")
NOT_SUBSCRIBED = ErrorKind(400, -2036, "User data stream subscription not active.")
AMEND_REFUSED = ErrorKind(400, -2038, "{}")
IDS_DIFFER = ErrorKind(400, -2039, "Client order ID is not correct for this order ID.")
NO_SUCH_PATH = ErrorKind(404, -1000, "Path not found.")
NO_SUCH_METHOD = ErrorKind(400, -1130, "Unknown method: '{}'.")
LOGON_NEEDS_ED25519 = ErrorKind(400, -1130, "session.logon needs an Ed25519 key.")
NOT_LOGGED_ON = ErrorKind(400, -1130, "The session is not authenticated: send session.logon first.")

UNKNOWN_ORDER = "Unknown order sent."
WRONG_SIDES = "The relationship of the prices for the orders is not correct."
RESTRICTED = "Order was not canceled due to cancel restrictions."
NOT_ENOUGH_LIQUIDITY = "Order book liquidity is less than LOT_SIZE filter minimum quantity."
REFUSALS = {
    "insufficient_funds": "Account has insufficient balance for requested action.",
    "duplicate_client_order_id": "Duplicate order sent.",
    "would_take": "Order would immediately match and take.",
    "would_trigger": "Order would trigger immediately.",
    "halted": "Market is closed.",
}
"""What the exchange says, in the words of this protocol. All are -2010."""
