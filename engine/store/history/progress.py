"""What a session and the thread of its history tell each other. Nothing heavy is imported here."""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from msgspec import Struct, field

from engine.model.instrument import Instrument

_FIELDS = ("venue", "symbol", "kind", "base", "quote", "settle", "contract_size", "price_step", "quantity_step")


class Plan(Struct, frozen=True):
    """What is stored where. `log` is the bot's order log, `past` the folder of those of its ended sessions.

    `retention_us`: how long rows of a table are kept, by table; for ever where it is missing. `end_seconds`: how long
    the end of the session waits for the database.
    """

    url: str
    base: Path
    bot: str
    session_id: str
    simulated: bool
    log: Path
    past: Path
    timescale: bool = True
    auto_upgrade: bool = True
    retention_us: Mapping[str, int] = {}
    end_seconds: float = 2.5


class Said(Struct, frozen=True):
    """Something for the operator."""

    code: str
    text: str
    fix: str = ""


class Progress(Struct):
    """How it goes. Entries are those of the order log.

    `state`: connecting, ready, waiting (for the database), off (until the next start), closed. `exported_seq`: the last
    entry that is safe in the database; `lag_entries` are not, for `lag_us`. `dropped`: rows of market data that gave
    way, by table. `missing`: entries that the order log no longer had.
    """

    state: str = "connecting"
    where: str = ""
    level: str = ""
    error: str = ""
    exported_seq: int = 0
    lag_entries: int = 0
    lag_us: int = 0
    queued: int = 0
    missing: int = 0
    failures: int = 0
    written: dict[str, int] = {}
    dropped: dict[str, int] = {}
    said: deque[Said] = field(default_factory=lambda: deque(maxlen=50))


def describe(each: Instrument) -> dict[str, str]:
    """What the history keeps of an instrument, as JSON takes it."""
    values = {name: getattr(each, name) for name in _FIELDS}
    return {name: format(value, "f") if isinstance(value, Decimal) else str(value) for name, value in values.items()}
