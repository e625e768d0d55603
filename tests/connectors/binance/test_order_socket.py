"""Orders on Binance's WebSocket API: what is signed and sent, what the limits learn, and which way cancels have left.

That nothing is lost or sent twice there is the business of the contract suite.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from connectors.base.credentials import Credentials, Secret, credentials
from connectors.base.rate_limit import Priority, RateLimiter
from connectors.base.time_sync import VenueClock
from connectors.binance.build import LiveSettings, Urls, prepare
from connectors.binance.private import read_frame
from connectors.binance.rest import Call, Key, Rest
from connectors.binance.sheet import LIMITS, ORDERS_10S, SPOT
from connectors.simulated.market import Market
from connectors.simulated.server.app import VenueServer
from connectors.simulated.server.faults import FaultKind
from connectors.simulated.server.public_keys import public_key_credential
from connectors.simulated.venue import SimulatedExchange
from connectors.simulated.venue_order import Account
from engine.core.ports import LiveConnector
from engine.model.enums import Action, Channel, OrderStatus, Side, UpdateSource
from engine.model.event import Fill, OrderUpdate
from engine.model.request import Reconnect
from tests.contract.adapter import Clock
from tests.contract.binance import BinanceSocketAdapter
from tests.contract.rig import ASK, Rig, run_rig
from tests.sim.loop.session import PAIR, VENUE

STAMP = 1_700_000_000_000_000
CANCEL = Call("DELETE", "order", {"symbol": "BTCUSDT", "orderId": "12"}, Action.CANCEL)
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(b"7" * 32)


def pem(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_request_is_signed_over_its_sorted_parameters() -> None:
    frame = json.loads(Key(credentials("public", "a long secret")).frame(CANCEL, STAMP, "7"))
    assert (frame["id"], frame["method"]) == ("7", "order.cancel")
    params: dict[str, Any] = frame["params"]
    assert (
        params.pop("signature")
        == hmac.digest(
            b"a long secret",
            f"apiKey=public&orderId=12&recvWindow=5000&symbol=BTCUSDT&timestamp={STAMP}".encode(),
            "sha256",
        ).hex()
    )
    assert params == {"apiKey": "public", "orderId": 12, "recvWindow": 5000, "symbol": "BTCUSDT", "timestamp": STAMP}


def test_after_a_log_on_a_request_is_not_signed() -> None:
    frame = json.loads(Key(credentials("public", pem(ED25519))).frame(CANCEL, STAMP, "7"))
    assert frame["params"] == {"orderId": 12, "recvWindow": 5000, "symbol": "BTCUSDT", "timestamp": STAMP}


def test_only_ed25519_logs_on() -> None:
    assert Key(credentials("public", pem(ED25519))).logs_on
    assert not Key(credentials("public", pem(rsa.generate_private_key(65_537, 2_048)))).logs_on
    assert not Key(credentials("public", "a long secret")).logs_on


def test_answers_tell_how_much_of_the_limits_is_used() -> None:
    row = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100, "count": 99}
    strange = row | {"interval": "FORTNIGHT"}
    limiter = RateLimiter(LIMITS, lambda: STAMP)
    clock = VenueClock(VENUE)
    rest = Rest(SPOT, None, None, clock, limiter, lambda: STAMP, lambda reason, until_us: None)  # type: ignore[arg-type]
    assert limiter.ask(Priority.CREATE, {ORDERS_10S: 1}) == 0
    rest.note_limits(read_frame(json.dumps({"id": "1", "status": 200, "rateLimits": [row, strange]}).encode()).limits)
    assert limiter.ask(Priority.CREATE, {ORDERS_10S: 1}) > STAMP


class LoggedOn(BinanceSocketAdapter):
    """The account's key is Ed25519."""

    key = "publicpublic0000"

    secrets = (pem(ED25519),)

    def server(
        self, exchange: SimulatedExchange, account: Account, markets: Sequence[Market], now_us: Clock
    ) -> VenueServer[Any]:
        server = super().server(exchange, account, markets, now_us)
        public = ED25519.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        server.world.add_key(public_key_credential(self.key, public, account))
        return server

    def revoke_key(self, server: VenueServer[Any]) -> None:
        server.world.keys.revoke(self.key)

    async def connect(self, port: int, now_us: Clock, seed: int) -> LiveConnector:
        at = f"127.0.0.1:{port}"
        urls = Urls(f"http://{at}", f"ws://{at}", f"ws://{at}/ws-api/v3")
        key = Credentials(Secret(self.key), Secret(pem(ED25519)))
        return await prepare(LiveSettings(VENUE, [PAIR], urls, key, seed=seed, order_entry="socket"), now_us)


def test_orders_in_a_session() -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        assert isinstance(await rig.cancel(order), OrderUpdate)
        await rig.submit(Side.BUY, "0.1", str(ASK))
        await rig.heard(Fill, lambda each: each.source is UpdateSource.STREAM)
        since = len(rig.told)
        rig.connector.send(Reconnect(VENUE, Channel.USER))
        await rig.healthy(Channel.USER, since)
        await rig.rest()

    run_rig(LoggedOn(), main)


def test_while_the_socket_is_down_no_order_leaves_and_cancels_go_by_rest() -> None:
    async def main(rig: Rig) -> None:
        order = await rig.rest()
        rig.arm(FaultKind.REFUSE, "user", count=0, status=503)  # no new connection
        since = len(rig.told)
        rig.connector.send(Reconnect(VENUE, Channel.USER))
        await rig.down(Channel.USER, since)
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert (update.status, update.reason) == (OrderStatus.REJECTED, "not_sent:not_connected")
        answer = await rig.cancel(order)
        assert isinstance(answer, OrderUpdate)
        assert answer.status is OrderStatus.CANCELED
        assert rig.open_orders() == 0
        rig.server.world.wire.heal()
        await rig.healthy(Channel.USER, since)
        await rig.rest()

    run_rig(BinanceSocketAdapter(), main)


@pytest.mark.parametrize("adapter", [BinanceSocketAdapter(), LoggedOn()], ids=["signed", "logged on"])
def test_a_key_that_is_revoked(adapter: BinanceSocketAdapter) -> None:
    async def main(rig: Rig) -> None:
        adapter.revoke_key(rig.server)
        update = await rig.submit(Side.BUY, "0.1", "59000")
        assert (update.status, update.reason) == (OrderStatus.REJECTED, "not_sent:unauthorized")
        await rig.down(Channel.REST)

    run_rig(adapter, main)
