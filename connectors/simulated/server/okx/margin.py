"""What can be asked and set about an account's positions in perpetuals: their leverage, their bookings."""

from __future__ import annotations

from typing import Any

from connectors.simulated.contract import Contract
from connectors.simulated.server.okx.board import Board
from connectors.simulated.server.okx.contracts import SWAP
from connectors.simulated.server.okx.errors import BAD_VALUE, TOO_MUCH_LEVERAGE, OkxError, refusal
from connectors.simulated.server.okx.positions import CROSS, NET, bill_row
from connectors.simulated.server.okx.values import Fields, money, page
from connectors.simulated.server.okx.world import OkxWorld
from connectors.simulated.venue_order import Account
from engine.model.errors import Rejected

Row = dict[str, Any]


def positions(world: OkxWorld, account: Account, fields: Fields) -> list[Row]:
    """GET `account/positions`: those that are not flat."""
    kind, symbols = fields.text("instType"), [each for each in fields.text("instId").split(",") if each]
    return [
        world.position(account, board)
        for board, contract in world.contracts()
        if contract.holding(account.number) and kind in ("", SWAP) and (not symbols or board.name in symbols)
    ]


def leverages(world: OkxWorld, account: Account, fields: Fields) -> list[Row]:
    """GET `account/leverage-info`."""
    if fields.need("mgnMode") != CROSS:
        raise OkxError(BAD_VALUE, "mgnMode")
    names = [each for each in fields.need("instId").split(",") if each]
    return [leverage_row(account, world.board(name)) for name in names]


def leverage_row(account: Account, board: Board) -> Row:
    lever = money(_contract(board).leverage(account.number))
    return {"instId": board.name, "mgnMode": CROSS, "posSide": NET, "lever": lever}


def set_leverage(world: OkxWorld, account: Account, fields: Fields) -> list[Row]:
    """POST `account/set-leverage`: of one perpetual."""
    board, lever = world.named(fields), fields.decimal("lever")
    if fields.need("mgnMode") != CROSS or fields.text("posSide") not in ("", NET):
        raise OkxError(BAD_VALUE, "mgnMode or posSide")
    contract = _contract(board)
    most = contract.terms.tiers.tiers[0].leverage_max
    if lever is None or lever < 1:
        raise OkxError(BAD_VALUE, "lever")
    if most and lever > most:
        raise OkxError(TOO_MUCH_LEVERAGE)
    try:
        contract.set_leverage(account.number, lever)
    except Rejected as error:
        raise OkxError(TOO_MUCH_LEVERAGE) if error.code == "leverage_too_high" else refusal(error) from error
    world.tell_position(account, board)
    return [leverage_row(account, board)]


def set_mode(world: OkxWorld, account: Account, fields: Fields) -> list[Row]:
    """POST `account/set-position-mode`: only the net mode is there."""
    if fields.need("posMode") != "net_mode":
        raise OkxError(BAD_VALUE, "posMode")
    return [{"posMode": "net_mode"}]


def bills(world: OkxWorld, account: Account, fields: Fields) -> list[Row]:
    """GET `account/bills`: trades in perpetuals and funding, newest first."""
    kind, symbol, asset = fields.text("type"), fields.text("instId"), fields.text("ccy")
    rows = [
        row
        for row in map(bill_row, world.entries.bills_of(account.number))
        if kind in ("", row["type"]) and symbol in ("", row["instId"]) and asset in ("", row["ccy"])
    ]
    return page(rows, fields, lambda row: int(row["billId"]), lambda row: int(row["ts"]) * 1_000)


def _contract(board: Board) -> Contract:
    if board.contract is None:
        raise OkxError(BAD_VALUE, "instId")
    return board.contract
