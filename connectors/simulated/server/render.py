"""Orders and trades as answers show them."""

from __future__ import annotations

from typing import Any

from connectors.simulated.server.tickets import EXPIRY_REASONS, OrderList, Ticket, has_lost, status_word
from connectors.simulated.server.values import Moment, money
from engine.model.enums import Liquidity, OrderStatus, Side
from engine.model.event import Fill
from engine.model.money import ZERO


def placed(ticket: Ticket, answer: str) -> dict[str, Any]:
    """The answer to a placement: ACK, RESULT or FULL."""
    row = _names(ticket) | {"clientOrderId": ticket.client_order_id, "transactTime": Moment(ticket.order.state.at_us)}
    if answer == "ACK":
        return row
    row |= _amounts(ticket) | _times(ticket) | _conditional(ticket)
    if answer == "FULL":
        row["fills"] = [_fill_row(fill) for fill in ticket.fills]
    return row


def queried(ticket: Ticket) -> dict[str, Any]:
    """An order as queries show it."""
    placement = ticket.placement
    return (
        _names(ticket)
        | {"clientOrderId": ticket.client_order_id}
        | _amounts(ticket)
        | {
            "stopPrice": money(placement.stop_price or ZERO),
            "icebergQty": money(placement.iceberg or ZERO),
            "time": Moment(ticket.created_us),
            "updateTime": Moment(ticket.order.state.at_us),
            "isWorking": ticket.working_us() >= 0,
        }
        | _times(ticket)
        | _conditional(ticket)
    )


def cancelled(ticket: Ticket) -> dict[str, Any]:
    """The answer to a cancel: `clientOrderId` is that of the cancel."""
    return (
        _names(ticket)
        | {
            "origClientOrderId": ticket.client_order_id,
            "clientOrderId": ticket.cancel_id,
            "transactTime": Moment(ticket.order.state.at_us),
        }
        | _amounts(ticket)
        | {"selfTradePreventionMode": "NONE"}
        | _conditional(ticket)
    )


def amended(ticket: Ticket) -> dict[str, Any]:
    """The order in the answer to an amend."""
    row = _amounts(ticket)
    amend = ticket.amends[-1]
    return (
        _names(ticket)
        | {"origClientOrderId": amend.old_client_order_id, "clientOrderId": ticket.client_order_id}
        | {
            "price": row["price"],
            "qty": row["origQty"],
            "executedQty": row["executedQty"],
            "preventedQty": money(ZERO),
            "quoteOrderQty": row["origQuoteOrderQty"],
            "cumulativeQuoteQty": row["cummulativeQuoteQty"],
            "status": row["status"],
            "timeInForce": row["timeInForce"],
            "type": row["type"],
            "side": row["side"],
        }
        | _times(ticket)
    )


def own_trade(ticket_id: int, list_number: int, symbol: str, fill: Fill) -> dict[str, Any]:
    """A row of myTrades."""
    return {
        "symbol": symbol,
        "id": int(fill.trade_id),
        "orderId": ticket_id,
        "orderListId": list_number,
        "price": money(fill.price),
        "qty": money(fill.quantity),
        "quoteQty": money(fill.price * fill.quantity),
        "commission": money(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": Moment(fill.event_us),
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.liquidity is Liquidity.MAKER,
        "isBestMatch": True,
    }


def listed(order_list: OrderList) -> dict[str, Any]:
    """A list of orders, as it is now."""
    done = order_list.is_done
    at_us = max(each.order.state.at_us for each in order_list.tickets) if done else order_list.created_us
    return {
        "orderListId": order_list.number,
        "contingencyType": order_list.contingency,
        "listStatusType": "ALL_DONE" if done else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if done else "EXECUTING",
        "listClientOrderId": order_list.client_id,
        "transactionTime": Moment(at_us),
        "symbol": order_list.symbol,
        "orders": [
            {"symbol": order_list.symbol, "orderId": each.order_id, "clientOrderId": each.client_order_id}
            for each in order_list.tickets
        ],
    }


def _names(ticket: Ticket) -> dict[str, Any]:
    symbol = ticket.placement.symbol.name
    return {"symbol": symbol, "orderId": ticket.order_id, "orderListId": ticket.list_number}


def _amounts(ticket: Ticket) -> dict[str, Any]:
    state, placement = ticket.order.state, ticket.placement
    return {
        "price": money(state.price or ZERO),
        "origQty": money(state.quantity),
        "executedQty": money(state.filled),
        "origQuoteOrderQty": money(placement.quote_quantity),
        "cummulativeQuoteQty": money(state.cost),
        "status": status_word(ticket, state),
        "timeInForce": placement.time_in_force.value,
        "type": placement.type_name,
        "side": placement.side.value,
    }


def _times(ticket: Ticket) -> dict[str, Any]:
    working_us = ticket.working_us()
    return {"workingTime": Moment(working_us) if working_us >= 0 else -1, "selfTradePreventionMode": "NONE"}


def _conditional(ticket: Ticket) -> dict[str, Any]:
    """Fields that are there only when they mean something."""
    placement, state = ticket.placement, ticket.order.state
    ended = state.status is OrderStatus.EXPIRED or has_lost(ticket, state)
    optional = {
        "icebergQty": placement.iceberg and money(placement.iceberg),
        "stopPrice": placement.stop_price and money(placement.stop_price),
        "trailingDelta": placement.trailing_delta,
        "strategyId": placement.strategy_id,
        "strategyType": placement.strategy_type,
        "expiryReason": EXPIRY_REASONS.get(state.reason) if ended else None,
    }
    return {name: value for name, value in optional.items() if value is not None}


def _fill_row(fill: Fill) -> dict[str, Any]:
    return {
        "price": money(fill.price),
        "qty": money(fill.quantity),
        "commission": money(fill.fee),
        "commissionAsset": fill.fee_asset,
        "tradeId": int(fill.trade_id),
    }
