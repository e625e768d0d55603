"""The notation of setting values: one pure parser a kind, from the text of a configuration file to an exact value.

Every parser takes text as it stands in the file and raises `BadValue`. Nothing here knows pydantic.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from engine.model.money import ZERO

_NUMBER = re.compile(r"[+-]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]{1,2})?")
_NUMBER_DIGITS_MAX = 40
_WHOLE = re.compile(r"[+-]?[0-9][0-9_]*")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_BARE_SPREAD_MAX = Decimal("0.2")

_DURATION_UNITS_US = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
_DURATION = re.compile("".join(rf"(?:([0-9]+(?:\.[0-9]+)?){unit})?" for unit in _DURATION_UNITS_US))
_DURATION_MAX_US = 36_500 * 86_400_000_000

_RATE = re.compile(r"([^/ ]+)/(s|min|h|day)")
_RATE_UNITS_S = {"s": 1, "min": 60, "h": 3_600, "day": 86_400}

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(B|kB|MB|GB|KiB|MiB|GiB)")
_SIZE_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_GAS_PRICE = re.compile(r"([0-9]+(?:\.[0-9]+)?) (wei|gwei)")
_GAS_UNITS_WEI = {"wei": 1, "gwei": 10**9}

_ASSET = "[A-Z0-9]{1,20}"
_AMOUNT = re.compile(rf"([^ ]+)(?: ({_ASSET}))?")
_PAIR = re.compile(rf"({_ASSET})[-/]({_ASSET})(?:(-PERP)|:({_ASSET}))?")
_QUOTES = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "DAI", "USD", "EUR", "GBP", "TRY", "BTC", "ETH", "BNB")

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadValue(ValueError):
    """A value that cannot be used. `message` continues a sentence that begins with the value, `hint` says how to mend.

    Neither repeats more of the value than a mended form of it: the value may have come from the environment.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message
        self.hint = hint


class Amount(NamedTuple):
    """A quantity of `asset`, or of the base asset where `asset` is empty."""

    number: Decimal
    asset: str = ""


def parse_number(text: str) -> Decimal:
    """`60000`, `60_000`, `0.00001`, `1e-5`. Finite, at most 40 digits and a two-digit exponent."""
    if not _NUMBER.fullmatch(text) or len(text) > _NUMBER_DIGITS_MAX:
        raise BadValue("is not a number", "write 1000000 or 1_000_000" if _THOUSANDS.fullmatch(text) else "")
    return Decimal(text)


def parse_whole_number(text: str) -> int:
    """`3`, `-3`, `1_000`."""
    if not _WHOLE.fullmatch(text) or len(text) > _NUMBER_DIGITS_MAX:
        raise BadValue("is not a whole number", "write 1000000 or 1_000_000" if _THOUSANDS.fullmatch(text) else "")
    return int(text)


def parse_flag(text: str) -> bool:
    """`true` or `false`, nothing else: what YAML 1.1 calls true is refused with a hint."""
    if text in ("true", "false"):
        return text == "true"
    word = text.lower()
    hint = "write true" if word in ("yes", "on", "true", "y", "1") else "write true or false"
    raise BadValue("is not true or false", "write false" if word in ("no", "off", "false", "n", "0") else hint)


def parse_ratio(text: str) -> Decimal:
    """`0.1%`, `10bps` or `0.001` as a fraction, here 0.001."""
    for suffix, scale in (("%", Decimal("0.01")), ("bps", Decimal("0.0001"))):
        number = text.removesuffix(suffix)
        if number != text and _NUMBER.fullmatch(number):
            return parse_number(number) * scale
    if _NUMBER.fullmatch(text):
        return parse_number(text)
    raise BadValue("is not a ratio", "write 0.1%, 10bps or 0.001")


def parse_spread(text: str) -> Decimal:
    """A ratio; a bare number of 0.2 or more is refused, because other programs write percent here."""
    ratio = parse_ratio(text)
    if abs(ratio) >= _BARE_SPREAD_MAX and not text.endswith(("%", "bps")):
        percent = f"{(ratio * 100).normalize():f}%"
        raise BadValue(f"means {percent}: bare numbers are fractions", f"did you mean {text}%?")
    return ratio


