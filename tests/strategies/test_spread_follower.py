"""The example strategy."""

from engine.model.enums import Health
from strategies.spread_follower import SpreadFollower
from tests.desk import Desk


def follower() -> Desk:
    settings = SpreadFollower.Config(exchange="sim", trading_pair="BTC-USDT", quantity="1", inventory_max="1")
    return Desk(SpreadFollower("own", settings))


def test_it_quotes_at_the_best_prices_and_follows_them() -> None:
    desk = follower()
    desk.tick()
    assert desk.submitted() == ["bid 1@99.5", "ask 1@100.5"]
    desk.book(99, 100.5)
    desk.tick(5)
    assert desk.cancelled() == ["bid"]
    desk.tick()
    assert desk.submitted() == ["bid 1@99"]


def test_it_stops_the_side_that_would_exceed_the_limit() -> None:
    desk = follower()
    desk.tick()
    desk.fill(desk.orders()["bid"])
    desk.tick(60)
    assert desk.shown() == ["ask 1@100.5"]
    desk.fill(desk.orders()["ask"])
    desk.tick(60)
    assert desk.shown() == ["ask 1@100.5", "bid 1@99.5"]
    desk.fill(desk.orders()["ask"])
    desk.tick(60)
    assert desk.shown() == ["bid 1@99.5"]


def test_it_wants_nothing_of_a_book_that_cannot_be_trusted() -> None:
    desk = follower()
    desk.tick()
    desk.health(Health.DOWN)
    desk.tick()
    assert desk.cancelled() == ["bid", "ask"]
