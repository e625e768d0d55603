"""The parts that talk to RabbitMQ. They need aio-pika, which takes a while to import and need not be there."""

from typing import Any

from engine.app.failure import Failure
from engine.app.registry import load
from engine.messaging.link import Link
from engine.messaging.ports import Publisher
from engine.schema.values import BadValue

PUBLISHER = "engine.messaging.rabbit:RabbitPublisher"
COMMANDS = "engine.messaging.rabbit_commands:RabbitCommands"


def publisher_of(link: Link) -> Publisher:
    """Raises Failure E-EXTRA without aio-pika."""
    publisher: Publisher = load_client(PUBLISHER)(link)
    return publisher


def load_client(path: str) -> Any:
    """One of the two classes. Raises Failure E-EXTRA."""
    try:
        return load(path)
    except BadValue as error:
        fix = "pip install 'tickwright[messaging]'"
        raise Failure("E-EXTRA", f"{path} {error}", where="messaging.url", fix=fix) from error