def parse_duration(text: str) -> int:
    """`500us`, `250ms`, `30s`, `5m`, `4h`, `1d`, `1h30m` in microseconds; parts from long to short, each once."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise BadValue("is not a duration", "write 500ms, 30s, 5m, 4h, 1d or 1h30m")
    parts = zip(match.groups(), _DURATION_UNITS_US.values(), strict=True)
    total_us = sum((Decimal(number) * unit_us for number, unit_us in parts if number), ZERO)
    if total_us % 1:
        raise BadValue("is finer than a microsecond")
    if total_us > _DURATION_MAX_US:
        raise BadValue("is longer than a hundred years")
    return int(total_us)


def parse_rate(text: str) -> Decimal:
    """`0.1/s`, `5/min`, `60/h`, `4/day` as a number per second."""
    match = _RATE.fullmatch(text)
    if match is None or not _NUMBER.fullmatch(match[1]):
        raise BadValue("is not a rate", "write 0.1/s, 5/min, 60/h or 4/day")
    return parse_number(match[1]) / _RATE_UNITS_S[match[2]]


def parse_amount(text: str) -> Amount:
    """`0.01` (base units) or `250 USDT`."""
    match = _AMOUNT.fullmatch(text)
    if match is not None and _NUMBER.fullmatch(match[1]):
        return Amount(parse_number(match[1]), match[2] or "")
    joined = re.fullmatch(r"([+-]?[0-9][0-9_.]*) ?([A-Za-z][A-Za-z0-9]*)", text)
    if joined is not None:
        raise BadValue("is not an amount", f"did you mean {joined[1]} {joined[2].upper()}?")
    thousands = _THOUSANDS.fullmatch(text.split(" ", maxsplit=1)[0])
    raise BadValue(
        "is not an amount", "write 1000000 or 1_000_000" if thousands else "write 0.01 (base units) or 250 USDT"
    )


def parse_trading_pair(text: str) -> str:
    """`BTC-USDT`, `BTC/USDT`, `BTC-USDT-PERP`, `BTC/USDT:USDT` as `BTC-USDT` or `BTC-USDT-PERP`."""
    match = _PAIR.fullmatch(text)
    if match is not None and match[1] != match[2] and match[4] in (None, match[1], match[2]):
        return f"{match[1]}-{match[2]}" + ("-PERP" if match[3] or match[4] else "")
    raise BadValue("is not a trading pair", _pair_hint(text))


def _pair_hint(text: str) -> str:
    word = re.sub(r"[_/ :-]+", "-", text.strip().upper())
    if "-" not in word:
        quote = next((quote for quote in _QUOTES if word.endswith(quote) and len(word) > len(quote)), "")
        word = f"{word.removesuffix(quote)}-{quote}"
    return f"did you mean {word}?" if _PAIR.fullmatch(word) else "write BTC-USDT or, for a perpetual, BTC-USDT-PERP"


def parse_time(text: str) -> int:
    """`2025-10-01` (midnight UTC), `2025-10-01T12:00:00Z`, `2025-10-01T12:00+02:00` in microseconds since the epoch."""
    match = _TIME.fullmatch(text)
    if match is None and not _DATE.fullmatch(text):
        raise BadValue("is not a date or time", "write 2025-10-01 or 2025-10-01T12:00:00Z")
    if match is not None and match[1] is None:
        raise BadValue("has a time but no offset from UTC", f"did you mean {text}Z?")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadValue(f"is not a date or time: {error}") from error
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def parse_size(text: str) -> int:
    """`20 MB`, `512 KiB` in bytes."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise BadValue("is not a size", "write 20 MB, 512 kB or 1 GiB")
    return int(Decimal(match[1]) * _SIZE_UNITS[match[2]])


def parse_gas_price(text: str) -> int:
    """`60 gwei` in wei."""
    match = _GAS_PRICE.fullmatch(text)
    if match is None:
        raise BadValue("is not a gas price", "write 60 gwei")
    return int(Decimal(match[1]) * _GAS_UNITS_WEI[match[2]])
