"""OKX's words about accounts, orders and instruments become the right events and rules."""

import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from connectors.okx.instruments import open_markets, read_fees, read_instruments
from connectors.okx.private import AccountEvent, AccountParser
from connectors.okx.wire import read_frame
from engine.model.account import Balance
from engine.model.enums import InstrumentKind, Liquidity, OrderStatus, Side, UpdateSource
from engine.model.errors import BadMessage, TickwrightError
from engine.model.event import OrderUpdate
from engine.model.fill import Fill
from tests.connectors.okx.frames import RECORDED, captured_body, frame_with, payloads

D = Decimal
BTC = "okx:BTC-USDT"
STREAM = UpdateSource.STREAM


@pytest.fixture
def parser() -> AccountParser:
    return AccountParser("okx", {"BTC-USDT": BTC})


def pushed(parser: AccountParser, body: bytes) -> list[AccountEvent]:
    return parser.push(read_frame(body), 7)


def test_a_filled_maker_order(parser: AccountParser) -> None:
    """The fill comes first; the fee's sign is turned round."""
    order = "452197707845865472"
    at_us = 1654084353264_000
    fill = Fill(
        "242589207",
        "HamsterParty14",
        order,
        BTC,
        Side.SELL,
        D("31527.1"),
        D("0.001"),
        D("0.02522168"),
        "USDT",
        Liquidity.MAKER,
        1654084353263_000,
        7,
    )
    average = D("31527.1")
    update = OrderUpdate(
        BTC,
        "HamsterParty14",
        order,
        OrderStatus.FILLED,
        D("0.001"),
        "",
        at_us,
        7,
        STREAM,
        None,
        Side.SELL,
        D("31527.1"),
        D("0.001"),
        average,
    )
    assert pushed(parser, frame_with("HamsterParty14")) == [fill, update]


def test_a_market_order_in_quote_from_its_birth_to_its_end(parser: AccountParser) -> None:
    """Three recorded pushes of one order: its quantity is not told, its only fill is told once."""
    events = [event for _, body in RECORDED if b"620258920632008725" in body for event in pushed(parser, body)]
    updates = [event for event in events if isinstance(event, OrderUpdate)]
    assert [(each.status, each.filled, each.quantity, each.price) for each in updates] == [
        (OrderStatus.OPEN, D(0), None, None),
        (OrderStatus.OPEN, D("0.00038128"), None, None),
        (OrderStatus.FILLED, D("0.00038128"), None, None),
    ]
    assert [each.average_price for each in updates] == [None, D("26228.1"), D("26228.1")]
    (fill,) = [event for event in events if isinstance(event, Fill)]
    assert (fill.trade_id, fill.fee, fill.liquidity) == ("435550732", D("0.010000249968"), Liquidity.TAKER)


def test_balances(parser: AccountParser) -> None:
    balance = Balance("okx", "USDT", D("4750.426970691436"), D("4734.371190691436"), 1705564213903_000, 7)
    assert pushed(parser, frame_with('"channel":"account"')) == [balance]
    body = dict(RECORDED)["/api/v5/account/balance"]
    assert parser.balances(body, 7) == (
        Balance("okx", "USDT", D("4850.435693622894"), D("4834.317093622894"), 1705449605015_000, 7),
    )


def test_orders_over_rest_tell_no_fills(parser: AccountParser) -> None:
    """Its row names the last fill, but neither its fee nor its liquidity."""
    (found,) = parser.orders(parser.order_rows(dict(RECORDED)["/api/v5/trade/order"]), UpdateSource.LOOKUP, 3, 7)
    assert (found.status, found.filled, found.quantity) == (OrderStatus.FILLED, D("0.00192834"), None)
    assert (found.source, found.started_us, found.average_price) == (UpdateSource.LOOKUP, 3, D(51858))
    (listed,) = parser.orders(
        parser.order_rows(dict(RECORDED)["/api/v5/trade/orders-pending"]), UpdateSource.SNAPSHOT, 3, 7
    )
    assert (listed.status, listed.filled, listed.price, listed.quantity) == (OrderStatus.OPEN, D(0), D(59200), D(1))


