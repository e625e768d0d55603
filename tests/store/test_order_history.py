"""Reading an order log while its bot runs, and after."""

from pathlib import Path
from sqlite3 import connect

import pytest

from engine.model.enums import OrderStatus, Side, UpdateSource
from engine.store.order_history import Asset, OrderHistory
from tests.store.bots import PERPETUAL, SPOT, Bot, D


@pytest.fixture
def bot(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = Bot(tmp_path)
    made.deposit(USDT="100000", BTC="2")
    yield made
    made.log.close()


def test_trades_newest_first(bot: Bot) -> None:
    order, other = bot.open_order(), bot.open_order(owner="grid")
    bot.fill(order, "0.4", trade_id="t1")
    bot.fill(other, "0.1", trade_id="t2")
    between_us = bot.step()
    bot.fill(order, "0.2", trade_id="t3")
    bot.correct(other, "t2", "0")
    bot.commit()
    with OrderHistory(bot.log.path) as history:
        assert [(trade.owner, trade.fill.trade_id) for trade in history.trades()] == [("pmm", "t3"), ("pmm", "t1")]
        assert [trade.fill for trade in history.trades(limit=1)] == [order.fills["t3"]]
        assert [trade.fill.trade_id for trade in history.trades(since_us=between_us)] == ["t3"]


def test_a_provisional_trade_is_listed_until_the_real_one_comes(bot: Bot) -> None:
    order = bot.open_order()
    bot.report(order, OrderStatus.FILLED, "1")
    bot.tick(70_000_000)
    bot.tick(70_000_000)
    bot.commit()
    with OrderHistory(bot.log.path) as history:
        assert [trade.fill.source for trade in history.trades()] == [UpdateSource.PROVISIONAL]
        assert history.orders()[0].provisional == order.provisional
        bot.fill(order, "1", trade_id="t1")
        bot.commit()
        assert [trade.fill.trade_id for trade in history.trades()] == ["t1"]
        assert history.orders()[0].provisional is None


def test_orders_newest_first(bot: Bot) -> None:
    first = bot.open_order()
    second = bot.submit()
    bot.commit()
    with OrderHistory(bot.log.path) as history:
        assert [(order.client_order_id, order.status) for order in history.orders()] == [
            (second.client_order_id, OrderStatus.UNKNOWN),
            (first.client_order_id, OrderStatus.OPEN),
        ]
        assert [order.client_order_id for order in history.orders(second.created_us)] == [second.client_order_id]
        assert [order.client_order_id for order in history.orders(limit=1)] == [second.client_order_id]


def test_the_life_of_an_order(bot: Bot) -> None:
    order = bot.open_order()
    bot.fill(order, "0.4", trade_id="t1")
    bot.cancel(order)
    bot.report(order, OrderStatus.CANCELED, "0.4", UpdateSource.ACK)
    bot.fill(order, "0.1", trade_id="t2")
    bot.open_order()
    bot.commit()
    with OrderHistory(bot.log.path) as history:
        life = history.life(order.client_order_id)
    assert [(event.kind, event.cause) for event in life] == [
        ("PENDING_NEW", "tick"),
        ("PENDING_NEW", "SUBMIT sent"),
        ("OPEN", "ACK"),
        ("FILL", "STREAM"),
        ("PENDING_CANCEL", "tick"),
        ("CANCELED", "ACK"),
        ("FILL", "STREAM"),
    ]
    assert life[0].changes["quantity"] == "1"
    assert life[1].changes.keys() == {"phase", "sent_us", "expires_us"}
    assert life[3].trade_ids == ["t1"]
    assert [kind for kind, _ in life[-1].alarms] == ["late_fill"]
    assert [event.at_us for event in life] == sorted(event.at_us for event in life)


def test_what_was_there_and_what_is_now(bot: Bot) -> None:
    buy = bot.open_order()
    bot.fill(buy, "1", "50000", fee="50")
    bot.transfer("1000")
    bot.commit()
    middle_us = bot.step()
    sell = bot.open_order(side=Side.SELL)  # type: ignore[arg-type]
    bot.fill(sell, "1", "51000", fee="51")
    bot.transfer("-400", "withdrawal", "2")
    bot.commit()
    with OrderHistory(bot.log.path) as history:
        whole = {each.asset: each for each in history.assets()}
        since = {each.asset: each for each in history.assets(middle_us)}
        ledgers = history.ledgers()
    values = {"moved": D(600), "traded": D(899), "fees": D(101), "now": D(101_499)}
    assert whole["USDT"] == Asset("sim", "USDT", start=D(100_000), **values)
    assert whole["BTC"] == Asset("sim", "BTC", start=D(2), moved=D(0), traded=D(0), fees=D(0), now=D(2))
    values = {"moved": D(-400), "traded": D(50_949), "fees": D(51), "now": D(101_499)}
    assert since["USDT"] == Asset("sim", "USDT", start=D(50_950), **values)
    assert [(each.instrument_id, each.owner, each.net, each.realized, each.fees_quote) for each in ledgers] == [
        (SPOT.instrument_id, "pmm", False, 1000, 101)
    ]


def test_profit_of_derivatives(bot: Bot) -> None:
    terms = {"instrument": PERPETUAL, "quantity": "1"}
    bot.fill(bot.open_order(**terms), "1", "50000", fee="0")  # type: ignore[arg-type]
    bot.fill(bot.open_order(side=Side.SELL, **terms), "1", "50500", fee="0")  # type: ignore[arg-type]
    bot.transfer("-7", "funding", "1", PERPETUAL.instrument_id)
    bot.transfer("2", "interest", "2")
    bot.commit()
    with OrderHistory(bot.log.path) as history:
        (money,) = [each for each in history.assets() if each.asset == "USDT"]
        assert (money.start, money.traded, money.now) == (100_000, 495, 100_495)
        assert [(each.owner, each.net, each.realized) for each in history.ledgers()] == [
            ("", False, 0),  # funding that came when nobody held anything
            ("", True, 500),
            ("pmm", False, 500),
        ]


def test_a_profit_that_the_venue_names_is_the_one_that_was_paid(bot: Bot) -> None:
    """It rounds: what it says is posted as profit, and nothing is left without a cause."""
    terms = {"instrument": PERPETUAL, "quantity": "3"}
    bot.fill(bot.open_order(**terms), "3", "50000", fee="0", realized="0")  # type: ignore[arg-type]
    bot.fill(bot.open_order(side=Side.SELL, **terms), "1", "50001", fee="0", realized="0.99999999")  # type: ignore[arg-type]
    bot.commit()
    with OrderHistory(bot.log.path) as history:
        (money,) = [each for each in history.assets() if each.asset == "USDT"]
    assert (money.start, money.traded, money.now) == (100_000, D("0.99999999"), D("100000.99999999"))
    file = connect(bot.log.path)
    query = "SELECT amount FROM postings WHERE account_code LIKE 'profit:%'"
    paid = [D(amount) for (amount,) in file.execute(query)]
    file.close()
    assert paid == [-D("0.99999999")]


def test_after_the_bot_has_gone(bot: Bot) -> None:
    order = bot.open_order()
    bot.commit()
    bot.log.close()
    with OrderHistory(bot.log.path) as history:
        assert [each.client_order_id for each in history.orders()] == [order.client_order_id]
        assert history.halt_latch == ""
    bot.log = Bot(bot.log.path.parent).log
