"""Gate's API v4 for spot and perpetuals: what our connector and unmodified clients use of it."""
