"""Tickwright's engine: facts are applied as they arrive, decisions are made at ticks."""

__version__ = "0.1.0"
