"""The connectors that the contract suite is run on."""

from tests.contract.adapter import Adapter
from tests.contract.binance import BinanceAdapter

ADAPTERS: tuple[Adapter, ...] = (BinanceAdapter(),)
