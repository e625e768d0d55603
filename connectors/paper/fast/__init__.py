"""Where `scripts/build_fast.py` puts the compiled kernel. Empty in a checkout; without it the plain one runs."""
