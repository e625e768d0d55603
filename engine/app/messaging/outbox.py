"""The outbox of a running session: the part of its order log that waits for a broker."""

import msgspec

from engine.messaging.envelope import Body
from engine.messaging.topics import matches
from engine.store.order_log import OrderLog
from engine.store.outbox import MessageRow

_decoder = msgspec.json.Decoder(Body[msgspec.Raw])


class BotOutbox:
    """Messages are noted and marked here; the log makes both durable with its next commit.

    `topics` are the patterns of what is wanted; until `on` is set, nobody wants anything.
    """

    def __init__(self, log: OrderLog, topics: tuple[str, ...] = ("#",)) -> None:
        self.on = False
        self.fresh = False  # something was noted since the last commit
        self.log_id = log.log_id
        self._log = log
        self._topics = topics
        rows = log.unsent(0, 1)
        self._noted = log.message_seq
        self._sent = rows[0][0] - 1 if rows else self._noted

    @property
    def waiting(self) -> int:
        """How many messages have not arrived yet."""
        return self._noted - self._sent

    def note(self, topic: str, payload: str, now_us: int) -> None:
        """If anybody wants it."""
        if any(matches(pattern, topic) for pattern in self._topics):
            self._log.note_message(topic, payload, now_us)
            self._noted = self._log.message_seq
            self.fresh = True

    def unsent(self, limit: int) -> list[MessageRow]:
        """See `engine.messaging.ports.Outbox`."""
        return self._log.unsent(self._sent, limit)

    def sent(self, seq: int) -> None:
        """See `engine.messaging.ports.Outbox`."""
        self._sent = seq
        self._log.note_sent(seq)

    def waiting_since_us(self) -> int | None:
        """When the oldest message that waits was recorded; None: all have arrived."""
        rows = self._log.unsent(self._sent, 1)
        return _decoder.decode(rows[0][2]).recorded_us if rows else None
