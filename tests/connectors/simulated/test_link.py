"""Frames between the simulated exchange and its clients."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.simulated.link import (
    FRAME_MAX,
    PROTOCOL,
    Answer,
    Ask,
    Frames,
    FromVenue,
    Hello,
    Inspect,
    Inspection,
    Ping,
    Pong,
    Streamed,
    ToVenue,
    Welcome,
    frame,
    read_from_venue,
    read_to_venue,
)
from engine.model.account import Balance
from engine.model.errors import BadMessage
from engine.model.event import AccountSnapshot
from engine.model.request import CancelOrder
from tests.connectors.simulated.builders import BTC, instrument, order

BALANCE = Balance("sim", "BTC", Decimal("1.5"), Decimal(1))
TO_VENUE: list[ToVenue] = [
    Hello(PROTOCOL, "us", streams=True),
    Ask(1, 5, order("a", "BUY", "0.1", 7)),  # type: ignore[arg-type]
    Ask(2, 6, CancelOrder("a", BTC)),
    Ping(),
    Inspect(),
]
FROM_VENUE: list[FromVenue] = [
    Welcome(PROTOCOL, "sim", (instrument(),)),
    Answer(1, 9, (AccountSnapshot("sim", 0, 0, balances=(BALANCE,)),)),
    Streamed((BALANCE,)),
    Pong(),
    Inspection((BALANCE,), (), (), 3, ("a",)),
]


def bodies(data: bytes) -> list[bytes]:
    return list(Frames().feed(data))


def test_every_message_comes_as_it_was_sent() -> None:
    sent = bodies(b"".join(map(frame, TO_VENUE)))
    assert [read_to_venue(body) for body in sent] == TO_VENUE
    told = bodies(b"".join(map(frame, FROM_VENUE)))
    assert [read_from_venue(body) for body in told] == FROM_VENUE


@given(st.lists(st.integers(min_value=1, max_value=40), min_size=1))
def test_frames_survive_any_cut(sizes: list[int]) -> None:
    data = b"".join(map(frame, FROM_VENUE))
    frames, found, at = Frames(), [], 0
    while at < len(data):
        size = sizes[at % len(sizes)]
        found += frames.feed(data[at : at + size])
        at += size
    assert [read_from_venue(body) for body in found] == FROM_VENUE


def test_a_length_beyond_the_limit_is_refused_before_it_is_waited_for() -> None:
    with pytest.raises(BadMessage, match="a frame of 67,108,865 bytes"):
        bodies((FRAME_MAX + 1).to_bytes(4))


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x93\x01", b"\x92\xa4Nope\x01"])
def test_what_cannot_be_understood_is_a_bad_message(body: bytes) -> None:
    for read in (read_to_venue, read_from_venue):
        with pytest.raises(BadMessage, match="cannot be understood"):
            read(body)
