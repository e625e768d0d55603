"""Pre-trade checks: for every rule the last request that passes and the first that does not, with both numbers."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from engine.core.checks import RULES, notice_of
from engine.core.limits import RiskLimits
from engine.core.modes import CauseKind, strategy_scope
from engine.core.notice import Notice
from engine.core.portfolio import Portfolio
from engine.model.enums import OrderType, Phase, Side
from engine.model.instrument import Instrument
from engine.model.quote import Refused
from engine.model.request import AmendOrder, CancelOrder, SubmitOrder
from engine.schema.values import Amount
from tests.core.check_bench import INVERSE, PERP, SPOT, Bench, submit

D = Decimal
Prepare = Callable[[Bench], object]


def nothing(bench: Bench) -> None:
    """Leave the bench as it is."""


def paused(scope: str) -> Prepare:
    return lambda bench: bench.halt.add(CauseKind.PAUSE, scope, "by ann", 1)


def degraded(bench: Bench) -> None:
    bench.halt.add(CauseKind.STREAM_STALE, "sim", "silent", 1)


def holds(instrument: Instrument, quantity: str) -> Prepare:
    return lambda bench: bench.portfolio.adopt("mm/q", instrument.instrument_id, D(quantity), D(100))


def failed(bench: Bench) -> None:
    bench.circuits.note("mm/q", SPOT.instrument_id, "bid_1", "rejected:x", 999_500_000)


USD2000, BTC3, USDT300 = Amount(D(2000), "USDT"), Amount(D(3)), Amount(D(300), "USDT")
SELL, BUY = Side.SELL, Side.BUY
PAUSED = "PAUSED: paused by the operator (by ann); new orders: none"
CASES: list[tuple[str, RiskLimits, Prepare, SubmitOrder, str]] = [
    # rule, limits, before, request, reason ("" = passes)
    ("mode", RiskLimits(), paused(""), submit(), PAUSED),
    ("mode", RiskLimits(), paused(strategy_scope("mm")), submit(), PAUSED),
    ("mode", RiskLimits(), paused(strategy_scope("other")), submit(), ""),
    ("mode", RiskLimits(), degraded, submit(), "DEGRADED: user stream stale or mute (silent); new orders: reduce-only"),
    (
        "slot_busy",
        RiskLimits(),
        lambda b: b.rests(tag="bid_1"),
        submit(),
        "slot bid_1 still has order o0 (PENDING_NEW)",
    ),
    ("slot_busy", RiskLimits(), lambda b: b.rests(tag="bid_2"), submit(), ""),
    ("slot_backoff", RiskLimits(), failed, submit(), "slot bid_1 waits another 0.5 s after failing"),
    ("instrument", RiskLimits(), nothing, submit(quantity="0.05"), ""),
    ("instrument", RiskLimits(), nothing, submit(quantity="0.04"), "order value 4.00 is below the minimum 5 USDT"),
    ("instrument", RiskLimits(), nothing, submit(price="100.05"), "price 100.05 is not a multiple of 0.1 USDT"),
    ("price_band", RiskLimits(price_band=D("0.01")), nothing, submit(price="101"), ""),
    ("price_band", RiskLimits(price_band=D("0.01")), nothing, submit(price="99"), ""),
    (
        "price_band",
        RiskLimits(price_band=D("0.01")),
        nothing,
        submit(price="98.9"),
        "price 98.9 is 1.1% from the mid 100 (limit 1%)",
    ),
    ("max_order_value", RiskLimits(max_order_value=USD2000), nothing, submit(quantity="20"), ""),
    (
        "max_order_value",
        RiskLimits(max_order_value=USD2000),
        nothing,
        submit(quantity="20.01"),
        "order value 2001 USDT (limit 2000 USDT)",
    ),
    (
        "max_order_value",
        RiskLimits(max_order_value=BTC3),
        nothing,
        submit(quantity="3.01"),
        "order value 3.01 BTC (limit 3 BTC)",
    ),
    (
        "max_order_value",
        RiskLimits(max_order_value=BTC3),
        nothing,
        submit(quantity="31", instrument=PERP),
        "order value 3.1 BTC (limit 3 BTC)",
    ),
    (
        "max_order_value",
        RiskLimits(max_order_value=BTC3),
        nothing,
        submit(quantity="4", instrument=INVERSE),
        "order value 4 BTC (limit 3 BTC)",
    ),
    (
        "max_order_value",
        RiskLimits(max_order_value=Amount(D(300), "USD")),
        nothing,
        submit(quantity="4", instrument=INVERSE),
        "order value 400 USD (limit 300 USD)",
    ),
    (
        "max_order_value",
        RiskLimits(max_order_value=Amount(D(1), "DOGE")),
        nothing,
        submit(),
        "order value is unknown: no rate from USDT to DOGE yet (limit 1 DOGE)",
    ),
    ("max_open_orders", RiskLimits(max_open_orders=2), lambda b: b.rests(), submit(), ""),
    ("max_open_orders", RiskLimits(max_open_orders=1), lambda b: b.rests(), submit(), "1 orders are open (limit 1)"),
    ("max_position", RiskLimits(max_position=BTC3), holds(SPOT, "2"), submit(), ""),
    (
        "max_position",
        RiskLimits(max_position=BTC3),
        holds(SPOT, "2.01"),
        submit(),
        "position with all open orders 3.01 BTC (limit 3 BTC)",
    ),
    (
        "max_position",
        RiskLimits(max_position=BTC3),
        lambda b: b.rests(quantity="2.01"),
        submit(),
        "position with all open orders 3.01 BTC (limit 3 BTC)",
    ),
    ("max_position", RiskLimits(max_position=BTC3), holds(SPOT, "-20"), submit(), ""),
    ("max_position", RiskLimits(max_position=BTC3), holds(SPOT, "20"), submit(SELL), ""),
    (
        "max_position",
        RiskLimits(max_position=USDT300),
        lambda b: b.rests(SELL, "110", "2.5"),
        submit(SELL),
        "position with all open orders 350 USDT (limit 300 USDT)",
    ),
    (
        "max_leverage",
        RiskLimits(max_leverage=D(2)),
        holds(PERP, "2000"),
        submit(SELL, quantity="100", instrument=PERP),
        "",
    ),
    ("max_leverage", RiskLimits(max_leverage=D(2)), nothing, submit(quantity="2200", instrument=PERP), ""),
    (
        "max_leverage",
        RiskLimits(max_leverage=D(2)),
        nothing,
        submit(quantity="2201", instrument=PERP),
        "positions of 22,010 USDT on equity 11,000 USDT (limit 2 times)",
    ),
    ("max_leverage", RiskLimits(max_leverage=D(2)), nothing, submit(quantity="90"), ""),
    ("funds", RiskLimits(), nothing, submit(quantity="100"), ""),
    ("funds", RiskLimits(), nothing, submit(quantity="100.01"), "needs 10001 USDT, available are 10000 USDT"),
    (
        "funds",
        RiskLimits(),
        lambda b: b.rests(quantity="10", price="100"),
        submit(quantity="91"),
        "needs 9100 USDT, available are 9000 USDT",
    ),
    ("funds", RiskLimits(), nothing, submit(SELL, quantity="10.01"), "needs 10.01 BTC, available are 10 BTC"),
    (
        "funds",
        RiskLimits(),
        nothing,
        submit(quantity="5001", instrument=PERP),
        "needs 10002 USDT, available are 10000 USDT",
    ),
    ("funds", RiskLimits(), holds(PERP, "-9000"), submit(quantity="9000", instrument=PERP, reduce_only=True), ""),
    ("self_trade", RiskLimits(), lambda b: b.rests(SELL, "101"), submit(price="100.9"), ""),
    (
        "self_trade",
        RiskLimits(),
        lambda b: b.rests(SELL, "101"),
        submit(price="101"),
        "price 101 meets our own order at 101",
    ),
    ("self_trade", RiskLimits(), lambda b: b.rests(BUY, "99"), submit(SELL, "99.1"), ""),
    (
        "self_trade",
        RiskLimits(),
        lambda b: b.rests(BUY, "99"),
        submit(SELL, "98.9"),
        "price 98.9 meets our own order at 99",
    ),
    (
        "self_trade",
        RiskLimits(),
        lambda b: b.rests(BUY, "50"),
        submit(SELL, None),
        "price of the market meets our own order at 50",
    ),
    (
        "self_trade",
        RiskLimits(),
        lambda b: b.rests(SELL, "101"),
        submit(price="120", order_type=OrderType.STOP_LIMIT, stop_price=D(119)),
        "",
    ),
    ("reduce_only", RiskLimits(), holds(PERP, "3"), submit(SELL, quantity="3", instrument=PERP, reduce_only=True), ""),
    (
        "reduce_only",
        RiskLimits(),
        holds(PERP, "3"),
        submit(SELL, quantity="4", instrument=PERP, reduce_only=True),
        "reduce-only SELL of 4 on a position of 3",
    ),
    (
        "reduce_only",
        RiskLimits(),
        holds(PERP, "3"),
        submit(BUY, quantity="1", instrument=PERP, reduce_only=True),
        "reduce-only BUY of 1 on a position of 3",
    ),
    ("fat_finger", RiskLimits(), nothing, submit(price="150"), ""),
    ("fat_finger", RiskLimits(), nothing, submit(price="150.1"), "price 150.1 is more than 50% worse than the mid 100"),
    ("fat_finger", RiskLimits(), nothing, submit(SELL, "50", order_type=OrderType.STOP_LIMIT, stop_price=D(51)), ""),
    (
        "price_band",
        RiskLimits(price_band=D("0.01")),
        nothing,
        submit(SELL, "90", order_type=OrderType.STOP_LIMIT, stop_price=D(91)),
        "",
    ),
    ("fat_finger", RiskLimits(), nothing, submit(SELL, "66.7"), ""),
    ("fat_finger", RiskLimits(), nothing, submit(SELL, "66.6"), "price 66.6 is more than 50% worse than the mid 100"),
    ("fat_finger", RiskLimits(), nothing, submit(BUY, "1", quantity="9"), ""),
]


@pytest.mark.parametrize(("rule", "limits", "before", "request_", "reason"), CASES)
def test_rules(rule: str, limits: RiskLimits, before: Prepare, request_: SubmitOrder, reason: str) -> None:
    bench = Bench(limits)
    before(bench)
    refused = bench.check(request_)
    assert refused == (Refused(request_, rule, reason, 1_000_000_000) if reason else None)


def test_every_rule_has_a_case_that_refuses() -> None:
    tried = {rule for rule, _, _, _, reason in CASES if reason}
    assert {name for name, _ in RULES} - tried == {"no_price", "max_orders_per_minute"}  # below


@pytest.mark.parametrize(
    ("limits", "request_", "rule"),
    [
        (RiskLimits(), submit(price=None), "no_price"),
        (RiskLimits(price_band=D("0.01")), submit(), "price_band"),
        (RiskLimits(max_leverage=D(1)), submit(instrument=PERP), "max_leverage"),
        (RiskLimits(), submit(), None),
    ],
)
def test_without_a_mid(limits: RiskLimits, request_: SubmitOrder, rule: str | None) -> None:
    refused = Bench(limits, mid=None).check(request_)
    assert (refused and refused.rule) == rule


def test_orders_a_minute() -> None:
    bench = Bench(RiskLimits(max_orders_per_minute=2))
    at = [1_000_000, 2_000_000, 60_999_999, 61_000_000, 61_999_999, 62_000_000]
    refused = [bench.check(submit(), now_us) for now_us in at]
    assert [each and each.reason for each in refused] == [
        None,
        None,
        "2 orders in 59.9 s (limit 2 a minute)",
        None,
        "2 orders in 59.9 s (limit 2 a minute)",
        None,
    ]


def test_limits_change_while_running() -> None:
    bench = Bench(RiskLimits(max_orders_per_minute=3, max_order_value=USD2000))
    assert bench.check(submit()) is bench.check(submit()) is None
    bench.checks.set_limits(RiskLimits(max_orders_per_minute=2))
    refused = bench.check(submit(quantity="90"))
    assert refused is not None
    assert refused.rule == "max_orders_per_minute"
    assert bench.check(submit(quantity="90"), 1_060_000_000) is None


def test_cancels_always_pass() -> None:
    bench = Bench(RiskLimits(max_orders_per_minute=1))
    bench.halt.add(CauseKind.KILL_SWITCH, "", "", 1)
    assert bench.check(CancelOrder("x", SPOT.instrument_id)) is None


def amend(price: str, quantity: str, of: str = "o0") -> AmendOrder:
    return AmendOrder(of, SPOT.instrument_id, "v", D(price), D(quantity))


@pytest.mark.parametrize(
    ("request_", "rule", "reason"),
    [
        (amend("100", "100"), None, ""),
        (amend("100", "100.01"), "funds", "needs 1001 USDT, available are 1000 USDT"),
        (amend("100", "90"), None, ""),
        (amend("100", "1", "o7"), "not_working", "order o7 is unknown: only a working order can be amended"),
        (amend("100.05", "90"), "instrument", "price 100.05 is not a multiple of 0.1 USDT"),
    ],
)
def test_amend_is_judged_by_what_it_adds(request_: AmendOrder, rule: str | None, reason: str) -> None:
    """o0 wants 90 for 9,000 of the 10,000 USDT."""
    bench = Bench(RiskLimits(max_open_orders=1, max_position=Amount(D(101))))
    bench.rests(price="100", quantity="90")
    refused = bench.check(request_)
    assert (refused and (refused.rule, refused.reason, refused.request)) == (rule and (rule, reason, request_))


def test_what_an_amended_order_has_traded_needs_no_funds_again() -> None:
    bench = Bench(RiskLimits(max_position=Amount(D(100))))
    bench.rests(price="100", quantity="90", filled=D(50), venue_filled=D(50))
    bench.portfolio.adopt("mm/q", SPOT.instrument_id, D(50), D(100))
    bench.portfolio.open("sim", {"USDT": D(5000)})
    assert bench.check(amend("100", "100")) is None
    refused = bench.check(amend("100", "100.01"))
    assert refused is not None
    assert refused.rule == "max_position"


def test_an_amend_that_frees_funds_passes_without_any() -> None:
    bench = Bench()
    bench.rests(price="100", quantity="90")
    bench.portfolio.open("sim", {"USDT": D(0)})
    assert bench.check(amend("100", "80")) is None


def test_an_order_with_a_command_in_flight_is_not_amended() -> None:
    bench = Bench()
    bench.rests().phase = Phase.SENT
    refused = bench.check(amend("100", "1"))
    assert refused is not None
    assert refused.rule == "not_working"


def test_leverage_counts_every_derivative() -> None:
    both = {each.instrument_id: each for each in (PERP, replace(PERP, instrument_id="sim:X", symbol="X"))}
    bench = Bench(RiskLimits(max_leverage=D(1)))
    bench.portfolio = bench.checks.context.portfolio = Portfolio(both, bench.price)
    bench.portfolio.open("sim", {"USDT": D(1000)})
    bench.portfolio.adopt("mm/q", "sim:X", D(-60), D(100))
    request = submit(quantity="40", instrument=PERP)
    assert bench.check(request) is None
    refused = bench.check(submit(quantity="41", instrument=PERP))
    assert refused is not None
    assert refused.reason == "positions of 1,010 USDT on equity 1,000 USDT (limit 1 times)"


@pytest.mark.parametrize(
    ("rule", "reason", "code", "fix"),
    [
        ("instrument", "order value 4.1 is below the minimum 5 USDT", "E-MIN", ""),
        ("instrument", "price 1.05 is not a multiple of 0.1 USDT", "E-STEP", ""),
        ("funds", "needs 2 BTC, available are 1 BTC", "E-BALANCE", ""),
        (
            "max_open_orders",
            "4 orders are open (limit 4)",
            "E-REFUSED",
            "raise risk.max_open_orders, or let the strategy ask for less",
        ),
    ],
)
def test_notice_of_a_refusal(rule: str, reason: str, code: str, fix: str) -> None:
    notice = notice_of(Refused(submit(), rule, reason, 1))
    assert notice == Notice(code, SPOT.instrument_id, f"{reason}; nothing was sent", fix, 1)
