"""The simulated exchange's perpetuals in the protocol of Binance USD-M futures."""
