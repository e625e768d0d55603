"""Enum members as names of a module. In Python 3.11 an attribute of an enum class costs ten times as much (78 ns), and
the order tracker compares several at every event.
"""

from typing import Final

from engine.model.enums import CloseReason, Command, OrderStatus, Phase, Side

INTENT: Final = Phase.INTENT
SENT: Final = Phase.SENT
LIVE: Final = Phase.LIVE
CLOSED: Final = Phase.CLOSED

NO_COMMAND: Final = Command.NONE
CANCEL: Final = Command.CANCEL
AMEND: Final = Command.AMEND

BUY: Final = Side.BUY
SELL: Final = Side.SELL

FULL: Final = CloseReason.FILLED

OPEN: Final = OrderStatus.OPEN
FILLED: Final = OrderStatus.FILLED
UNKNOWN: Final = OrderStatus.UNKNOWN
PENDING_NEW: Final = OrderStatus.PENDING_NEW
PENDING_CANCEL: Final = OrderStatus.PENDING_CANCEL
