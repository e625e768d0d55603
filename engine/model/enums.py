"""The words that orders, markets and channels are described with."""

from enum import StrEnum


class Side(StrEnum):
    """Side of an order or aggressor of a trade (FIX 54)."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """FIX 40. A trailing stop is a STOP_MARKET or STOP_LIMIT with `trailing_delta`."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP_LIMIT = "STOP_LIMIT"
    STOP_MARKET = "STOP_MARKET"


class TimeInForce(StrEnum):
    """FIX 59."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"


class Liquidity(StrEnum):
    """Whether a fill added or took liquidity."""

    MAKER = "MAKER"
    TAKER = "TAKER"


class InstrumentKind(StrEnum):
    SPOT = "SPOT"
    PERPETUAL = "PERPETUAL"
    FUTURE = "FUTURE"


class OrderStatus(StrEnum):
    """The status of an order in one word, derived from its facts (see `engine.core.order_status`)."""

    PENDING_NEW = "PENDING_NEW"
    OPEN = "OPEN"
    PENDING_CANCEL = "PENDING_CANCEL"
    UNKNOWN = "UNKNOWN"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class Phase(StrEnum):
    """What is proven about the venue's side of an order."""

    INTENT = "INTENT"  # durable here, not handed over yet
    SENT = "SENT"  # handed over, nothing proven
    LIVE = "LIVE"  # proven to exist and not ended
    CLOSED = "CLOSED"  # ended, see CloseReason


class CloseReason(StrEnum):
    """Why an order is CLOSED: the first three ended at the venue, the others are dead (it never traded)."""

    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    NOT_SENT = "NOT_SENT"
    NEVER_EXISTED = "NEVER_EXISTED"
    LOST = "LOST"  # only by an operator's decision


class Command(StrEnum):
    """What we want of an order at the venue."""

    NONE = "NONE"
    CANCEL = "CANCEL"
    AMEND = "AMEND"


class UpdateSource(StrEnum):
    """Where an OrderUpdate or a Fill came from."""

    ACK = "ACK"
    STREAM = "STREAM"
    LOOKUP = "LOOKUP"
    SNAPSHOT = "SNAPSHOT"
    REST = "REST"
    PROVISIONAL = "PROVISIONAL"


class Action(StrEnum):
    """The kind of a request, as named in answers to it."""

    SUBMIT = "SUBMIT"
    CANCEL = "CANCEL"
    AMEND = "AMEND"
    CANCEL_ALL = "CANCEL_ALL"
    LOOKUP = "LOOKUP"
    TRADES = "TRADES"
    OPEN_ORDERS = "OPEN_ORDERS"
    BALANCES = "BALANCES"
    CLOCK = "CLOCK"
    DEAD_MAN = "DEAD_MAN"
    RECONNECT = "RECONNECT"


class Outcome(StrEnum):
    """What an answer other than success allows us to conclude. Anything unlisted is AMBIGUOUS."""

    NOT_SENT = "NOT_SENT"
    REJECTED = "REJECTED"
    ABSENT = "ABSENT"
    AMBIGUOUS = "AMBIGUOUS"


class Channel(StrEnum):
    """A connection of a venue whose health is watched on its own."""

    MARKET = "MARKET"
    USER = "USER"
    REST = "REST"
    KEY = "KEY"  # what the venue lets our key do
    ORDER_LOG = "ORDER_LOG"  # not a venue's: our own disk


class Health(StrEnum):
    HEALTHY = "HEALTHY"
    STALE = "STALE"
    DOWN = "DOWN"


class OperatorAction(StrEnum):
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    ADOPT = "ADOPT"  # resume, and where balances are proven to differ the venue is right
    STOP = "STOP"
    KILL = "KILL"
