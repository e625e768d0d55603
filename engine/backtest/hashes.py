"""Fingerprints of what a run asked for and what it got: two runs are the same exactly when these are."""

import hashlib

from engine.model.fill import Fill
from engine.model.money import to_text
from engine.model.request import AmendOrder, CancelOrder, SubmitOrder

LINES = 4_096


class LineHash:
    """SHA-256 over lines of text, fed in large pieces."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._lines: list[str] = []

    def add(self, line: str) -> None:
        self._lines.append(line)
        if len(self._lines) == LINES:
            self._drain()

    @property
    def digest(self) -> str:
        """Of all lines so far."""
        self._drain()
        return self._hash.hexdigest()

    def _drain(self) -> None:
        if self._lines:
            self._hash.update(("\n".join(self._lines) + "\n").encode())
            self._lines.clear()


def request_line(now_us: int, request: SubmitOrder | CancelOrder | AmendOrder) -> str:
    """kind|time_us|client_order_id|instrument_id|side|price|quantity|fee|fee_asset|liquidity|reason"""
    if isinstance(request, CancelOrder):
        return f"cancel|{now_us}|{request.client_order_id}|{request.instrument_id}|||||||"
    price = "" if request.price is None else to_text(request.price)
    size = to_text(request.quantity)
    if isinstance(request, AmendOrder):
        return f"amend|{now_us}|{request.client_order_id}|{request.instrument_id}||{price}|{size}||||"
    return f"submit|{now_us}|{request.client_order_id}|{request.instrument_id}|{request.side.value}|{price}|{size}||||"


def fill_line(fill: Fill) -> str:
    """The line of a fill, in the form of `request_line`; the time is the venue's."""
    return (
        f"fill|{fill.event_us}|{fill.client_order_id}|{fill.instrument_id}|{fill.side.value}|{to_text(fill.price)}|"
        f"{to_text(fill.quantity)}|{to_text(fill.fee)}|{fill.fee_asset}|{fill.liquidity.value}|"
    )
