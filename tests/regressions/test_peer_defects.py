"""Defects of a peer, shown not to happen here. `hb#N` is an issue of hummingbot/hummingbot, `read` its source read."""

from engine.core.executors.flatten import FlattenExecutor, FlattenSettings
from engine.core.executors.quote import QuoteExecutor
from engine.core.executors.quote_settings import QuoteSettings
from engine.model.enums import Health, OrderStatus, Side
from engine.model.quote import Quote
from engine.model.request import CancelOrder, SubmitOrder
from tests.desk import BTC, Desk, d
from tests.strategies.pmm import Maker


def test_hb8457_busy_slot_gets_no_second_order() -> None:
    """hb#8457: a create whose answer is lost is UNKNOWN; a hundred ticks later there is still one request."""
    maker = Maker(ask_order_level_spreads=[], ask_order_level_amounts=[])
    maker.answering = False
    for step in range(100):
        maker.book(99.5 + step % 7, 100.5 + step % 7)
        maker.tick()
    assert maker.orders()["bid_1"].status is OrderStatus.UNKNOWN
    assert [type(each) for each in maker.log] == [SubmitOrder]


def test_hb462_no_funds_no_spam() -> None:
    """hb#462: 100,000 orders a day while the balance was short. Here the strategy does not know that it is."""
    desk = Desk(balances={"BTC": 0, "USDT": 0})
    executor = QuoteExecutor("mm/quotes", QuoteSettings())
    executor.set_quotes([Quote(BTC, Side.BUY, d(99), d(1), "bid_1")])
    desk.state.executors["mm/quotes"] = executor
    notices = []
    for _ in range(3600):
        desk.tick()
        notices += desk.engine.take_notices()
    assert desk.log == []
    assert desk.engine.refusals <= 70
    assert len([each for each in notices if "slot bid_1" in str(each)]) == 1


def test_hb462_rejections_are_no_spam_either() -> None:
    """hb#462: the same when it is the venue that says no."""
    maker = Maker(ask_order_level_spreads=[], ask_order_level_amounts=[])
    maker.answering = False
    for _ in range(3600):
        maker.tick()
        for order in list(maker.orders().values()):
            maker.reject(order, "insufficient_funds")
    assert len(maker.log) <= 70


def test_hb7203_null_switches_a_feature_off() -> None:
    """hb#7203: −1 and −100 meant "off", and null stopped the bot. Here null is off, for every optional key."""
    optional = ("price_ceiling", "price_floor", "moving_price_band", "minimum_spread", "hanging_orders")
    maker = Maker(**dict.fromkeys((*optional, "order_optimization", "order_override")))
    maker.tick()
    assert maker.shown() == ["ask_1 1@101", "bid_1 1@99"]


def test_hb8250_stale_book_withdraws_quotes() -> None:
    """hb#8250, #3861, #3101, #1926: orders kept an old price after a reconnect."""
    maker = Maker(order_refresh_time="1h")
    maker.tick()
    maker.health(Health.DOWN)
    for _ in range(5):
        maker.tick()
    assert maker.shown() == []
    maker.book(109.5, 110.5)
    maker.tick()
    assert maker.shown() == ["ask_1 1@111.1", "bid_1 1@108.9"]


def test_order_optimization_ignores_own_orders() -> None:
    """read: only the *last* own order was taken off the depth. Three own levels on the book: the price as with none."""
    plain = {
        "order_levels": "3",
        "order_level_spread": "0.2%",
        "order_optimization": {"bid_depth": "4", "ask_depth": "4"},
    }
    maker = Maker(**plain, order_refresh_time="1s")
    bids, asks = [(95, 3), (94, 3), (93, 3)], [(105, 3), (106, 3), (107, 3)]
    maker.levels(bids, asks)
    maker.tick()
    first = maker.quotes()
    assert first[0] == "bid_1 1@94.1"
    own = [(order.side, order.price, order.quantity) for order in maker.orders().values()]
    merged = [dict(bids), dict(asks)]
    for side, price, quantity in own:
        levels = merged[side is Side.SELL]
        levels[price] = levels.get(price, 0) + quantity
    maker.levels(sorted(merged[0].items(), reverse=True), sorted(merged[1].items()))
    for _ in range(3):
        maker.tick(2)
        assert maker.quotes() == first
        assert maker.sent == []


def test_hanging_renewal_keeps_remaining() -> None:
    """read: the renewal placed the original quantity, so a partly filled order was traded twice."""
    maker = Maker(hanging_orders={}, filled_order_delay="10s", max_order_age="60s")
    maker.tick()
    maker.fill_tag("bid_1")
    maker.tick()
    maker.tick(10)
    maker.fill_tag("ask_1", "0.4")
    for _ in range(70):
        maker.tick()
    placed = [each.quantity for each in maker.log if isinstance(each, SubmitOrder) and each.tag == "ask_1"]
    assert placed == [1, d("0.6")]


def test_ping_pong_nets() -> None:
    """read: two counters, and both sides thinned when they differ. Two buys, one sell: one bid less, every ask."""
    maker = Maker(ping_pong=True, order_levels="3", filled_order_delay="0s")
    maker.tick()
    for tag in ("bid_1", "bid_2", "ask_1"):
        maker.fill_tag(tag)
    maker.tick()
    assert [each.split()[0] for each in maker.quotes()] == ["bid_2", "bid_3", "ask_1", "ask_2", "ask_3"]


def test_tolerance_keeps_queue_place() -> None:
    """The price moves inside the tolerance for an hour: no request."""
    maker = Maker(order_refresh_tolerance="0.3%", max_order_age="2h")
    maker.tick()
    sent = len(maker.log)
    for second in range(3600):
        shift = d(second % 5 - 2) / 10
        maker.book(d("99.5") + shift, d("100.5") + shift)
        maker.tick()
    assert len(maker.log) == sent == 2


def test_a_misfit_is_replaced_at_the_first_tick_after_its_refresh_time() -> None:
    """read: the timer was restarted by orders that fitted, so a misfit waited for a whole further period."""
    maker = Maker(order_refresh_tolerance="0.3%")
    maker.tick()
    for _ in range(45):
        maker.tick()
    maker.book(101.5, 102.5)
    maker.tick()
    assert sorted(maker.cancelled()) == ["ask_1", "bid_1"]


def test_late_fills_count_whatever_the_status_says() -> None:
    """hb#7129 and rule 3.1: a fill between our cancel and its confirmation is a fill like any other."""
    maker = Maker()
    maker.tick()
    maker.answering = False
    maker.book(89.5, 90.5)
    maker.tick(30)
    bid = maker.orders()["bid_1"]
    maker.fill(bid)
    maker.tick()
    assert maker.state.portfolio.position(BTC, "mm/quotes") == 1
    maker.answering = True
    maker.answer()
    maker.tick()
    assert maker.submitted() == [], "a complete fill pauses"


def test_flatten_never_sells_twice() -> None:
    """Section 3.4 of the strategies' rules, for the flatten executor: no second exit while one may still fill."""
    desk = Desk()
    desk.state.portfolio.adopt("mm/quotes", BTC, d(2), d(100))
    desk.state.executors["kill/1"] = FlattenExecutor("kill/1", FlattenSettings(BTC, "mm/quotes"))
    desk.answering = False
    for _ in range(20):
        desk.tick()
    (exit_order,) = desk.orders().values()
    desk.fill(exit_order)
    for _ in range(20):
        desk.tick()
    assert desk.state.portfolio.position(BTC, "mm/quotes") == 0
    assert len([each for each in desk.log if isinstance(each, SubmitOrder | CancelOrder)]) == 1
