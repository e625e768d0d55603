"""The notation of values: every row of the table of value syntax, accepted and refused."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.schema import values
from engine.schema.values import Amount, BadValue

ACCEPTED: list[tuple[Callable[[str], object], str, object]] = [
    (values.parse_number, "60000", Decimal(60000)),
    (values.parse_number, "60_000", Decimal(60000)),
    (values.parse_number, "0.00001", Decimal("0.00001")),
    (values.parse_number, "1e-5", Decimal("0.00001")),
    (values.parse_number, "-.5", Decimal("-0.5")),
    (values.parse_whole_number, "-1_000", -1000),
    (values.parse_whole_number, "007", 7),
    (values.parse_flag, "true", True),
    (values.parse_flag, "false", False),
    (values.parse_ratio, "0.1%", Decimal("0.001")),
    (values.parse_ratio, "10bps", Decimal("0.001")),
    (values.parse_ratio, "0.001", Decimal("0.001")),
    (values.parse_ratio, "-6%", Decimal("-0.06")),
    (values.parse_ratio, "0.5", Decimal("0.5")),
    (values.parse_spread, "0.199", Decimal("0.199")),
    (values.parse_spread, "50%", Decimal("0.5")),
    (values.parse_spread, "-0.1", Decimal("-0.1")),
    (values.parse_duration, "500us", 500),
    (values.parse_duration, "250ms", 250_000),
    (values.parse_duration, "30s", 30_000_000),
    (values.parse_duration, "5m", 300_000_000),
    (values.parse_duration, "4h", 14_400_000_000),
    (values.parse_duration, "1d", 86_400_000_000),
    (values.parse_duration, "1h30m", 5_400_000_000),
    (values.parse_duration, "1.5s", 1_500_000),
    (values.parse_duration, "0s", 0),
    (values.parse_rate, "0.1/s", Decimal("0.1")),
    (values.parse_rate, "6/min", Decimal("0.1")),
    (values.parse_rate, "72/h", Decimal("0.02")),
    (values.parse_rate, "86400/day", Decimal(1)),
    (values.parse_amount, "0.01", Amount(Decimal("0.01"))),
    (values.parse_amount, "250 USDT", Amount(Decimal(250), "USDT")),
    (values.parse_amount, "-1 BTC", Amount(Decimal(-1), "BTC")),
    (values.parse_trading_pair, "BTC-USDT", "BTC-USDT"),
    (values.parse_trading_pair, "BTC/USDT", "BTC-USDT"),
    (values.parse_trading_pair, "BTC-USDT-PERP", "BTC-USDT-PERP"),
    (values.parse_trading_pair, "BTC/USDT:USDT", "BTC-USDT-PERP"),
    (values.parse_trading_pair, "1000PEPE-USDC", "1000PEPE-USDC"),
    (values.parse_time, "1970-01-02", 86_400_000_000),
    (values.parse_time, "1970-01-01T00:00:01Z", 1_000_000),
    (values.parse_time, "1970-01-01T02:00+02:00", 0),
    (values.parse_time, "1969-12-31T23:59:59.999999Z", -1),
    (values.parse_size, "20 MB", 20_000_000),
    (values.parse_size, "1.5KiB", 1536),
    (values.parse_gas_price, "60 gwei", 60_000_000_000),
    (values.parse_gas_price, "7 wei", 7),
]

REFUSED: list[tuple[Callable[[str], object], str, str, str]] = [
    (values.parse_number, "60,000", "is not a number", "write 1000000 or 1_000_000"),
    (values.parse_number, "nan", "is not a number", ""),
    (values.parse_number, "inf", "is not a number", ""),
    (values.parse_number, "1e999", "is not a number", ""),
    (values.parse_number, "1" * 41, "is not a number", ""),
    (values.parse_number, "٣", "is not a number", ""),
    (values.parse_number, "", "is not a number", ""),
    (values.parse_whole_number, "1.0", "is not a whole number", ""),
    (values.parse_whole_number, "1,000", "is not a whole number", "write 1000000 or 1_000_000"),
    (values.parse_flag, "yes", "is not true or false", "write true"),
    (values.parse_flag, "Off", "is not true or false", "write false"),
    (values.parse_flag, "maybe", "is not true or false", "write true or false"),
    (values.parse_ratio, "0.1 %", "is not a ratio", "write 0.1%, 10bps or 0.001"),
    (values.parse_ratio, "%", "is not a ratio", "write 0.1%, 10bps or 0.001"),
    (values.parse_spread, "0.5", "means 50%: bare numbers are fractions", "did you mean 0.5%?"),
    (values.parse_spread, "-1", "means -100%: bare numbers are fractions", "did you mean -1%?"),
    (values.parse_duration, "30 seconds", "is not a duration", "write 500ms, 30s, 5m, 4h, 1d or 1h30m"),
    (values.parse_duration, "30", "is not a duration", "write 500ms, 30s, 5m, 4h, 1d or 1h30m"),
    (values.parse_duration, "", "is not a duration", "write 500ms, 30s, 5m, 4h, 1d or 1h30m"),
    (values.parse_duration, "1s1h", "is not a duration", "write 500ms, 30s, 5m, 4h, 1d or 1h30m"),
    (values.parse_duration, "0.1us", "is finer than a microsecond", ""),
    (values.parse_duration, "99999d", "is longer than a hundred years", ""),
    (values.parse_rate, "4", "is not a rate", "write 0.1/s, 5/min, 60/h or 4/day"),
    (values.parse_rate, "x/s", "is not a rate", "write 0.1/s, 5/min, 60/h or 4/day"),
    (values.parse_amount, "250USDT", "is not an amount", "did you mean 250 USDT?"),
    (values.parse_amount, "250 usdt", "is not an amount", "did you mean 250 USDT?"),
    (values.parse_amount, "1,000 USDT", "is not an amount", "write 1000000 or 1_000_000"),
    (values.parse_amount, "much", "is not an amount", "write 0.01 (base units) or 250 USDT"),
    (values.parse_trading_pair, "BTCUSDT", "is not a trading pair", "did you mean BTC-USDT?"),
    (values.parse_trading_pair, "eth_btc", "is not a trading pair", "did you mean ETH-BTC?"),
    (
        values.parse_trading_pair,
        "USDT",
        "is not a trading pair",
        "write BTC-USDT or, for a perpetual, BTC-USDT-PERP",
    ),
    (
        values.parse_trading_pair,
        "BTC/USDT:EUR",
        "is not a trading pair",
        "write BTC-USDT or, for a perpetual, BTC-USDT-PERP",
    ),
    (values.parse_time, "tomorrow", "is not a date or time", "write 2025-10-01 or 2025-10-01T12:00:00Z"),
    (
        values.parse_time,
        "2025-10-01T12:00",
        "has a time but no offset from UTC",
        "did you mean 2025-10-01T12:00Z?",
    ),
    (values.parse_time, "2025-13-01", "is not a date or time: month must be in 1..12", ""),
    (values.parse_size, "20", "is not a size", "write 20 MB, 512 kB or 1 GiB"),
    (values.parse_gas_price, "60", "is not a gas price", "write 60 gwei"),
]


@pytest.mark.parametrize(("parse", "text", "value"), ACCEPTED)
def test_accepted(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(("parse", "text", "message", "hint"), REFUSED)
def test_refused(parse: Callable[[str], object], text: str, message: str, hint: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@given(st.decimals(min_value=-10, max_value=10, places=6))
def test_the_three_ways_to_write_a_ratio_are_equal(fraction: Decimal) -> None:
    written = (f"{fraction * 100:f}%", f"{fraction * 10_000:f}bps", f"{fraction:f}")
    assert {values.parse_ratio(text) for text in written} == {fraction}


@given(st.integers(0, 36_000 * 86_400_000_000))
def test_durations_in_any_unit(duration_us: int) -> None:
    seconds, us = divmod(duration_us, 1_000_000)
    hours, rest = divmod(seconds, 3600)
    assert values.parse_duration(f"{hours}h{rest}s{us}us") == duration_us


@given(st.sampled_from([row[0] for row in ACCEPTED]), st.text(max_size=60))
def test_any_text_is_a_value_or_a_bad_value(parse: Callable[[str], object], text: str) -> None:
    with suppress(BadValue):
        assert parse(text) is not None
