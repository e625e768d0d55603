"""How a broker is reached, and who we are there."""

from collections.abc import Mapping, Sequence

from msgspec import Struct


class Link(Struct, frozen=True):
    """`url` may hold a password. `exchange` takes our events; `queues` are durable ones of consumers, with patterns.

    `bot` and the program's `version` stand in the properties of each message.
    """

    url: str
    exchange: str
    queues: Mapping[str, Sequence[str]]
    bot: str
    version: str
