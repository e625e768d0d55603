"""The connectors that the contract suite is run on."""

from tests.contract.adapter import Adapter
from tests.contract.binance import BinanceAdapter, BinanceSocketAdapter
from tests.contract.binance_perpetual import BinancePerpetualAdapter
from tests.contract.gate import GateAdapter, GatePerpetualAdapter, GateSocketAdapter
from tests.contract.okx import OkxAdapter, OkxPerpetualAdapter, OkxSocketAdapter

ADAPTERS: tuple[Adapter, ...] = (BinanceAdapter(), OkxAdapter(), GateAdapter())
# The same with orders on a socket, for the cases about orders:
SOCKETS: tuple[Adapter, ...] = (BinanceSocketAdapter(), OkxSocketAdapter(), GateSocketAdapter())
PERPETUALS: tuple[Adapter, ...] = (BinancePerpetualAdapter(), OkxPerpetualAdapter(), GatePerpetualAdapter())
