"""Bugs at the edge: what a connector concludes from an answer, and how it reads."""

from __future__ import annotations

from connectors.simulated import desk, faulty_connector, replica, unanswered
from engine.model.enums import Outcome
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


@mutant(profile="crash_rate+log_loss+stale_read", scale=10)
def trades_are_fetched_without_overlap(patch: Patch) -> None:
    patch.set(replica, "OVERLAP_TRADES", 0)


@mutant()
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
