"""Commands from other programs: which are obeyed, and why others are not. Nothing here touches a network."""

from collections import OrderedDict
from collections.abc import Collection

import msgspec
from msgspec import Struct

BODY_BYTES_MAX = 4096
AGE_US_MAX = 30_000_000
REMEMBERED_MAX = 10_000  # ids of commands; those within AGE_US_MAX, unless a user floods us
NOUN = "command"


class CommandBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What the sender writes. `sent_us` is the sender's clock when the command was given."""

    sent_us: int
    reason: str = ""


class Delivery(Struct, frozen=True):
    """A message as it arrived. `user_id` is checked by the broker: it is who logged in there, "" when it is missing."""

    topic: str
    user_id: str
    message_id: str
    body: bytes


class Command(Struct, frozen=True):
    """Something to do, and who wants it."""

    verb: str
    actor: str
    reason: str


class Refused(Struct, frozen=True):
    """Why a message is not obeyed."""

    reason: str


_decoder = msgspec.json.Decoder(CommandBody)


class Judge:
    """Knows who may command what. `since_us` is the start of the session: what was sent before was not meant for it."""

    def __init__(self, bot: str, verbs: Collection[str], users: Collection[str], since_us: int) -> None:
        self._bot = bot
        self._verbs = verbs
        self._users = users
        self._since_us = since_us
        self._seen: OrderedDict[str, int] = OrderedDict()  # when they were sent, by message id

    def judge(self, delivery: Delivery, now_us: int) -> Command | Refused | None:
        """None: the same command came before, and was obeyed then."""
        noun, _, rest = delivery.topic.partition(".")
        verb, _, bot = rest.rpartition(".")
        if noun != NOUN or bot != self._bot:
            return Refused(f"{delivery.topic} is no command to {self._bot}")
        if delivery.user_id not in self._users:
            return Refused(f"{verb} from {delivery.user_id or 'nobody'}, who is not in messaging.command_users")
        if verb not in self._verbs:
            return Refused(f"{verb} from {delivery.user_id} is not in messaging.commands")
        if not delivery.message_id:
            return Refused(f"{verb} from {delivery.user_id} has no message_id")
        if len(delivery.body) > BODY_BYTES_MAX:
            return Refused(f"{verb} from {delivery.user_id} has {len(delivery.body):,} bytes, limit {BODY_BYTES_MAX:,}")
        try:
            body = _decoder.decode(delivery.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Refused(f"{verb} from {delivery.user_id} cannot be read: {error}")
        if delivery.message_id in self._seen:
            return None
        age_us = now_us - body.sent_us
        if abs(age_us) > AGE_US_MAX or body.sent_us < self._since_us:
            return Refused(f"{verb} from {delivery.user_id} was sent {age_us / 1e6:.1f} s ago, or before this session")
        self._remember(delivery.message_id, body.sent_us, now_us)
        return Command(verb, delivery.user_id, body.reason)

    def _remember(self, message_id: str, sent_us: int, now_us: int) -> None:
        self._seen[message_id] = sent_us
        while len(self._seen) > REMEMBERED_MAX or next(iter(self._seen.values())) < now_us - 2 * AGE_US_MAX:
            self._seen.popitem(last=False)
