"""What is special about OKX's swaps, against the served exchange in virtual time; the rest is in the contract suite."""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from connectors.base.credentials import Credentials, Secret
from connectors.okx import build, perpetual
from connectors.okx.perpetual import LiveSettings, Urls, prepare
from connectors.simulated.server.faults import Fault, FaultKind
from engine.model.enums import OrderStatus, Outcome, Side
from engine.model.errors import TickwrightError
from engine.model.event import AccountSnapshot, RequestFailed, TransferSeen
from engine.model.request import FetchBalances
from tests.contract.adapter import PERPETUAL, PORT
from tests.contract.okx import KEY, PASSPHRASE, SECRET, OkxPerpetualAdapter
from tests.contract.rig import ASK, Rig, run_rig
from tests.sim.loop.session import VENUE

OKX = OkxPerpetualAdapter()
URLS = Urls(f"http://127.0.0.1:{PORT}", f"ws://127.0.0.1:{PORT}/ws/v5")
GOOD = Credentials(Secret(KEY), Secret(SECRET), Secret(PASSPHRASE))
SETTINGS = LiveSettings(VENUE, [PERPETUAL.symbol], URLS, GOOD)


class OkxPerpetualSocketAdapter(OkxPerpetualAdapter):
    order_entry = "socket"


def config(**terms: str) -> str:
    account = {"acctLv": "2", "perm": "read_only,trade", "posMode": "net_mode", "ip": "10.0.0.1"} | terms
    return json.dumps({"code": "0", "msg": "", "data": [account]})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (config(acctLv="1"), r"the account is in a wrong mode\n  fix: use an account in futures mode"),
        (config(acctLv="4"), r"the account is in a wrong mode\n  fix: use an account in futures mode"),
        (config(posMode="long_short_mode"), r"keeps long and short positions apart\n  fix: choose net mode"),
    ],
)
def test_accounts_that_are_not_traded_with(body: str, says: str) -> None:
    async def main(rig: Rig) -> None:
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "account/config", status=200, body=body))
        with pytest.raises(TickwrightError, match=says):
            await prepare(SETTINGS, rig.now_us)

    run_rig(OKX, main)


def test_each_kind_of_markets_has_its_connector() -> None:
    async def main(rig: Rig) -> None:
        with pytest.raises(TickwrightError, match=r"does not trade BTC-USDT\n  fix: write BTC-USDT-PERP"):
            await prepare(replace(SETTINGS, trading_pairs=["BTC-USDT"]), rig.now_us)
        with pytest.raises(TickwrightError, match=r"fix: okx_perpetual trades BTC-USDT-PERP"):
            await build.prepare(SETTINGS, rig.now_us)
        assert perpetual.venue_sheet() == build.venue_sheet()

    run_rig(OKX, main)


def test_leverage_is_set_at_the_start_if_a_file_names_it() -> None:
    async def main(rig: Rig) -> None:
        for wanted, told in ((None, 1), (Decimal(5), 5), (Decimal(5), 5), (None, 5)):
            connector = await prepare(replace(SETTINGS, leverage=wanted), rig.now_us)
            assert [each.leverage for each in connector.instruments] == [told]
        with pytest.raises(TickwrightError, match=r"to 1000: Leverage exceeds .*\n  fix: choose another"):
            await prepare(replace(SETTINGS, leverage=Decimal(1_000)), rig.now_us)
        without_key = await prepare(replace(SETTINGS, credentials=None, leverage=Decimal(9)), rig.now_us)
        assert [each.leverage for each in without_key.instruments] == [1]

    run_rig(OKX, main)


def test_a_key_is_tested_without_markets() -> None:
    async def main(rig: Rig) -> None:
        connector = await prepare(replace(SETTINGS, trading_pairs=[]), rig.now_us)
        assert connector.greeting.rights is not None
        assert list(connector.instruments) == []

    run_rig(OKX, main)


def bill(number: int, at_ms: int) -> dict[str, str]:
    return {"billId": str(number), "ccy": "USDT", "balChg": "-1", "type": "8", "ts": str(at_ms), "instId": ""}


def test_what_was_booked_while_we_asked_is_told_before_its_balances() -> None:
    """The bill appears after the first question for balances: they are asked for again, and it is told once."""

    async def main(rig: Rig) -> None:
        asked: list[str] = []
        body = json.dumps({"code": "0", "msg": "", "data": [bill(7, rig.now_us() // 1_000)]})
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "type=8", status=200, body=body))
        for _ in range(2):
            since = len(rig.told)
            *_, snapshot = await rig.ask(FetchBalances(VENUE), AccountSnapshot)
            assert isinstance(snapshot, AccountSnapshot)
            asked += [each.transfer_id for each in rig.all(TransferSeen, since)]
            await asyncio.sleep(30)
        assert asked == ["7"]

    run_rig(OKX, main)


def test_what_was_read_is_told_also_if_the_question_after_it_fails() -> None:
    async def main(rig: Rig) -> None:
        body = json.dumps({"code": "0", "msg": "", "data": [bill(7, rig.now_us() // 1_000)]})
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "type=8", status=200, body=body))
        rig.server.world.wire.arm(Fault(FaultKind.DELAY, "account/bills", seconds=1, count=1))
        rig.connector.send(FetchBalances(VENUE))
        await asyncio.sleep(0.5)
        rig.arm(FaultKind.REFUSE, "balances", status=503)
        await rig.heard(RequestFailed, lambda each: True)
        assert rig.all(TransferSeen) == []
        *_, told, _ = await rig.ask(FetchBalances(VENUE), AccountSnapshot)
        assert isinstance(told, TransferSeen)

    run_rig(OKX, main)


def test_without_the_list_of_bills_balances_say_nothing() -> None:
    async def main(rig: Rig) -> None:
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "account/bills", status=503))
        *_, failure = await rig.ask(FetchBalances(VENUE), RequestFailed)
        assert isinstance(failure, RequestFailed)
        assert failure.outcome is Outcome.AMBIGUOUS

    run_rig(OKX, main)


def test_on_the_socket_instruments_have_numbers() -> None:
    """OKX wants its own number of an instrument there; the name alone is refused."""

    async def main(rig: Rig) -> None:
        update = await rig.submit(Side.BUY, "0.1", str(ASK))
        assert update.status is OrderStatus.OPEN
        refused = '{"id":"$id","op":"order","code":"1","data":[{"sCode":"51001","sMsg":"no such number"}]}'
        rig.server.world.wire.arm(Fault(FaultKind.REFUSE, "/ws/v5/private order", body=refused, count=1))
        update = await rig.submit(Side.BUY, "0.1", str(ASK))
        assert (update.status, update.reason) == (OrderStatus.REJECTED, "rejected:51001")

    run_rig(OkxPerpetualSocketAdapter(), main)
