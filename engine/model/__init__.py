"""The vocabulary of the project. Plain data: no I/O, no clock, no randomness; standard library and msgspec only."""
