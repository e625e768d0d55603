"""Gate's API v4 for spot: what our connector and unmodified clients use of it."""
