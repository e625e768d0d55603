"""The sample with a strategy on candles: they are made of the trades of an exchange that sends none."""

from decimal import Decimal
from pathlib import Path

from engine.app.config.load import load_bot
from engine.app.launch import Run, run_bot
from tests.support import ROOT


def test_signals_on_an_exchange_that_sends_no_candles(tmp_path: Path) -> None:
    path = ROOT / "conf" / "signal_sim.yml"
    session = run_bot(Run(load_bot([path]), [path], tmp_path, None, 20 * 60_000_000), lambda session: None)
    state = session.driver.engine.state
    [ledger] = state.portfolio.ledgers()
    assert session.tally.count > 5
    assert Decimal(0) <= ledger.quantity <= Decimal("0.02")
    assert not state.portfolio.differences("sim")