def test_fills_over_rest(parser: AccountParser) -> None:
    (row,) = parser.fill_rows(dict(RECORDED)["/api/v5/trade/fills"])
    assert (row.bill_id, row.ts) == ("680800019754098688", "1708587373362")
    assert parser.fill(row, 7) == Fill(
        "744876980",
        "",
        "680800019749904384",
        BTC,
        Side.BUY,
        D(51858),
        D("0.00192834"),
        D("0.00000192834"),
        "BTC",
        Liquidity.TAKER,
        1708587373361_000,
        7,
        UpdateSource.REST,
    )


ORDER: dict[str, Any] = {
    "instId": "BTC-USDT",
    "instType": "SPOT",
    "ordId": "1",
    "clOrdId": "a",
    "side": "buy",
    "ordType": "limit",
    "state": "live",
    "px": "10",
    "sz": "2",
    "accFillSz": "0",
    "uTime": "5",
}
TRADE = {"tradeId": "9", "fillPx": "10", "fillSz": "1", "fillFee": "0.1", "fillFeeCcy": "BTC", "fillTime": "4"}


def orders(**changes: Any) -> bytes:
    return json.dumps({"arg": {"channel": "orders", "instType": "SPOT"}, "data": [ORDER | changes]}).encode()


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"state": "live"}, OrderStatus.OPEN, ""),
        ({"state": "partially_filled"}, OrderStatus.OPEN, ""),
        ({"state": "filled"}, OrderStatus.FILLED, ""),
        ({"state": "canceled", "cancelSource": "1"}, OrderStatus.CANCELED, "canceled:1"),
        ({"state": "canceled", "cancelSource": "31"}, OrderStatus.CANCELED, "would_take"),
        ({"state": "mmp_canceled"}, OrderStatus.CANCELED, ""),
        ({"state": "asleep"}, OrderStatus.UNKNOWN, "ambiguous:state asleep"),
    ],
)
def test_states(parser: AccountParser, changes: dict[str, Any], status: OrderStatus, reason: str) -> None:
    (update,) = pushed(parser, orders(**changes))
    assert isinstance(update, OrderUpdate)
    assert (update.status, update.reason) == (status, reason)


@pytest.mark.parametrize(
    ("changes", "quantity"),
    [
        ({}, D(2)),
        ({"tgtCcy": "quote_ccy"}, None),
        ({"ordType": "market", "tgtCcy": "base_ccy", "px": ""}, D(2)),
        ({"ordType": "market", "px": ""}, None),  # the default for buys on spot
        ({"ordType": "market", "px": "", "side": "sell"}, D(2)),
        ({"ordType": "market", "px": "", "instType": "SWAP"}, D(2)),
    ],
)
def test_sizes_in_quote_are_no_quantities(parser: AccountParser, changes: dict[str, Any], quantity: D | None) -> None:
    (update,) = pushed(parser, orders(**changes))
    assert isinstance(update, OrderUpdate)
    assert update.quantity == quantity


def test_a_rebate_is_a_negative_fee(parser: AccountParser) -> None:
    fill, _ = pushed(parser, orders(**TRADE, execType="M"))
    assert isinstance(fill, Fill)
    assert (fill.fee, fill.fee_asset) == (D("-0.1"), "BTC")


@pytest.mark.parametrize(("word", "liquidity"), [("M", Liquidity.MAKER), ("T", Liquidity.TAKER), ("", Liquidity.TAKER)])
def test_liquidity(parser: AccountParser, word: str, liquidity: Liquidity) -> None:
    fill, _ = pushed(parser, orders(**TRADE, execType=word))
    assert isinstance(fill, Fill)
    assert fill.liquidity is liquidity


def test_other_instruments_of_the_account_are_passed_over(parser: AccountParser) -> None:
    assert pushed(parser, orders(instId="DOGE-USDT")) == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (orders(side="none"), "'none' is not a side"),
        (orders(sz=""), "'' is not a plain number"),
        (orders(accFillSz="-1"), "'-1' is not a plain number"),
        (orders(**TRADE, execType="X"), "'X' is neither M nor T"),
        (orders(**TRADE | {"fillFee": ""}, execType="M"), "'' is not a plain number"),
        (orders(ordId=5), "Expected `str`, got `int`"),
        (b'{"arg":{"channel":"liquidation-warning"},"data":[]}', "not a push of a known channel"),
        (b'{"event":"login","code":"0"}', "not a push of a known channel"),
    ],
)
def test_bad_messages(parser: AccountParser, body: bytes, says: str) -> None:
    with pytest.raises(BadMessage, match=says):
        pushed(parser, body)


