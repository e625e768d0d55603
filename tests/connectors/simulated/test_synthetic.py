"""The whole synthetic market: shocks, following, impact, and the same bytes for the same seed."""

import subprocess
import sys
from decimal import Decimal

import pytest

from connectors.simulated.market import Market
from connectors.simulated.scenario import Scenario
from connectors.simulated.simulate import POINTS_MAX, simulate
from connectors.simulated.synthetic import build_market, build_path
from connectors.simulated.venue import SimulatedExchange
from engine.model.enums import OrderType, Side
from engine.model.errors import Rejected
from engine.model.request import SubmitOrder
from engine.schema.values import BadValue
from tests.connectors.simulated.scenarios import FILES, read, scenario
from tests.connectors.simulated.venues import INSTRUMENT, Stage
from tests.support import ROOT

S = 1_000_000


def market_order(number: int, side: Side, quantity: str) -> SubmitOrder:
    return SubmitOrder(f"m{number}", INSTRUMENT.instrument_id, side, OrderType.MARKET, Decimal(quantity))


def test_the_market_steps_on_its_grid():
    market: Market = build_market(scenario(market_update_interval="250ms"), INSTRUMENT, 1, start_us=7 * S)
    exchange = SimulatedExchange("sim", [INSTRUMENT])
    assert market.next_us == 7 * S
    market.step(7 * S, exchange)
    assert market.next_us == 7 * S + 250_000
    assert exchange.listing(INSTRUMENT.instrument_id).engine.best(Side.BUY) == 599_910


def test_halts_stop_trading_and_end():
    stage = Stage(participants={"trade_rate": "10/s"}, events=[{"at": "3s", "inject": "halt", "duration": "2s"}])
    account = stage.exchange.open_account("us", {"USDT": Decimal(100_000)})
    made = []
    for number in range(8):
        stage.step()
        made.append("Print" in stage.lines[-1])
        if number in (3, 4):
            with pytest.raises(Rejected, match="halted"):
                stage.exchange.submit(account, market_order(number, Side.BUY, "0.1"))
    assert made == [False, True, True, False, False, True, True, True]
    stage.exchange.submit(account, market_order(9, Side.BUY, "0.1"))


def test_a_cut_is_told_to_the_exchange_once():
    stage = Stage(events=[{"at": "3s", "inject": "disconnect", "duration": "5s"}])
    stage.step(3)
    assert stage.exchange.cut_until_us == 0
    stage.step()
    assert stage.exchange.cut_until_us == 8 * S
    stage.exchange.disconnect(0)
    stage.step(10)
    assert stage.exchange.cut_until_us == 0


def test_a_thin_book_has_less_depth_for_a_while():
    shape = {"depth": "10 BTC", "levels": "50"}
    thin = {"at": "10s", "inject": "thin_book", "size": "10%", "duration": "10s"}
    stage = Stage(book=shape, volatility="0", participants={"trade_rate": "0/s"}, events=[thin])
    depths = []
    for _ in range(30):
        stage.step()
        depths.append(float(sum(quantity for _, quantity in stage.listing.levels(Side.BUY))))
    assert depths[9] == pytest.approx(10, rel=0.3)
    assert depths[10] == pytest.approx(1, rel=0.3)
    assert depths[19] == depths[10]
    assert depths[20] == pytest.approx(10, rel=0.3)


@pytest.mark.parametrize(("side", "sign"), [(Side.BUY, 1), (Side.SELL, -1)])
def test_taking_the_depth_moves_the_price_by_its_impact(side: Side, sign: int):
    stage = Stage(
        volatility="0", model="brownian", price_impact="2%", book={"depth": "10"}, participants={"trade_rate": "0/s"}
    )
    account = stage.exchange.open_account("us", {"BTC": Decimal(10), "USDT": Decimal(1_000_000)})
    stage.step(3)
    assert stage.market.fair_price == 60000
    stage.exchange.submit(account, market_order(1, side, "5"))
    stage.step()
    assert stage.market.fair_price == pytest.approx(60000 * (1 + sign * 0.01))
    stage.step(5)
    assert stage.market.fair_price == pytest.approx(60000 * (1 + sign * 0.01))


