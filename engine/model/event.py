"""Events: the facts that reach the engine. Together with the ticks they are the whole input of a session."""

from decimal import Decimal

from msgspec import Struct

from engine.model.account import Balance, Position
from engine.model.enums import (
    Action,
    Channel,
    Health,
    OperatorAction,
    OrderStatus,
    Outcome,
    Side,
    UpdateSource,
)
from engine.model.fill import Fill as Fill
from engine.model.instrument import Instrument
from engine.model.market import BestQuote, BookDelta, BookSnapshot, Candle, FundingRate, MarkPrice, PublicTrade
from engine.model.order import Order


class OrderUpdate(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A venue's word on an order. The answer to a submit is one too.

    `status` is OPEN, FILLED, CANCELED, EXPIRED, REJECTED (`reason` `rejected:<code>` or `not_sent:<cause>`) or UNKNOWN
    (`ambiguous:<cause>`). `filled` is cumulative, None if not said. `started_us` is when the request that brought this
    answer began, None on a stream. `average_price` is that of the cumulative quantity, None if not said.
    """

    instrument_id: str
    client_order_id: str
    venue_order_id: str
    status: OrderStatus
    filled: Decimal | None
    reason: str
    event_us: int
    receive_us: int
    source: UpdateSource = UpdateSource.STREAM
    started_us: int | None = None
    side: Side | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None
    average_price: Decimal | None = None


class FillCorrected(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A venue busted (`quantity` 0) or corrected a trade. `told` is the quantity that it told first, None if not said.

    Lists of trades repeat it together with the trade. The venue's cumulative quantities count what it took back too.
    """

    trade_id: str
    client_order_id: str
    venue_order_id: str
    instrument_id: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    receive_us: int
    told: Decimal | None = None


class RequestSent(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """The driver handed a submit, cancel or amend to the connector. `expires_us`: the venue ignores it after this."""

    client_order_id: str
    action: Action
    sent_us: int
    expires_us: int


class RequestFailed(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Every request but a submit that did not succeed; `outcome` says what may be concluded."""

    instrument_id: str
    client_order_id: str
    venue_order_id: str
    action: Action
    outcome: Outcome
    code: str
    reason: str
    started_us: int
    receive_us: int
    venue: str = ""


class AccountSnapshot(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """An account as one answer told it; parts not asked for are None. `complete` False adds facts, judges nothing."""

    venue: str
    started_us: int
    receive_us: int
    complete: bool = True
    balances: tuple[Balance, ...] | None = None
    positions: tuple[Position, ...] | None = None
    open_orders: tuple[OrderUpdate, ...] | None = None


class TradesSynced(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Follows the Fills of one FetchTrades."""

    instrument_id: str
    venue_order_id: str
    cursor: str
    started_us: int
    receive_us: int
    complete: bool = True


class ClockSynced(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """`offset_us` = venue's clock − ours, `error_us` the half round trip of the sample."""

    venue: str
    offset_us: int
    error_us: int
    receive_us: int


class ConnectorStatus(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """`instrument_id` narrows a MARKET status to one book; "" is the whole channel."""

    venue: str
    channel: Channel
    health: Health
    reason: str
    receive_us: int
    instrument_id: str = ""


class RulesChanged(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """From now on the venue takes orders on other steps, or within other limits. It is the same market still."""

    instrument: Instrument
    receive_us: int


class BadMessageSeen(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A message of the venue could not be understood and was dropped. `excerpt` is at most 200 characters of it."""

    venue: str
    channel: Channel
    reason: str
    excerpt: str
    receive_us: int


class OrderRecalled(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """The driver's answer to RecallOrder: the record from the order log, None if it has none."""

    order: Order | None
    client_order_id: str
    venue_order_id: str
    receive_us: int


class OperatorDecision(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A person decided that an order in doubt is LOST."""

    client_order_id: str
    operator: str
    receive_us: int


class OperatorCommand(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Pause, resume, stop or kill, from a signal, the command line or the API."""

    action: OperatorAction
    actor: str
    reason: str
    receive_us: int


class SettingsChanged(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Settings that may change while the bot runs: (dotted path, text before, text from now on), as in its files."""

    changes: tuple[tuple[str, str, str], ...]
    actor: str
    receive_us: int


class TransferSeen(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """Money that came or went without a trade: deposit, withdrawal, funding, interest. `amount` is signed."""

    venue: str
    asset: str
    amount: Decimal
    kind: str
    transfer_id: str
    event_us: int
    receive_us: int
    instrument_id: str = ""


class Tick(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A tick of the engine, as journals and other sinks see it."""

    now_us: int


MarketEvent = BookSnapshot | BookDelta | PublicTrade | BestQuote | Candle | FundingRate | MarkPrice
Event = (
    MarketEvent
    | OrderUpdate
    | Fill
    | FillCorrected
    | RequestSent
    | RequestFailed
    | Balance
    | AccountSnapshot
    | TradesSynced
    | ClockSynced
    | ConnectorStatus
    | RulesChanged
    | BadMessageSeen
    | OrderRecalled
    | OperatorDecision
    | OperatorCommand
    | SettingsChanged
    | TransferSeen
)
