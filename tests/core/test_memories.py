"""What strategies and executors know survives a restart."""

import msgspec
from msgspec import Struct

from engine.core.notice import Notice
from tests.core.scripted import Scripted, bid
from tests.desk import Desk


class Known(Struct):
    """What a strategy remembers."""

    count: int = 0


def test_strategies_and_executors_resume_what_they_knew() -> None:
    scripted = Scripted(quotes=[bid("99")])
    scripted.memory = Known(3)  # type: ignore[attr-defined]
    before = Desk(scripted)
    before.tick()
    before.fill(before.orders()["bid_1"])
    before.tick()  # the pause of 60 s after a fill has begun
    texts = {name: msgspec.json.encode(memory).decode() for name, memory in before.engine.memories()}
    assert texts.keys() == {"s", "s/quotes"}
    again = Scripted(quotes=[bid("99")])
    again.memory = Known()  # type: ignore[attr-defined]
    after = Desk(again)
    after.engine.resume({**texts, "gone/quotes": "{}"})
    assert again.memory == Known(3)  # type: ignore[attr-defined]
    assert [after.tick(), len(after.tick(61))] == [[], 1]


def test_a_memory_of_another_version_is_told_and_left() -> None:
    scripted = Scripted()
    scripted.memory = Known()  # type: ignore[attr-defined]
    traded = Desk(scripted)
    traded.engine.resume({"s": '{"count": "three"}'})
    assert scripted.memory == Known()  # type: ignore[attr-defined]
    (notice,) = traded.engine.take_notices()
    assert isinstance(notice, Notice)
    assert (notice.code, notice.where) == ("W-MEMORY", "s")
