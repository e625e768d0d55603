"""The one place where order books are proven or called stale: sequence, gap, checksum, crossed prices, age.

A book is good only while every update since its snapshot is in it. Otherwise `stale` says why, deltas are kept for the
next snapshot, and `tick` asks for that snapshot with `ResyncBook`. Rules per venue are data: see `BookRules`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from engine.core.book import L2Book
from engine.core.book_audit import Audit
from engine.core.book_view import BookView
from engine.model.enums import Channel, Health
from engine.model.event import ConnectorStatus
from engine.model.market import BookDelta, BookSnapshot
from engine.model.request import Request, ResyncBook

BUFFER_MAX = 2_000  # deltas kept while there is no snapshot; a lost old one shows as a gap when the snapshot comes
RESYNC_FIRST_US = (
    1_000_000  # time for the snapshot that every subscription begins with; also the least time between two
)
RESYNC_WAIT_US_MAX = 32_000_000
AUDIT_EVERY_US = 600_000_000  # for venues that answer with a snapshot beside the stream
AUDIT_GAP_US = 5_000_000  # between the audits of two books
NEVER_US = 1 << 62


class Verdict(Enum):
    """How a delta stands to the book."""

    NEXT = "next"
    OLD = "old"
    GAP = "gap"


NEXT, OLD, GAP = Verdict.NEXT, Verdict.OLD, Verdict.GAP  # looked up for every delta

SequenceRule = Callable[[BookDelta, int, bool], Verdict]
"""(delta, sequence of the book, whether a delta was applied since its snapshot) → verdict."""


def contiguous(delta: BookDelta, sequence: int, bridged: bool) -> Verdict:
    """Ids run on: the delta begins at or before `sequence` + 1. Binance Spot, Gate, the simulated exchange.

    An overlap is applied: quantities are totals. Binance: "How to manage a local order book correctly".
    """
    if delta.sequence_last <= sequence:
        return OLD
    return NEXT if delta.sequence_first <= sequence + 1 else GAP


def chained(delta: BookDelta, sequence: int, bridged: bool) -> Verdict:
    """Each delta names the last id of the one before it (`pu`). Binance futures.

    The first one after a snapshot may instead contain the snapshot's id: first ≤ `sequence` ≤ last.
    """
    if delta.sequence_previous == sequence:
        return NEXT
    if delta.sequence_last < sequence or (bridged and delta.sequence_last == sequence):
        return OLD
    return NEXT if not bridged and delta.sequence_first <= sequence else GAP


@dataclass(frozen=True, slots=True)
class BookRules:
    """A venue's rules. `stale_after_us` without an update makes a book stale, 0 never; after each `audit_every_us` a
    good book is compared with a fresh snapshot, 0 never.

    `checksum` computes what the venue sends in `BookDelta.checksum`; None: it sends none.
    """

    sequence: SequenceRule = contiguous
    stale_after_us: int = 0
    checksum: Callable[[L2Book], int] | None = None
    audit_every_us: int = 0


class _Followed:
    """One book with what is proven about it. `broken`, `channel` and `aged` are the reasons that make it stale."""

    __slots__ = (
        "aged",
        "asked_us",
        "audit",
        "audit_us",
        "book",
        "bridged",
        "broken",
        "buffer",
        "channel",
        "down",
        "resync_us",
        "resync_wait_us",
        "rules",
    )

    def __init__(self, instrument_id: str, rules: BookRules) -> None:
        self.book = L2Book(instrument_id)
        self.rules = rules
        self.bridged = False
        self.broken = self.book.stale
        self.channel = ""
        self.down = False  # the channel is
        self.aged = ""
        self.buffer: deque[BookDelta] = deque(maxlen=BUFFER_MAX)
        self.asked_us = -RESYNC_FIRST_US
        self.resync_us = NEVER_US  # when to ask for a snapshot
        self.resync_wait_us = 0
        self.audit: Audit | None = None
        self.audit_us = NEVER_US  # when to begin the next one

    def show(self) -> None:
        self.book.stale = self.broken or self.channel or self.aged

    @property
    def due_us(self) -> int:
        """When `tick` has to look at this book."""
        if self.broken:
            return self.resync_us
        if self.aged or not self.rules.stale_after_us:
            return self.audit_us
        return min(self.audit_us, self.book.receive_us + self.rules.stale_after_us)


class BookTracker:
    """All books of a session. The counters are totals since the start.

    Follows `instruments` (ids) under the `rules` of their venue; a venue without rules counts contiguously.
    """

    def __init__(self, instruments: Iterable[str] = (), rules: Mapping[str, BookRules] | None = None) -> None:
        self.old = 0  # deltas and snapshots that brought nothing new
        self.gaps = 0  # a good book that lost its proof: lost updates, crossed prices, wrong checksum
        self.ignored = 0  # events of instruments that nobody follows
        self.mismatches = 0  # books that were not the venue's, although nothing was lost
        self.on_mismatch: Callable[[str, str, int], None] = lambda instrument_id, difference, now_us: None
        self._followed: dict[str, _Followed] = {}
        self._views: dict[str, BookView] = {}
        self._due_us = NEVER_US
        self._audit_free_us = 0  # when the next audit may begin
        for instrument_id in instruments:
            venue = instrument_id.partition(":")[0]
            self.follow(instrument_id, (rules or {}).get(venue, BookRules()))

    def follow(self, instrument_id: str, rules: BookRules) -> L2Book:
        """Begin to keep the book of an instrument. It is stale until its first snapshot."""
        followed = self._followed[instrument_id] = _Followed(instrument_id, rules)
        self._views[instrument_id] = followed.book
        return followed.book

    def install(self, instrument_id: str, view: BookView) -> None:
        """Show a book that somebody else keeps; events of this instrument are ignored from now on."""
        self._followed.pop(instrument_id, None)
        self._views[instrument_id] = view

    def book(self, instrument_id: str) -> BookView:
        """The book of a followed or installed instrument; KeyError for any other."""
        return self._views[instrument_id]

    def apply(self, event: BookSnapshot | BookDelta) -> None:
        followed = self._followed.get(event.instrument_id)
        if followed is None:
            self.ignored += 1
        elif not isinstance(event, BookDelta):
            self._apply_snapshot(followed, event)
        elif followed.broken:
            self._keep(followed, event)
        else:
            followed.broken = self._advance(followed, event)
            if followed.broken:
                self.gaps += 1
                self._ask(followed, event.receive_us)
                self._keep(followed, event)
                followed.show()
            elif followed.audit is not None:
                followed.audit.note(event)
                self._judge(followed, followed.audit)

    def apply_status(self, status: ConnectorStatus) -> None:
        """What a venue's market channel says of itself. After DOWN a kept book is never continued."""
        if status.channel is not Channel.MARKET:
            return
        for instrument_id, followed in self._followed.items():
            if status.instrument_id != instrument_id and (
                status.instrument_id or not instrument_id.startswith(f"{status.venue}:")
            ):
                continue
            healthy = status.health is Health.HEALTHY
            followed.channel = "" if healthy else f"market channel {status.health}: {status.reason}"
            if healthy and followed.down and not followed.broken and not followed.bridged:
                followed.broken = "no update since the market channel was down"  # it may be older than the connection
            followed.down = status.health is Health.DOWN or (followed.down and not healthy)
            if status.health is Health.DOWN:
                followed.broken = "no snapshot since the market channel was down"
                followed.buffer.clear()
                followed.resync_us = NEVER_US
            elif followed.broken and healthy:
                self._ask(followed, status.receive_us + RESYNC_FIRST_US)
            followed.show()

    def tick(self, now_us: int) -> list[Request]:
        """Notice books that grew old; ask once for each missing snapshot, again after 1, 2, 4 … s without success."""
        return [] if now_us < self._due_us else self._look(now_us)

    def _look(self, now_us: int) -> list[Request]:
        requests: list[Request] = []
        for instrument_id, followed in self._followed.items():
            if followed.due_us > now_us:
                continue
            if followed.broken:
                requests.append(ResyncBook(instrument_id))
                followed.resync_wait_us = min(max(RESYNC_FIRST_US, 2 * followed.resync_wait_us), RESYNC_WAIT_US_MAX)
                followed.asked_us = now_us
                followed.resync_us = now_us + followed.resync_wait_us
            elif followed.audit_us <= now_us:
                requests += self._begin_audit(followed, now_us)
            else:
                followed.aged = f"no update for {followed.rules.stale_after_us / 1_000_000:g} s"
                followed.show()
        self._due_us = min((followed.due_us for followed in self._followed.values()), default=NEVER_US)
        return requests

    def _ask(self, followed: _Followed, at_us: int) -> None:
        """Ask for a snapshot at `at_us`, but not within a second of the last time."""
        followed.resync_us = min(followed.resync_us, max(at_us, followed.asked_us + RESYNC_FIRST_US))
        self._due_us = min(self._due_us, followed.resync_us)

    def _keep(self, followed: _Followed, delta: BookDelta) -> None:
        """Put a delta aside for the next snapshot."""
        followed.buffer.append(delta)
        if followed.resync_us == NEVER_US:
            self._ask(followed, delta.receive_us + RESYNC_FIRST_US)

    def _apply_snapshot(self, followed: _Followed, snapshot: BookSnapshot) -> None:
        if not followed.broken and followed.audit is not None:
            followed.audit.take(snapshot)
            self._judge(followed, followed.audit)
            return
        if not followed.broken and snapshot.sequence < followed.book.sequence:
            self.old += 1
            return
        self._load(followed, snapshot)

    def _load(self, followed: _Followed, snapshot: BookSnapshot) -> None:
        followed.audit = None
        followed.book.load(snapshot)
        followed.bridged = False
        followed.broken = _untrue(followed, None)
        while followed.buffer and not followed.broken:
            followed.broken = self._advance(followed, followed.buffer[0])
            if not followed.broken:
                followed.buffer.popleft()
        if followed.broken:
            self._ask(followed, snapshot.receive_us)
        else:
            followed.resync_us = NEVER_US
            followed.resync_wait_us = 0
            if followed.audit_us == NEVER_US and followed.rules.audit_every_us:
                followed.audit_us = snapshot.receive_us + followed.rules.audit_every_us
        self._refresh(followed)

    def _refresh(self, followed: _Followed) -> None:
        followed.aged = ""
        followed.show()
        self._due_us = min(self._due_us, followed.due_us)

    def _begin_audit(self, followed: _Followed, now_us: int) -> list[Request]:
        """One book after the other: a snapshot is dear."""
        if self._audit_free_us > now_us:
            followed.audit_us = self._audit_free_us
            return []
        self._audit_free_us = now_us + AUDIT_GAP_US
        followed.audit_us = now_us + followed.rules.audit_every_us
        followed.audit = Audit(followed.book.sequence)
        return [ResyncBook(followed.book.instrument_id)]

    def _judge(self, followed: _Followed, audit: Audit) -> None:
        """Compare as soon as the book contains all that the snapshot does. A book that is wrong begins anew with it."""
        book, snapshot = followed.book, audit.snapshot
        if snapshot is None or snapshot.sequence > book.sequence:
            followed.audit = None if audit.given_up else audit
            return
        followed.audit = None
        difference = audit.difference(book, snapshot)
        if difference:
            self.mismatches += 1
            self.on_mismatch(book.instrument_id, difference, book.receive_us)
            followed.buffer.extend(audit.later(snapshot.sequence))
            self._load(followed, snapshot)

    def _advance(self, followed: _Followed, delta: BookDelta) -> str:
        """Apply what comes next. Returns why the book is not good any more, or ""."""
        book = followed.book
        verdict = followed.rules.sequence(delta, book.sequence, followed.bridged)
        if verdict is OLD:
            self.old += 1
            return ""
        if verdict is GAP:
            return f"gap: at update {book.sequence}, got {delta.sequence_first} … {delta.sequence_last}"
        book.apply(delta)
        followed.bridged = True
        if followed.aged:
            self._refresh(followed)
        return _untrue(followed, delta.checksum) if book.crossed or delta.checksum is not None else ""


def _untrue(followed: _Followed, checksum: int | None) -> str:
    """Why the levels cannot be the venue's, or "". Such levels are dropped: nobody may see a crossed book."""
    book = followed.book
    reason = ""
    if book.crossed:
        reason = f"crossed: bid {book.best_bid} meets ask {book.best_ask} at update {book.sequence}"
    elif checksum is not None and followed.rules.checksum and followed.rules.checksum(book) != checksum:
        reason = f"wrong checksum at update {book.sequence}"
    if reason:
        book.clear()
    return reason
