"""The samples with two exchanges, from their files to the ledgers: nothing stays open, and it pays."""

from decimal import Decimal
from pathlib import Path

import pytest

from engine.app.config.load import load_bot
from engine.app.launch import Run, run_bot
from tests.support import ROOT


@pytest.mark.parametrize(("sample", "minutes", "trades"), [("xemm_sim", 10, 100), ("arbitrage_sim", 10, 10)])
def test_sample(sample: str, minutes: int, trades: int, tmp_path: Path) -> None:
    path = ROOT / "conf" / f"{sample}.yml"
    session = run_bot(Run(load_bot([path]), [path], tmp_path, None, minutes * 60_000_000), lambda session: None)
    state = session.driver.engine.state
    [name] = (controller.name for controller in session.driver.engine.controllers)
    positions = [ledger.quantity for ledger in state.portfolio.ledgers() if ledger.owner.startswith(f"{name}/")]
    assert abs(sum(positions)) <= Decimal("0.01")  # no more than the last fill, whose answer the end cut off
    assert session.tally.count >= trades
    assert all(not state.portfolio.differences(venue) for venue in state.sheets)
    pnl = state.portfolio.pnl("USDT")
    assert pnl is not None
    assert pnl.total > 0