def test_a_market_follows_another_with_its_lag_and_a_book_of_its_own():
    leading = scenario(volatility="2", market_update_interval="100ms")
    leader = build_market(leading, INSTRUMENT, 3)
    following = Scenario(market_update_interval="100ms", book={"spread": "9bps"})
    follower = build_market(following, INSTRUMENT, 4, path=build_path(leading, INSTRUMENT, 3), lag_us=500_000)
    exchanges = SimulatedExchange("thin", [INSTRUMENT]), SimulatedExchange("deep", [INSTRUMENT])
    led, followed = [], []
    for _ in range(100):
        for market, exchange, prices in ((follower, exchanges[1], followed), (leader, exchanges[0], led)):
            market.step(market.next_us, exchange)
            prices.append(market.fair_price)
    assert followed[5:] == led[:-5]
    assert set(followed[:5]) == {60000.0}
    book = exchanges[1].listing(INSTRUMENT.instrument_id).engine
    middle = (book.best(Side.BUY) + book.best(Side.SELL)) / 2
    assert middle / 10 == pytest.approx(followed[-1], rel=1e-5)


def test_a_market_needs_a_start_price_or_a_leader():
    with pytest.raises(BadValue, match="the market of sim:BTC-USDT has no start_price"):
        build_market(Scenario(), INSTRUMENT, 1)


def test_seeds_differ():
    def digest(seed: int) -> str:
        stage = Stage(seed)
        stage.step(20)
        return stage.digest()

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


PROGRAM = """
import hashlib, msgspec
from decimal import Decimal
from connectors.simulated.connector import SimulatedConnector
from engine.model.enums import OrderType, Side
from engine.model.request import SubmitOrder
from tests.connectors.simulated.venues import INSTRUMENT, Stage

stage = Stage(5, test_mode="STRESS", participants={"trade_rate": "5/s"}, price_impact="1%", events=[
    {"at": "60s", "inject": "jump", "size": "-3%"},
    {"at": "90s", "inject": "halt", "duration": "5s"},
    {"at": "120s", "inject": "disconnect", "duration": "5s"},
])
account = stage.exchange.open_account("us", {"BTC": Decimal(5), "USDT": Decimal(100_000)})
connector = SimulatedConnector(stage.exchange, account, [stage.market], start_us=0, feed_us=3_000, entry_us=20_000)
digest, count = hashlib.sha256(), 0
for second in range(1, 301):
    side = Side.BUY if second % 20 else Side.SELL
    if second % 10 == 0:
        quantity = Decimal("0.1")
        name = INSTRUMENT.instrument_id
        connector.send(SubmitOrder(f"o{second}", name, side, OrderType.MARKET, quantity))
    for event in connector.advance(second * 1_000_000):
        digest.update(msgspec.json.encode(event))
        count += 1
print(digest.hexdigest(), count > 600, stage.exchange.ledger.sum("BTC"))
"""


def test_the_same_bytes_in_two_processes_with_two_hash_seeds():
    """Every event that a connector hands out, with orders of our own in between."""
    outputs = []
    for hash_seed in ("0", "1"):
        environment = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", PROGRAM]
        outputs.append(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)
    assert outputs[0] == outputs[1]
    assert outputs[0].endswith(" True 5.00000\n")


def test_simulating_tells_about_the_market():
    result = simulate(scenario(volatility="0.5", model="brownian"), INSTRUMENT, 1, 3000)
    assert (result.steps, result.simulated_us, len(result.path)) == (3000, 3000 * S, POINTS_MAX)
    assert result.volatility == pytest.approx(0.5, rel=0.06)
    assert result.spread_bps == pytest.approx(3.0, rel=0.05)
    assert 2700 < result.trades < 3500
    assert float(result.turnover / result.volume) == pytest.approx(result.price_last, rel=0.02)
    assert result.price_low <= min(price for _, price in result.path) <= result.price_high
    assert result.price_first == 60000
    assert result.path[-1] == (3000 * S, result.price_last)
    assert result.one_sided == 0


def test_simulating_counts_steps_without_a_side():
    taken = {"depth": "0.00002", "levels": "1"}
    busy = {"trade_rate": "5/s", "trade_size": "1"}
    result = simulate(scenario(book=taken, participants=busy), INSTRUMENT, 1, 50)
    assert result.one_sided > 30


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_scenario_file_makes_a_market(path):
    loaded = Scenario.model_validate(read(path))
    result = simulate(loaded, INSTRUMENT, loaded.seed, 300)
    assert result.trades > 20
    assert 0 < result.spread_bps < 50
