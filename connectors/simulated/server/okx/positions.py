"""Positions in perpetuals, and what was booked for them, as rows."""

from __future__ import annotations

from typing import Any

from connectors.simulated.server.okx.board import Board
from connectors.simulated.server.okx.contracts import SWAP
from connectors.simulated.server.okx.entries import Entries, FillEntry, FundingEntry
from connectors.simulated.server.okx.values import money, stamp
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.core.position import value_of
from engine.model.enums import Liquidity, Side
from engine.model.money import ZERO

CROSS, NET = "cross", "net"
TRADE, FUNDING = "2", "8"
NOT_HERE = dict.fromkeys(  # of isolated margin, of loans, and of options
    ("margin", "bePx", "usdPx", "liab", "liabCcy", "interest", "optVal", "posCcy", "spotInUseAmt", "spotInUseCcy"), ""
)
Row = dict[str, Any]


def position_row(exchange: SimulatedExchange, entries: Entries, account: Account, board: Board, now_us: int) -> Row:
    """A position as it is, also a flat one."""
    margin, contract, number = exchange.margin, board.contract, account.number
    assert margin is not None
    assert contract is not None
    held = margin.position(number, board.listing.instrument.instrument_id)
    mark, upl = contract.marks.mark or ZERO, contract.unrealised(number)
    value = value_of(contract.instrument, abs(held.quantity), mark) if mark else ZERO
    needed = contract.maintenance(number)
    sums = entries.sums(number, board.name)
    return {
        "instType": SWAP,
        "instId": board.name,
        "mgnMode": CROSS,
        "posId": f"{number}{board.code:04}",
        "posSide": NET,
        "pos": money(held.quantity),
        "availPos": money(abs(held.quantity)),
        "ccy": contract.settle,
        "avgPx": money(round(held.average_price, 16)) if held.quantity else "",
        "markPx": money(mark),
        "upl": money(upl),
        "uplRatio": money(round(upl / held.margin, 8)) if held.margin else "",
        "lever": money(contract.leverage(number)),
        "liqPx": "" if held.liquidation_price is None else money(round(held.liquidation_price, 16)),
        "imr": money(held.margin),
        "mmr": money(needed),
        "mgnRatio": money(round(margin.equity(number, contract.settle) / needed, 8)) if needed else "",
        "notionalUsd": money(value),
        "realizedPnl": money(held.realized_pnl - sums.fees + sums.funding),
        "pnl": money(held.realized_pnl),
        "fee": money(-sums.fees),
        "fundingFee": money(sums.funding),
        "liqPenalty": "0",
        "last": money(board.tape.last_price),
        "tradeId": sums.last_trade,
        "adl": "1",
        "idxPx": money(contract.marks.index or ZERO),
        **dict.fromkeys(("cTime", "uTime", "pTime"), stamp(now_us)),
        **NOT_HERE,
    }


def bill_row(each: FillEntry | FundingEntry) -> Row:
    """A row of `account/bills`."""
    same = {"billId": str(each.bill), "instType": SWAP, "mgnMode": CROSS, "bal": money(each.balance)}
    same |= dict.fromkeys(("from", "to", "notes", "interest"), "")
    if isinstance(each, FundingEntry):
        seen = each.payment.transfer
        return same | {
            "type": FUNDING,
            "subType": "174" if seen.amount > 0 else "173",
            "instId": each.symbol,
            "ccy": seen.asset,
            "balChg": money(seen.amount),
            "pnl": money(seen.amount),
            "fee": "0",
            "ts": stamp(seen.event_us),
            **dict.fromkeys(("ordId", "clOrdId", "tradeId", "execType", "sz", "px", "tag", "fillTime"), ""),
        }
    fill, pnl = each.fill, each.fill.realized or ZERO
    return same | {
        "type": TRADE,
        "subType": "1" if fill.side is Side.BUY else "2",
        "instId": each.entry.symbol,
        "ccy": fill.fee_asset,
        "balChg": money(pnl - fill.fee),
        "pnl": money(pnl),
        "fee": money(-fill.fee),
        "ts": stamp(fill.event_us),
        "ordId": fill.venue_order_id,
        "clOrdId": each.entry.name,
        "tag": each.entry.tag,
        "fillTime": stamp(fill.event_us),
        "tradeId": fill.trade_id,
        "execType": "M" if fill.liquidity is Liquidity.MAKER else "T",
        "sz": money(fill.quantity),
        "px": money(fill.price),
    }
