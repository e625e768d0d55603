"""What is paid without a trade, as the list of postings tells it."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

from connectors.binance.perpetual.postings import PAGE, WAIT_US, Income
from engine.model.enums import Side
from engine.model.event import AccountSnapshot, Event, TransferSeen
from engine.model.request import FetchBalances
from tests.contract.adapter import PORT
from tests.contract.binance_perpetual import BinancePerpetualAdapter
from tests.contract.rig import ASK, FUNDING_US, Rig, run_rig
from tests.sim.loop.session import VENUE

NOON_US = 1_700_000_000_000_000
SECOND_US = 1_000_000


def row(number: int, kind: str = "FUNDING_FEE", at_us: int = NOON_US, symbol: str = "BTCUSDT") -> dict[str, object]:
    return {
        "symbol": symbol, "incomeType": kind, "income": "-0.25", "asset": "USDT", "time": at_us // 1_000, "info": "",
        "tranId": number, "tradeId": "",
    }  # fmt: skip


def page(income: Income, *rows: dict[str, object]) -> tuple[list[TransferSeen], int]:
    return income.page(json.dumps(rows).encode(), 7)


def made() -> Income:
    return Income("p", lambda symbol: f"p:{symbol}")


def test_what_is_told() -> None:
    """Postings of trades are told with these."""
    kinds = ("FUNDING_FEE", "TRANSFER", "API_REBATE", "COMMISSION", "REALIZED_PNL")
    found, more_us = page(
        made(), *(row(number, kind, symbol="" if number else "BTCUSDT") for number, kind in enumerate(kinds))
    )
    assert found == [
        TransferSeen("p", "USDT", Decimal("-0.25"), kind, name, NOON_US, 7, market)
        for kind, name, market in (
            ("funding", "0 BTCUSDT", "p:BTCUSDT"),
            ("transfer", "1", ""),
            ("api_rebate", "2", ""),
        )
    ]
    assert more_us == 0


def test_a_full_page_is_followed_from_its_last_row_on() -> None:
    income = made()
    found, more_us = page(income, *(row(number, at_us=NOON_US + number * 1_000) for number in range(PAGE)))
    assert (len(found), more_us) == (PAGE, NOON_US + (PAGE - 1) * 1_000)
    assert page(income, *(row(number) for number in range(PAGE)))[1] == NOON_US + 1_000


def test_a_payment_that_the_stream_told_is_waited_for() -> None:
    """Its row names the full hour; another market's of an hour before is not it."""
    income = made()
    assert income.complete(NOON_US)
    income.expect(NOON_US + 20 * SECOND_US)
    page(income, row(1, at_us=NOON_US - 3_600 * SECOND_US), row(2, "COMMISSION"))
    assert not income.complete(NOON_US + 21 * SECOND_US)
    page(income, row(2))
    assert income.complete(NOON_US + 22 * SECOND_US)
    income.expect(NOON_US + 30 * SECOND_US)
    assert income.complete(NOON_US + 30 * SECOND_US + WAIT_US + 1)


def test_what_was_paid_while_nobody_listened_is_told_at_the_start() -> None:
    """Else balances would differ for ever from what the order log says that we have."""

    async def main(rig: Rig) -> None:
        await rig.submit(Side.BUY, "0.5", str(ASK))
        assert rig.exchange.margin is not None
        rig.exchange.margin.set_index(rig.adapter.market, Decimal(59_000))
        await asyncio.sleep(2 * FUNDING_US / 1e6 + 60)
        told: list[Event] = []
        again = await rig.adapter.connect(PORT, rig.now_us, 2)
        again.send(FetchBalances(VENUE))
        running = asyncio.create_task(again.run(told.extend, rig.now_us))
        await rig.until(lambda: any(isinstance(each, AccountSnapshot) for each in told))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        paid = [each.transfer.amount for each in rig.exchange.margin.history]
        assert len(paid) == 2
        assert [each.amount for each in told if isinstance(each, TransferSeen)] == paid

    run_rig(BinancePerpetualAdapter(), main)
