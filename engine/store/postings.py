"""Double entry: each movement of an asset is taken from one account and put into another, so all sums are 0.

Accounts: `venue:<name>` what we have there · `position:<name>` derivatives held there, in contracts · `market:<id>` the
other side of trades · `fees:<name>` · `profit:<id>` realised on derivatives · `funding:<id>` · `external:<name>`
deposits and withdrawals · `income:<name>` other payments · `equity:<name>` balances as the venue had them at first.
"""

from decimal import Decimal

from engine.core.portfolio import EXTERNAL
from engine.core.position import value_of
from engine.model.enums import InstrumentKind, Side
from engine.model.event import TransferSeen
from engine.model.fill import Fill
from engine.model.instrument import Instrument

Posting = tuple[str, str, Decimal]  # account code, asset, amount

VENUE = "venue:"


def pair(to: str, source: str, asset: str, amount: Decimal) -> list[Posting]:
    """Move `amount` from one account to another; nothing when it is 0."""
    return [(to, asset, amount), (source, asset, -amount)] if amount else []


def of_fill(fill: Fill, instrument: Instrument, sign: int = 1) -> list[Posting]:
    """What a fill moves; with sign −1 what taking it back moves. Realised profit of derivatives is not part of it."""
    venue = VENUE + instrument.venue
    market = f"market:{instrument.instrument_id}"
    direction = sign if fill.side is Side.BUY else -sign
    quantity = fill.quantity * direction
    if instrument.kind is InstrumentKind.SPOT:
        value = value_of(instrument, fill.quantity, fill.price) * direction
        moved = pair(venue, market, instrument.base, quantity) + pair(market, venue, instrument.quote, value)
    else:
        moved = pair(f"position:{instrument.venue}", market, instrument.instrument_id, quantity)
    return moved + pair(f"fees:{instrument.venue}", venue, fill.fee_asset, fill.fee * sign)


def of_transfer(transfer: TransferSeen) -> list[Posting]:
    """What a payment without a trade moves."""
    venue = transfer.venue
    if transfer.kind in EXTERNAL:
        source = f"external:{venue}"
    else:
        source = f"funding:{transfer.instrument_id}" if transfer.instrument_id else f"income:{venue}"
    return pair(VENUE + venue, source, transfer.asset, transfer.amount)
