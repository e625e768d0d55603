"""Helpers of the tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared(path: str) -> Path:
    """A file of the shared data folder (beside the checkout, or TICKWRIGHT_SHARED); skips the test without it."""
    found = Path(os.environ.get("TICKWRIGHT_SHARED", ROOT.parent / "shared")) / path
    if not found.exists():
        pytest.skip(f"{path} is not in the shared data folder; set TICKWRIGHT_SHARED to the folder that holds it")
    return found
