"""OKX's words about an account that trades swaps → events: positions, and money that moves without a trade. No I/O.

Pages: "Trading Account". Quantities are in contracts. Only positions in traded instruments are read; what moves money
counts, whatever it belongs to.
"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder

from connectors.base.decoding import Numbers, decode
from connectors.okx.parse import NUMBERS_MAX
from connectors.okx.wire import Envelope, Frame, rows, stamp_us
from engine.model.account import Position
from engine.model.errors import BadMessage
from engine.model.event import AccountSnapshot, TransferSeen
from engine.model.money import ZERO

CHANNEL = "positions"
BILLS = {"1": "transfer", "8": "funding"}  # types of bills that are no trades


class _Position(Struct, gc=False, rename="camel"):
    inst_id: str
    pos: str
    pos_side: str
    avg_px: str = ""
    realized_pnl: str = ""
    margin: str = ""
    imr: str = ""
    liq_px: str = ""


class BillRow(Struct, gc=False, rename="camel"):
    """A row of `account/bills`: what moved money."""

    bill_id: str
    ccy: str
    bal_chg: str
    type: str
    ts: str
    inst_id: str = ""


class LeverageRow(Struct, gc=False, rename="camel"):
    """A row of `account/leverage-info`."""

    inst_id: str
    lever: str


_POSITIONS, _POSITION_ANSWER = Decoder(list[_Position]), Decoder(Envelope[_Position])
_BILL_ANSWER = Decoder(Envelope[BillRow])
_LEVERAGE_ANSWER = Decoder(Envelope[LeverageRow])


def read_leverage(body: bytes) -> dict[str, Decimal]:
    """The answer of `account/leverage-info` by instrument id. Raises BadMessage."""
    numbers = Numbers(NUMBERS_MAX)
    found: list[LeverageRow] = rows(_LEVERAGE_ANSWER, body)
    return {row.inst_id: numbers[row.lever] for row in found}


class MarginParser:
    """Parses for one account. `symbols` maps OKX's instrument ids to ours."""

    def __init__(self, venue: str, symbols: Mapping[str, str]) -> None:
        self._venue = venue
        self._symbols = dict(symbols)
        self._numbers = Numbers(NUMBERS_MAX)

    def push(self, frame: Frame, receive_us: int) -> list[AccountSnapshot]:
        """The positions of one push of their channel; others stay as they were. Raises BadMessage."""
        held = self._held(decode(_POSITIONS, frame.data))
        return [AccountSnapshot(self._venue, receive_us, receive_us, complete=False, positions=held)]

    def positions(self, body: bytes) -> tuple[Position, ...]:
        """The answer of `account/positions`: of every traded instrument, those that are flat too. Raises BadMessage."""
        flat = {name: Position(name, ZERO) for name in self._symbols.values()}
        held = {each.instrument_id: each for each in self._held(rows(_POSITION_ANSWER, body))}
        return tuple((flat | held).values())

    def bill_rows(self, body: bytes) -> list[BillRow]:
        """The answer of `account/bills` as it is, newest first. Raises BadMessage."""
        found: list[BillRow] = rows(_BILL_ANSWER, body)
        return found

    def posting(self, row: BillRow, receive_us: int) -> TransferSeen:
        """One bill of a kind that was asked for. Raises BadMessage."""
        kind, amount = BILLS.get(row.type), self._numbers.signed(row.bal_chg)
        if kind is None:
            raise BadMessage(f"bill {row.bill_id[:40]!r} is of type {row.type[:20]!r}")
        name = self._symbols.get(row.inst_id, "")
        return TransferSeen(self._venue, row.ccy, amount, kind, row.bill_id, stamp_us(row.ts), receive_us, name)

    def _held(self, found: list[_Position]) -> tuple[Position, ...]:
        return tuple(self._position(row) for row in found if row.inst_id in self._symbols)

    def _position(self, row: _Position) -> Position:
        """`pos` is signed in net mode; in long/short mode the side says it. `imr` is what it ties up in cross mode."""
        quantity, numbers = self._numbers.signed(row.pos), self._numbers
        margin = row.margin or row.imr
        return Position(
            self._symbols[row.inst_id],
            -abs(quantity) if row.pos_side == "short" else quantity,
            numbers[row.avg_px] if row.avg_px else ZERO,
            numbers.signed(row.realized_pnl or "0"),
            numbers[margin] if margin else ZERO,
            numbers[row.liq_px] if row.liq_px else None,
        )
