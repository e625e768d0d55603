"""From a configuration to an engine: what an exchange promises depends on what its owner says of the account."""

from decimal import Decimal
from pathlib import Path

import pytest

from engine.app.build import build_engine
from engine.app.config.load import load_bot
from engine.core.order_ids import OrderIds
from engine.core.venue_sheet import VenueSheet
from engine.model.enums import InstrumentKind
from engine.model.instrument import Instrument
from tests.support import ROOT

D = Decimal
NAME = "binance_perpetual"
MARKET = Instrument(
    f"{NAME}:BTC-USDT-PERP", NAME, "BTC-USDT-PERP", "BTC", "USDT", D("0.1"), D("0.001"), kind=InstrumentKind.PERPETUAL
)


def sheet_of(folder: Path, mode: str, dedicated: str) -> VenueSheet:
    file = folder / "bot.yml"
    terms = f'    {dedicated}\n    api_key: "${{KEY}}"\n    api_secret: "${{KEY}}"\n    leverage: 3 '
    sample = (ROOT / "conf/pmm_binance_perp.yml").read_text()
    file.write_text(sample.replace("mode: paper", f"mode: {mode}").replace("    leverage: 3 ", terms))
    engine = build_engine(load_bot([file], environ={"KEY": "k"}).config, [MARKET], OrderIds("TEST", 1), 0)
    return engine.state.sheets[NAME]


@pytest.mark.parametrize(
    ("mode", "more", "dedicated"),
    [("live", "dedicated: true", True), ("live", "dedicated: false", False), ("live", "", False), ("paper", "", True)],
)
def test_whose_account_it_is(tmp_path: Path, mode: str, more: str, dedicated: bool) -> None:
    """One on paper is the bot's alone."""
    sheet = sheet_of(tmp_path, mode, more)
    assert sheet.dedicated is dedicated
    assert sheet.dead_man is (mode == "live")
