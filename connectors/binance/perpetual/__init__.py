"""Binance USD-M futures: perpetual contracts that are settled in their quote currency."""
