"""Strategies: one file each, with its configuration and its controller."""
