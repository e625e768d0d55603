"""Journal: what is written is read, a crash is noticed, damage is refused, and a replay finds the first difference."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.journal import BUFFER, MAGIC, Cut, End, Entry, Header, JournalWriter, read, read_header
from engine.core.replay import Difference, ReplayResult, replay
from engine.model.account import Balance
from engine.model.enums import Liquidity, OrderStatus, OrderType, Side
from engine.model.errors import BadMessage
from engine.model.event import AccountSnapshot, Event, OrderUpdate, RulesChanged, Tick
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.market import BookDelta
from engine.model.quote import Refused
from engine.model.request import CancelOrder, FetchBalances, Request, SubmitOrder

D = Decimal
INSTRUMENT = Instrument("sim:BTC-USDT", "sim", "BTC-USDT", "BTC", "USDT", D("0.01"), D("0.001"), fee_asset="BNB")
HEADER = Header("1.0", "s1", "name: x\n", "5d1e", 7, (INSTRUMENT,), 1_000_000, "MM01", 3, 1_700_000_000_000_000)
SUBMIT = SubmitOrder("MM01", "sim:BTC-USDT", Side.BUY, OrderType.LIMIT, D("0.010"), D("1E+2"), tag="bid_1")
CANCEL = CancelOrder("MM01", "sim:BTC-USDT")
ENTRIES: tuple[Entry, ...] = (
    BookDelta("sim:BTC-USDT", ((D("99.5"), D("0")),), ((D("100.10"), D("2")),), 1, 2, 3, 4),
    Tick(10),
    SUBMIT,
    Refused(SUBMIT, "funds", "needs 1 USDT, available are 0 USDT", 10),
    FetchBalances("sim"),
    OrderUpdate("sim:BTC-USDT", "MM01", "v1", OrderStatus.OPEN, None, "", 11, 12),
    Fill("t", "MM01", "v1", "sim:BTC-USDT", Side.BUY, D(100), D("0.01"), D("-1E-8"), "BNB", Liquidity.MAKER, 11, 12),
    RulesChanged(INSTRUMENT, 12),
    AccountSnapshot("sim", 1, 2, balances=(Balance("sim", "BTC", D(1), D(1)),)),
    Tick(20),
    CANCEL,
)


def written(entries: Sequence[Entry], finish: Callable[[JournalWriter], None] = JournalWriter.close) -> bytes:
    stream = io.BytesIO()
    writer = JournalWriter(stream, HEADER)
    for entry in entries:
        writer.write(0, entry)
    finish(writer)
    return stream.getvalue()


def entries_of(data: bytes) -> list[Entry | End | Cut]:
    stream = io.BytesIO(data)
    read_header(stream)
    return list(read(stream))


def test_what_is_written_is_read() -> None:
    data = written(ENTRIES)
    assert read_header(io.BytesIO(data)) == HEADER
    *entries, end = entries_of(data)
    assert entries == list(ENTRIES)
    assert repr(entries) == repr(list(ENTRIES))  # equal decimals may still have other digits
    assert isinstance(end, End)
    assert end.entries == len(ENTRIES)


def test_digest_depends_on_entries_alone() -> None:
    other = io.BytesIO()
    writer = JournalWriter(other, Header("2.0", "s2", "", "", 8, (), 1, "MM02", 4, 0))
    for entry in ENTRIES:
        writer.write(0, entry)
        writer.flush()
    end = entries_of(written(ENTRIES))[-1]
    assert isinstance(end, End)
    assert writer.digest == end.digest
    writer.write(0, Tick(30))
    assert writer.digest != end.digest


def test_entries_reach_the_file_when_the_buffer_is_full() -> None:
    stream = io.BytesIO()
    writer = JournalWriter(stream, HEADER)
    begin = stream.tell()
    while stream.tell() == begin:
        writer.write(0, SUBMIT)
    assert BUFFER <= stream.tell() - begin < BUFFER + 200


WHOLE = written(ENTRIES, JournalWriter.flush)


@given(st.integers(len(written((), JournalWriter.flush)), len(WHOLE)))
def test_a_crash_at_any_byte_loses_only_the_tail(length: int) -> None:
    *entries, cut = entries_of(WHOLE[:length])
    assert entries == list(ENTRIES[: len(entries)])
    assert isinstance(cut, Cut)
    assert cut.at_byte == len(written(ENTRIES[: len(entries)], JournalWriter.flush))
    if length == len(WHOLE):
        assert (len(entries), cut.reason) == (len(ENTRIES), "no end was written")


def test_cut_says_what_is_missing() -> None:
    assert entries_of(WHOLE[:-1])[-1].reason.endswith("bytes of an entry")
    assert entries_of(WHOLE + b"\0\0")[-1] == Cut(len(WHOLE), "2 of the 4 bytes of a length")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\3\4", "not a journal"),
        (b"", "not a journal"),
        (MAGIC + b"\0\0\0\x20abc", "ends within its header, at byte 4"),
        (MAGIC + b"\0\0\0\x01\x80", "another version"),
        (WHOLE + b"\0\0\0\x02\xc1\xc1", f"entry {len(ENTRIES)} at byte {len(WHOLE)} is damaged"),
        (WHOLE + b"\xff\xff\xff\xff", "4,294,967,295 bytes"),
    ],
)
def test_damage_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BadMessage, match=message):
        entries_of(data)


def test_a_changed_entry_does_not_pass_the_digest() -> None:
    data = written(ENTRIES).replace(b"bid_1", b"bid_2")
    with pytest.raises(BadMessage, match="was changed"):
        entries_of(data)


@dataclass
class Scripted:
    """An engine that returns prepared requests."""

    answers: dict[int, list[Request]]
    applied: list[Event] = field(default_factory=list)

    def apply(self, event: Event) -> None:
        self.applied.append(event)

    def tick(self, now_us: int) -> list[Request]:
        return self.answers.get(now_us, [])


SAME: dict[int, list[Request]] = {10: [SUBMIT, FetchBalances("sim")], 20: [CANCEL]}


def replayed(data: bytes, answers: dict[int, list[Request]]) -> tuple[ReplayResult, Scripted]:
    engine = Scripted(answers)
    return replay(entries_of(data), lambda: engine), engine


def test_replay_of_the_same_engine_is_identical() -> None:
    result, engine = replayed(written(ENTRIES), SAME)
    assert result.identical
    assert (result.requests, result.entries, result.cut) == (3, len(ENTRIES), "")
    assert engine.applied == [ENTRIES[0], *ENTRIES[5:9]]


other_digits = SubmitOrder("MM01", "sim:BTC-USDT", Side.BUY, OrderType.LIMIT, D("0.01"), D("1E+2"), tag="bid_1")


@pytest.mark.parametrize(
    ("answers", "difference"),
    [
        ({**SAME, 10: [SUBMIT, CANCEL]}, Difference(4, 10, FetchBalances("sim"), CANCEL)),
        ({**SAME, 10: [other_digits, FetchBalances("sim")]}, Difference(2, 10, SUBMIT, other_digits)),
        ({10: SAME[10]}, Difference(10, 20, CANCEL, None)),
        ({**SAME, 10: [*SAME[10], CANCEL]}, Difference(5, 10, None, CANCEL)),
        ({**SAME, 20: [CANCEL, CANCEL]}, Difference(11, 20, None, CANCEL)),
    ],
    ids=["another request", "other digits of an equal number", "one less", "one more", "one more at the end"],
)
def test_replay_finds_the_first_difference(answers: dict[int, list[Request]], difference: Difference) -> None:
    result, _ = replayed(written(ENTRIES), answers)
    assert result.first_difference == difference
    assert not result.identical


def test_requests_that_the_crash_swallowed_are_no_difference() -> None:
    cut_before_cancel = written(ENTRIES[:-1], JournalWriter.flush)
    result, _ = replayed(cut_before_cancel, SAME)
    assert result.identical
    assert result.cut == f"byte {len(cut_before_cancel)}: no end was written"
