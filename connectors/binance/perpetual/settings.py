"""How a futures account is set up: its mode, leverage, rates of fees, and listen key. No I/O.

Pages: "Get Current Position Mode", "Symbol Configuration", "Notional and Leverage Brackets", "User Commission Rate",
"Start User Data Stream".
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder

from connectors.base.credentials import Secret
from connectors.base.decoding import Numbers, decode
from engine.model.errors import BadMessage

_numbers = Numbers(256)


class _Mode(Struct, gc=False, rename="camel"):
    dual_side_position: bool


class _Configuration(Struct, gc=False):
    symbol: str
    leverage: int


class _Bracket(Struct, gc=False, rename="camel"):
    initial_leverage: int


class _Brackets(Struct, gc=False):
    symbol: str
    brackets: list[_Bracket]


class _Rates(Struct, gc=False, rename="camel"):
    maker_commission_rate: str
    taker_commission_rate: str


class _ListenKey(Struct, gc=False, rename="camel"):
    listen_key: str


_MODE = Decoder(_Mode)
_CONFIGURATIONS = Decoder(list[_Configuration])
_BRACKETS = Decoder(list[_Brackets])
_RATES = Decoder(_Rates)
_LISTEN_KEY = Decoder(_ListenKey)


def read_hedged(body: bytes) -> bool:
    """Whether the account holds long and short positions apart, from the answer of `positionSide/dual`."""
    return decode(_MODE, body).dual_side_position


def read_leverage(body: bytes, symbol: str) -> Decimal:
    """Of one market, from the answer of `symbolConfig`. Raises BadMessage."""
    for row in decode(_CONFIGURATIONS, body):
        if row.symbol == symbol and row.leverage > 0:
            return Decimal(row.leverage)
    raise BadMessage(f"no leverage of {symbol}")


def read_leverage_max(body: bytes, symbol: str) -> int:
    """Of the smallest positions in one market, from the answer of `leverageBracket`. Raises BadMessage."""
    for row in decode(_BRACKETS, body):
        if row.symbol == symbol and row.brackets:
            return max(each.initial_leverage for each in row.brackets)
    raise BadMessage(f"no brackets of {symbol}")


def read_fees(body: bytes) -> tuple[Decimal, Decimal]:
    """Maker and taker rate, negative for rebates, from the answer of `commissionRate`. Raises BadMessage."""
    raw = decode(_RATES, body)
    return _numbers.signed(raw.maker_commission_rate), _numbers.signed(raw.taker_commission_rate)


def read_listen_key(body: bytes) -> Secret:
    """Who knows it hears what the account does. Raises BadMessage."""
    key = decode(_LISTEN_KEY, body).listen_key
    if not (key.isalnum() and key.isascii() and len(key) < 200):
        raise BadMessage("that is no listen key")
    return Secret(key)
