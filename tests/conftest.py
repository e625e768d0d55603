"""Settings of the whole test suite."""

import os
from collections.abc import Iterator
from decimal import localcontext

import pytest
from hypothesis import settings

settings.register_profile("commit", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "commit"))


@pytest.fixture(autouse=True)
def own_decimal_context() -> Iterator[None]:
    """Other programs' clients change how decimals round (ccxt does): not beyond their test."""
    with localcontext():
        yield
