"""What is set up about a ccxt exchange."""

import asyncio
from decimal import getcontext

from connectors.ccxt.exchange import Place, close_exchange, open_exchange


def test_ccxt_leaves_the_rounding_of_decimals_alone() -> None:
    """Its own rounding sets that of the whole process to half up."""

    async def main() -> None:
        exchange = open_exchange(Place("binance", "http://127.0.0.1:1"), None, lambda: 0)
        before = getcontext().copy()
        assert exchange.decimal_to_precision(0.15, 1, 1, 2, 5) == "0.2"
        assert (getcontext().rounding, getcontext().traps) == (before.rounding, before.traps)
        await close_exchange(exchange)

    asyncio.run(main())
