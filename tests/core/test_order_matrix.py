"""L0: the whole matrix of the life cycle, every stage against every event, with the facts that must hold afterwards."""

from collections.abc import Callable

import pytest

from engine.core.lifecycle import LEADS, NEXT, News, Stage, Step, stage_of
from engine.core.order_steps import DUTIES, HANDLERS, STEPS
from engine.model.enums import Action, OrderStatus, Outcome, UpdateSource
from engine.model.event import AccountSnapshot, OperatorDecision, RequestSent
from engine.model.order import Order
from engine.model.request import AmendOrder, Request, SubmitOrder
from tests.core.order_support import ACK, BTC, LOOKUP, STREAM, VENUE, World, dec, us

AT = 8.0  # seconds after the submit that the event comes


def _settling(world: World) -> None:
    world.live()
    world.update(1, OrderStatus.CANCELED, 4)


def _ended(world: World) -> None:
    world.live()
    world.fill(1, "t1", 4)
    world.update(1, OrderStatus.CANCELED, 4)


def _dead(world: World) -> None:
    world.submit()
    world.update(1, OrderStatus.REJECTED, reason="rejected:-2010", source=ACK, vid="")


ARRANGE: dict[Stage, Callable[[World], object]] = {
    Stage.SENT: lambda world: world.submit(),
    Stage.LIVE: lambda world: world.live(),
    Stage.SETTLING: _settling,
    Stage.ENDED: _ended,
    Stage.DEAD: _dead,
}


def _fill_known(world: World) -> object:
    """The fill comes twice; only the second time is the event."""
    if not world.order.fills:
        world.fill(AT, "t1", 4)
    return world.fill(AT, "t1", 4)


def _submit_again(world: World) -> object:
    order = world.order
    return world.tracker.record(SubmitOrder(world.cid, BTC, order.side, order.order_type, dec(1), dec(1)), us(AT))


def _correct(world: World) -> object:
    if not world.order.fills:
        world.fill(AT, "t1", 4)
    return world.correct(AT, "t1", 3)


def _fails(action: Action, outcome: Outcome) -> Callable[[World], object]:
    """A request failed. Where one of ours can be under way, it is."""

    def act(world: World) -> object:
        if action is Action.CANCEL:
            world.cancel(AT - 0.5)
        if action is Action.AMEND:
            world.tracker.record(AmendOrder(world.cid, BTC, "V1", dec(99), dec(8)), us(AT - 0.5))
        return world.fail(AT, action, outcome, vid=world.order.venue_order_id)

    return act


def _told(status: OrderStatus, filled: object, source: UpdateSource, reason: str = "") -> Callable[[World], object]:
    return lambda world: world.update(AT, status, filled, source=source, reason=reason)


def _listed(world: World) -> object:
    return world.snapshot(AT, world.row(AT, OrderStatus.OPEN, 4))


def _unlisted(world: World) -> object:
    return world.tracker.reconcile(AccountSnapshot(VENUE, us(AT), us(AT), open_orders=()))


ACT: dict[News, Callable[[World], object]] = {
    News.SUBMIT_RECORDED: _submit_again,
    News.SUBMIT_SENT: lambda world: world.tracker.apply_sent(RequestSent(world.cid, Action.SUBMIT, us(AT), us(AT + 5))),
    News.OPEN: _told(OrderStatus.OPEN, 4, STREAM),
    News.ENDED: _told(OrderStatus.EXPIRED, 5, STREAM),
    News.REJECTED_ACK: _told(OrderStatus.REJECTED, None, ACK, "rejected:-2010"),
    News.REJECTED_TOLD: _told(OrderStatus.REJECTED, None, LOOKUP, "rejected:-2010"),
    News.UNKNOWN: _told(OrderStatus.UNKNOWN, None, ACK, "ambiguous:timeout"),
    News.FILL_NEW: lambda world: world.fill(AT, "t2", 6),
    News.FILL_KNOWN: _fill_known,
    News.LOOKUP_ABSENT: _fails(Action.LOOKUP, Outcome.ABSENT),
    News.CANCEL_RECORDED: lambda world: world.cancel(AT),
    News.CANCEL_ABSENT: _fails(Action.CANCEL, Outcome.ABSENT),
    News.CANCEL_FAILED: _fails(Action.CANCEL, Outcome.AMBIGUOUS),
    News.AMEND_RECORDED: lambda world: world.tracker.record(AmendOrder(world.cid, BTC, "V1", dec(99), dec(8)), us(AT)),
    News.AMEND_REFUSED: _fails(Action.AMEND, Outcome.REJECTED),
    News.AMEND_UNCLEAR: _fails(Action.AMEND, Outcome.AMBIGUOUS),
    News.LISTED: _listed,
    News.UNLISTED: _unlisted,
    News.OTHER_ID: lambda world: world.update(AT, OrderStatus.OPEN, 0, vid="V2"),
    News.CORRECTED: _correct,
    News.LOST_DECIDED: lambda world: world.tracker.apply_decision(OperatorDecision(world.cid, "ann", us(AT))),
    News.TICK: lambda world: world.tick(AT),
}


