"""Modes: what each cause does and how it ends, what each mode allows, and the texts with both numbers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.book import L2Book
from engine.core.halt import STORMS_KEPT, Halt
from engine.core.limits import RiskLimits
from engine.core.modes import ALLOWED, CAUSES, SEVERITY, CauseKind, Creates, Exit, Mode, ModeChanged, strategy_scope
from engine.core.notice import Notice, show_amount, show_number, show_percent, show_seconds
from engine.core.order_change import Alarm, AlarmKind
from engine.model.enums import Channel, Health, OperatorAction
from engine.model.event import ClockSynced, ConnectorStatus, OperatorCommand
from engine.model.market import BookSnapshot

D = Decimal
S = 1_000_000
BTC, ETH = "sim:BTC-USDT", "sim:ETH-USDT"
LIMITS = RiskLimits(max_drawdown=D("0.02"), kill_switch=D("0.03"), stale_data_us=3 * S)
REVIEW = "review, then tickwright resume btc-mm"


def halt(limits: RiskLimits = LIMITS) -> Halt:
    return Halt(limits, "btc-mm", "USDT")


def no_orders(scope: str) -> int:
    return 0


def kinds(of: Halt) -> list[CauseKind]:
    return [cause.kind for cause in of.causes]


def notices(of: Halt) -> list[Notice]:
    return [each for each in of.drain() if isinstance(each, Notice)]


@pytest.mark.parametrize("kind", list(CauseKind))
def test_every_cause_sets_its_mode_and_ends_in_its_own_way(kind: CauseKind) -> None:
    made = halt()
    made.add(kind, "", "why", 10)
    made.add(kind, "", "again", 11)
    mode = CAUSES[kind].mode
    assert (made.mode(), made.mode(BTC, "mm"), [c.since_us for c in made.causes]) == (mode, mode, [10])
    assert made.cancels_own(BTC, "mm") == ALLOWED[mode].cancels_own
    assert made.drain() == [
        Notice(CAUSES[kind].code, "", "why", "", 10),
        ModeChanged("", Mode.RUN, mode, kind.value, 10),
    ]
    made.synced("", 10, 20)
    assert made.restricted  # it was there when the comparison began, or does not care
    made.synced("", 11, 20)
    assert made.restricted == (CAUSES[kind].exit is not Exit.SYNC)
    made.resume(30)
    assert made.restricted == (CAUSES[kind].exit in (Exit.ITSELF, Exit.NEVER))
    made.clear(kind, "", 40)
    made.clear(kind, "", 50)
    assert (made.mode(), made.causes) == (Mode.RUN, ())
    ended = [each for each in made.drain() if isinstance(each, ModeChanged)]
    assert [(each.before, each.after) for each in ended] == [(mode, Mode.RUN)]


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.RUN])
def test_what_a_mode_allows(mode: Mode) -> None:
    made = halt()
    made.add(next(kind for kind, rule in CAUSES.items() if rule.mode is mode), BTC, "why", 0)
    refused = {reduce: bool(made.refuses(BTC, "mm", reduce_only=reduce)) for reduce in (False, True)}
    assert refused == {False: True, True: ALLOWED[mode].creates is Creates.NONE}
    assert not made.refuses(ETH, "mm", reduce_only=False)


def test_run_allows_everything() -> None:
    made = halt()
    assert (made.refuses(BTC, "mm", reduce_only=False), made.cancels_own(BTC, "mm")) == ("", False)
    assert not made.restricted


@pytest.mark.parametrize(
    ("scope", "reached"),
    [
        ("", {BTC, ETH, "okx:BTC-USDT"}),
        ("sim", {BTC, ETH}),
        (BTC, {BTC}),
        (strategy_scope("mm"), {BTC, ETH, "okx:BTC-USDT"}),
        (strategy_scope("other"), set()),
    ],
)
def test_scopes(scope: str, reached: set[str]) -> None:
    made = halt()
    made.add(CauseKind.PAUSE, scope, "", 0)
    assert {each for each in (BTC, ETH, "okx:BTC-USDT") if made.mode(each, "mm") is Mode.PAUSED} == reached


@given(st.lists(st.tuples(st.sampled_from(list(CauseKind)), st.sampled_from(["", "sim", BTC]), st.booleans())))
def test_mode_is_the_worst_of_the_causes_that_are_present(script: list[tuple[CauseKind, str, bool]]) -> None:
    made = halt()
    present: dict[tuple[str, CauseKind], None] = {}
    for kind, scope, begins in script:
        if begins:
            made.add(kind, scope, "", 0)
            present[scope, kind] = None
        else:
            made.clear(kind, scope, 0)
            present.pop((scope, kind), None)
        worst = max((CAUSES[kind].mode for _, kind in present), key=SEVERITY.__getitem__, default=Mode.RUN)
        assert made.mode(BTC) is worst
        assert made.restricted == bool(present)


def test_a_milder_cause_does_not_change_the_mode() -> None:
    made = halt()
    made.add(CauseKind.KILL_SWITCH, "", "", 0)
    made.drain()
    made.add(CauseKind.PAUSE, "", "by ann", 1)
    assert made.drain() == [Notice("R-PAUSE", "", "by ann", "", 1)]
    made.clear(CauseKind.KILL_SWITCH, "", 2)
    assert made.drain() == [ModeChanged("", Mode.HALT, Mode.PAUSED, "kill switch: over", 2)]


def test_only_halt_is_latched() -> None:
    made = halt()
    made.add(CauseKind.LEDGER, "", "", 0)
    made.add(CauseKind.KILL_SWITCH, "", "", 0)
    assert [cause.kind for cause in made.latched] == [CauseKind.KILL_SWITCH]


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (OperatorAction.PAUSE, CauseKind.PAUSE),
        (OperatorAction.STOP, CauseKind.STOP),
        (OperatorAction.KILL, CauseKind.KILL_SWITCH),
    ],
)
@pytest.mark.parametrize(("reason", "who"), [("", "ann"), ("lunch", "ann: lunch")])
def test_commands(action: OperatorAction, kind: CauseKind, reason: str, who: str) -> None:
    made = halt()
    made.apply_command(OperatorCommand(action, "ann", reason, 5))
    assert kinds(made) == [kind]
    assert made.causes[0].text.endswith(f"by {who}")
    made.apply_command(OperatorCommand(OperatorAction.RESUME, "ann", "", 6))
    assert kinds(made) == ([kind] if kind is CauseKind.STOP else [])


def status(health: Health, at_s: int, channel: Channel = Channel.USER) -> ConnectorStatus:
    return ConnectorStatus("sim", channel, health, "silent for 10 s", at_s * S)


def test_user_stream_stale_then_dead_until_compared() -> None:
    made = halt()
    made.apply_status(status(Health.STALE, 0, Channel.MARKET))
    assert made.mode() is Mode.RUN
    made.apply_status(status(Health.STALE, 0))
    made.tick(30 * S, no_orders)
    assert (made.mode(BTC), made.mode("okx:BTC-USDT")) == (Mode.DEGRADED, Mode.RUN)
    made.tick(30 * S + 1, no_orders)
    assert made.mode(BTC) is Mode.SAFE
    made.apply_status(status(Health.HEALTHY, 40))
    assert kinds(made) == [CauseKind.STREAM_DEAD]
    made.synced("sim", 41 * S, 42 * S)
    assert made.mode(BTC) is Mode.RUN


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        (AlarmKind.OVERFILL, Mode.SAFE),
        (AlarmKind.LOST_CANDIDATE, Mode.SAFE),
        (AlarmKind.QUANTITY_UNKNOWN, Mode.SAFE),
        (AlarmKind.LATE_FILL, Mode.RUN),
    ],
)
def test_alarms_make_an_instrument_unsafe(kind: AlarmKind, mode: Mode) -> None:
    made = halt()
    made.apply_alarm(Alarm(kind, BTC, "c1", "text", 1))
    assert (made.mode(BTC), made.mode(ETH)) == (mode, Mode.RUN)


@pytest.mark.parametrize(
    ("offset_us", "error_us", "text"),
    [
        (1_000_000, 0, None),
        (2_310_000, 20_000, "your clock is 2,310 ms behind the exchange (limit 1,000 ms), measured to ±20 ms."),
        (-1_001_000, 0, "your clock is 1,001 ms ahead of the exchange (limit 1,000 ms), measured to ±0 ms."),
        (0, 1_500_000, "your clock is 0 ms ahead of the exchange (limit 1,000 ms), measured to ±1,500 ms."),
    ],
)
def test_clock(offset_us: int, error_us: int, text: str | None) -> None:
    made = halt()
    made.watch_clock(ClockSynced("binance", offset_us, error_us, 5), 1_000_000)
    told = notices(made)
    assert [each.text for each in told] == ([] if text is None else [f"{text} Orders would be rejected."])
    assert all(each.fix.startswith("sudo timedatectl set-ntp true") for each in told)
    assert made.mode("binance:BTC-USDT") is (Mode.RUN if text is None else Mode.SAFE)


def test_loop_stall() -> None:
    made = halt()
    made.watch_loop(5 * S, 0)
    assert made.mode() is Mode.RUN
    made.watch_loop(5_250_000, 0)
    assert made.causes[0].text.startswith("the loop stood still for 5.2 s (limit 5 s)")


def book(at_s: int) -> L2Book:
    made = L2Book(BTC)
    made.load(BookSnapshot(BTC, ((D(99), D(1)),), ((D(101), D(1)),), 1, at_s * S, at_s * S))
    made.stale = ""
    return made


def test_stale_data_pauses_until_data_returns() -> None:
    made, shown = halt(), book(0)
    made.watch_book(BTC, shown, 3 * S)
    assert made.mode(BTC) is Mode.RUN
    made.watch_book(BTC, shown, 3_200_000)
    made.watch_book(BTC, shown, 4_200_000)
    assert [each.lines() for each in notices(made)] == [
        "W-STALE  sim:BTC-USDT: no good book for 3.2 s (limit 3 s); quotes cancelled, quoting paused until data returns"
    ]
    assert (made.mode(BTC), made.mode(ETH)) == (Mode.SAFE, Mode.RUN)
    made.watch_book(BTC, book(5), 5 * S)
    assert made.mode(BTC) is Mode.RUN


def test_a_book_that_lost_its_proof_gets_the_same_time() -> None:
    made, shown = halt(), book(10)
    made.watch_book(BTC, shown, 10 * S)
    shown.stale, shown.receive_us = "gap", 12 * S  # deltas still come
    made.watch_book(BTC, shown, 13 * S)
    assert made.mode(BTC) is Mode.RUN
    made.watch_book(BTC, shown, 13 * S + 1)
    assert made.causes[0].text.startswith("no good book for 3 s (limit 3 s), gap;")


def test_a_book_that_never_came_is_stale_from_the_first_look_on() -> None:
    made, shown = halt(), L2Book(BTC)
    for at_s in (100, 103):
        made.watch_book(BTC, shown, at_s * S)
    assert made.mode(BTC) is Mode.RUN
    made.watch_book(BTC, shown, 104 * S)
    assert made.mode(BTC) is Mode.SAFE


def test_a_ledger_that_differs() -> None:
    made = halt()
    made.watch_ledger("sim", {"BTC": (D("1.50"), D("1.4"))}, 2)
    assert made.mode(BTC) is Mode.SAFE
    (notice,) = notices(made)
    assert (notice.code, notice.where) == ("E-LEDGER", "sim")
    assert notice.text.startswith("our ledger and the balances differ: BTC ours 1.5, theirs 1.4.")
    assert "--adopt-balances" in notice.fix, "a restart begins with what the log says"
    made.watch_ledger("sim", {}, 3)
    assert made.mode(BTC) is Mode.RUN


def test_kill_switch_counts_unrealised() -> None:
    """Equity is marked to market and measured from its peak, not from the start."""
    made = halt()
    for equity in (29_000, 30_000, 29_401):
        made.watch_equity(D(equity), 1)
    assert (made.mode(), show_percent(made.drawdown)) == (Mode.RUN, "2%")
    made.watch_equity(D(29_400), 2)
    assert made.mode() is Mode.PAUSED
    made.watch_equity(D(29_086), 3)
    made.watch_equity(D(29_000), 4)
    assert made.mode() is Mode.HALT
    assert [each.lines() for each in notices(made)] == [
        f"R-DRAWDOWN max_drawdown 2%: equity 29,400 of 30,000 USDT (-2%). Quotes cancelled, quoting paused.\n"
        f"         fix: {REVIEW}",
        f"R-KILL   kill_switch 3%: equity 29,086 of 30,000 USDT (-3.05%). Cancelling all orders, then stopping.\n"
        f"         fix: {REVIEW}",
    ]
    made.resume(5)
    assert (made.mode(), made.peak, made.drawdown) == (Mode.RUN, 29_000, 0)
    made.watch_equity(D(28_999), 6)
    assert made.mode() is Mode.RUN


def test_resume_from_a_pause_keeps_the_peak() -> None:
    made = halt()
    for equity in (100, 99):
        made.watch_equity(D(equity), 1)
    made.add(CauseKind.PAUSE, "", "", 2)
    made.resume(3)
    assert made.peak == 100


@pytest.mark.parametrize("first", [D(0), D(-5)])
def test_drawdown_needs_a_positive_peak(first: Decimal) -> None:
    made = halt()
    assert made.drawdown == 0
    for equity in (first, D(-7), D(-3)):
        made.watch_equity(equity, 1)
    assert (made.mode(), made.drawdown) == (Mode.RUN, 0)


def test_without_limits_equity_only_is_remembered() -> None:
    made = halt(RiskLimits())
    for equity in (100, 1):
        made.watch_equity(D(equity), 1)
    assert (made.mode(), made.drawdown) == (Mode.RUN, D("0.99"))


def test_twenty_refusals_of_one_rule_in_a_minute_pause_the_strategy() -> None:
    made = halt()
    for second in range(20):
        made.note_refused("slow", "funds", second * 4 * S)  # 76 s
        made.note_refused("two", "funds" if second % 2 else "price_band", second * S)
        made.note_refused("waits", "mode", second * S)
        made.note_refused("waits", "slot_backoff", second * S)
        made.note_refused("mm", "funds", second * 3 * S)
    assert [each.lines() for each in notices(made)] == [
        "E-REJECT strategy:mm: 20 orders refused by funds in 57 s (limit 20 in 60 s). Strategy paused.\n"
        f"         fix: {REVIEW}"
    ]
    assert (made.mode(BTC, "mm"), made.mode(BTC, "two")) == (Mode.PAUSED, Mode.RUN)
    made.resume(60 * S)
    made.note_refused("mm", "funds", 61 * S)
    assert made.mode(BTC, "mm") is Mode.RUN


def test_counted_refusals_have_a_limit() -> None:
    made = halt()
    for number in range(STORMS_KEPT):
        made.note_refused("mm", f"rule {number}", 0)
    for _ in range(19):
        made.note_refused("mm", "rule 0", 0)
    assert made.mode(BTC, "mm") is Mode.PAUSED  # rule 0 was remembered
    made.note_refused("mm", "one more", 0)
    for _ in range(19):
        made.note_refused("other", "rule 0", 0)
    assert made.mode(BTC, "other") is Mode.RUN


def test_strategy_error() -> None:
    made = halt()
    made.note_error("mm", "ZeroDivisionError at quotes.py:7", 1)
    assert (made.mode(BTC, "mm"), made.mode(BTC, "other")) == (Mode.PAUSED, Mode.RUN)


def test_cancels_that_fail_for_a_minute_halt() -> None:
    made = halt()
    made.tick(0, no_orders)
    made.add(CauseKind.BOOK_STALE, BTC, "", 0)
    open_orders = {BTC: 4, ETH: 1}
    made.tick(60 * S, open_orders.__getitem__)
    made.tick(61 * S, no_orders)
    assert made.mode() is Mode.RUN
    made.drain()
    made.tick(61_500_000, open_orders.__getitem__)
    assert made.mode() is Mode.HALT
    assert [each.lines() for each in notices(made)] == [
        "R-HALT   4 orders still open 61.5 s after book stale (limit 60 s). Cancels are repeated; the operator is"
        " needed.\n         fix: check the exchange, then tickwright kill btc-mm or tickwright resume btc-mm"
    ]


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (show_amount(D("29086.4")), "29,086"),
        (show_amount(D("-1234567.5")), "-1,234,568"),
        (show_amount(D("999.999")), "1000.00"),
        (show_amount(D("1.5")), "1.50"),
        (show_amount(D("0.0001200")), "0.00012"),
        (show_percent(D("0.03")), "3%"),
        (show_percent(D("-0.030466")), "-3.05%"),
        (show_percent(D(0)), "0%"),
        (show_seconds(3_250_000), "3.2 s"),
        (show_seconds(60_000_000), "60 s"),
        (show_number(D("10000.00")), "10000"),
    ],
)
def test_numbers_in_texts(shown: str, text: str) -> None:
    assert shown == text
