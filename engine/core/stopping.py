"""The proof that a session may end: nothing of ours is open, and nothing that is under way can open any more."""

from collections.abc import Mapping

from engine.core.user_stream import UserStream
from engine.core.venue_sheet import SECOND_US, VenueSheet
from engine.model.enums import Action
from engine.model.event import AccountSnapshot

LISTS = 2  # empty lists of open orders, at least LIST_GAP_US apart
LIST_GAP_US = SECOND_US


class StopProof:
    """Per venue: a list counts if it was asked for when every order was over and every request had expired."""

    def __init__(self, sheets: Mapping[str, VenueSheet], streams: Mapping[str, UserStream]) -> None:
        self.complete = not streams
        self._sheets = sheets
        self._streams = streams
        self._submitted_us: dict[str, int] = {}  # when a submit passed last, by venue
        self._quiet_us = 0  # since when nothing is active
        self._lists: dict[str, list[int]] = {venue: [] for venue in streams}  # starts of the lists that count

    def note_submit(self, venue: str, now_us: int) -> None:
        self._submitted_us[venue] = now_us

    def apply_list(self, snapshot: AccountSnapshot, *, own: bool) -> None:
        """A complete list of open orders; `own`: it has one of ours."""
        lists = self._lists.get(snapshot.venue)
        if lists is None or not self._quiet_us:
            return
        earliest_us = lists[-1] + LIST_GAP_US if lists else self._from_us(snapshot.venue)
        if own:
            lists.clear()
        elif snapshot.started_us >= earliest_us:
            lists.append(snapshot.started_us)

    def tick(self, now_us: int, *, active: bool) -> None:
        """While stopping: ask for the lists that are missing."""
        if active:
            self._quiet_us = 0
            self.complete = not self._lists
            for lists in self._lists.values():
                lists.clear()
            return
        self._quiet_us = self._quiet_us or now_us
        missing = [venue for venue, lists in self._lists.items() if len(lists) < LISTS]
        self.complete = not missing
        for venue in missing:
            if now_us >= self._from_us(venue):
                self._streams[venue].refresh((Action.OPEN_ORDERS,), now_us - LIST_GAP_US, now_us)

    def _from_us(self, venue: str) -> int:
        """From when on no request of ours can be executed any more."""
        sheet = self._sheets[venue]
        submitted_us = self._submitted_us.get(venue)
        expired_us = 0 if submitted_us is None else submitted_us + sheet.request_expiry_us + sheet.ahead_us
        return max(self._quiet_us, expired_us)
