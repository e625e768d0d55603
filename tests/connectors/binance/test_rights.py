"""The rights of a key: the documented answer, and the served one."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from connectors.base.credentials import credentials
from connectors.base.start import LiveSettings
from connectors.binance.build import prepare
from connectors.binance.listing import read_rights
from connectors.binance.sheet import addresses
from connectors.simulated.market import Market
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.credentials import Permission, hmac_credential
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.core.clock import wall_us
from engine.core.ports import LiveConnector
from engine.model.enums import Channel
from engine.model.errors import BadMessage
from engine.model.greeting import KeyRights
from tests.connectors.simulated.server.clients import live_venue
from tests.connectors.simulated.server.venues import SECRETS, key_of
from tests.contract.adapter import Clock
from tests.contract.binance import KEY, SECRET, BinanceAdapter
from tests.contract.rig import Rig, run_rig

TOLD = {  # the fields of the documented answer that count, as a careful owner sets them
    "ipRestrict": True,
    "createTime": 1698645219000,
    "enableReading": True,
    "enableSpotAndMarginTrading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "permitsUniversalTransfer": False,
}


@pytest.mark.parametrize(
    ("change", "rights"),
    [
        ({}, KeyRights(True, False, True)),
        ({"ipRestrict": False}, KeyRights(True, False, False)),
        ({"enableSpotAndMarginTrading": False}, KeyRights(False, False, True)),
        ({"enableWithdrawals": True}, KeyRights(True, True, True)),
        ({"enableInternalTransfer": True}, KeyRights(True, True, True)),
        ({"permitsUniversalTransfer": True}, KeyRights(True, True, True)),
    ],
)
def test_each_right(change: dict[str, bool], rights: KeyRights) -> None:
    assert read_rights(json.dumps(TOLD | change).encode()) == rights


@pytest.mark.parametrize("name", ["ipRestrict", "enableWithdrawals", "permitsUniversalTransfer"])
def test_an_answer_that_leaves_one_out_is_none(name: str) -> None:
    with pytest.raises(BadMessage):
        read_rights(json.dumps({each: value for each, value in TOLD.items() if each != name}).encode())


async def test_asked_before_the_start() -> None:
    async with live_venue() as server:
        here = addresses(f"http://127.0.0.1:{server.port}")
        settings = LiveSettings("binance", [], here, credentials(key_of("alice"), SECRETS["alice"]))
        assert (await prepare(settings, wall_us)).greeting.rights == KeyRights(True, False, True)
        account = server.world.exchange.accounts["alice"]
        key = hmac_credential(key_of("alice"), SECRETS["alice"], account)
        rights = frozenset((Permission.USER_DATA,))
        server.world.add_key(replace(key, permissions=rights, withdraws=True, bound=False))
        assert (await prepare(settings, wall_us)).greeting.rights == KeyRights(False, True, False)
        unkeyed = (await prepare(replace(settings, credentials=None), wall_us)).greeting
        assert unkeyed.rights is None
        assert unkeyed.clock is not None


class Tempted(BinanceAdapter):
    """Between the question before the start and the start somebody lets the key withdraw."""

    def server(
        self, exchange: SimulatedExchange, account: Account, markets: Sequence[Market], now_us: Clock
    ) -> VenueServer[Any]:
        self._server = super().server(exchange, account, markets, now_us)
        return self._server

    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        connector = await super().connect(port, now_us, seed)
        key = hmac_credential(KEY, SECRET, self._server.world.exchange.accounts["bot"])
        self._server.world.add_key(replace(key, withdraws=True))
        return connector


def test_a_right_that_appears_while_the_bot_runs() -> None:
    async def main(rig: Rig) -> None:
        status = await rig.down(Channel.KEY)
        assert "may withdraw or transfer" in status.reason
        rig.server.world.add_key(hmac_credential(KEY, SECRET, rig.account))
        await rig.healthy(Channel.KEY, seconds=90)

    run_rig(Tempted(), main)
