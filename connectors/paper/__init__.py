"""Fills against somebody else's market: recorded (backtest) or as it comes (paper)."""
