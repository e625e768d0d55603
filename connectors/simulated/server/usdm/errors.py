"""The errors that only the futures protocol has, and its words for what the exchange says; texts as documented."""

from __future__ import annotations

from connectors.simulated.server.errors import ApiError, ErrorKind
from engine.model.errors import Rejected

ALGO_ONLY = ErrorKind(
    400, -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
)
NO_SUCH_KEY = ErrorKind(400, -1125, "This listenKey does not exist.")
TOO_MANY_DIGITS = ErrorKind(400, -1111, "Precision is over the maximum defined for this asset.")
IMMEDIATE_TRIGGER = ErrorKind(400, -2021, "Order would immediately trigger.")
NOTHING_TO_REDUCE = ErrorKind(400, -2022, "ReduceOnly Order is rejected.")
TOO_MANY_OPEN = ErrorKind(400, -2025, "Reach max open order limit.")
TOO_GEARED = ErrorKind(400, -2027, "Exceeded the maximum allowable position at current leverage.")
TOO_LITTLE_LEVERAGE = ErrorKind(400, -2028, "Leverage is smaller than permitted: insufficient margin balance.")
NO_MARGIN = ErrorKind(400, -2019, "Margin is insufficient.")
PRICE_TOO_SMALL = ErrorKind(400, -4013, "Price less than min price.")
PRICE_TOO_LARGE = ErrorKind(400, -4002, "Price greater than max price.")
QUANTITY_TOO_SMALL = ErrorKind(400, -4003, "Quantity less than or equal to zero.")
QUANTITY_TOO_LARGE = ErrorKind(400, -4005, "Quantity greater than max quantity.")
OFF_TICK = ErrorKind(400, -4014, "Price not increased by tick size.")
BAD_LEVERAGE = ErrorKind(400, -4028, "Leverage {} is not valid")
SAME_MARGIN_TYPE = ErrorKind(400, -4046, "No need to change margin type.")
SAME_SIDES = ErrorKind(400, -4059, "No need to change position side.")
WRONG_POSITION_SIDE = ErrorKind(400, -4061, "Order's position side does not match user's setting.")
DUPLICATE = ErrorKind(400, -4116, "ClientOrderId is duplicated.")
CLOSED = ErrorKind(400, -4140, "Invalid symbol status for opening position.")
BAD_EXPIRY = ErrorKind(
    400, -4015, "goodTillDate must be greater than the current time plus 600 seconds and smaller than 253402300799000"
)
TOO_LITTLE_VALUE = ErrorKind(400, -4164, "Order's notional must be no smaller than {} (unless you choose reduce only).")
NOT_FILLED_AT_ONCE = ErrorKind(
    400,
    -5021,
    "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history",
)
WOULD_TAKE = ErrorKind(
    400,
    -5022,
    "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history",
)
TOO_MANY_CHANGES = ErrorKind(400, -5026, "The order has exceeded the maximum number of modifications.")
NO_CHANGE = ErrorKind(400, -5027, "No need to modify the order.")
REFUSALS = {
    "duplicate_client_order_id": DUPLICATE,
    "halted": CLOSED,
    "insufficient_funds": NO_MARGIN,
    "leverage_too_high": TOO_GEARED,
    "nothing_to_reduce": NOTHING_TO_REDUCE,
    "too_many_orders": TOO_MANY_OPEN,
    "would_take": WOULD_TAKE,
}


def refusal(error: Rejected) -> ApiError:
    """The exchange's no in the words of this protocol. Everything else has been looked at before."""
    return ApiError(REFUSALS[error.code])
