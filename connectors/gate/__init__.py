"""Gate.io's API v4, spot."""
