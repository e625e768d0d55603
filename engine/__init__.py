"""Tickwright's engine: facts are applied as they arrive, decisions are made at ticks."""
