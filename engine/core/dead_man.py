"""The venue's dead man's switch: it cancels our orders when we have not reported for a minute.

Armed only where nobody else trades on the account, because it cancels everything. Not refreshed while the account is
not safe: then the orders shall go. Disarmed at a clean stop with an empty book.
"""

from collections.abc import Iterable, Mapping

from engine.core.halt import Halt
from engine.core.marks import mark
from engine.core.modes import SEVERITY, Mode
from engine.core.order_record import FAR
from engine.core.user_stream import UserStream
from engine.core.venue_sheet import SECOND_US, VenueSheet
from engine.model.enums import Health
from engine.model.request import ArmDeadMan, Request

TIMEOUT_MS = 60_000
REFRESH_US = 15 * SECOND_US


class DeadMan:
    """The switches of all venues that have one and are ours alone."""

    def __init__(
        self,
        instruments: Iterable[str],
        sheets: Mapping[str, VenueSheet],
        streams: Mapping[str, UserStream],
        halt: Halt,
    ) -> None:
        self._halt = halt
        self._streams = streams
        self._instruments = [each for each in instruments if _has_switch(sheets.get(each.partition(":")[0]))]
        self.due_us = 0 if self._instruments else FAR
        self._armed = False

    def tick(self, now_us: int) -> list[Request]:
        """Report, where it is time and trading is safe."""
        if now_us < self.due_us:
            return []
        self.due_us = now_us + REFRESH_US
        requests: list[Request] = []
        for instrument_id in self._instruments:
            venue = instrument_id.partition(":")[0]
            stream = self._streams.get(venue)
            known = stream is None or stream.health is Health.HEALTHY
            if known and SEVERITY[self._halt.mode(venue)] < SEVERITY[Mode.SAFE]:
                mark("dead_man_armed")
                self._armed = True
                requests.append(ArmDeadMan(venue, instrument_id, TIMEOUT_MS))
        return requests

    def disarm(self) -> list[Request]:
        """Nothing of ours is open any more."""
        if not self._armed:
            return []
        self._armed = False
        self.due_us = FAR
        mark("dead_man_disarmed")
        return [ArmDeadMan(each.partition(":")[0], each, 0) for each in self._instruments]


def _has_switch(sheet: VenueSheet | None) -> bool:
    return sheet is not None and sheet.dead_man and sheet.dedicated
