"""Figures for people, from the texts of a status. `-` stands for what is not known."""

from decimal import Decimal

ZERO = Decimal(0)


def amount(value: str | None) -> str:
    """`28,795.61`."""
    return "-" if value is None else f"{Decimal(value):,.2f}"


def signed(value: str | None, sign: int = 1) -> str:
    """`+11.84`."""
    return "-" if value is None else f"{sign * Decimal(value) + ZERO:+,.2f}"


def percent(value: str | None) -> str:
    """`-3.05%`."""
    return "-" if value is None else f"{Decimal(value) * 100:.2f}%"


def change(value: str | None) -> str:
    """`+0.017%`."""
    return "-" if value is None else f"{Decimal(value) * 100:+.3f}%"


def price(value: str | None) -> str:
    """All digits, with thousands separated."""
    return "-" if value is None else f"{Decimal(value):,f}"


def quantity(value: str | None) -> str:
    """`28,800.90075`: all digits but trailing zeros."""
    return "-" if value is None else f"{Decimal(value).normalize():,f}"


def rough(value: str | None) -> str:
    """`28,800.9`: as many digits as anybody reads."""
    if value is None:
        return "-"
    number = Decimal(value)
    return quantity(str(round(number, 2 if abs(number) >= 1000 else 8)))


def clock(duration_us: int) -> str:
    """`00:04:12`."""
    seconds = duration_us // 1_000_000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
