"""Whole sessions on a perpetual: funding, leverage, a liquidation; the books of venue and bot are always equal."""

from decimal import Decimal
from pathlib import Path

from rich.console import Console

from engine.app.config.load import load_bot
from engine.app.figures import rough
from engine.app.launch import Run, run_bot
from engine.app.session import Session
from engine.app.status import status_of
from engine.app.status_view import render_status
from engine.app.summary import render_summary, summary_of
from engine.core.portfolio import Pnl
from engine.model.money import ZERO
from engine.model.order import is_liquidation
from engine.store.order_history import OrderHistory
from tests.app.bots import bot_of
from tests.app.config.test_samples import ROOT

PERP = "sim:BTC-USDT-PERP"
FALLING = """\
name: maker
tick: 1s
exchanges:
  sim:
    connector: simulated
    trading_pairs: [BTC-USDT-PERP]
    market:
      model: brownian
      start_price: 60000
      volatility: 0.3
      events: [{at: 20m, inject: jump, size: -3%}]
    balances: {USDT: 1000}
    leverage: 50
strategy:
  kind: pure_market_making
  exchange: sim
  trading_pair: BTC-USDT-PERP
  order_override: {only: [buy, 0.02%, 0.1]}
  order_refresh_time: 5s
  filled_order_delay: 1s
risk: {max_drawdown: 99%, kill_switch: 100%}
"""


def run(home: Path, text: str, *overrides: str, seconds: int) -> Session:
    path = home / "conf" / "maker.yml"
    path.parent.mkdir()
    path.write_text(text)
    return run_bot(Run(load_bot([path], overrides), [path], home, None, seconds * 1_000_000), lambda session: None)


def differences(session: Session) -> dict[str, Decimal]:
    return {line["asset"]: Decimal(line["difference"]) for line in summary_of(session)["ledger"]}


def test_the_sample_trades_for_hours_and_both_ledgers_are_equal(tmp_path: Path) -> None:
    sample = (ROOT / "conf" / "pmm_perp_sim.yml").read_text().replace("pmm-perp-sim", "maker")
    session = run(tmp_path, sample, "exchanges.sim.funding_interval=30m", seconds=3 * 3600)
    state = session.engine.state
    assert differences(session) == {"BTC": 0, "USDT": 0}
    told = state.portfolio.venue_positions[PERP]
    assert state.portfolio.position(PERP) != 0
    pnl = state.portfolio.pnl("USDT")
    assert isinstance(pnl, Pnl)
    assert pnl.funding != 0
    assert pnl.fees > 0
    total = state.portfolio.total("sim", "USDT")
    rounded = total - (10_000 + pnl.realized - pnl.fees + pnl.funding)
    assert -session.tally.count * Decimal("1e-8") <= rounded <= 0, "payments are rounded in favour of the exchange"
    assert told.margin > 0
    assert state.funding[PERP].next_us % (1800 * 1_000_000) == 0
    assert state.marks[PERP].index is not None
    (position,) = status_of(session)["positions"]
    assert (position["quantity"], position["asset"]) == (str(state.portfolio.position(PERP)), "USDT")
    assert Decimal(position["liquidation_distance"]) > Decimal("0.1")
    screen = Console(width=160)
    with screen.capture() as capture:
        screen.print(render_status(status_of(session)))
    shown = capture.get()
    assert "Liquidation" in shown
    assert "Funding" in shown
    assert f"liquidation {rough(position['liquidation_price'])}" in render_summary(summary_of(session))
    with OrderHistory(bot_of(tmp_path).orders) as log:
        assert {asset.asset: asset.now for asset in log.assets()}["USDT"] == total


def test_a_liquidation_is_booked_to_the_owner_of_the_position(tmp_path: Path) -> None:
    session = run(tmp_path, FALLING, seconds=25 * 60)
    state = session.engine.state
    assert differences(session) == {"BTC": 0, "USDT": 0}
    text = bot_of(tmp_path).log.read_text()
    assert "liquidated: the exchange closed a position of ours: SELL" in text
    (owner,) = [each for each in state.portfolio.ledgers() if each.owner]
    unowned = state.portfolio.ledger(PERP, "")
    assert (unowned.quantity, unowned.realized) == (ZERO, ZERO)
    assert owner.realized < -500
    assert owner.quantity == state.portfolio.position(PERP)
    with OrderHistory(bot_of(tmp_path).orders) as log:
        assert any(is_liquidation(trade.fill.client_order_id) for trade in log.trades())
        assert {asset.asset: asset.now for asset in log.assets()}["USDT"] == state.portfolio.total("sim", "USDT")
