"""The bus of one process."""

from engine.messaging.bus import Bus
from engine.messaging.envelope import Message
from tests.sim.loop.simloop import SimLoop, run

MESSAGES = [Message("log", number, topic, b"{}") for number, topic in enumerate(("order.open.a", "fill.booked.a"), 1)]


def test_handlers_get_what_they_asked_for() -> None:
    bus = Bus([].append)
    assert not bus
    fills: list[Message] = []
    everything: list[Message] = []
    bus.subscribe("fill.#", fills.append)
    bus.subscribe("#", everything.append)
    assert bus
    assert run(SimLoop(), bus.publish(MESSAGES)) == 2
    assert fills == MESSAGES[1:]
    assert everything == MESSAGES
    run(SimLoop(), bus.close())


def test_a_handler_that_fails_holds_up_nobody() -> None:
    told: list[str] = []
    heard: list[Message] = []

    def wild(message: Message) -> None:
        raise ValueError("no")

    bus = Bus(told.append)
    bus.subscribe("order.#", wild)
    bus.subscribe("#", heard.append)
    assert run(SimLoop(), bus.publish(MESSAGES)) == 2
    assert heard == MESSAGES
    assert told == ["a listener failed on order.open.a: ValueError: no"]
    assert bus.error == ""
