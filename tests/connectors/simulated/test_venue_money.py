"""Whatever happens at the venue: no money appears or vanishes, nothing is overdrawn, and fills explain all balances."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.simulated.book_order import OUTSIDE, SelfTrade
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.model.enums import OrderType, Side, TimeInForce
from engine.model.errors import Rejected
from engine.model.money import ONE, ZERO
from engine.model.request import AmendOrder, SubmitOrder
from tests.connectors.simulated.builders import BTC, instrument, money

KINDS = (
    OrderType.LIMIT,
    OrderType.LIMIT,
    OrderType.LIMIT,
    OrderType.MARKET,
    OrderType.STOP_MARKET,
    OrderType.STOP_LIMIT,
)
ASSETS = ("BTC", "USDT", "BNB")
START = money(BTC=12, USDT=1500, BNB="0.05")


def request(code: bytes, number: int, now_us: int) -> SubmitOrder:
    kind = KINDS[code[2] % 6]
    stop = kind in (OrderType.STOP_LIMIT, OrderType.STOP_MARKET)
    trailing = stop and code[3] % 3 == 0
    dated = kind is OrderType.LIMIT and code[4] % 5 == 0
    return SubmitOrder(
        f"c{number}",
        BTC,
        Side.BUY if code[1] & 1 else Side.SELL,
        kind,
        Decimal(1 + code[5] % 9),
        None if kind in (OrderType.MARKET, OrderType.STOP_MARKET) else Decimal(95 + code[6] % 11),
        TimeInForce.GTD if dated else (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)[max(0, code[4] % 5 - 2)],
        reduce_only=code[3] % 7 == 0,
        stop_price=None if not stop or trailing else Decimal(95 + code[7] % 11),
        trailing_delta=Decimal("0.02") if trailing else None,
        expire_us=now_us + 1 + code[7] % 4 if dated else 0,
        list_id=f"l{code[7] % 5}-{number // 4}" if code[0] % 3 == 0 else "",
    )


def act(code: bytes, exchange: SimulatedExchange, accounts: list[Account], number: int) -> None:
    """One operation; refusals are part of the game."""
    account = accounts[code[8] % 3]
    engine = exchange.listing(BTC).engine
    side, price, lots = Side.BUY if code[1] & 1 else Side.SELL, 95 + code[6] % 11, 1 + code[5] % 9
    match code[0] % 16:
        case 0 | 1:
            engine.add(side, price, lots)
        case 2:
            engine.take(side, lots)
        case 3:
            engine.print_trade(price, lots, side)
        case 4:
            exchange.advance(exchange.now_us + 1)
        case 5:
            exchange.cancel(account, BTC, f"c{number - 1 - code[7] % 12}")
        case 6 | 7:
            target = f"c{number - 1 - code[7] % 12}"
            exchange.amend(account, AmendOrder(target, BTC, "", Decimal(price), Decimal(lots)))
        case _:
            exchange.submit(account, request(code, number, exchange.now_us))


def check(exchange: SimulatedExchange, accounts: list[Account], lock_factor: Decimal) -> None:
    ledger = exchange.ledger
    for asset in ASSETS:
        assert ledger.sum(asset) == 3 * START[asset]
    for account in accounts:
        pools: dict[tuple[str, str], Decimal] = {}
        for order in exchange.open_orders(account):
            if order.lock_price is not None:
                buys = order.request.side is Side.BUY
                asset = "USDT" if buys else "BTC"
                pool = (asset, order.request.list_id or order.venue_order_id)
                need = order.remaining * (order.lock_price * lock_factor if buys else ONE)
                pools[pool] = max(pools.get(pool, ZERO), need)
        for asset in ASSETS:
            assert ledger.locked(account.number, asset) == sum(n for (a, _), n in pools.items() if a == asset)
            assert ledger.free(account.number, asset) >= 0, (account.name, asset)


def explained(exchange: SimulatedExchange, account: Account) -> dict[str, Decimal]:
    """An account's balances from its fills alone."""
    totals = dict(START)
    for fill in exchange.trades(account, BTC):
        sign = 1 if fill.side is Side.BUY else -1
        totals["BTC"] += sign * fill.quantity
        totals["USDT"] -= sign * fill.quantity * fill.price
        totals[fill.fee_asset] -= fill.fee
    return totals


@pytest.mark.parametrize("fee_asset", ["", "BTC", "BNB"])
@settings(max_examples=120)
@given(codes=st.lists(st.binary(min_size=9, max_size=9), min_size=40, max_size=80))
def test_money_is_conserved_locked_and_explained(fee_asset: str, codes: list[bytes]) -> None:
    listed = instrument(fee_asset=fee_asset, maker_rate=Decimal("-0.005"), taker_rate=Decimal("0.02"))
    exchange = SimulatedExchange("sim", [listed], fee_prices=money(BNB=300))
    accounts = [
        exchange.open_account(f"trader{n}", START, self_trade=mode)
        for n, mode in enumerate((SelfTrade.NONE, SelfTrade.CANCEL_OLD, SelfTrade.CANCEL_BOTH))
    ]
    for number, code in enumerate(codes):
        with suppress(Rejected):
            act(code, exchange, accounts, number)
        exchange.settle_all()
        check(exchange, accounts, ONE if fee_asset else Decimal("1.02"))
    for account in accounts:
        assert {asset: exchange.ledger.total(account.number, asset) for asset in ASSETS} == explained(exchange, account)
    assert exchange.ledger.locked(OUTSIDE, "USDT") == 0
