"""Venues: everything that turns requests into orders somewhere, and what happens there into events."""
