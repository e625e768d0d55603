"""When orders need attention: a heap with at most one valid entry an order, corrected lazily.

Deadlines mostly move later (an answer came, so the next question can wait). The old entry stays where it is until it
comes up: an order that lives and dies quietly costs one push and one pop.
"""

from heapq import heappop, heappush

from engine.core.order_record import FAR, Record


class Deadlines:
    """`next_us` is never later than the next deadline: until then there is nothing to do."""

    def __init__(self) -> None:
        self.next_us = FAR
        self._heap: list[tuple[int, int, Record]] = []
        self._sequence = 0

    def wake(self, record: Record, at_us: int) -> None:
        """Make sure that `record` comes up at `at_us` or earlier."""
        if at_us < record.wake_us:
            record.wake_us = at_us
            self._sequence += 1
            heappush(self._heap, (at_us, self._sequence, record))
            if at_us < self.next_us:
                self.next_us = at_us

    def sooner(self, at_us: int) -> None:
        """Something else than an order is due at `at_us`."""
        if at_us < self.next_us:
            self.next_us = at_us

    def due_us(self) -> int:
        """The exact next deadline of an order; FAR when there is none."""
        heap = self._heap
        while heap:
            at_us, _, record = heap[0]
            if record.wake_us == at_us:
                due_us = record.due_us()
                if due_us <= at_us:
                    return at_us
                record.wake_us = FAR
                if due_us < FAR:
                    self.wake(record, due_us)
            heappop(heap)
        return FAR

    def pop_due(self, now_us: int) -> Record | None:
        """The next order whose deadline has come; the caller serves it and wakes it again."""
        due_us = self.due_us()
        if due_us > now_us:
            self.next_us = due_us
            return None
        record = heappop(self._heap)[2]
        record.wake_us = FAR
        return record
