"""Where an entry of the order log came from, in a few words."""

from engine.model.event import Event, Fill, FillCorrected, OperatorDecision, OrderUpdate, RequestFailed, RequestSent


def cause_of(event: Event) -> str:
    """`STREAM`, `ACK`, `CANCEL sent`, `CANCEL ABSENT -2011`, `operator alice`; else the kind of the event."""
    if isinstance(event, OrderUpdate | Fill):
        return event.source.value
    if isinstance(event, RequestSent):
        return f"{event.action} sent"
    if isinstance(event, RequestFailed):
        return f"{event.action} {event.outcome} {event.code}".rstrip()
    if isinstance(event, OperatorDecision):
        return f"operator {event.operator}"
    return "correction" if isinstance(event, FillCorrected) else type(event).__name__
