"""Binance's `exchangeInfo` and fee rates → instruments and limits, and the rights of a key. No I/O.

Spot, and futures that are settled in their quote currency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct, field
from msgspec.json import Decoder

from connectors.base.decoding import Numbers, decode
from connectors.base.rate_limit import Limit
from connectors.binance.parse import Stamp, microseconds
from connectors.binance.sheet import ORDERS_1D, ORDERS_1M, ORDERS_10S, RAW, WEIGHT
from engine.core.venue_sheet import SECOND_US
from engine.model.enums import InstrumentKind
from engine.model.errors import BadMessage
from engine.model.greeting import KeyRights
from engine.model.instrument import Instrument, instrument_id
from engine.model.money import ZERO

TRADING = "TRADING"
PERPETUAL = "PERPETUAL"
KINDS = {"": "", PERPETUAL: "-PERP"}  # ends of our names, by kind of contract
INTERVAL_US = {"SECOND": SECOND_US, "MINUTE": 60 * SECOND_US, "HOUR": 3600 * SECOND_US, "DAY": 86_400 * SECOND_US}
_LIMIT_NAMES = {
    ("REQUEST_WEIGHT", "MINUTE", 1): WEIGHT,
    ("RAW_REQUESTS", "MINUTE", 5): RAW,
    ("ORDERS", "SECOND", 10): ORDERS_10S,
    ("ORDERS", "MINUTE", 1): ORDERS_1M,
    ("ORDERS", "DAY", 1): ORDERS_1D,
}
_numbers = Numbers(4_096)


class _Filter(Struct, gc=False, rename="camel"):
    filter_type: str
    tick_size: str = "0"
    min_price: str = "0"
    max_price: str = "0"
    step_size: str = "0"
    min_qty: str = "0"
    max_qty: str = "0"
    min_notional: str = "0"
    notional: str = "0"  # futures


class _Symbol(Struct, gc=False, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    filters: list[_Filter]
    contract_type: str = ""  # futures
    margin_asset: str = ""

    @property
    def pair(self) -> str:
        """Ours: BTC-USDT, BTC-USDT-PERP; contracts that expire are named too, and never asked for."""
        kind = KINDS.get(self.contract_type, self.contract_type)
        return f"{self.base_asset}-{self.quote_asset}{kind}"


class RateLimit(Struct, gc=False, rename="camel"):
    """A limit; answers on sockets say with it how much of it is used."""

    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int
    count: int = 0

    @property
    def name(self) -> str | None:
        """Ours; None: it is not known here."""
        return _LIMIT_NAMES.get((self.rate_limit_type, self.interval, self.interval_num))


class ExchangeInfo(Struct, gc=False, rename="camel"):
    """What is traded, and how much may be asked."""

    symbols: list[_Symbol]
    rate_limits: list[RateLimit] = []


class _Rates(Struct, gc=False):
    maker: str
    taker: str


class _Commission(Struct, gc=False, rename="camel"):
    standard_commission: _Rates
    tax_commission: _Rates | None = None
    special_commission: _Rates | None = None


class _Restrictions(Struct, gc=False, rename="camel"):
    ip_restrict: bool
    enable_spot_and_margin_trading: bool
    enable_withdrawals: bool
    enable_internal_transfer: bool
    permits_universal_transfer: bool
    enable_futures: bool = False


class _Time(Struct, gc=False):
    at: Stamp = field(name="serverTime")


_TIME = Decoder(_Time)
_INFO = Decoder(ExchangeInfo)
_COMMISSION = Decoder(_Commission)
_RESTRICTIONS = Decoder(_Restrictions)


def read_time(body: bytes) -> int:
    """The venue's time in µs from the answer of `time`. Raises BadMessage."""
    return microseconds(decode(_TIME, body).at)


def read_info(body: bytes) -> ExchangeInfo:
    """The answer of `exchangeInfo`. Raises BadMessage."""
    return decode(_INFO, body)


def read_fees(body: bytes) -> tuple[Decimal, Decimal]:
    """Maker and taker rate from the answer of `account/commission`, all kinds together. Raises BadMessage."""
    raw = decode(_COMMISSION, body)
    kinds = [each for each in (raw.standard_commission, raw.tax_commission, raw.special_commission) if each]
    return sum((_numbers[each.maker] for each in kinds), ZERO), sum((_numbers[each.taker] for each in kinds), ZERO)


def read_rights(body: bytes, *, futures: bool = False) -> KeyRights:
    """What the key may do, from the answer of `account/apiRestrictions`. Raises BadMessage."""
    raw = decode(_RESTRICTIONS, body)
    moves_money = raw.enable_withdrawals or raw.enable_internal_transfer or raw.permits_universal_transfer
    trades = raw.enable_futures if futures else raw.enable_spot_and_margin_trading
    return KeyRights(trades, moves_money, raw.ip_restrict)


def read_limits(info: ExchangeInfo, known: Mapping[str, Limit]) -> dict[str, Limit]:
    """The limits that are known here, with the venue's numbers."""
    found = dict(known)
    for row in info.rate_limits:
        name = row.name
        if name is not None and name in found:
            found[name] = Limit(row.limit, row.interval_num * INTERVAL_US[row.interval], aligned=True)
    return found


def closed(info: ExchangeInfo) -> dict[str, str]:
    """Symbols that are not open for trading, and the venue's word for it."""
    return {each.symbol: each.status for each in info.symbols if each.status != TRADING}


def read_instruments(info: ExchangeInfo, venue: str, pairs: Sequence[str]) -> dict[str, Instrument]:
    """Binance's symbols → instruments, for our pairs (BTC-USDT, BTC-USDT-PERP) that are there. Raises BadMessage."""
    wanted = set(pairs)
    return {each.symbol: _instrument(each, venue) for each in info.symbols if each.pair in wanted}


def _instrument(raw: _Symbol, venue: str) -> Instrument:
    filters = {each.filter_type: each for each in raw.filters}
    prices, lots = _needed(filters, "PRICE_FILTER", raw.symbol), _needed(filters, "LOT_SIZE", raw.symbol)
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL")
    return Instrument(
        instrument_id=instrument_id(venue, raw.pair),
        venue=venue,
        symbol=raw.pair,
        base=raw.base_asset,
        quote=raw.quote_asset,
        price_step=_numbers[prices.tick_size].normalize(),
        quantity_step=_numbers[lots.step_size].normalize(),
        quantity_min=_numbers[lots.min_qty],
        quantity_max=_numbers[lots.max_qty],
        notional_min=max(_numbers[notional.min_notional], _numbers[notional.notional]) if notional else ZERO,
        price_min=_numbers[prices.min_price],
        price_max=_numbers[prices.max_price],
        venue_symbol=raw.symbol,
        kind=InstrumentKind.PERPETUAL if raw.contract_type else InstrumentKind.SPOT,
        settle=raw.margin_asset,
    )


def _needed(filters: Mapping[str, _Filter], kind: str, symbol: str) -> _Filter:
    if kind not in filters:
        raise BadMessage(f"{symbol} has no filter {kind}")
    return filters[kind]
