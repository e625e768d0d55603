"""What an operator hears: code, where, what with both numbers, consequence, and how to mend it."""

from decimal import Decimal

from msgspec import Struct

from engine.model.money import to_text


class Notice(Struct, frozen=True, gc=False, tag=True, array_like=True):
    """One condition. `where` is a venue, an instrument id, a strategy, or "" for the whole bot."""

    code: str
    where: str
    text: str
    fix: str
    at_us: int

    def lines(self) -> str:
        """The same on a log, a terminal, the API and in a notification."""
        first = f"{self.code:<8} {self.where}: {self.text}" if self.where else f"{self.code:<8} {self.text}"
        return f"{first}\n         fix: {self.fix}" if self.fix else first


def show_amount(amount: Decimal) -> str:
    """`29,086` from a thousand on, two decimals from 1 on, else all its digits."""
    if abs(amount) >= 1000:
        return f"{amount:,.0f}"
    return f"{amount:.2f}" if abs(amount) >= 1 else show_number(amount)


def show_number(number: Decimal) -> str:
    """All digits but trailing zeros."""
    return to_text(number.normalize())


def show_percent(ratio: Decimal) -> str:
    """`3%`, `-3.05%`: at most two decimals."""
    return show_number((ratio * 100).quantize(Decimal("0.01"))) + "%"


def show_seconds(duration_us: int) -> str:
    """`3.2 s`."""
    tenths = Decimal(duration_us // 100_000) / 10
    return f"{tenths:f} s"
