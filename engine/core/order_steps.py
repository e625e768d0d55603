"""The table bound to its handlers: what the tracker runs for each (stage, event), and for each due deadline.

And which event of the table an update or a failure is.
"""

from collections.abc import Callable, Mapping
from typing import Any

from engine.core import amend, order_absence, order_commands, order_reports, reconcile, settlement
from engine.core.hot_words import SENT
from engine.core.lifecycle import NEXT, News, Stage, Step
from engine.core.order_record import Record
from engine.core.tracker_state import TrackerState
from engine.model.enums import Action, OrderStatus, Outcome, UpdateSource
from engine.model.event import RequestSent
from engine.model.request import Request

Handler = Callable[
    [TrackerState, Record, Any, int], bool
]  # returns whether a fact changed, or the request is to be sent
Duty = Callable[[TrackerState, Record, int], list[Request]]


def ignore(state: TrackerState, record: Record, event: object, now_us: int) -> bool:
    """Nothing follows from this event at this stage."""
    return False


def sent(state: TrackerState, record: Record, event: RequestSent, now_us: int) -> bool:
    """T1: the intent was handed over."""
    order = record.order
    order.phase = SENT
    order.sent_us = event.sent_us
    order.expires_us = event.expires_us
    return True


STEPS: Mapping[Step, Handler] = {
    Step.IGNORE: ignore,
    Step.REFUSE: ignore,
    Step.SENT: sent,
    Step.MOVE: order_reports.move,
    Step.COUNT: order_reports.count,
    Step.RESURRECT: order_reports.resurrect,
    Step.REJECT: order_reports.reject,
    Step.CONTRADICT: order_reports.contradict,
    Step.REJECT_LIVE: order_reports.reject_live,
    Step.DOUBT: order_reports.doubt,
    Step.BOOK_SENT: settlement.book,
    Step.BOOK: settlement.book,
    Step.BOOK_LATE: settlement.book_late,
    Step.BOOK_DEAD: settlement.book_dead,
    Step.ABSENT_SENT: order_absence.absent_sent,
    Step.ABSENT_LIVE: order_absence.absent_live,
    Step.ABSENT_SETTLING: order_absence.absent_settling,
    Step.CANCEL_LATER: order_commands.cancel_later,
    Step.CANCEL: order_commands.cancel,
    Step.CANCEL_FAILED: order_commands.cancel_failed,
    Step.AMEND: amend.amend,
    Step.AMEND_REFUSED: amend.amend_refused,
    Step.AMEND_UNCLEAR: amend.amend_unclear,
    Step.LOOK: order_commands.look,
    Step.FENCE: reconcile.fence,
    Step.CORRECT: settlement.correct,
    Step.LOSE: settlement.lose,
    Step.LOSE_DOUBTED: settlement.lose_doubted,
}  # the others are decided before an order is at hand (!, twins) or at a tick
HANDLERS: Mapping[tuple[Stage, News], Handler] = {cell: STEPS[step] for cell, step in NEXT.items() if step in STEPS}
DUTIES: Mapping[Stage, Duty] = {
    Stage.SENT: order_commands.due_sent,
    Stage.LIVE: order_commands.due_live,
    Stage.SETTLING: order_commands.due_settling,
}
_NEWS_OF_STATUS = {
    OrderStatus.OPEN: News.OPEN,
    OrderStatus.FILLED: News.ENDED,
    OrderStatus.CANCELED: News.ENDED,
    OrderStatus.EXPIRED: News.ENDED,
    OrderStatus.REJECTED: News.REJECTED_TOLD,
    OrderStatus.UNKNOWN: News.UNKNOWN,
}
NEWS_OF_UPDATE = {
    **{(status, source): news for status, news in _NEWS_OF_STATUS.items() for source in UpdateSource},
    (OrderStatus.REJECTED, UpdateSource.ACK): News.REJECTED_ACK,
    (OrderStatus.OPEN, UpdateSource.SNAPSHOT): News.LISTED,
}
NEWS_OF_FAILURE = {
    (Action.LOOKUP, Outcome.ABSENT): News.LOOKUP_ABSENT,
    (Action.CANCEL, Outcome.ABSENT): News.CANCEL_ABSENT,
    (Action.CANCEL, Outcome.AMBIGUOUS): News.CANCEL_FAILED,
    (Action.CANCEL, Outcome.NOT_SENT): News.CANCEL_FAILED,
    (Action.CANCEL, Outcome.REJECTED): News.CANCEL_FAILED,
    (Action.AMEND, Outcome.ABSENT): News.AMEND_REFUSED,
    (Action.AMEND, Outcome.REJECTED): News.AMEND_REFUSED,
    (Action.AMEND, Outcome.AMBIGUOUS): News.AMEND_UNCLEAR,
    (Action.AMEND, Outcome.NOT_SENT): News.AMEND_UNCLEAR,
}  # a failed lookup that is not ABSENT counts for nothing
