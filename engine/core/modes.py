"""The modes of trading and what calls for them, as tables: what `halt` decides by.

Causes have a scope: the whole account (""), a venue, an instrument, or a strategy. What a request may do is decided by
the worst mode of the four scopes that it belongs to. Cancels are allowed in every mode.
"""

from enum import StrEnum

from msgspec import Struct


class Mode(StrEnum):
    """From harmless to severe."""

    RUN = "RUN"
    DEGRADED = "DEGRADED"
    PAUSED = "PAUSED"
    STOPPING = "STOPPING"
    SAFE = "SAFE"
    HALT = "HALT"


class Creates(StrEnum):
    """Which new orders a mode lets through."""

    ALL = "all"
    REDUCE_ONLY = "reduce-only"
    NONE = "none"


class Exit(StrEnum):
    """How a cause ends."""

    ITSELF = "when it is gone"
    SYNC = "when it is gone and everything has been compared with the venue since"
    OPERATOR = "by resume"
    NEVER = "never"


class Allowed(Struct, frozen=True):
    """What a mode allows. `cancels_own`: our resting orders are cancelled, for ever until they are gone."""

    creates: Creates
    cancels_own: bool


ALLOWED = {
    Mode.RUN: Allowed(Creates.ALL, cancels_own=False),
    Mode.DEGRADED: Allowed(Creates.REDUCE_ONLY, cancels_own=False),
    Mode.PAUSED: Allowed(Creates.NONE, cancels_own=True),
    Mode.STOPPING: Allowed(Creates.NONE, cancels_own=True),
    Mode.SAFE: Allowed(Creates.NONE, cancels_own=True),
    Mode.HALT: Allowed(Creates.NONE, cancels_own=True),
}
SEVERITY = {mode: rank for rank, mode in enumerate(Mode)}


class CauseKind(StrEnum):
    """Why a mode is entered."""

    STREAM_STALE = "user stream stale or mute"
    HEALTH = "health factor below the limit"
    PAUSE = "paused by the operator"
    DRAWDOWN = "drawdown"
    REFUSALS = "too many refusals"
    STRATEGY_ERROR = "strategy error"
    STOP = "stopping"
    BOOK_STALE = "book stale"
    OVERFILL = "overfill"
    LOST_CANDIDATE = "an order may be lost"
    QUANTITY_UNKNOWN = "an order of unknown quantity"
    LEFTOVER = "an order of ours that nobody knew"
    RULES_CHANGED = "trading rules changed under open orders"
    STREAM_DEAD = "user stream dead"
    LOG = "order log not writable"
    LEDGER = "ledger and venue differ"
    CLOCK = "clock wrong"
    LOOP_STALL = "loop stalled"
    BANNED = "banned by the venue"
    KEY_CHANGED = "rights of the key changed"
    CANCELS_STUCK = "cancels fail"
    KILL_SWITCH = "kill switch"


class Rule(Struct, frozen=True):
    """The mode that a cause calls for, how it ends, and the code of its notice."""

    mode: Mode
    exit: Exit
    code: str


CAUSES = {
    CauseKind.STREAM_STALE: Rule(Mode.DEGRADED, Exit.ITSELF, "E-STREAM"),
    CauseKind.HEALTH: Rule(Mode.DEGRADED, Exit.ITSELF, "R-HEALTH"),
    CauseKind.PAUSE: Rule(Mode.PAUSED, Exit.OPERATOR, "R-PAUSE"),
    CauseKind.DRAWDOWN: Rule(Mode.PAUSED, Exit.OPERATOR, "R-DRAWDOWN"),
    CauseKind.REFUSALS: Rule(Mode.PAUSED, Exit.OPERATOR, "E-REJECT"),
    CauseKind.STRATEGY_ERROR: Rule(Mode.PAUSED, Exit.OPERATOR, "E-STRATEGY"),
    CauseKind.STOP: Rule(Mode.STOPPING, Exit.NEVER, "R-STOP"),
    CauseKind.BOOK_STALE: Rule(Mode.SAFE, Exit.ITSELF, "W-STALE"),
    CauseKind.OVERFILL: Rule(Mode.SAFE, Exit.SYNC, "E-LEDGER"),
    CauseKind.LOST_CANDIDATE: Rule(Mode.SAFE, Exit.SYNC, "E-UNKNOWN"),
    CauseKind.QUANTITY_UNKNOWN: Rule(Mode.SAFE, Exit.SYNC, "E-UNKNOWN"),
    CauseKind.LEFTOVER: Rule(Mode.SAFE, Exit.SYNC, "E-UNKNOWN"),
    CauseKind.RULES_CHANGED: Rule(Mode.SAFE, Exit.SYNC, "E-STEP"),
    CauseKind.STREAM_DEAD: Rule(Mode.SAFE, Exit.SYNC, "E-STREAM"),
    CauseKind.LOG: Rule(Mode.SAFE, Exit.SYNC, "E-DISK"),
    CauseKind.LEDGER: Rule(Mode.SAFE, Exit.SYNC, "E-LEDGER"),
    CauseKind.CLOCK: Rule(Mode.SAFE, Exit.SYNC, "E-CLOCK"),
    CauseKind.LOOP_STALL: Rule(Mode.SAFE, Exit.SYNC, "W-TICK"),
    CauseKind.BANNED: Rule(Mode.SAFE, Exit.SYNC, "E-BAN"),
    CauseKind.KEY_CHANGED: Rule(Mode.SAFE, Exit.SYNC, "E-PERM"),
    CauseKind.CANCELS_STUCK: Rule(Mode.HALT, Exit.OPERATOR, "R-HALT"),
    CauseKind.KILL_SWITCH: Rule(Mode.HALT, Exit.OPERATOR, "R-KILL"),
}


class Cause(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """One reason to restrict trading. `scope` is "", a venue, an instrument id or `strategy:<name>`."""

    kind: CauseKind
    scope: str
    since_us: int
    text: str


class ModeChanged(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """A scope entered another mode, because of `cause`."""

    scope: str
    before: Mode
    after: Mode
    cause: str
    at_us: int


def strategy_scope(strategy: str) -> str:
    """The scope of one strategy."""
    return f"strategy:{strategy}"
