"""What can be served: a scenario's market always, other instruments only if the protocol can say them exactly."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.simulated.server.build import build_server
from connectors.simulated.server.credentials import hmac_credential
from connectors.simulated.server.world import World
from connectors.simulated.venue import SimulatedExchange
from engine.model.enums import InstrumentKind, Side
from engine.schema.values import BadValue
from tests.connectors.simulated.scenarios import scenario
from tests.connectors.simulated.server.venues import HandClock, instrument

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"kind": InstrumentKind.PERPETUAL}, "not a spot market"),
    ({"fee_asset": "USDT"}, "received asset"),
    ({"quantity_step": Decimal("0.0000001")}, "more than eight decimals"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_instruments(change: dict[str, Any], message: str) -> None:
    exchange = SimulatedExchange("sim", [replace(instrument(), **change)])
    with pytest.raises(BadValue, match=message):
        World(exchange, [], HandClock())


def test_fees_that_would_be_cut() -> None:
    exchange = SimulatedExchange("sim", [instrument()])
    account = exchange.open_account("alice", {}, taker_rate=Decimal("0.00075"))
    with pytest.raises(BadValue, match=r"fees at the rate 0\.00075"):
        World(exchange, [], HandClock()).add_key(hmac_credential("alicekey", "secret", account))


@pytest.mark.parametrize("start_price", ["0.0123", "1.5", "2300", "60000"])
async def test_scenarios(start_price: str) -> None:
    """Whatever the price, lots are so coarse that fees are exact, and both sides of the book are there."""
    server = build_server("sim", ["ETH-USDT"], scenario(start_price=start_price), 3, {"alice": ("alicekey", "secret")})
    await server.start()
    try:
        board = server.world.boards["ETHUSDT"]
        bid, ask = board.touch()
        assert 0 < bid[0] < ask[0]
        worth = server.world.exchange.balances(server.world.exchange.accounts["alice"])
        assert [balance.asset for balance in worth] == ["ETH", "USDT"]
    finally:
        await server.stop()


@pytest.mark.parametrize("protocol", ["okx", "gate"])
async def test_perpetuals_are_served_in_whole_contracts(protocol: str) -> None:
    """As deep as the spot market beside it, with a mark from the first moment on."""
    pairs, keys = ["BTC-USDT", "BTC-USDT-PERP"], {"alice": ("alicekey", "secret")}
    server = build_server("sim", pairs, scenario(start_price="60000"), 3, keys, protocol)
    await server.start()
    try:
        spot, contract = server.world.exchange.listings.values()
        assert (contract.instrument.quantity_step, contract.instrument.contract_size) == (1, Decimal("0.001"))
        coins = contract.levels(Side.BUY, 1)[0][1] * contract.instrument.contract_size
        assert Decimal("0.2") < coins / spot.levels(Side.BUY, 1)[0][1] < 5
        assert contract.contract is not None
        assert abs(contract.contract.marks.mark / 60_000 - 1) < Decimal("0.01")
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("protocol", "pair", "message"),
    [("binance", "BTC-USDT-PERP", "not a spot market"), ("binance_perpetual", "BTC-USDT", "is no perpetual")],
)
def test_not_every_protocol_has_every_market(protocol: str, pair: str, message: str) -> None:
    with pytest.raises(BadValue, match=message):
        build_server("sim", [pair], scenario(start_price="60000"), 3, {}, protocol)
