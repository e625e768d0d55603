"""Types of fields: text and typed values, bounds, marks."""

from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from engine.schema import fields
from engine.schema.base import ConfigModel, StrategyConfig
from engine.schema.fields import setting, within
from engine.schema.values import Amount, BadValue, parse_duration


class Plain(ConfigModel):
    flag: bool = False
    whole: int = setting("3", ge=1, le=20, doc="how many", example="3", live=True)
    exact: Decimal = Decimal(1)
    statistic: float = 0.5
    maybe: int | None = None


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("Ratio", "-1%", Decimal("-0.01")),
        ("Ratio", Decimal("0.3"), Decimal("0.3")),
        ("Spread", "0%", Decimal(0)),
        ("Fee", "-1bps", Decimal("-0.0001")),
        ("Share", 1, 1),
        ("DurationUs", 5, 5),
        ("PositiveDurationUs", "1us", 1),
        ("RatePerSecond", "60/min", Decimal(1)),
        ("Amount", Amount(Decimal(1)), Amount(Decimal(1))),
        ("SignedAmount", "-1", Amount(Decimal(-1))),
        ("Number", "-1e-3", Decimal("-0.001")),
        ("PositiveDecimal", 2, 2),
        ("NonNegativeDecimal", "0", Decimal(0)),
        ("Price", "60_000", Decimal(60000)),
        ("TradingPair", "BTC/USDT", "BTC-USDT"),
        ("TimeUs", "1970-01-01", 0),
        ("ByteSize", "1 kB", 1000),
        ("GasPrice", "1 gwei", 10**9),
        ("Name", "btc-maker-1", "btc-maker-1"),
    ],
)
def test_accepted(name: str, value: object, read: object) -> None:
    assert TypeAdapter(getattr(fields, name)).validate_python(value) == read


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Ratio", 0.1, "is not a ratio"),
        ("Ratio", True, "is not a ratio"),
        ("Spread", "-0.1%", "must not be negative"),
        ("Spread", "100%", "must be below 100%"),
        ("Fee", "-100%", "must be below 100%"),
        ("Share", "101%", "must be between 0% and 100%"),
        ("DurationUs", -1, "must not be negative"),
        ("PositiveDurationUs", "0s", "must be greater than 0"),
        ("RatePerSecond", "-1/s", "must not be negative"),
        ("Amount", "0", "must be greater than 0"),
        ("Amount", Decimal(1), "is not an amount"),
        ("PositiveDecimal", "0", "must be greater than 0"),
        ("NonNegativeDecimal", "-1", "must not be negative"),
        ("TradingPair", 5, "is not a trading pair"),
        ("Name", "A", "is not a name"),
        ("Name", 5, "is not a name"),
    ],
)
def test_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(getattr(fields, name)).validate_python(value)
    reason = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(reason, BadValue)
    assert reason.message == message


def test_plain_types_read_the_notation_of_files() -> None:
    read = Plain.model_validate({"flag": "true", "whole": "1_0", "exact": "0.10", "statistic": "1e-3", "maybe": "4"})
    assert read == Plain(flag=True, whole=10, exact=Decimal("0.10"), statistic=0.001, maybe=4)
    assert str(read.exact) == "0.10"
    assert Plain(maybe=None).maybe is None


@pytest.mark.parametrize(
    "values",
    [
        {"flag": "yes"},
        {"flag": 1},
        {"whole": "2.0"},
        {"whole": 2.0},
        {"whole": True},
        {"whole": "21"},
        {"exact": 0.1},
        {"exact": "nan"},
        {"statistic": "inf"},
        {"maybe": "x"},
        {"unknown": "1"},
    ],
)
def test_plain_types_refuse(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Plain.model_validate(values)


def test_a_float_is_told_to_be_text() -> None:
    with pytest.raises(ValidationError, match="write it as text"):
        Plain(exact=0.1)  # type: ignore[arg-type]


def test_defaults_are_checked_and_models_frozen() -> None:
    class Wrong(ConfigModel):
        tick: fields.DurationUs = setting("1 second")

    with pytest.raises(ValidationError):
        Wrong()
    with pytest.raises(ValidationError):
        Plain().whole = 4


def test_marks_reach_the_json_schema() -> None:
    whole = Plain.model_json_schema()["properties"]["whole"]
    assert whole["live"] is True
    assert (whole["description"], whole["examples"]) == ("how many", ["3"])
    assert (whole["minimum"], whole["maximum"]) == (1, 20)
    assert "secret" not in whole


def test_bounds_in_the_notation_of_the_setting() -> None:
    class Timed(ConfigModel):
        tick: Annotated[fields.DurationUs, within(parse_duration, "10ms", "1h")] = setting("1s")

    assert Timed(tick="1h").tick == 3_600_000_000  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="must be from 10ms to 1h"):
        Timed(tick="9ms")  # type: ignore[arg-type]


def test_a_strategy_may_be_named_in_two_ways() -> None:
    assert StrategyConfig(kind="grid").use == ""
    assert StrategyConfig(use="package.module:Class").kind == ""
