"""Binance: Spot, USD-M and COIN-M futures."""
