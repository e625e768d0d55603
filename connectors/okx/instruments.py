"""OKX's instruments → our rules. Spot, and swaps that are settled in quote. No I/O."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder

from connectors.base.decoding import Numbers
from connectors.okx.parse import venue_symbol
from connectors.okx.wire import Envelope, rows
from engine.model.enums import InstrumentKind
from engine.model.errors import BadMessage, TickwrightError
from engine.model.instrument import Instrument, instrument_id
from engine.model.money import ONE, ZERO

LIVE = "live"
NUMBERS_MAX = 4_096


class InstrumentRow(Struct, gc=False, rename="camel"):
    """A row of `public/instruments`. `uly` is BTC-USDT for all contracts on it."""

    inst_id: str
    inst_type: str
    state: str
    tick_sz: str
    lot_sz: str
    min_sz: str
    base_ccy: str = ""
    quote_ccy: str = ""
    settle_ccy: str = ""
    ct_val: str = ""
    ct_mult: str = ""
    ct_type: str = ""
    uly: str = ""
    lever: str = ""
    max_lmt_sz: str = ""
    inst_id_code: int | str | None = None


class FeeRow(Struct, gc=False, rename="camel"):
    """A row of `account/trade-fee`: negative when paid. Contracts settled in USDT have their own rates."""

    maker: str
    taker: str
    maker_u: str = ""
    taker_u: str = ""


_INSTRUMENTS = Decoder(Envelope[InstrumentRow])
_FEES = Decoder(Envelope[FeeRow])


def read_instruments(body: bytes) -> dict[str, InstrumentRow]:
    """The answer of `public/instruments` by instrument id. Raises BadMessage."""
    found: list[InstrumentRow] = rows(_INSTRUMENTS, body)
    return {row.inst_id: row for row in found}


def read_fees(body: bytes) -> tuple[Decimal, Decimal]:
    """(maker, taker) rates of the answer of `account/trade-fee`, positive when paid. Raises BadMessage."""
    found: list[FeeRow] = rows(_FEES, body)
    if not found:
        raise BadMessage("no fee rates")
    signed = Numbers(NUMBERS_MAX).signed
    return -signed(found[0].maker_u or found[0].maker), -signed(found[0].taker_u or found[0].taker)


def open_markets(venue: str, listed: dict[str, InstrumentRow], pairs: Iterable[str]) -> list[Instrument]:
    """Those of our symbols (BTC-USDT, BTC-USDT-PERP) that are traded now. Raises BadMessage."""
    rows_of = {pair: listed.get(venue_symbol(pair)) for pair in pairs}
    return [read_instrument(venue, pair, row) for pair, row in rows_of.items() if row is not None and row.state == LIVE]


def read_instrument(venue: str, symbol: str, row: InstrumentRow) -> Instrument:
    """One market's rules; quantities of swaps are contracts. Raises BadMessage; TickwrightError about inverse ones."""
    numbers = Numbers(NUMBERS_MAX)
    is_spot = row.inst_type == "SPOT"
    base, quote = (row.base_ccy, row.quote_ccy) if is_spot else row.uly.split("-", 1)
    if not is_spot and row.settle_ccy != quote:
        raise TickwrightError(f"{symbol} is settled in {row.settle_ccy}, not in {quote}\n  fix: use a linear swap")
    return Instrument(
        instrument_id=instrument_id(venue, symbol),
        venue=venue,
        symbol=symbol,
        base=base,
        quote=quote,
        price_step=numbers[row.tick_sz],
        quantity_step=numbers[row.lot_sz],
        quantity_min=numbers[row.min_sz],
        quantity_max=numbers[row.max_lmt_sz] if row.max_lmt_sz else ZERO,
        kind=InstrumentKind.SPOT if is_spot else InstrumentKind.PERPETUAL,
        venue_symbol=row.inst_id,
        settle="" if is_spot else row.settle_ccy,
        contract_size=ONE if is_spot else numbers[row.ct_val] * numbers[row.ct_mult or "1"],
        fee_asset=base if is_spot else "",
        leverage_max=1 if is_spot else int(numbers[row.lever or "1"]),
    )
