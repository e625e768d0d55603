"""What is decided before a session begins."""

import pytest

from engine.app.config.load import load_text
from engine.app.launch import durability_of
from engine.store.connection import Durability

BOT = """
name: real
mode: {mode}
exchanges: {{ex: {{connector: {connector}}}}}
strategy:
  kind: pure_market_making
  exchange: ex
  trading_pair: BTC-USDT
  bid_spread: 1%
  ask_spread: 1%
  order_amount: 0.01
order_log: {{durability: {durability}}}
risk: {{max_order_value: 2000 USDT, max_drawdown: 5%, kill_switch: 8%, stale_data: 5s}}
"""


@pytest.mark.parametrize(
    ("connector", "mode", "durability", "expected"),
    [
        ("binance", "live", "auto", Durability.NORMAL),
        ("gate", "live", "auto", Durability.FULL),  # an order that has ended cannot be found by our id
        ("gate", "live", "normal", Durability.NORMAL),
        ("gate", "paper", "auto", Durability.NORMAL),
        ("binance", "live", "full", Durability.FULL),
    ],
)
def test_what_a_commit_survives(connector: str, mode: str, durability: str, expected: Durability) -> None:
    loaded = load_text(BOT.format(connector=connector, mode=mode, durability=durability), "bot.yml")
    assert durability_of(loaded.config) is expected
