"""Bugs that others met, shown not to happen here."""
