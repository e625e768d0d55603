"""Coverage marks count what a run reached."""

from engine.core import marks
from engine.model.enums import OrderStatus
from tests.core.order_support import ACK, World


def test_a_mark_counts() -> None:
    before = dict(marks.counts)
    world = World()
    world.submit()
    world.fill(0.1, "t1", 4)
    world.fill(0.2, "t1", 4)
    world.update(0.3, OrderStatus.CANCELED, 4, source=ACK)
    for name in ("fill_before_ack", "dup_fill", "done_CANCELED"):
        assert marks.counts[name] == before.get(name, 0) + 1
