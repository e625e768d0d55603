"""OKX v5: spot, and the market data of swaps."""
