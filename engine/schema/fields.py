"""Types of settings: annotate a `ConfigModel` field with one of them and the text of the file becomes an exact value.

Each reads the notation of `engine.schema.values` and also takes the value itself (`Decimal`, `int` …) from Python code,
but never a float where the value is exact.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, WithJsonSchema
from pydantic.config import JsonDict

from engine.schema import values
from engine.schema.base import reader
from engine.schema.values import BadValue

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,40}")


def setting(
    default: Any = ...,
    *,
    doc: str = "",
    example: str = "",
    live: bool = False,
    env: bool = False,
    secret: bool = False,
    **constraints: Any,
) -> Any:
    """A field of a `ConfigModel`, with what documentation, JSON Schema and hints say about it.

    `doc` is one line without a full stop, `example` a value as written in a file. `live`: may change while the bot
    runs. `env`: `${NAME}` is replaced from the environment. `secret`: never shown, never a literal. `constraints` are
    pydantic's (`ge`, `le`, `max_length` …).
    """
    marks: JsonDict = {name: True for name, on in (("live", live), ("env", env), ("secret", secret)) if on}
    return Field(
        default,
        description=doc or None,
        examples=[example] if example else None,
        json_schema_extra=marks or None,
        **constraints,
    )


def _reads(parse: Callable[[str], object], noun: str, *accepted: type) -> BeforeValidator:
    return BeforeValidator(reader(parse, noun, *accepted))


def _above_zero(value: Any) -> Any:
    if value <= 0:
        raise BadValue("must be greater than 0")
    return value


def _not_negative(value: Any) -> Any:
    if value < 0:
        raise BadValue("must not be negative")
    return value


def _below_one(value: Decimal) -> Decimal:
    if abs(value) >= 1:
        raise BadValue("must be below 100%")
    return value


def _from_zero_to_one(value: Decimal) -> Decimal:
    if not 0 <= value <= 1:
        raise BadValue("must be between 0% and 100%", "write 50% or 0.5")
    return value


def _amount_above_zero(value: values.Amount) -> values.Amount:
    _above_zero(value.number)
    return value


def _name(value: object) -> object:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise BadValue("is not a name", "use 2 to 41 of a-z, 0-9 and -, for example btc-maker")
    return value


def within(parse: Callable[[str], int], low: str, high: str) -> AfterValidator:
    """Bounds, both included, written and reported in the setting's own notation."""
    lowest, highest = parse(low), parse(high)

    def check(value: int) -> int:
        if not lowest <= value <= highest:
            raise BadValue(f"must be from {low} to {high}")
        return value

    return AfterValidator(check)


def _json(description: str, *types: str) -> WithJsonSchema:
    return WithJsonSchema({"type": list(types) or "string", "description": description})


_RATIO_JSON = _json("0.1%, 10bps or 0.001", "string", "number")
_DURATION_JSON = _json("500ms, 30s, 5m, 4h, 1d or 1h30m")
_AMOUNT_JSON = _json("0.01 (base units) or 250 USDT", "string", "number")
_NUMBER_JSON = _json("60000, 60_000 or 1e-5", "string", "number")

Ratio = Annotated[Decimal, _reads(values.parse_ratio, "a ratio", Decimal, int), _RATIO_JSON]
"""A signed fraction of something: 0.001 is 0.1%."""

Spread = Annotated[
    Decimal,
    _reads(values.parse_spread, "a spread", Decimal, int),
    AfterValidator(_not_negative),
    AfterValidator(_below_one),
    _RATIO_JSON,
]
"""A distance from a price as a fraction of it, 0 <= spread < 1."""

Fee = Annotated[
    Decimal, _reads(values.parse_spread, "a fee rate", Decimal, int), AfterValidator(_below_one), _RATIO_JSON
]
"""A fraction of the notional; negative is a rebate."""

Share = Annotated[
    Decimal,
    _reads(values.parse_ratio, "a share", Decimal, int),
    AfterValidator(_from_zero_to_one),
    _json("50% or 0.5", "string", "number"),
]
"""A part of a whole, 0 <= share <= 1."""

DurationUs = Annotated[
    int, _reads(values.parse_duration, "a duration", int), AfterValidator(_not_negative), _DURATION_JSON
]
"""Microseconds, >= 0."""

PositiveDurationUs = Annotated[
    int, _reads(values.parse_duration, "a duration", int), AfterValidator(_above_zero), _DURATION_JSON
]
"""Microseconds, > 0."""

RatePerSecond = Annotated[
    Decimal,
    _reads(values.parse_rate, "a rate", Decimal, int),
    AfterValidator(_not_negative),
    _json("0.1/s, 5/min, 60/h or 4/day"),
]
"""How often something happens, per second, >= 0."""

Amount = Annotated[
    values.Amount,
    _reads(values.parse_amount, "an amount", values.Amount),
    AfterValidator(_amount_above_zero),
    _AMOUNT_JSON,
]
"""A quantity > 0 of the base or of a named asset."""

SignedAmount = Annotated[values.Amount, _reads(values.parse_amount, "an amount", values.Amount), _AMOUNT_JSON]
"""A quantity of either sign, of the base or of a named asset."""

Number = Annotated[Decimal, _reads(values.parse_number, "a number", Decimal, int), _NUMBER_JSON]
"""An exact number of either sign."""

PositiveDecimal = Annotated[
    Decimal, _reads(values.parse_number, "a number", Decimal, int), AfterValidator(_above_zero), _NUMBER_JSON
]
"""An exact number > 0."""

NonNegativeDecimal = Annotated[
    Decimal, _reads(values.parse_number, "a number", Decimal, int), AfterValidator(_not_negative), _NUMBER_JSON
]
"""An exact number >= 0."""

Price = PositiveDecimal
"""A price in quote per base, > 0."""

TradingPair = Annotated[
    str,
    _reads(values.parse_trading_pair, "a trading pair"),
    _json("BTC-USDT, BTC/USDT, BTC-USDT-PERP or BTC/USDT:USDT"),
]
"""`BTC-USDT`, for a perpetual `BTC-USDT-PERP`."""

TimeUs = Annotated[int, _reads(values.parse_time, "a date or time", int), _json("2025-10-01 or 2025-10-01T12:00:00Z")]
"""Microseconds since the epoch, UTC."""

ByteSize = Annotated[int, _reads(values.parse_size, "a size", int), AfterValidator(_not_negative), _json("20 MB")]
"""Bytes, >= 0."""

GasPrice = Annotated[
    int, _reads(values.parse_gas_price, "a gas price", int), AfterValidator(_not_negative), _json("60 gwei")
]
"""Wei, >= 0."""

Name = Annotated[str, BeforeValidator(_name)]
"""What a bot or strategy is called: 2 to 41 lower-case letters, digits and hyphens."""

Secret = SecretStr
"""A key or password; mark the field `setting(env=True, secret=True)`."""
