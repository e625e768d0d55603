"""The venue speaking OKX v5: spot and perpetuals."""
