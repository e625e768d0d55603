"""Six things that go wrong at an exchange: each is a clear message with a way out, and nothing is sent."""

import getpass
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from connectors.simulated.server.credentials import Permission
from connectors.simulated.server.faults import Fault, FaultKind
from tests.app.cli.support import run
from tests.app.served import BOT, KEY, SECRET, Served, served, write_live_bot
from tests.connectors.simulated.server.venues import BTC

READS = frozenset((Permission.USER_DATA, Permission.USER_STREAM))


def leave(venue: Served) -> None:
    """Nothing is wrong there."""


def be_ahead(venue: Served) -> None:
    venue.behind_us = 10_500_000


def close_down(venue: Served) -> None:
    venue.world.wire.arm(Fault(FaultKind.REFUSE, status=503, body="<html>maintenance</html>"))


class Case(NamedTuple):
    """What is wrong at the venue or in the file; what `start` ends with; what it and `doctor` say."""

    change: Callable[[Served], object]
    status: int
    says: str
    fix: str
    edit: tuple[str, str] = ("live-bot", "live-bot")
    secret: str = SECRET
    doctor: str = ""


CASES = {
    "wrong key": Case(
        leave, 4, "E-KEY    binance refuses the key: -1022 Signature", "tickwright keys add", secret="wrong" * 5
    ),
    "missing permission": Case(
        lambda venue: venue.give(permissions=READS),
        *(4, "E-PERM   binance: key …0000 may not trade; nothing was sent", "allow trading for this key"),
    ),
    "may withdraw": Case(
        lambda venue: venue.give(withdraws=True),
        *(4, "E-WITHDRAW binance: key …0000 may withdraw or transfer; nothing was sent", "make one at the exchange"),
    ),
    "wrong clock": Case(
        be_ahead,
        *(0, "E-CLOCK  binance: your clock is 10,", "sudo timedatectl set-ntp true"),
        doctor="E-CLOCK reached; your clock is 10,",
    ),
    "unknown symbol": Case(
        leave, 1, "binance does not trade NO-PE now", "name open markets", edit=("BTC-USDT", "NO-PE")
    ),
    "too small": Case(
        leave,
        *(0, "E-MIN    strategy: 0 quotes around 100", "larger"),
        edit=("order_amount: 0.1", "order_amount: 0.01"),
        doctor="BTC-USDT can be traded",
    ),
    "closed market": Case(
        lambda venue: venue.world.exchange.halt(BTC), 1, "binance does not trade BTC-USDT now", "start again later"
    ),
    "maintenance": Case(close_down, 1, "does not tell what it trades: AMBIGUOUS http_503", "start again later"),
}


@pytest.fixture
def venue() -> Iterator[Served]:
    with served() as venue:
        yield venue


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_clear_message_and_nothing_sent(
    case: Case, venue: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENUE_URL", venue.url)
    monkeypatch.setenv("BINANCE_API_KEY", KEY)
    monkeypatch.setenv("BINANCE_API_SECRET", case.secret)
    file = str(write_live_bot(tmp_path, case.edit))
    case.change(venue)
    started = run("start", file, "--live", "--for", "4s", cwd=tmp_path)
    assert started.exit_code == case.status, started.output
    seen = run("doctor", file, cwd=tmp_path).output
    for output, says in ((started.output, case.says), (seen, case.doctor or case.says.partition("binance: ")[2])):
        assert says in output
        assert case.fix in output[output.index(says) :] or case.doctor
    assert venue.orders_sent == []


def test_healthy(venue: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bot with nothing wrong sends orders: the others were stopped by what is wrong. A loose key is told."""
    monkeypatch.setenv("VENUE_URL", venue.url)
    monkeypatch.setenv("BINANCE_API_KEY", KEY)
    monkeypatch.setenv("BINANCE_API_SECRET", SECRET)
    venue.give(bound=False)
    file = str(write_live_bot(tmp_path))
    started = run("start", file, "--live", "--for", "4s", cwd=tmp_path)
    assert started.exit_code == 0, started.output
    warning = "W-KEY    binance: this key works from any address\n         fix: bind it to the address of this machine"
    assert warning in started.output
    assert "this key works from any address" in (tmp_path / "logs" / "live-bot.log").read_text()
    assert "POST /api/v3/order" in venue.orders_sent
    rows = [line.split(maxsplit=3) for line in run("doctor", file, cwd=tmp_path).output.splitlines()]
    told = {" ".join(row[1:3]): (row[0], row[3]) for row in rows if row[1:2] == ["binance"]}
    assert told["binance reached;"][0] == "ok"
    assert told["binance key"] == (
        "warning",
        "key …0000: may trade, may not withdraw or transfer, works from any address",
    )
    assert told["binance markets"] == ("ok", "BTC-USDT can be traded")


def test_a_key_that_may_withdraw_is_accepted_on_demand(
    venue: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It trades, a warning says so, and the order log keeps who wanted it."""
    monkeypatch.setenv("VENUE_URL", venue.url)
    monkeypatch.setenv("BINANCE_API_KEY", KEY)
    monkeypatch.setenv("BINANCE_API_SECRET", SECRET)
    venue.give(withdraws=True)
    file = str(write_live_bot(tmp_path))
    started = run("start", file, "--live", "--accept-withdraw-keys", "--for", "3s", cwd=tmp_path)
    assert started.exit_code == 0, started.output
    assert "W-KEY    binance: this key may withdraw or transfer; you accepted that" in started.output
    assert "POST /api/v3/order" in venue.orders_sent
    (path,) = tmp_path.rglob("orders.sqlite")
    with closing(sqlite3.connect(path)) as log:
        query = "SELECT payload FROM order_events WHERE kind = 'ACCEPT_WITHDRAW_KEYS'"
        assert log.execute(query).fetchall() == [(f'{{"user":"{getpass.getuser()}"}}',)]


def test_a_strategy_that_cannot_explain_itself(venue: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is its word; the bot goes on to its end."""
    monkeypatch.setenv("VENUE_URL", venue.url)
    monkeypatch.setenv("BINANCE_API_KEY", KEY)
    monkeypatch.setenv("BINANCE_API_SECRET", SECRET)
    strategy = BOT[BOT.index("strategy:") : BOT.index("risk:")]
    mute = 'strategy: {use: "tests.app.wild_strategy:Mute", exchange: binance, trading_pair: BTC-USDT}\n'
    file = str(write_live_bot(tmp_path, (strategy, mute)))
    started = run("start", file, "--live", "--for", "4s", cwd=tmp_path)
    assert started.exit_code == 0, started.output
    assert "E-MIN    strategy: explain: ValueError: order value 1 is below the minimum 5; nothing" in started.output