def facts(order: Order) -> str:
    """One order in one line: phase, reason, command, filled/venue_filled, status."""
    phase = f"{order.phase}:{order.close_reason}" if order.close_reason else order.phase
    return f"{phase} {order.command} {order.filled}/{order.venue_filled} {order.status}"


def outcome(stage: Stage, news: News) -> str:
    world = World()
    ARRANGE[stage](world)
    first = world.order
    world.tick(AT - 1)
    world.tracker.take_changes()
    answer = ACT[news](world)
    requests = answer if isinstance(answer, list) else []
    requests = [*requests, *world.tick(AT)]
    text = facts(first)
    newest = world.order
    if newest is not first:
        text += f" + twin {facts(newest)}"
    told = [alarm.kind.value for change in world.tracker.take_changes() for alarm in change.alarms]
    told += [alarm.kind.value for alarm in getattr(answer, "alarms", ())]
    return " | ".join([text, " ".join(told), " ".join(_short(request) for request in requests)])


def _short(request: Request) -> str:
    return type(request).__name__


# per event: INTENT/SENT, LIVE, settling, DONE ended, DONE dead: `facts | alarms | requests of the next tick`
EXPECTED: dict[News, tuple[str, ...]] = {
    News.SUBMIT_SENT: (
        "SENT NONE 0/0 UNKNOWN |  | LookupOrder",
        "LIVE NONE 0/0 OPEN |  | ",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.OPEN: (
        "LIVE NONE 0/4 OPEN |  | ",
        "LIVE NONE 0/4 OPEN |  | ",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "LIVE CANCEL 0/4 PENDING_CANCEL | resurrected | CancelOrder",
    ),
    News.ENDED: (
        "CLOSED:EXPIRED NONE 0/5 PENDING_CANCEL |  | ",
        "CLOSED:EXPIRED NONE 0/5 PENDING_CANCEL |  | ",
        "CLOSED:CANCELED NONE 0/5 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/5 PENDING_CANCEL |  | ",
        "CLOSED:EXPIRED CANCEL 0/5 PENDING_CANCEL | resurrected | ",
    ),
    News.REJECTED_ACK: (
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
        "LIVE NONE 0/0 OPEN | contradiction | LookupOrder",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.REJECTED_TOLD: (
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.UNKNOWN: (
        "SENT NONE 0/0 UNKNOWN |  | ",
        "LIVE NONE 0/0 OPEN |  | ",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.FILL_NEW: (
        "LIVE NONE 6/6 OPEN |  | ",
        "LIVE NONE 6/6 OPEN |  | ",
        "CLOSED:CANCELED NONE 6/6 CANCELED |  | ",
        "CLOSED:FILLED NONE 10/10 FILLED | late_fill | ",
        "LIVE CANCEL 6/6 PENDING_CANCEL | resurrected | CancelOrder",
    ),
    News.FILL_KNOWN: (
        "LIVE NONE 4/4 OPEN |  | ",
        "LIVE NONE 4/4 OPEN |  | ",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "LIVE CANCEL 4/4 PENDING_CANCEL |  | CancelOrder",
    ),
    News.LOOKUP_ABSENT: (
        "SENT NONE 0/0 UNKNOWN |  | LookupOrder",
        "LIVE NONE 0/0 OPEN |  | FetchTrades",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.CANCEL_RECORDED: (
        "SENT CANCEL 0/0 UNKNOWN |  | LookupOrder",
        "LIVE CANCEL 0/0 PENDING_CANCEL |  | ",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.CANCEL_ABSENT: (
        "SENT CANCEL 0/0 UNKNOWN |  | LookupOrder",
        "LIVE CANCEL 0/0 PENDING_CANCEL |  | LookupOrder FetchTrades",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.CANCEL_FAILED: (
        "SENT CANCEL 0/0 UNKNOWN |  | LookupOrder",
        "LIVE CANCEL 0/0 PENDING_CANCEL |  | ",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.AMEND_RECORDED: (
        "SENT NONE 0/0 UNKNOWN |  | LookupOrder",
        "LIVE AMEND 0/0 OPEN |  | ",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.AMEND_REFUSED: (
        "SENT NONE 0/0 UNKNOWN |  | LookupOrder",
        "LIVE NONE 0/0 OPEN |  | ",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | LookupOrder FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.AMEND_UNCLEAR: (
        "SENT NONE 0/0 UNKNOWN |  | LookupOrder",
        "LIVE AMEND 0/0 OPEN |  | LookupOrder",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.LISTED: (
        "LIVE NONE 0/4 OPEN |  | ",
        "LIVE NONE 0/4 OPEN |  | ",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "LIVE CANCEL 0/4 PENDING_CANCEL | resurrected | CancelOrder",
    ),
    News.UNLISTED: (
        "SENT NONE 0/0 UNKNOWN |  | LookupOrder",
        "LIVE NONE 0/0 OPEN |  | LookupOrder",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.OTHER_ID: (
        "LIVE NONE 0/0 OPEN |  | ",
        "LIVE NONE 0/0 OPEN + twin LIVE CANCEL 0/0 PENDING_CANCEL | twin | CancelOrder",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL + twin LIVE CANCEL 0/0 PENDING_CANCEL"
        " | twin | FetchTrades CancelOrder",
        "CLOSED:CANCELED NONE 4/4 CANCELED + twin LIVE CANCEL 0/0 PENDING_CANCEL | twin | CancelOrder",
        "LIVE CANCEL 0/0 PENDING_CANCEL | resurrected | CancelOrder",
    ),
    News.CORRECTED: (
        "LIVE NONE 3/3 OPEN | corrected | ",
        "LIVE NONE 3/3 OPEN | corrected | ",
        "CLOSED:CANCELED NONE 3/3 CANCELED | corrected | ",
        "CLOSED:CANCELED NONE 3/3 CANCELED | corrected | ",
        "LIVE CANCEL 3/3 PENDING_CANCEL | corrected | CancelOrder",
    ),
    News.LOST_DECIDED: (
        "CLOSED:LOST NONE 0/0 EXPIRED |  | ",
        "LIVE NONE 0/0 OPEN |  | ",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
    News.TICK: (
        "SENT NONE 0/0 UNKNOWN |  | LookupOrder",
        "LIVE NONE 0/0 OPEN |  | ",
        "CLOSED:CANCELED NONE 0/4 PENDING_CANCEL |  | FetchTrades",
        "CLOSED:CANCELED NONE 4/4 CANCELED |  | ",
        "CLOSED:REJECTED NONE 0/0 REJECTED |  | ",
    ),
}
CELLS = [
    pytest.param(stage, news, text, id=f"{stage}: {news}")
    for news, texts in EXPECTED.items()
    for stage, text in zip(Stage, texts, strict=True)
]


@pytest.mark.parametrize(("stage", "news", "text"), CELLS)
def test_cell(stage: Stage, news: News, text: str) -> None:
    assert outcome(stage, news) == text


@pytest.mark.parametrize("stage", list(Stage))
def test_an_id_is_sent_at_most_once(stage: Stage) -> None:
    assert NEXT[stage, News.SUBMIT_RECORDED] is Step.IMPOSSIBLE
    with pytest.raises(AssertionError, match="at most once"):
        outcome(stage, News.SUBMIT_RECORDED)


def test_every_cell_is_tested() -> None:
    assert set(NEXT) == {(stage, news) for stage in Stage for news in News}
    assert {*EXPECTED, News.SUBMIT_RECORDED} == set(News)


def test_every_step_has_its_handler() -> None:
    elsewhere = {Step.IMPOSSIBLE, Step.TWIN, Step.FORGET_ENDED, Step.FORGET_DEAD}
    duties = {Step.DUE_SENT, Step.DUE_LIVE, Step.DUE_SETTLING}
    assert set(STEPS) | elsewhere | duties == set(Step)
    assert set(DUTIES) == {stage for stage in Stage if NEXT[stage, News.TICK] in duties}
    assert all(NEXT[cell] in STEPS for cell in HANDLERS)


MOVING = [cell for cell in HANDLERS if cell[1] not in (News.FILL_KNOWN, News.CORRECTED)]  # those need a fill first


@pytest.mark.parametrize("cell", MOVING, ids=" ".join)
def test_steps_lead_where_the_diagram_says(cell: tuple[Stage, News]) -> None:
    stage, news = cell
    world = World()
    ARRANGE[stage](world)
    first = world.order
    ACT[news](world)
    assert stage_of(first) in {stage, *LEADS.get(NEXT[cell], ())}
