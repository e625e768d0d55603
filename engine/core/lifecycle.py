"""The life of an order as one table: what each event does at each stage. The tracker dispatches by it.

The rows are the transitions of docs/order_lifecycle.md, whose table and diagram are drawn from here.
"""

from enum import StrEnum

from engine.core.hot_words import CLOSED, LIVE
from engine.model.enums import CloseReason
from engine.model.order import Order


class Stage(StrEnum):
    """What the table distinguishes about an order."""

    SENT = "INTENT, SENT"  # asked for, nothing proven
    LIVE = "LIVE"  # proven to exist and not ended
    SETTLING = "settling"  # ended, trades are missing
    ENDED = "DONE ended"  # the venue had it, all trades are booked
    DEAD = "DONE dead"  # it never traded as far as proven


class News(StrEnum):
    """The events that can happen to an order."""

    SUBMIT_RECORDED = "record(SubmitOrder), same id"
    SUBMIT_SENT = "RequestSent(SUBMIT)"
    OPEN = "OPEN"
    ENDED = "FILLED / CANCELED / EXPIRED"
    REJECTED_ACK = "REJECTED, source ACK"
    REJECTED_TOLD = "REJECTED, source STREAM / LOOKUP"
    UNKNOWN = "UNKNOWN"
    FILL_NEW = "Fill, new"
    FILL_KNOWN = "Fill, known"
    LOOKUP_ABSENT = "LOOKUP ABSENT"
    CANCEL_RECORDED = "record(CancelOrder)"
    CANCEL_ABSENT = "CANCEL ABSENT"
    CANCEL_FAILED = "CANCEL AMBIGUOUS / NOT_SENT / REJECTED"
    AMEND_RECORDED = "record(AmendOrder)"
    AMEND_REFUSED = "AMEND REJECTED / ABSENT"
    AMEND_UNCLEAR = "AMEND AMBIGUOUS / NOT_SENT"
    LISTED = "in a complete snapshot"
    UNLISTED = "missing from a snapshot"
    OTHER_ID = "news with another venue_order_id"
    CORRECTED = "FillCorrected"
    LOST_DECIDED = "OperatorDecision(LOST)"
    TICK = "tick"


class Step(StrEnum):
    """What is done about it: one handler each. The text is what the documentation shows."""

    IMPOSSIBLE = "!"
    IGNORE = "·"
    SENT = "T1"
    MOVE = "T8"
    COUNT = "T8 (cum only)"
    RESURRECT = "T9"
    REJECT = "T3 / T3c"
    CONTRADICT = "T3c"
    REJECT_LIVE = "REJECTED if cum 0, else CANCELED"
    DOUBT = "T4"
    BOOK_SENT = "T7"
    BOOK = "T10"
    BOOK_LATE = "T10 late"
    BOOK_DEAD = "T9 + T10"
    ABSENT_SENT = "T6"
    ABSENT_LIVE = "T13"
    ABSENT_SETTLING = "T28"
    CANCEL_LATER = "T16"
    CANCEL = "T11"
    CANCEL_FAILED = "T14"
    AMEND = "T17 / T18"
    AMEND_REFUSED = "T17"
    AMEND_UNCLEAR = "T17 lookup"
    REFUSE = "Refused"
    LOOK = "lookup"
    FENCE = "fence (R11)"
    TWIN = "twin (R12)"
    CORRECT = "T25"
    LOSE = "T26"
    LOSE_DOUBTED = "T26 (doubt only)"
    DUE_SENT = "T4, T6 deadlines"
    DUE_LIVE = "T13, T14, T21"
    DUE_SETTLING = "T20"
    FORGET_ENDED = "forget after 1 h"
    FORGET_DEAD = "forget after 24 h"


