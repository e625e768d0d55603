"""Cross-exchange market making on the real engine: what it quotes by formula, and that every fill is traded back."""

from decimal import Decimal

import pytest

from engine.model.enums import Channel, Health, OrderStatus, Side, UpdateSource
from engine.model.event import ConnectorStatus
from engine.model.money import ONE
from engine.model.order import Order
from engine.model.request import CancelOrder, SubmitOrder
from strategies.cross_exchange_market_making import CrossExchangeMarketMaking
from tests.desk import Desk, d, instrument

MAKER, TAKER = "maker:BTC-USDT", "taker:BTC-USDT"
FEES = {"maker_rate": "0.001", "taker_rate": "0.002"}
KEYS = {
    "maker": "maker",
    "taker": "taker",
    "trading_pair": "BTC-USDT",
    "order_amount": "1",
    "min_profitability": "1%",
    "slippage_buffer": "0.5%",
    "adjust_order": "false",
    "order_size_taker_volume_factor": "100%",
}
HEDGE = "own/hedge"


def desk(taker_size: object = 100, **keys: object) -> Desk:
    config = CrossExchangeMarketMaking.Config(**{**KEYS, **keys})
    strategy = CrossExchangeMarketMaking("own", config)
    made = Desk(strategy, instruments=[instrument(MAKER, **FEES), instrument(TAKER, **FEES)], balances={})
    for venue in ("maker", "taker"):
        made.balances(venue, BTC=10, USDT=10_000)
    made.book(90, 120, instrument_id=MAKER)
    made.book(99.5, 100.5, taker_size, instrument_id=TAKER)
    made.tick()
    return made


def text(order: Order | SubmitOrder) -> str:
    assert order.price is not None
    venue = order.instrument_id.partition(":")[0]
    return f"{order.side} {order.quantity.normalize():f}@{order.price.normalize():f} {venue}"


def quotes(made: Desk) -> list[str]:
    return [text(order) for order in made.orders(MAKER).values()]


def submitted(made: Desk) -> list[str]:
    return [text(each) for each in made.sent if isinstance(each, SubmitOrder)]


def finish_hedge(made: Desk) -> None:
    for order in list(made.orders(TAKER).values()):
        made.fill(order)
        made.update(order, OrderStatus.FILLED)


def test_prices_earn_the_target_after_fees_and_buffer() -> None:
    made = desk()
    income = d("99.5") * d("0.998") * d("0.995")
    cost = d("100.5") * d("1.002") * d("1.005")
    bid = (income / (d("1.001") * d("1.01"))).quantize(d("0.1"), "ROUND_FLOOR")
    ask = (cost * d("1.01") / d("0.999")).quantize(d("0.1"), "ROUND_CEILING")
    assert quotes(made) == [f"BUY 1@{bid} maker", f"SELL 1@{ask} maker"]
    assert income / (bid * d("1.001")) - ONE >= d("0.01")
    assert ask * d("0.999") / cost - ONE >= d("0.01")


def test_it_does_not_quote_far_in_front_of_the_market() -> None:
    """The best prices of others are 90 and 120: one step in front of them is enough; its own quotes do not count."""
    made = desk(adjust_order="true")
    assert quotes(made) == ["BUY 1@90.1 maker", "SELL 1@119.9 maker"]
    made.levels([(90.1, 1), (90, 5)], [(119.9, 1), (120, 5)], MAKER)
    made.tick(60)
    assert quotes(made) == ["BUY 1@90.1 maker", "SELL 1@119.9 maker"]


def test_an_order_that_comes_and_goes_is_not_chased() -> None:
    """The best of the last minute counts: the bid of 92 has gone, the quote stays at 92.1 for twelve samples."""
    made = desk(adjust_order="true", anti_hysteresis_duration="1s")
    made.book(92, 120, instrument_id=MAKER)
    made.tick(5)
    made.tick()
    assert quotes(made)[-1] == "BUY 1@92.1 maker"
    made.book(90, 120, instrument_id=MAKER)
    made.tick(5)
    made.tick()
    assert "BUY 1@92.1 maker" in quotes(made)
    for _ in range(13):
        made.tick(5)
    made.tick()
    assert "BUY 1@90.1 maker" in quotes(made)


def test_hb8094_partial_maker_fill_is_hedged() -> None:
    made = desk()
    made.fill(made.orders(MAKER)["bid"], "0.4")
    made.tick()
    assert submitted(made)[:1] == ["SELL 0.4@99.1 taker"]


def test_hb8094_fill_during_cancel_is_hedged() -> None:
    """The quote was cancelled because it did not pay any more; it traded while the cancel was on its way."""
    made = desk()
    made.answering = False
    bid = made.orders(MAKER)["bid"]
    made.book(95, 96, 100, instrument_id=TAKER)
    made.tick()
    assert [each.client_order_id for each in made.sent if isinstance(each, CancelOrder)] == [bid.client_order_id]
    made.fill(bid, "0.3")
    made.update(bid, OrderStatus.CANCELED)
    made.tick()
    assert "SELL 0.3@94.6 taker" in submitted(made)


