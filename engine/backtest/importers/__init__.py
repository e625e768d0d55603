"""Readers of other programs' and venues' files: one small file a format, all with the same outcome, market events."""
