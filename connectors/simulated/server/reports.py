"""The events of a private stream: what happened to an order, and the balances that changed."""

from __future__ import annotations

from typing import Any

from connectors.simulated.book_order import What
from connectors.simulated.server.tickets import EXPIRY_REASONS, OrderList, Ticket, has_lost, status_word
from connectors.simulated.server.values import Moment, money
from connectors.simulated.venue_order import Report
from engine.model.account import Balance
from engine.model.enums import Liquidity, OrderStatus
from engine.model.money import ZERO

EXECUTIONS = {
    What.ACCEPTED: "NEW",
    What.TRIGGERED: "NEW",
    What.FILLED: "TRADE",
    What.CANCELED: "CANCELED",
    What.EXPIRED: "EXPIRED",
    What.AMENDED: "REPLACED",
    What.REJECTED: "REJECTED",  # of an order that had waited in its list
}
REJECTIONS = {
    "insufficient_funds": "INSUFFICIENT_BALANCES",
    "would_take": "WOULD_MATCH_IMMEDIATELY",
    "would_trigger": "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
}


def execution_report(ticket: Ticket, report: Report, execution_id: int, now_us: int) -> dict[str, Any]:
    """One change of an order; `execution_id` grows per symbol."""
    placement, state, fill = ticket.placement, report.state, report.fill
    lost = has_lost(ticket, state)
    cancelled, replaced = state.what is What.CANCELED and not lost, state.what is What.AMENDED
    client_id, original = ticket.client_order_id, ""
    if cancelled:
        client_id, original = ticket.cancel_id, ticket.client_order_id
    elif replaced:
        original = ticket.amends[-1].old_client_order_id
    working_us = ticket.working_us(state)
    works = working_us >= 0 and state.status is OrderStatus.OPEN
    event: dict[str, Any] = {
        "e": "executionReport",
        "E": Moment(now_us),
        "s": placement.symbol.name,
        "c": client_id,
        "S": placement.side.value,
        "o": placement.type_name,
        "f": placement.time_in_force.value,
        "q": money(state.quantity),
        "p": money(state.price or ZERO),
        "P": money(placement.stop_price or ZERO),
        "F": money(placement.iceberg or ZERO),
        "g": ticket.list_number,
        "C": original,
        "x": "EXPIRED" if lost else "TRADE_PREVENTION" if state.reason == "self_trade" else EXECUTIONS[state.what],
        "X": status_word(ticket, state),
        "r": REJECTIONS.get(state.reason, "NONE") if state.what is What.REJECTED else "NONE",
        "i": ticket.order_id,
        "l": money(fill.quantity if fill else ZERO),
        "z": money(state.filled),
        "L": money(fill.price if fill else ZERO),
        "n": money(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": Moment(state.at_us),
        "t": int(fill.trade_id) if fill else -1,
        "I": execution_id,
        "w": works,
        "m": fill is not None and fill.liquidity is Liquidity.MAKER,
        "M": fill is not None,
        "O": Moment(ticket.created_us),
        "Z": money(state.cost),
        "Y": money(fill.price * fill.quantity if fill else ZERO),
        "Q": money(placement.quote_quantity),
        "V": "NONE",
    }
    if working_us >= 0:
        event["W"] = Moment(working_us)
    if placement.trailing_delta is not None:
        event["d"] = placement.trailing_delta
    if placement.strategy_id is not None:
        event["j"] = placement.strategy_id
    if placement.strategy_type is not None:
        event["J"] = placement.strategy_type
    if (lost or state.what is What.EXPIRED) and state.reason in EXPIRY_REASONS:
        event["eR"] = EXPIRY_REASONS[state.reason]
    return event


def list_status(order_list: OrderList, now_us: int, begins: bool = False) -> dict[str, Any]:
    """A list of orders begins, an order of it is called otherwise, or all of it is done."""
    done = order_list.is_done
    return {
        "e": "listStatus",
        "E": Moment(now_us),
        "s": order_list.symbol,
        "g": order_list.number,
        "c": order_list.contingency,
        "l": "EXEC_STARTED" if begins else "ALL_DONE" if done else "UPDATED",
        "L": "ALL_DONE" if done and not begins else "EXECUTING",
        "r": "NONE",
        "C": order_list.client_id,
        "T": Moment(now_us),
        "O": [{"s": order_list.symbol, "i": each.order_id, "c": each.client_order_id} for each in order_list.tickets],
    }


def account_position(balances: list[Balance], now_us: int) -> dict[str, Any]:
    """The balances that one command changed, as they are now."""
    return {
        "e": "outboundAccountPosition",
        "E": Moment(now_us),
        "u": Moment(now_us),
        "B": [balance_row(each, "a", "f", "l") for each in balances],
    }


def balance_update(asset: str, change: str, now_us: int) -> dict[str, Any]:
    """Money that came or went without a trade."""
    return {"e": "balanceUpdate", "E": Moment(now_us), "a": asset, "d": change, "T": Moment(now_us)}


def balance_row(balance: Balance, asset: str, free: str, locked: str) -> dict[str, Any]:
    """A balance under the given names."""
    return {asset: balance.asset, free: money(balance.free), locked: money(balance.total - balance.free)}
