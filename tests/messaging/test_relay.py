"""At least once, in order, with pauses after failures, in virtual time."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from engine.messaging.envelope import Message
from engine.messaging.relay import RETRY_SECONDS_MAX, WINDOW, Relay
from tests.messaging.outboxes import MemoryOutbox, MovingPublisher
from tests.sim.loop.simloop import SimLoop, run


class Told:
    """What an operator heard: seconds without a broker, and why."""

    def __init__(self) -> None:
        self.lost: list[tuple[float, str]] = []

    def __call__(self, seconds: float, reason: str) -> None:
        self.lost.append((round(seconds, 3), reason))


def first_seen(messages: Sequence[Message]) -> list[int]:
    """The numbers in the order in which a consumer that drops doubles sees them."""
    return list(dict.fromkeys(message.sequence for message in messages))


def test_everything_is_sent_in_order() -> None:
    outbox, publisher = MemoryOutbox(2 * WINDOW + 1), MovingPublisher()
    relay = Relay(publisher, Told())
    run(SimLoop(), relay.drain(outbox))
    assert [message.sequence for message in publisher.heard] == list(range(1, 2 * WINDOW + 2))
    assert outbox.unsent(1) == []
    assert relay.sent == {"order.open": 2 * WINDOW + 1}
    assert relay.down_since is None


def test_after_a_failure_it_begins_with_the_first_unconfirmed() -> None:
    outbox, publisher, told = MemoryOutbox(5), MovingPublisher([2, 0, None]), Told()
    relay = Relay(publisher, told)
    run(SimLoop(), relay.drain(outbox))
    assert [message.sequence for message in publisher.heard] == [1, 2, 3, 4, 5, 3, 4, 5, 3, 4, 5]
    assert told.lost == [(0.0, "it is gone"), (0.3, "it is gone")]
    assert publisher.closed == 2


def test_pauses_double_up_to_ten_seconds() -> None:
    outbox, told = MemoryOutbox(1), Told()
    run(SimLoop(), Relay(MovingPublisher([0] * 9), told).drain(outbox))
    waits = [later - earlier for (earlier, _), (later, _) in zip(told.lost, told.lost[1:], strict=False)]
    assert [round(wait, 3) for wait in waits] == [0.3, 0.6, 1.2, 2.4, 4.8, 9.6, RETRY_SECONDS_MAX, RETRY_SECONDS_MAX]


def test_a_little_progress_shortens_the_pause() -> None:
    told = Told()
    run(SimLoop(), Relay(MovingPublisher([0, 0, 1, 0]), told).drain(MemoryOutbox(3)))
    assert [seconds for seconds, _ in told.lost] == [0.0, 0.3, 0.9, 1.2]


def test_what_comes_later_is_sent_when_it_comes() -> None:
    outbox, publisher = MemoryOutbox(), MovingPublisher()
    relay = Relay(publisher, Told())

    async def main() -> None:
        running = asyncio.create_task(relay.run(outbox))
        await asyncio.sleep(3)
        outbox.rows.append((1, "fill.booked.bot", "{}"))
        relay.wake()
        await asyncio.sleep(0.001)
        assert [message.sequence for message in publisher.heard] == [1]
        outbox.rows.append((2, "fill.booked.bot", "{}"))
        relay.finish()
        await running

    run(SimLoop(), main())
    assert [message.sequence for message in publisher.heard] == [1, 2]


@given(st.integers(0, 300), st.lists(st.integers(0, WINDOW), max_size=20))
def test_nothing_is_lost_and_nothing_overtakes(count: int, answers: list[int]) -> None:
    outbox, publisher = MemoryOutbox(count), MovingPublisher(answers)
    run(SimLoop(), Relay(publisher, Told()).drain(outbox))
    assert first_seen(publisher.heard) == list(range(1, count + 1))
    assert outbox.arrived == count
    ids = {message.sequence: message.message_id for message in publisher.heard}
    assert all(ids[message.sequence] == message.message_id for message in publisher.heard)
    assert len(set(ids.values())) == count
