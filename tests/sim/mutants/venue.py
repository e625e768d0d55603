"""Bugs at the edge: what a connector concludes from an answer, and how it reads."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.simulated import desk, faulty_connector, replica, unanswered
from connectors.simulated.faulty_connector import FaultyConnector
from engine.model.enums import Outcome
from engine.model.request import Request
from tests.sim.mutants.patch import Patch, mutant


@mutant()
def timeout_is_a_rejection(patch: Patch) -> None:
    """hummingbot#6901."""
    patch.set(faulty_connector, "ambiguous", unanswered.not_sent)


@mutant(profile="duplicate+lose_response", scale=12)
def duplicate_id_is_a_rejection(patch: Patch) -> None:
    """What the venue holds may be our own first delivery."""

    def refused(self, request, error, started_us, receive_us):  # type: ignore[no-untyped-def]
        update = real(self, request, error, started_us, receive_us)
        if update.reason.startswith("ambiguous"):
            return unanswered.not_sent(request, "duplicate", started_us, receive_us)[0]
        return update

    real = patch.set(desk.Desk, "_refused", refused)


@mutant(profile="lose_response+post5xx+stream_drop", scale=8)
def absent_means_rejected(patch: Patch) -> None:
    """Every refusal of a lookup counts as a denial."""
    patch.set(
        faulty_connector,
        "ambiguous",
        lambda request, cause, started_us, receive_us: [
            event
            if not hasattr(event, "outcome")
            else type(event)(
                event.instrument_id,
                event.client_order_id,
                event.venue_order_id,
                event.action,
                Outcome.ABSENT,
                cause,
                cause,
                started_us,
                receive_us,
                event.venue,
            )
            for event in unanswered.ambiguous(request, cause, started_us, receive_us)
        ],
    )


@mutant(profile="r429", scale=2)
def retry_after_is_ignored(patch: Patch) -> None:
    """hummingbot#1291: 429 is answered with more of the same."""

    def call(self: FaultyConnector, request: Request) -> None:
        self._retry_us = self.banned_us = 0
        real(self, request)

    real = patch.set(FaultyConnector, "_call", call)


@mutant(profile="partition_rate+conn_fail", scale=10)
def connects_follow_each_other(patch: Patch) -> None:
    patch.set(faulty_connector, "CONNECT_GAP_US", 1)
    patch.set(faulty_connector, "CONNECT_BACKOFF_US", (300_000, 300_000))


@mutant(profile="skew_us")
def clock_offset_is_not_applied(patch: Patch) -> None:
    """ccxt#2281: requests are signed with whatever the machine's clock says."""

    def tell(self: FaultyConnector, call: Any, back_us: int, events: Any) -> None:
        real(self, call, back_us, events)
        self._offset_us = 0

    real = patch.set(FaultyConnector, "_tell", tell)


@mutant()
def times_are_seconds(patch: Patch) -> None:
    """One place that takes a time in seconds for one in microseconds."""

    def _row(self: replica.ReplicaDesk, fill: Any, receive_us: int) -> Any:
        return real(self, msgspec.structs.replace(fill, event_us=fill.event_us // 1_000_000), receive_us)

    real = patch.set(replica.ReplicaDesk, "_row", _row)