S = Step
_ROWS: dict[News, tuple[Step, Step, Step, Step, Step]] = {
    # event: (INTENT/SENT, LIVE, settling, DONE ended, DONE dead)
    News.SUBMIT_RECORDED: (S.IMPOSSIBLE, S.IMPOSSIBLE, S.IMPOSSIBLE, S.IMPOSSIBLE, S.IMPOSSIBLE),
    News.SUBMIT_SENT: (S.SENT, S.IGNORE, S.IGNORE, S.IGNORE, S.IGNORE),
    News.OPEN: (S.MOVE, S.MOVE, S.COUNT, S.COUNT, S.RESURRECT),
    News.ENDED: (S.MOVE, S.MOVE, S.COUNT, S.COUNT, S.RESURRECT),
    News.REJECTED_ACK: (S.REJECT, S.CONTRADICT, S.IGNORE, S.IGNORE, S.IGNORE),
    News.REJECTED_TOLD: (S.REJECT, S.REJECT_LIVE, S.COUNT, S.IGNORE, S.IGNORE),
    News.UNKNOWN: (S.DOUBT, S.IGNORE, S.IGNORE, S.IGNORE, S.IGNORE),
    News.FILL_NEW: (S.BOOK_SENT, S.BOOK, S.BOOK, S.BOOK_LATE, S.BOOK_DEAD),
    News.FILL_KNOWN: (S.IGNORE, S.IGNORE, S.IGNORE, S.IGNORE, S.IGNORE),
    News.LOOKUP_ABSENT: (S.ABSENT_SENT, S.ABSENT_LIVE, S.ABSENT_SETTLING, S.IGNORE, S.IGNORE),
    News.CANCEL_RECORDED: (S.CANCEL_LATER, S.CANCEL, S.IGNORE, S.IGNORE, S.IGNORE),
    News.CANCEL_ABSENT: (S.LOOK, S.ABSENT_LIVE, S.ABSENT_SETTLING, S.IGNORE, S.IGNORE),
    News.CANCEL_FAILED: (S.CANCEL_FAILED, S.CANCEL_FAILED, S.IGNORE, S.IGNORE, S.IGNORE),
    News.AMEND_RECORDED: (S.REFUSE, S.AMEND, S.REFUSE, S.REFUSE, S.REFUSE),
    News.AMEND_REFUSED: (S.IGNORE, S.AMEND_REFUSED, S.LOOK, S.IGNORE, S.IGNORE),
    News.AMEND_UNCLEAR: (S.IGNORE, S.AMEND_UNCLEAR, S.IGNORE, S.IGNORE, S.IGNORE),
    News.LISTED: (S.MOVE, S.MOVE, S.COUNT, S.COUNT, S.RESURRECT),
    News.UNLISTED: (S.IGNORE, S.FENCE, S.IGNORE, S.IGNORE, S.IGNORE),
    News.OTHER_ID: (S.TWIN, S.TWIN, S.TWIN, S.TWIN, S.TWIN),
    News.CORRECTED: (S.CORRECT, S.CORRECT, S.CORRECT, S.CORRECT, S.CORRECT),
    News.LOST_DECIDED: (S.LOSE, S.LOSE_DOUBTED, S.REFUSE, S.IGNORE, S.IGNORE),
    News.TICK: (S.DUE_SENT, S.DUE_LIVE, S.DUE_SETTLING, S.FORGET_ENDED, S.FORGET_DEAD),
}
NEXT: dict[tuple[Stage, News], Step] = {
    (stage, news): step for news, steps in _ROWS.items() for stage, step in zip(Stage, steps, strict=True)
}

LEADS: dict[Step, tuple[Stage, ...]] = {
    S.MOVE: (Stage.LIVE, Stage.SETTLING, Stage.ENDED),
    S.COUNT: (Stage.SETTLING, Stage.ENDED),
    S.RESURRECT: (Stage.LIVE, Stage.SETTLING, Stage.ENDED),
    S.REJECT: (Stage.DEAD, Stage.SETTLING),
    S.REJECT_LIVE: (Stage.DEAD, Stage.SETTLING, Stage.ENDED),
    S.BOOK_SENT: (Stage.LIVE, Stage.SETTLING, Stage.ENDED),
    S.BOOK: (Stage.ENDED,),
    S.BOOK_DEAD: (Stage.LIVE, Stage.ENDED),
    S.ABSENT_SENT: (Stage.DEAD,),
    S.ABSENT_LIVE: (Stage.ENDED,),
    S.LOSE: (Stage.DEAD,),
    S.LOSE_DOUBTED: (Stage.DEAD,),
}  # the stages that a step can lead to; steps that are not named leave the order where it is

ENDED_REASONS = (CloseReason.FILLED, CloseReason.CANCELED, CloseReason.EXPIRED)


_SENT, _LIVE, _SETTLING, _ENDED, _DEAD = Stage


def stage_of(order: Order) -> Stage:
    """The column of the table that an order is in."""
    phase = order.phase
    if phase is LIVE:
        return _LIVE
    if phase is not CLOSED:
        return _SENT
    if not order.settled:
        return _SETTLING
    return _ENDED if order.close_reason in ENDED_REASONS else _DEAD


def table() -> str:
    """The matrix as a Markdown table."""
    head = ["event \\ stage", *Stage]
    lines = [head, ["---"] * len(head), *([news, *(NEXT[stage, news] for stage in Stage)] for news in News)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def diagram() -> str:
    """The stages an order can move between and the transitions that move it, as a Mermaid state diagram."""
    edges: dict[tuple[Stage, Stage], dict[str, None]] = {}
    for (stage, _news), step in NEXT.items():
        for target in LEADS.get(step, ()):
            if target is not stage:
                edges.setdefault((stage, target), {})[step] = None
    lines = ["stateDiagram-v2", *(f'    state "{stage}" as {stage.name}' for stage in Stage), "    [*] --> SENT: T1"]
    lines += [f"    {one.name} --> {other.name}: {', '.join(steps)}" for (one, other), steps in edges.items()]
    return "\n".join([*lines, "    ENDED --> [*]: forget", "    DEAD --> [*]: forget"]) + "\n"
