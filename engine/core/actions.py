"""What a controller may ask for at a tick."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from engine.model.quote import Quote


class StopHow(StrEnum):
    """What StopExecutor does with what the executor has."""

    CANCEL = "CANCEL"  # cancel its orders and wait
    FLATTEN = "FLATTEN"  # also close what it holds
    KEEP = "KEEP"  # cancel, and leave the position to the held positions


class SetQuotes(Struct, frozen=True):
    """Replace the wanted quotes of a quote executor; empty means none wanted. No SetQuotes means unchanged."""

    executor_id: str
    quotes: tuple[Quote, ...]


class StartExecutor(Struct, frozen=True):
    """Create an executor of `kind` with its settings (a Struct of that executor). A known id is ignored."""

    executor_id: str
    kind: str
    settings: Struct


class ChangeExecutor(Struct, frozen=True):
    """Change live fields of an executor's settings."""

    executor_id: str
    changes: Mapping[str, object]


class StopExecutor(Struct, frozen=True):
    executor_id: str
    how: StopHow = StopHow.CANCEL


class AdoptPosition(Struct, frozen=True):
    """Give an existing holding to an owner's ledger. `quantity` is signed, `average_price` in quote."""

    owner: str
    instrument_id: str
    quantity: Decimal
    average_price: Decimal


Action = SetQuotes | StartExecutor | ChangeExecutor | StopExecutor | AdoptPosition
