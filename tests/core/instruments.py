"""One market of each kind, for tests of money."""

from decimal import Decimal

from engine.model.enums import InstrumentKind
from engine.model.instrument import Instrument

D = Decimal
SPOT = Instrument("sim:BTC-USDT", "sim", "BTC-USDT", "BTC", "USDT", D("0.01"), D("0.001"), taker_rate=D("0.001"))
LINEAR = Instrument(
    "sim:BTC-USDT-PERP",
    "sim",
    "BTC-USDT-PERP",
    "BTC",
    "USDT",
    D("0.01"),
    D(1),
    kind=InstrumentKind.PERPETUAL,
    settle="USDT",
    contract_size=D("0.01"),
    taker_rate=D("0.001"),
    leverage=D(5),
)
INVERSE = Instrument(
    "sim:BTC-USD-PERP",
    "sim",
    "BTC-USD-PERP",
    "BTC",
    "USD",
    D("0.5"),
    D(1),
    kind=InstrumentKind.PERPETUAL,
    settle="BTC",
    contract_size=D(100),
    taker_rate=D("0.001"),
    leverage=D(3),
)
