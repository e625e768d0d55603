"""docs/strategies.md has the keys that there are, and the figures that come out."""

import re
from decimal import Decimal

import pytest

from scripts.draw_settings import MODELS, PAGE, draw, table
from strategies.inventory_skew import bid_and_ask_factors
from tests.support import ROOT


def test_its_tables_are_those_of_the_settings() -> None:
    assert draw(PAGE.read_text()) == PAGE.read_text(), "run python scripts/draw_settings.py"


@pytest.mark.parametrize("name", list(MODELS))
def test_every_key_has_a_row_and_a_meaning(name: str) -> None:
    rows = table(MODELS[name]).splitlines()[2:]
    assert len(rows) == len([key for key in MODELS[name].model_fields if key not in ("kind", "use")])
    assert all(len(row.rsplit("|", 2)[1].strip()) > 3 for row in rows)


def test_the_figures_of_the_skew_table_come_out() -> None:
    rows = re.findall(r"^\| (\d{3})[^|]*\| ([\d., ]+) \| ([\d., ]+) \|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == 5
    for held, *expected in rows:
        for model, factors in zip(("piecewise", "linear"), expected, strict=True):
            base = Decimal(held)
            found = bid_and_ask_factors(model, base, 1000 - base, Decimal("0.5"), Decimal(20))
            assert found == tuple(map(Decimal, factors.split(", ")))


def test_the_example_strategy_is_short() -> None:
    assert len((ROOT / "strategies" / "spread_follower.py").read_text().splitlines()) <= 60
