"""What may be concluded from an answer that is no success, and the one place where that becomes events.

A timeout is never a rejection. Whatever a venue's table does not name is AMBIGUOUS: then nothing is known of the
request, and the order tracker finds out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.base.credentials import without_secrets
from engine.model.enums import Action, OrderStatus, Outcome, UpdateSource
from engine.model.errors import TickwrightError
from engine.model.event import Event, OrderUpdate, RequestFailed
from engine.model.request import (
    AmendOrder,
    ArmDeadMan,
    CancelAll,
    CancelOrder,
    FetchBalances,
    FetchOpenOrders,
    FetchTrades,
    LookupOrder,
    Request,
    SubmitOrder,
    SyncClock,
    venue_of,
)

TEXT_MAX = 200
# Codes that the engine acts on:
TIMESTAMP, NO_FUNDS, WOULD_TAKE = "timestamp", "insufficient_funds", "would_take"
UNAUTHORIZED = "unauthorized"
DUPLICATE, RATE_LIMIT = "duplicate", "rate_limit"

ACTIONS: dict[type, Action] = {
    SubmitOrder: Action.SUBMIT,
    CancelOrder: Action.CANCEL,
    AmendOrder: Action.AMEND,
    CancelAll: Action.CANCEL_ALL,
    LookupOrder: Action.LOOKUP,
    FetchTrades: Action.TRADES,
    FetchOpenOrders: Action.OPEN_ORDERS,
    FetchBalances: Action.BALANCES,
    SyncClock: Action.CLOCK,
    ArmDeadMan: Action.DEAD_MAN,
}


class Failed(TickwrightError):
    """A request did not succeed. `code` is one of our words, or the venue's own code; `text` never holds a secret.

    `broken`: the connection broke or was not made, so that a question may be asked again.
    """

    def __init__(self, outcome: Outcome, code: str, text: str = "", *, broken: bool = False) -> None:
        text = without_secrets(text)[:TEXT_MAX]
        super().__init__(f"{outcome} {code}: {text}")
        self.outcome = outcome
        self.code = code
        self.text = text
        self.broken = broken


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a venue's outcome table; what is empty fits anything. `text` is a part of the venue's message.

    `word` is our word for the code where the engine knows one.
    """

    outcome: Outcome
    codes: Sequence[str] = ()
    actions: Sequence[Action] = ()
    status: int = 0
    text: str = ""
    word: str = ""

    def fits(self, action: Action, status: int, code: str, text: str) -> bool:
        return (
            (not self.codes or code in self.codes)
            and (not self.actions or action in self.actions)
            and self.status in (0, status)
            and self.text in text
        )


def judge(rows: Iterable[Row], action: Action, status: int, code: str, text: str) -> Failed:
    """The first row that fits; AMBIGUOUS without one."""
    for row in rows:
        if row.fits(action, status, code, text):
            return Failed(row.outcome, row.word or code, f"{code} {text}".strip())
    return Failed(Outcome.AMBIGUOUS, code or f"http_{status}", text)


def failed(request: Request, failure: Failed, started_us: int, receive_us: int) -> list[Event]:
    """A failure as the events that the engine understands. Of a book's snapshot nothing is said: it is asked again."""
    if isinstance(request, SubmitOrder):
        return [_refused(request, failure, started_us, receive_us)]
    action = ACTIONS.get(type(request))
    if action is None:
        return []
    return [
        RequestFailed(
            getattr(request, "instrument_id", ""),
            getattr(request, "client_order_id", ""),
            getattr(request, "venue_order_id", ""),
            action,
            failure.outcome,
            failure.code,
            failure.text,
            started_us,
            receive_us,
            venue_of(request),
        )
    ]


def _refused(request: SubmitOrder, failure: Failed, started_us: int, receive_us: int) -> OrderUpdate:
    status, word = _SUBMITS.get(failure.outcome, (OrderStatus.UNKNOWN, "ambiguous"))
    return OrderUpdate(
        request.instrument_id,
        request.client_order_id,
        "",
        status,
        None,
        f"{word}:{failure.code}",
        receive_us,
        receive_us,
        UpdateSource.ACK,
        started_us,
        request.side,
        request.price,
        request.quantity,
    )


_SUBMITS = {
    Outcome.NOT_SENT: (OrderStatus.REJECTED, "not_sent"),
    Outcome.REJECTED: (OrderStatus.REJECTED, "rejected"),
}
