"""Every error that the venue may answer with in OKX's words: HTTP status, code and text."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.errors import Rejected, TickwrightError


@dataclass(frozen=True, slots=True)
class Kind:
    """`text` has a `{}` for each value that belongs into it."""

    code: str
    text: str
    status: int = 200


class OkxError(TickwrightError):
    """An answer that is an error."""

    def __init__(self, kind: Kind, *values: object) -> None:
        super().__init__(kind.text.format(*values))
        self.kind = kind


BAD_JSON = Kind("50002", "JSON syntax error", 400)
TOO_MANY_REQUESTS = Kind("50011", "Too Many Requests", 429)
MISSING = Kind("50014", "Parameter {} can not be empty.", 400)
TOO_MANY_ORDERS = Kind("50061", "The maximum order count for the current sub-account has been reached.")
BAD_TIME = Kind("50102", "Timestamp request expired", 401)
NO_KEY = Kind("50103", 'Request header "OK-ACCESS-KEY" can not be empty.', 401)
BAD_PASSPHRASE = Kind("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', 401)
BAD_KEY = Kind("50111", "Invalid OK-ACCESS-KEY", 401)
BAD_STAMP = Kind("50112", "Invalid OK-ACCESS-TIMESTAMP", 401)
BAD_SIGNATURE = Kind("50113", "Invalid Sign", 401)
BAD_VALUE = Kind("51000", "Parameter {} error")
BAD_INSTRUMENT = Kind("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
OVER_LEVERAGED = Kind(
    "51004", "Order failed. The size of positions and orders exceeds the maximum limit under current leverage."
)
NO_FUNDS = Kind("51008", "Order failed. Your available balance is insufficient.")
DUPLICATE = Kind("51016", "Client order ID already exists.")
TOO_LITTLE = Kind("51020", "Your order should meet or exceed the minimum order amount.")
SUSPENDED = Kind("51022", "Contract suspended.")
TOO_MUCH = Kind("51101", "Entered amount exceeds the maximum order amount.")
BAD_LOTS = Kind("51121", "Order quantity must be a multiple of the lot size.")
EXPIRED = Kind("51149", "Order timed out. Please try again.")
TOO_DEAR = Kind("51137", "The highest price limit for buy orders is {}.")
TOO_CHEAP = Kind("51138", "The lowest price limit for sell orders is {}.")
NOTHING_TO_REDUCE = Kind(
    "51169", "Order failed because you don't have any positions in this direction to reduce or close."
)
TOO_MANY_PENDING = Kind("51174", "Order failed. The number of pending orders reached the upper limit.")
NOTHING_TO_CANCEL = Kind("51400", "Cancellation failed as the order has been filled, canceled or does not exist.")
NOTHING_TO_AMEND = Kind("51503", "Order modification failed as the order has been filled, canceled or does not exist.")
NO_SUCH_ORDER = Kind("51603", "Order does not exist")
NO_SUCH_PATH = Kind("404", "Not Found", 404)
TOO_MUCH_LEVERAGE = Kind("59102", "Leverage exceeds the maximum limit. Please lower the leverage.")
LOGIN_FAILED = Kind("60009", "Login failed.")
NOT_LOGGED_IN = Kind("60011", "Please log in")
BAD_REQUEST = Kind("60012", "Invalid request: {}")
BAD_CHANNEL = Kind(
    "60018", "Wrong URL or channel:{} doesn't exist. Please use the correct URL, channel and parameters."
)

_REFUSALS = {
    "insufficient_funds": NO_FUNDS,
    "duplicate_client_order_id": DUPLICATE,
    "too_many_orders": TOO_MANY_PENDING,
    "halted": SUSPENDED,
    "leverage_too_high": OVER_LEVERAGED,
    "nothing_to_reduce": NOTHING_TO_REDUCE,
}


def refusal(error: Rejected) -> OkxError:
    """The exchange's no in the words of this protocol."""
    kind = _REFUSALS.get(error.code)
    return OkxError(BAD_VALUE, "order") if kind is None else OkxError(kind)
