"""The tick: a synchronous, deterministic engine free of I/O (`clock` alone reads the wall clock)."""
