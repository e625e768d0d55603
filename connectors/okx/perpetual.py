"""OKX's perpetual swaps: the same connector as for spot, on another kind of markets of the same account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from connectors.base.credentials import credentials
from connectors.base.start import LiveSettings
from connectors.okx import build
from connectors.okx.connector import Okx
from connectors.okx.sheet import SWAP, Urls, addresses, venue_sheet
from engine.core.clock import wall_us

__all__ = ["LiveSettings", "Urls", "addresses", "build_connector", "credentials", "prepare", "venue_sheet"]


def build_connector(settings: LiveSettings) -> Okx:
    """Ask OKX what it trades, what it costs, and how the account is set. Raises TickwrightError when that fails."""
    return asyncio.run(prepare(settings, wall_us))


async def prepare(settings: LiveSettings, now_us: Callable[[], int]) -> Okx:
    """The same inside a running loop."""
    return await build.prepare(settings, now_us, SWAP)
