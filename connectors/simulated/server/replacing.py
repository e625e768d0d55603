"""Cancel one order and place another in one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.simulated.server.calls import Call
from connectors.simulated.server.errors import (
    BAD_RESTRICTION,
    CANCEL_REFUSED,
    NOT_REPLACED,
    PARTLY_REPLACED,
    UNKNOWN_ORDER,
    ApiError,
)
from connectors.simulated.server.orders import RESTRICTIONS, cancel_ticket, check_placement, find_ticket, submit
from connectors.simulated.server.params import CLIENT_ID
from connectors.simulated.server.render import cancelled, placed
from connectors.simulated.server.world import World

MODES = {"STOP_ON_FAILURE": True, "ALLOW_FAILURE": False}
EXCEEDED_MODES = {"DO_NOTHING": False, "CANCEL_ONLY": True}


@dataclass(slots=True)
class Leg:
    """What became of one half; None while it has not been attempted."""

    response: dict[str, Any] | None = None
    done: bool = False

    @property
    def result(self) -> str:
        if self.response is None:
            return "NOT_ATTEMPTED"
        return "SUCCESS" if self.done else "FAILURE"


def cancel_replace(world: World, call: Call) -> Any:
    """POST order/cancelReplace. Parameters and filters of the new order are looked at before anything happens."""
    params = call.params
    stop_on_failure = params.needed_choice("cancelReplaceMode", MODES)
    cancel_when_exceeded = params.choice("orderRateLimitExceededMode", EXCEEDED_MODES) or False
    placement = check_placement(world, call)
    old, new, exceeded = Leg(), Leg(), None
    try:
        world.order_count(call.account).check(world.now_us, 1)
    except ApiError as error:
        if not cancel_when_exceeded:
            raise
        exceeded = error
    _attempt(old, lambda: _cancel(world, call))
    if exceeded is not None:
        new.response = exceeded.body()
    elif old.done or not stop_on_failure:
        _attempt(new, lambda: placed(submit(world, call.account, placement), placement.answer))
    else:
        world.order_count(call.account).add(world.now_us, 1)
    data = {
        "cancelResult": old.result,
        "newOrderResult": new.result,
        "cancelResponse": old.response,
        "newOrderResponse": new.response,
    }
    if not (old.done and new.done):
        raise ApiError(PARTLY_REPLACED if old.done or new.done else NOT_REPLACED, data=data)
    call.placed = True
    return data


def _cancel(world: World, call: Call) -> dict[str, Any]:
    params = call.params
    ticket = find_ticket(
        world,
        call,
        ApiError(CANCEL_REFUSED, UNKNOWN_ORDER),
        id_name="cancelOrderId",
        client_name="cancelOrigClientOrderId",
    )
    restriction = params.choice("cancelRestrictions", RESTRICTIONS, BAD_RESTRICTION)
    cancel_ticket(world, ticket, restriction, params.optional("cancelNewClientOrderId", CLIENT_ID))
    return cancelled(ticket)


def _attempt(leg: Leg, action: Any) -> None:
    try:
        leg.response = action()
        leg.done = True
    except ApiError as error:
        leg.response = error.body()
