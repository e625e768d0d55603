"""Marked secrets, and a search for every part of them in whatever somebody might see."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote

WINDOW = 12  # characters of a secret that must not be seen together


def hits(canaries: Iterable[str], places: Iterable[tuple[str, bytes]]) -> list[str]:
    """Where a window of a canary stands, raw or encoded in a usual way. `places` are names and contents."""
    needles = {needle: canary[:4] for canary in canaries for window in windows(canary) for needle in spellings(window)}
    found = {place: [(each, name) for each, name in needles.items() if each in text] for place, text in places}
    return [f"{place}: {rows[0][1]}… as {rows[0][0]!r}" for place, rows in found.items() if rows]


def windows(canary: str) -> Iterator[bytes]:
    """Every part of that length."""
    assert len(canary) >= WINDOW
    return (canary[start : start + WINDOW].encode() for start in range(len(canary) - WINDOW + 1))


def spellings(window: bytes) -> Iterator[bytes]:
    """The window itself; as hex, percent-encoded, and in base64 wherever it may begin within a longer text."""
    yield window
    yield window.hex().encode()
    yield window.hex().upper().encode()
    yield quote(window, safe="").encode()
    for lead in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            whole = encode(bytes(lead) + window)
            first = -(-lead * 8 // 6)  # letters that also hold bits of what stands before
            last = (lead + len(window)) * 8 // 6
            yield whole[first:last]
