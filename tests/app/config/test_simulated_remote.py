"""Rules about exchanges that `tickwright venue` runs."""

import pytest

from engine.app.config.load import load_text
from engine.app.config.problems import ConfigError

FAR = "far: {connector: simulated_remote, socket: venue.sock}"
NEAR = "near: {connector: simulated, trading_pairs: [BTC-USDT], market: {start_price: 60000}}"


def config(*exchanges: str, mode: str = "simulated") -> str:
    sections = "\n".join(f"  {each}" for each in exchanges)
    return f"""\
name: maker
mode: {mode}
exchanges:
{sections}
strategy:
  {{kind: pure_market_making, exchange: far, trading_pair: BTC-USDT, bid_spread: 1%, ask_spread: 1%, order_amount: 1}}
"""


def test_all_that_the_venue_trades_is_meant_where_no_pair_is_named() -> None:
    loaded = load_text(config(FAR), "bot.yml", {})
    assert loaded.config.exchanges["far"].model_dump()["trading_pairs"] == ()


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (
            config(FAR, NEAR),
            "exchanges.near.connector",
            "its account ends with the bot, that of a 'simulated_remote' does not",
        ),
        (
            config(FAR.replace("venue.sock", "venue.sock, trading_pairs: [ETH-USDT]")),
            "strategy.trading_pair",
            "'BTC-USDT' is not traded on far: ETH-USDT",
        ),
        (config(FAR, mode="paper"), "exchanges.far.connector", "mode: paper needs a real exchange"),
        (
            config(FAR, mode="live"),
            "exchanges.far.connector",
            "'simulated_remote' cannot be used with mode: live",
        ),
    ],
)
def test_what_does_not_fit_is_a_problem(text: str, path: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(text, "bot.yml", {})
    assert (path, message) in [(problem.path, problem.message) for problem in caught.value.problems]
