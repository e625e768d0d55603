"""What is said on the private stream of a USD-M account: nothing by us, its address says who listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.base.stream import Link
from connectors.binance.perpetual.private import AccountChanged, AccountParser, Expired, read_event
from engine.model.event import Event


class UserTalk:
    """The account's own events. `on_changed` hears when money or positions are not what they were."""

    def __init__(self, parser: AccountParser, on_changed: Callable[[AccountChanged], None]) -> None:
        self._parser = parser
        self._on_changed = on_changed
        self._link: Link

    def begin(self, link: Link) -> None:
        self._link = link
        link.confirm()

    def take(self, frame: bytes, receive_us: int) -> Sequence[Event]:
        event = read_event(frame)
        if isinstance(event, Expired):
            self._link.fail("the listen key has expired")
        elif isinstance(event, AccountChanged):
            self._on_changed(event)
        return self._parser.events(event, receive_us)

    def beat(self) -> str:
        return ""
