"""Pure market making when an exchange changes its trading rules."""

from dataclasses import replace

from engine.model.event import RulesChanged
from tests.desk import BTC, d
from tests.strategies.pmm import Maker


def test_new_trading_rules_bring_new_quotes() -> None:
    maker = Maker(bid_spread="0.44%", ask_spread="0.44%", order_amount="1.04")
    maker.tick()
    assert maker.quotes() == ["bid_1 1.04@99.5", "ask_1 1.04@100.5"]
    new = replace(maker.state.instruments[BTC], price_step=d("0.01"), quantity_step=d("0.1"))
    maker.engine.apply(RulesChanged(new, maker.state.now_us))
    maker.tick()
    assert maker.quotes() == ["bid_1 1@99.56", "ask_1 1@100.44"]
