"""Questions about perpetuals: contracts, prices and funding; orders, trades, positions and money of an account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.simulated.bookkeeping import fee_rates
from connectors.simulated.server.gate.board import INTERVALS
from connectors.simulated.server.gate.errors import (
    BAD_VALUE,
    LEVERAGE_TOO_HIGH,
    POSITION_HOLDING,
    POSITION_NOT_FOUND,
    GateError,
    futures_refusal,
)
from connectors.simulated.server.gate.futures_rows import booking_row, order_row, trade_row
from connectors.simulated.server.gate.questions import arm, page_of
from connectors.simulated.server.gate.values import Fields, money, seconds
from connectors.simulated.server.gate.world import SETTLE, GateWorld
from connectors.simulated.venue_order import Account
from engine.model.errors import Rejected
from engine.model.money import ZERO

ROWS_MAX = 1_000
Row = dict[str, Any]


# --- of everybody


def contracts(world: GateWorld, fields: Fields) -> Any:
    return [board.info() for board in world.contracts.values()]


def contract(world: GateWorld, fields: Fields) -> Any:
    return world.contract(fields.need("contract")).info()


def tickers(world: GateWorld, fields: Fields) -> Any:
    name = fields.text("contract")
    boards = [world.contract(name)] if name else list(world.contracts.values())
    return [board.ticker(world.now_us) for board in boards]


def order_book(world: GateWorld, fields: Fields) -> Any:
    board = world.contract(fields.need("contract"))
    with_id = fields.text("with_id").lower() == "true"
    return board.book(fields.limit(10, ROWS_MAX), world.now_us, with_id=with_id)


def trades(world: GateWorld, fields: Fields) -> Any:
    """Newest first."""
    board = world.contract(fields.need("contract"))
    return [board.trade(each) for each in reversed(board.tape.trades[-fields.limit(100, ROWS_MAX) :])]


def candlesticks(world: GateWorld, fields: Fields) -> Any:
    board, interval = world.contract(fields.need("contract")), INTERVALS.get(fields.text("interval", "5m"))
    if interval is None:
        raise GateError(BAD_VALUE, "Invalid interval")
    start = fields.whole("from", 0)
    end_us = fields.whole("to", seconds(world.now_us)) * 1_000_000
    bars = board.tape.bars(interval, start * 1_000_000 or None, end_us, fields.limit(100, 2_000))
    return [board.candle(bar) for bar in bars]


def funding_rate(world: GateWorld, fields: Fields) -> Any:
    """The rates that were paid, newest first."""
    marks = world.contract(fields.need("contract")).contract.marks
    start, end = fields.whole("from", 0), fields.whole("to", seconds(world.now_us))
    found = [each for each in reversed(marks.paid) if start <= seconds(each.due_us) <= end]
    return [{"t": seconds(each.due_us), "r": money(each.rate)} for each in found[: fields.limit(100, ROWS_MAX)]]


def tiers(world: GateWorld, fields: Fields) -> Any:
    """`risk_limit` is the largest value in a tier; the last one has no end here."""
    name = fields.text("contract")
    boards = [world.contract(name)] if name else list(world.contracts.values())
    return [row for board in boards for row in _tiers(board.contract.terms.tiers.tiers, board.name)]


def _tiers(found: Any, name: str) -> list[Row]:
    ends = [*(tier.floor for tier in found[1:]), Decimal(10) ** 12]
    return [
        {
            "tier": number,
            "risk_limit": money(end),
            "initial_rate": money(round(1 / Decimal(tier.leverage_max), 6)) if tier.leverage_max else "0",
            "maintenance_rate": money(tier.rate),
            "leverage_max": str(tier.leverage_max),
            "deduction": money(tier.deduction),
            "contract": name,
        }
        for number, (tier, end) in enumerate(zip(found, ends, strict=True), 1)
    ]


# --- of an account


def account_row(world: GateWorld, account: Account, fields: Fields) -> Any:
    """GET accounts: one wallet in cross margin, whose money is also that of the spot markets."""
    margin, number = world.margin, account.number
    balance, profit = world.exchange.balance(account, SETTLE), margin.profit(number, SETTLE)
    held = sum((margin.position(number, name).margin for name in margin.listings), ZERO)
    tied = sum((each.contract.margin(number) for each in world.contracts.values()), ZERO)
    sums = {
        "total": balance.total,
        "unrealised_pnl": profit,
        "position_margin": held,
        "order_margin": tied - held,
        "available": balance.free,
        "cross_available": balance.free,
        "cross_initial_margin": held,
        "cross_order_margin": tied - held,
        "cross_unrealised_pnl": profit,
        "maintenance_margin": margin.maintenance(number, SETTLE),
        "cross_maintenance_margin": margin.maintenance(number, SETTLE),
        "point": ZERO,
        "bonus": ZERO,
    }
    kinds = {"pnl": "pnl", "fee": "fee", "fund": "fund"}
    history = {name: money(world.booked(number, kind)) for name, kind in kinds.items()} | {"dnw": "0", "refr": "0"}
    words = {"user": number, "currency": SETTLE, "in_dual_mode": False, "position_mode": "single", "margin_mode": 0}
    return words | {name: money(amount) for name, amount in sums.items()} | {"history": history}


def account_book(world: GateWorld, account: Account, fields: Fields) -> Any:
    """What was booked for perpetuals, newest first."""
    kind, name = fields.text("type"), fields.text("contract")
    start, end = fields.whole("from", 0), fields.whole("to", seconds(world.now_us))
    found = [
        each
        for each in reversed(world.bookings)
        if each.account == account.number
        and kind in ("", each.kind)
        and name in ("", each.contract)
        and start <= seconds(each.at_us) <= end
    ]
    return [booking_row(each) for each in _slice(found, fields)]


def positions(world: GateWorld, account: Account, fields: Fields) -> Any:
    """GET positions: of every contract that the account knows; with `holding` those that are not flat."""
    holding = fields.flag("holding")
    return [
        world.position(account, board)
        for board in world.contracts.values()
        if board.is_known(account.number) and (not holding or board.contract.holding(account.number))
    ]


def position(world: GateWorld, account: Account, fields: Fields) -> Any:
    board = world.contract(fields.need("contract"))
    if not board.is_known(account.number):
        raise GateError(POSITION_NOT_FOUND)
    return world.position(account, board)


def set_leverage(world: GateWorld, account: Account, fields: Fields) -> Any:
    """POST positions/{contract}/leverage: only cross margin is here, so `leverage` is 0 and its limit counts."""
    board, limit = world.contract(fields.need("contract")), fields.decimal("cross_leverage_limit")
    if fields.decimal("leverage") != ZERO or limit is None or limit < 1:
        raise GateError(BAD_VALUE, "only cross margin is served: leverage 0 and a cross_leverage_limit from 1 on")
    if limit > board.contract.terms.tiers.tiers[0].leverage_max:
        raise GateError(LEVERAGE_TOO_HIGH)
    try:
        board.contract.set_leverage(account.number, limit)
    except Rejected as error:
        raise futures_refusal(error) from error
    world.tell_position(account, board)
    return world.position(account, board)


def dual_mode(world: GateWorld, account: Account, fields: Fields) -> Any:
    """POST dual_mode: one position a contract is all there is."""
    if fields.flag("dual_mode"):
        raise GateError(POSITION_HOLDING, "only one-way positions are served")
    return account_row(world, account, fields)


def orders(world: GateWorld, account: Account, fields: Fields) -> Any:
    """Open or finished, newest first, of one contract or of all."""
    name, wanted = fields.text("contract"), fields.need("status")
    if wanted not in ("open", "finished"):
        raise GateError(BAD_VALUE, "Invalid status")
    pair = world.contract(name).name if name else ""
    found = [
        each
        for each in world.futures_entries.of_account(account.number, pair)
        if each.order.is_open is (wanted == "open")
    ]
    return [order_row(each, world.contract(each.pair)) for each in _slice(found, fields, 100)]


def my_trades(world: GateWorld, account: Account, fields: Fields) -> Any:
    """Newest first, of one contract or of all; of one order, or after `last_id` in the past."""
    name, last = fields.text("contract"), fields.whole("last_id", 0)
    start_us = fields.whole("from", 0) * 1_000_000
    end_us = (fields.whole("to", seconds(world.now_us)) + 1) * 1_000_000
    boards = [world.contract(name)] if name else list(world.contracts.values())
    found = [
        (fill, board)
        for board in boards
        for fill in world.exchange.trades(account, board.listing.instrument.instrument_id, fields.text("order"))
        if start_us <= fill.event_us < end_us and (not last or int(fill.trade_id) < last)
    ]
    found.sort(key=lambda each: (-each[0].event_us, -int(each[0].trade_id)))
    return [trade_row(board, fill) for fill, board in _slice(found, fields)]


def my_trades_by_time(world: GateWorld, account: Account, fields: Fields) -> Any:
    """The same rows; the id has another name."""
    return [{"trade_id": str(row.pop("id"))} | row for row in my_trades(world, account, fields)]


def fee(world: GateWorld, account: Account, fields: Fields) -> Any:
    name = fields.text("contract")
    boards = [world.contract(name)] if name else list(world.contracts.values())
    rates = {board.name: fee_rates(account, board.listing.instrument) for board in boards}
    return {name: {"maker_fee": money(maker), "taker_fee": money(taker)} for name, (maker, taker) in rates.items()}


def countdown(world: GateWorld, account: Account, fields: Fields) -> Any:
    """The dead man's switch of a contract, or of all: `timeout` seconds, 0 stops it."""
    name = fields.text("contract")
    return arm(world, account, fields, [world.contract(name)] if name else list(world.contracts.values()))


def _slice(rows: list[Any], fields: Fields, highest: int = ROWS_MAX) -> list[Any]:
    """`limit` rows from `offset` on, or the `page`."""
    offset = fields.whole("offset", 0)
    return page_of(rows[offset:], fields, highest)