def test_unknown_hedge_is_not_doubled() -> None:
    made = desk()
    made.fill(made.orders(MAKER)["ask"], "1")
    made.answering = False
    made.tick()
    hedge = made.orders(TAKER)["hedge"]
    assert text(hedge) == "BUY 1@101 taker"
    made.update(hedge, OrderStatus.UNKNOWN, "ambiguous:timeout", UpdateSource.ACK)
    for _ in range(20):
        made.tick()
        assert not any(each.instrument_id == TAKER for each in made.sent if isinstance(each, SubmitOrder))
    finish_hedge(made)
    made.tick()
    portfolio = made.state.portfolio
    assert portfolio.position(MAKER, "own/quotes") + portfolio.position(TAKER, HEDGE) == 0


def test_a_quote_that_no_longer_pays_goes_at_once() -> None:
    """Long before anti_hysteresis_duration; one that pays more stays where it is."""
    made = desk()
    made.book(97, 98, 100, instrument_id=TAKER)
    made.tick()
    assert made.cancelled() == ["bid"]
    assert [order.side for order in made.orders(MAKER).values()] == [Side.SELL]
    made.tick()
    assert len(quotes(made)) == 2


@pytest.mark.parametrize("trouble", ["stale taker", "deaf taker", "one-sided taker", "overdue", "too much open"])
def test_no_quotes_while_the_hedge_cannot_be_trusted(trouble: str) -> None:
    made = desk(max_unhedged="0.5", order_amount="1")
    if trouble == "stale taker":
        made.health(Health.DOWN, TAKER)
    elif trouble == "deaf taker":
        made.engine.apply(ConnectorStatus("taker", Channel.USER, Health.DOWN, "cut", made.state.now_us))
    elif trouble == "one-sided taker":
        made.book(None, 101, instrument_id=TAKER)
    elif trouble == "too much open":
        made.state.portfolio.adopt("own/quotes", MAKER, Decimal("0.6"), Decimal(100))
    else:
        made.state.portfolio.adopt("own/quotes", MAKER, Decimal("0.4"), Decimal(100))
        made.answering = False
        made.tick()
        made.answer()
        made.tick(31)
        made.answering = True
    made.tick()
    made.tick()
    assert quotes(made) == []
    assert made.engine.controllers[0].explain().startswith("no quotes: ")  # type: ignore[attr-defined]


def test_sizes_fit_both_exchanges() -> None:
    """A quarter of what the taker shows, its funds, ours on the maker, and what it would not be worth sending."""
    assert quotes(desk(taker_size=2, order_size_taker_volume_factor="25%"))[0].startswith("BUY 0.5@")
    made = desk(order_amount="500 USDT")
    assert [each.split()[1].split("@")[0] for each in quotes(made)] == ["4.761", "4.761"]
    made = desk(order_amount="50")
    assert [each.split()[1].split("@")[0] for each in quotes(made)] == ["9.95", "10"]
    made = desk(order_amount="0.0001")
    assert quotes(made) == []
    assert quotes(desk(taker_size=2, order_amount="3")) != []


def test_without_funds_or_depth_on_the_taker_there_is_no_quote() -> None:
    made = desk()
    made.book(99.5, 100.5, "0.5", instrument_id=TAKER)
    made.tick()  # 0.5 could not take the resting 1 back
    assert made.cancelled() == ["bid", "ask"]
    made = desk()
    made.state.portfolio.account("taker", "BTC").total = Decimal(0)
    made.tick()
    assert made.cancelled() == ["bid"]


def test_the_price_of_another_quote_asset_goes_through_a_rate() -> None:
    taker, bridge = "taker:BTC-USDC", "maker:USDC-USDT"
    config = CrossExchangeMarketMaking.Config(**{**KEYS, "taker_trading_pair": "BTC-USDC"})
    markets = [instrument(MAKER, **FEES), instrument(taker, **FEES), instrument(bridge)]
    made = Desk(CrossExchangeMarketMaking("own", config), instruments=markets, balances={})
    made.balances("maker", BTC=10, USDT=10_000)
    made.balances("taker", BTC=10, USDC=10_000)
    made.book(90, 120, instrument_id=MAKER)
    made.book(99.5, 100.5, 100, instrument_id=taker)
    made.tick()
    assert made.engine.controllers[0].explain() == f"no quotes: no rate between the quotes of {taker} and {MAKER}"  # type: ignore[attr-defined]
    made.book(1.9, 2.1, instrument_id=bridge)
    made.book(190, 210, instrument_id=MAKER)
    made.tick()
    assert quotes(made)[0] == "BUY 1@195.4 maker"


def test_settings_change_while_it_runs() -> None:
    made = desk()
    strategy: CrossExchangeMarketMaking = made.engine.controllers[0]  # type: ignore[assignment]
    strategy.change(CrossExchangeMarketMaking.Config(**{**KEYS, "min_profitability": "2%", "slippage_max": "9%"}))
    made.tick()
    made.tick()
    assert quotes(made)[0] == "BUY 1@96.7 maker"
    assert made.state.executors[HEDGE].settings.slippage_max == d("0.09")


def test_the_target_is_not_below_the_least() -> None:
    with pytest.raises(ValueError, match="target_profitability is below"):
        CrossExchangeMarketMaking.Config(**{**KEYS, "target_profitability": "0.5%"})
