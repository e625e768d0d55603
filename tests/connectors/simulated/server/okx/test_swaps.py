"""Perpetuals in OKX's words: what is refused, funding and its bills, liquidation, and what channels tell of them."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.simulated.market import Market
from connectors.simulated.venue import SimulatedExchange
from engine.model.enums import Side
from tests.connectors.simulated.builders import ScriptedMarket
from tests.connectors.simulated.server.okx.venues import Site, serving
from tests.connectors.simulated.server.venues import PERPETUAL, perpetual, with_perpetual

NAME = "BTC-USDT-SWAP"
HOURS_8_US = 8 * 3_600_000_000


async def trade(site: Site, side: str, size: str, price: str = "", /, by: str = "alice", **more: Any) -> dict[str, Any]:
    terms = {"ordType": "limit", "px": price} if price else {"ordType": "market"}
    body = {"instId": NAME, "tdMode": "cross", "side": side, "sz": size} | terms | more
    _, answer = await site.signed("POST", "trade/order", body, by)
    (row,) = answer["data"]
    found: dict[str, Any] = row
    return found


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tdMode": "cash"}, "51000"),
        ({"tdMode": "isolated"}, "51000"),
        ({"posSide": "long"}, "51000"),
        ({"sz": "0.5"}, "51121"),
        ({"sz": "10000001"}, "51101"),
        ({"sz": "1000000", "px": "120"}, "51008"),
        ({"reduceOnly": True}, "51169"),
        ({"px": "151"}, "51137"),
        ({"px": "49", "side": "sell"}, "51138"),
        ({"px": "9" * 20, "side": "sell"}, "51000"),
    ],
)
async def test_orders_that_are_refused(changes: dict[str, Any], code: str) -> None:
    async with serving(make=with_perpetual) as site:
        assert (await trade(site, "buy", "1", "95", **changes))["sCode"] == code
        assert await site.rows("trade/orders-pending?instType=SWAP") == []


async def test_leverage() -> None:
    async with serving(make=with_perpetual) as site:
        assert (await site.rows(f"account/leverage-info?instId={NAME}&mgnMode=cross"))[0]["lever"] == "10"
        terms = {"instId": NAME, "mgnMode": "cross"}
        for change, code in (
            ({"lever": "20"}, "0"),
            ({"lever": "126"}, "59102"),
            ({"lever": "0.5"}, "51000"),
            ({}, "51000"),
            ({"lever": "5", "mgnMode": "isolated"}, "51000"),
            ({"lever": "5", "instId": "BTC-USDT"}, "51000"),
        ):
            _, answer = await site.signed("POST", "account/set-leverage", terms | change)
            assert answer["code"] == code, change
        assert (await site.rows(f"account/leverage-info?instId={NAME}&mgnMode=cross"))[0]["lever"] == "20"
        _, answer = await site.signed("GET", f"account/leverage-info?instId={NAME}&mgnMode=isolated")
        assert answer["code"] == "51000"
        assert (await trade(site, "buy", "1000000", "90"))["sCode"] == "0"
        _, answer = await site.signed("POST", "account/set-leverage", terms | {"lever": "21"})
        assert answer["code"] == "59102"  # the tier of so large an order
        _, answer = await site.signed("POST", "account/set-leverage", terms | {"lever": "1"})
        assert answer["code"] == "51008"
        assert (await trade(site, "buy", "5000000", "90"))["sCode"] == "51004"


async def test_spot_and_perpetuals_stand_beside_each_other() -> None:
    async with serving(make=with_perpetual) as site:
        await site.order("buy", "1", "95")
        await trade(site, "buy", "1", "95")
        for kind, name in (("SPOT", "BTC-USDT"), ("SWAP", NAME)):
            (row,) = await site.rows(f"trade/orders-pending?instType={kind}")
            assert (row["instId"], row["instType"]) == (name, kind)
            _, answer = await site.ask("GET", f"public/instruments?instType={kind}")
            assert [row["instId"] for row in answer["data"]] == [name]
            _, answer = await site.ask("GET", f"market/tickers?instType={kind}")
            assert [row["instId"] for row in answer["data"]] == [name]
        assert (await site.rows("account/config"))[0]["acctLv"] == "2"
        _, answer = await site.signed("GET", "account/trade-fee?instType=FUTURES")
        assert answer["code"] == "51001"


async def test_funding_is_paid_and_billed() -> None:
    """Alice is long, bob short 4 contracts at 100.5: at the rate of 0.01 % and a mark of 100 she pays 0.0004."""
    async with serving(make=with_perpetual) as site, site.socket("private", "alice") as socket:
        await socket.ask("subscribe", {"channel": "account"})
        await socket.next()
        await trade(site, "sell", "4", "100.5", by="bob")
        await trade(site, "buy", "4", clOrdId="mine")
        assert (await socket.next())["arg"]["channel"] == "account"
        site.pass_time(HOURS_8_US)
        told = (await socket.next())["data"][0]["details"][0]
        paid, traded = await site.rows("account/bills?instType=SWAP")
        assert (paid["type"], paid["subType"], paid["balChg"], paid["bal"]) == ("8", "173", "-0.0004", told["cashBal"])
        assert (traded["type"], traded["balChg"], traded["clOrdId"]) == ("2", "-0.00201", "mine")
        (received,) = await site.rows("account/bills?type=8", by="bob")
        assert (received["subType"], received["balChg"]) == ("174", "0.0004")
        _, answer = await site.ask("GET", f"public/funding-rate-history?instId={NAME}")
        (rate,) = answer["data"]
        assert (rate["realizedRate"], rate["fundingTime"]) == ("0.0001", paid["ts"])
        _, answer = await site.ask("GET", "public/funding-rate?instId=ANY")
        assert answer["data"][0]["settFundingRate"] == "0.0001"
        (held,) = await site.rows("account/positions")
        assert (held["fundingFee"], held["fee"], held["pnl"], held["realizedPnl"]) == (
            "-0.0004",
            "-0.00201",
            "0",
            "-0.00241",
        )


def with_inverse(clock: Callable[[], int]) -> tuple[SimulatedExchange, list[Market]]:
    """Contracts of 100 USD, settled in BTC; 100 of them at 99 and 101, and 100 traded at 100."""
    name = "sim:BTC-USD-PERP"
    terms = {"instrument_id": name, "symbol": "BTC-USD-PERP", "quote": "USD", "settle": "BTC"}
    exchange = SimulatedExchange("sim", [replace(perpetual(), **terms, contract_size=Decimal(100))])

    def lay_out(exchange: SimulatedExchange) -> None:
        engine = exchange.listing(name).engine
        engine.add(Side.BUY, 9_900, 100)
        engine.add(Side.SELL, 10_100, 100)
        engine.print_trade(10_000, 100, Side.BUY)

    return exchange, [ScriptedMarket((clock(), lay_out))]


async def test_inverse_contracts() -> None:
    """Alice buys 2 of 100 USD at 101: 1.98 BTC, of which she pays 0.05 %."""
    async with serving(make=with_inverse) as site:
        _, answer = await site.ask("GET", "public/instruments?instType=SWAP")
        (row,) = answer["data"]
        assert (row["ctType"], row["ctVal"], row["ctValCcy"], row["settleCcy"]) == ("inverse", "100", "USD", "BTC")
        _, answer = await site.ask("GET", "market/tickers?instType=SWAP")
        assert (answer["data"][0]["vol24h"], answer["data"][0]["volCcy24h"]) == ("100", "100")
        _, answer = await site.ask("GET", "public/position-tiers?instType=SWAP&instFamily=BTC-USD")
        assert answer["data"][0]["maxSz"] == "100000"  # 100,000 BTC, each worth a contract at the mark of 100
        assert (await trade(site, "buy", "2", instId="BTC-USD-SWAP"))["sCode"] == "0"
        (held,) = await site.rows("account/positions")
        assert (held["pos"], held["avgPx"], held["ccy"]) == ("2", "101", "BTC")
        assert held["fee"] == (await site.rows("trade/fills"))[0]["fee"]
        assert held["fee"] == "-0.0009901"


async def test_a_liquidation_is_told() -> None:
    """Alice has 20 USDT behind 1 BTC of 101, and the mark falls to 30."""
    async with serving(make=with_perpetual) as site, site.socket("private", "alice") as socket:
        world = site.world
        world.exchange.ledger.deposit(1, {"USDT": Decimal(-99_980)})
        for channel in ("orders", "positions"):
            await socket.ask("subscribe", {"channel": channel, "instType": "SWAP"})
        assert (await socket.next())["data"] == []
        await trade(site, "buy", "100")
        told = [await socket.next() for _ in range(3)]
        assert [each["arg"]["channel"] for each in told] == ["orders", "orders", "positions"]
        assert (told[2]["data"][0]["pos"], told[2]["data"][0]["lever"]) == ("100", "10")
        engine = world.exchange.listing(PERPETUAL).engine
        margin = world.exchange.margin
        assert margin is not None
        engine.print_trade(3_000, 1, Side.SELL)
        margin.set_index(PERPETUAL, Decimal(30))
        world.exchange.settle_all()
        site.pass_time(1)
        _, order, position = [(await socket.next())["data"][0] for _ in range(3)]
        assert (order["category"], order["state"], order["clOrdId"]) == ("full_liquidation", "filled", "")
        assert position["pos"] == "0"
        assert await site.rows("account/positions") == []
        (order, _) = await site.rows("trade/orders-history?instType=SWAP")
        assert order["category"] == "full_liquidation"


async def test_marks_and_rates_are_told() -> None:
    async with serving(make=with_perpetual) as site, site.socket("public") as socket:
        for channel, field, value in (("mark-price", "markPx", "100"), ("funding-rate", "fundingRate", "0.0001")):
            await socket.ask("subscribe", {"channel": channel, "instId": NAME})
            assert (await socket.next())["data"][0][field] == value
        margin = site.world.exchange.margin
        assert margin is not None
        margin.set_index(PERPETUAL, Decimal(103))
        site.world.exchange.settle_all()
        site.pass_time(1_000_000)
        assert (await socket.next())["data"][0]["markPx"] == "101.97"
        assert (await socket.ask("subscribe", {"channel": "mark-price", "instId": "BTC-USDT"}))["event"] == "subscribe"
