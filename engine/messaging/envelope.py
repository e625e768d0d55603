"""The outside of a message: its kinds, its body, and the id by which a consumer knows that it has seen it."""

from typing import Any, Generic, TypeVar
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct

from engine.messaging import payloads
from engine.messaging.topics import kind_of

_IDS = UUID("6e0ad1b4-4c8f-5d0e-9d0b-1f2c6f3a7c55")
_encode = msgspec.json.Encoder().encode
Data = TypeVar("Data")


class Body(Struct, Generic[Data], frozen=True, forbid_unknown_fields=True):
    """What is sent. `event_us` is when it happened, by whoever saw it first; `recorded_us` when the bot noted it."""

    topic: str
    event_us: payloads.TimeUs
    recorded_us: payloads.TimeUs
    data: Data


class Message(Struct, frozen=True):
    """One message of a log on its way. In a log, `sequence` only grows."""

    log_id: str
    sequence: int
    topic: str
    body: bytes

    @property
    def message_id(self) -> str:
        """The same whenever it is sent again."""
        return str(uuid5(_IDS, f"message:{self.log_id}:{self.sequence}"))


class Kind(Struct, frozen=True):
    """Messages with the routing keys `noun.<one of verbs>.<name>`. `data` is their payload, `name` what stands last."""

    noun: str
    verbs: tuple[str, ...]
    name: str
    data: type[Struct]
    when: str


_STATUSES = ("pending_new", "open", "pending_cancel", "unknown", "filled", "canceled", "rejected", "expired")
KINDS = (
    Kind("order", _STATUSES, "bot", payloads.Order, "its status changes"),
    Kind("fill", ("booked",), "bot", payloads.Trade, "an own order traded"),
    Kind("fill", ("corrected",), "bot", payloads.Trade, "a venue took a trade back or changed it"),
    Kind("position", ("changed",), "bot", payloads.Position, "a trade or funding changed it"),
    Kind("balance", ("changed",), "bot", payloads.Balances, "at most once a second"),
    Kind("risk", ("alert",), "bot", payloads.RiskAlert, "a limit was reached"),
    Kind("session", ("mode",), "bot", payloads.ModeChange, "trading is restricted, or no longer"),
    Kind(
        "session",
        ("started", "paused", "resumed", "stopped", "crashed"),
        "bot",
        payloads.Session,
        "a bot's life goes on",
    ),
    Kind("simulation", ("started", "stopped"), "session", payloads.Session, "the same of simulated sessions"),
    Kind("backtest", ("finished", "failed"), "strategy", payloads.Backtest, "a run is over"),
    Kind("gap", ("left_out",), "bot", payloads.Gap, "too many messages wait for the broker"),
)
_DECODERS = {
    f"{kind.noun}.{verb}": msgspec.json.Decoder(Body[kind.data])  # type: ignore[name-defined]
    for kind in KINDS
    for verb in kind.verbs
}


def encode(topic: str, event_us: int, recorded_us: int, data: Struct) -> str:
    """The body of a message."""
    return _encode(Body(topic, event_us, recorded_us, data)).decode()


def decode(topic: str, body: bytes) -> Body[Any]:
    """The body of a message with its payload. Raises KeyError for an unknown kind, msgspec.ValidationError."""
    return _DECODERS[kind_of(topic)].decode(body)


def schema() -> dict[str, Any]:
    """The JSON schema of all bodies."""
    types = [Body[kind.data] for kind in KINDS]  # type: ignore[name-defined]
    references, definitions = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    bodies = [
        {
            "allOf": [reference],
            "properties": {"topic": {"pattern": rf"^{kind.noun}\.({'|'.join(kind.verbs)})\.[\w-]+$"}},
        }
        for kind, reference in zip(KINDS, references, strict=True)
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Bodies of Tickwright's messages, schema {payloads.SCHEMA}",
        "oneOf": bodies,
        "$defs": definitions,
    }
