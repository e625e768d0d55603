"""Tests of engine.perp."""
