"""Backtests: recorded data sets, runs on them, results and reports."""
