"""What a session traded, counted as it happens."""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal

from engine.core.order_change import Change
from engine.core.position import money_asset, value_of
from engine.model.enums import Side
from engine.model.fill import Fill
from engine.model.instrument import Instrument
from engine.model.money import ZERO

TRADES_KEPT = 1_000


class Tally:
    """Trades and volume since the start; `trades` holds the newest ones with the tag of their order."""

    def __init__(self) -> None:
        self.buys = 0
        self.sells = 0
        self.volume: dict[str, Decimal] = {}  # by the asset that is paid with
        self.trades: deque[tuple[Fill, str]] = deque(maxlen=TRADES_KEPT)

    def changed(self, change: Change, instruments: Mapping[str, Instrument]) -> None:
        """Count what an event did to an order. A trade that was taken back, or corrected, counts no more."""
        instrument = instruments[change.order.instrument_id]
        if change.reversed is not None:
            self._count(change.reversed, instrument, -1)
        if change.fill is not None:
            self._count(change.fill, instrument, 1)
            self.trades.append((change.fill, change.order.tag))

    @property
    def count(self) -> int:
        return self.buys + self.sells

    def _count(self, fill: Fill, instrument: Instrument, sign: int) -> None:
        if fill.side is Side.BUY:
            self.buys += sign
        else:
            self.sells += sign
        asset = money_asset(instrument)
        value = sign * value_of(instrument, fill.quantity, fill.price)
        self.volume[asset] = self.volume.get(asset, ZERO) + value