def test_fills_of_strange_instruments(parser: AccountParser) -> None:
    (row,) = parser.fill_rows(dict(RECORDED)["/api/v5/trade/fills"].replace(b"BTC-USDT", b"XYZ-USDT"))
    with pytest.raises(BadMessage, match="unknown symbol 'XYZ-USDT'"):
        parser.fill(row, 7)


def test_mutated_messages_give_events_or_bad_messages(parser: AccountParser) -> None:
    chance = Random("mutated private messages of OKX")
    whole = [body for _, body in RECORDED if b'"orders"' in body or b'"account"' in body]
    bad = 0
    for _ in range(5_000):
        damaged = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        try:
            pushed(parser, bytes(damaged))
        except BadMessage:
            bad += 1
    assert 1_000 < bad < 5_000


def test_every_shared_payload_about_accounts_is_read() -> None:
    parser = AccountParser("okx", {"BTC-USDT": BTC})
    read: list[str] = []
    for kind, body in payloads():
        match kind.rpartition("/api/v5/")[2]:
            case "push":
                frame = read_frame(body)
                if frame.event == "" and frame.arg is not None and frame.arg.channel in ("orders", "account"):
                    read += [type(event).__name__ for event in parser.push(frame, 7)]
            case "trade/order" | "trade/orders-pending" if kind.startswith("GET"):
                read += ["row" for _ in parser.orders(parser.order_rows(body), UpdateSource.LOOKUP, 1, 7)]
            case "trade/fills" | "trade/fills-history":
                read += [type(parser.fill(row, 7)).__name__ for row in parser.fill_rows(body)]
            case "account/balance":
                read += [type(each).__name__ for each in parser.balances(body, 7)]
    assert {name: read.count(name) for name in read} == {
        "Balance": 2,
        "row": 2,
        "Fill": 7,
        "OrderUpdate": 5,
    }


# ---- instruments


def test_captured_spot_instruments() -> None:
    listed = read_instruments(captured_body("OKX/OKX.0.gz", "instType=SPOT"))
    assert len(listed) > 300
    btc, eth = open_markets("okx", listed, ["BTC-USDT", "ETH-USDT"])
    assert (btc.instrument_id, btc.venue_symbol, btc.base, btc.quote) == (BTC, "BTC-USDT", "BTC", "USDT")
    assert (btc.price_step, btc.quantity_step, btc.quantity_min) == (D("0.1"), D("0.00000001"), D("0.00001"))
    assert (btc.kind, btc.fee_asset, eth.price_step) == (InstrumentKind.SPOT, "BTC", D("0.01"))


def test_captured_swaps() -> None:
    listed = read_instruments(captured_body("OKX/OKX.0.gz", "instType=SWAP"))
    (swap,) = open_markets("okx", listed, ["BTC-USDT-PERP"])
    assert (swap.instrument_id, swap.venue_symbol, swap.kind) == (
        "okx:BTC-USDT-PERP",
        "BTC-USDT-SWAP",
        InstrumentKind.PERPETUAL,
    )
    assert (swap.contract_size, swap.quantity_step, swap.settle, swap.leverage_max) == (D("0.01"), D(1), "USDT", 125)
    with pytest.raises(TickwrightError, match=r"BTC-USD-PERP is settled in BTC, not in USD\n  fix:"):
        open_markets("okx", listed, ["BTC-USD-PERP"])


def test_only_open_markets_are_traded() -> None:
    listed = read_instruments(dict(RECORDED)["/api/v5/public/instruments"])
    (btc,) = open_markets("okx", listed, ["BTC-USDT", "XYZ-USDT"])
    assert btc.quantity_max == D(9999999999)
    listed["BTC-USDT"].state = "suspend"
    assert open_markets("okx", listed, ["BTC-USDT"]) == []


def test_fees() -> None:
    assert read_fees(dict(RECORDED)["/api/v5/account/trade-fee"]) == (D("0.0008"), D("0.001"))
    with pytest.raises(BadMessage, match="no fee rates"):
        read_fees(b'{"code":"0","data":[],"msg":""}')
