"""When a bot and its venue could not reach each other, and how late trades were booked in spite of it."""


class Outages:
    """Spans of venue time, in the order in which they were noted: the process dead or asleep, the venue away, a ban."""

    def __init__(self) -> None:
        self._spans: list[list[int]] = []

    def note(self, from_us: int, to_us: int) -> None:
        """Nothing got through in this time."""
        if self._spans and from_us <= self._spans[-1][1]:
            self._spans[-1][1] = max(self._spans[-1][1], to_us)
        else:
            self._spans.append([from_us, to_us])

    def within(self, from_us: int, to_us: int) -> int:
        """How much of a time they took."""
        took_us = 0
        for begin_us, end_us in reversed(self._spans):
            if end_us <= from_us:
                break
            took_us += max(0, min(end_us, to_us) - max(begin_us, from_us))
        return took_us
