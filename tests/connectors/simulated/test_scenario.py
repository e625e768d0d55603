"""Scenario files, their models and their timeline."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.simulated.scenario import Change, MarketSection, Scenario, Set, Trend, changed, resolve
from connectors.simulated.timeline import Timeline
from engine.schema.values import BadValue
from tests.connectors.simulated.scenarios import FILES, read, scenario

S = 1_000_000
H = 3600 * S


def event(**keys: str) -> dict[str, Any]:
    return {"events": [{"at": "1h"} | keys]}


def timeline(**keys: Any) -> Timeline:
    return Timeline(scenario(**keys), Decimal(60000), "BTC", "USDT")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_files_are_valid(path: Path):
    loaded = Scenario.model_validate(read(path))
    assert loaded.name == path.stem.replace("_", "-")
    assert loaded.description.endswith((".", "60,000."))
    assert loaded.start_price == 60000
    Timeline(loaded, Decimal(60000), "BTC", "USDT")


def test_the_flash_crash_says_what_it_looks_like():
    loaded = Scenario.model_validate(read(next(path for path in FILES if path.stem == "flash_crash")))
    at = Timeline(loaded, Decimal(60000), "BTC", "USDT")
    assert at.conditions(0).depth == 12.0
    assert at.conditions(H - 1).volatility == 0.5
    assert at.conditions(H).depth == pytest.approx(2.4)
    assert at.conditions(H + 10 * S).volatility == 2.5
    assert at.conditions(H + 600 * S).depth == 12.0
    assert at.conditions(H + 1200 * S).volatility == 0.5
    assert at.jump_factor(H + 4 * S, H + 5 * S) == pytest.approx(0.94)
    assert at.jump_factor(H + 5 * S, 9 * H) == 1.0
    assert at.conditions(0).jump_rate == pytest.approx(2 / 3600)
    assert (at.disconnected_until(2 * H), at.disconnected_until(2 * H + 20 * S)) == (2 * H + 20 * S, 0)


@pytest.mark.parametrize(
    ("keys", "path", "words"),
    [
        ({"volatilty": "0.5"}, ("volatilty",), "Extra inputs"),
        ({"volatility": "-1"}, ("volatility",), "greater than or equal to 0"),
        ({"model": "formula"}, (), "model: formula needs a formula"),
        ({"formula": "price"}, (), "no effect with model: jump_diffusion"),
        ({"model": "formula", "formula": "price + open"}, ("formula",), "column 9: 'open' is not a value"),
        (
            {"events": [{"at": "1h", "inject": "jmp", "size": "1%"}]},
            ("events", 0),
            "does not match any of the expected",
        ),
        (event(inject="jump"), ("events", 0, "jump", "size"), "Field required"),
        (
            {"events": [{"at": "1h", "inject": "jump", "size": "-100%"}]},
            ("events", 0, "jump", "size"),
            "greater than -1",
        ),
        (event(), ("events", 0, "set", "set"), "Field required"),
        ({"events": [{"at": "1h", "set": {"seed": "3"}}]}, ("events", 0, "set", "set", "seed"), "Extra inputs"),
        ({"events": ["jump"]}, ("events", 0, "set"), "valid dictionary"),
        ({"market_update_interval": "1ms"}, ("market_update_interval",), "must be from 10ms to 1h"),
        ({"book": {"levels": "0"}}, ("book", "levels"), "greater than or equal to 1"),
    ],
)
def test_mistakes_are_named_where_they_are(keys: dict[str, Any], path: tuple[str | int, ...], words: str):
    with pytest.raises(ValidationError) as caught:
        scenario(**keys)
    error = caught.value.errors()[0]
    assert error["loc"] == path
    assert words in error["msg"]


def test_phases_follow_each_other_and_end():
    at = timeline(
        volatility="1",
        phases=[
            {"duration": "1h", "set": {"volatility": "2", "trend": "UP"}},
            {"duration": "1h", "set": {"book": {"spread": "9bps"}, "volume_profile": "HIGH"}},
        ],
        events=[{"at": "30m", "set": {"volatility": "3"}}],
    )
    moments = (0, H // 2, H, 2 * H)
    assert [at.conditions(moment).volatility for moment in moments] == [2.0, 3.0, 1.0, 1.0]
    assert [at.conditions(moment).trend for moment in moments] == [1.0, 1.0, 0.0, 0.0]
    assert [at.conditions(moment).trade_rate for moment in moments] == [1.0, 1.0, 3.0, 1.0]
    assert [at.conditions(moment).spread for moment in moments] == [0.0003, 0.0003, 0.0009, 0.0003]


def test_stress_multiplies():
    normal, stress = (
        timeline(jump_rate="1/h").conditions(0),
        timeline(jump_rate="1/h", test_mode="STRESS").conditions(0),
    )
    assert stress.volatility == 5 * normal.volatility
    assert stress.jump_rate == 10 * normal.jump_rate
    assert stress.spread == 4 * normal.spread
    assert stress.depth == normal.depth / 4
    assert timeline(book={"spread": "50%"}, test_mode="STRESS").conditions(0).spread == 0.9
    assert timeline(jump_rate="1/h", test_mode="CUSTOM").conditions(0) == normal


def test_shocks_multiply_and_each_counts_once():
    at = timeline(events=[{"at": time, "inject": "jump", "size": "10%"} for time in ("0s", "5s", "5s", "9s")])
    assert at.jump_factor(-1, 0) == pytest.approx(1.1)
    assert at.jump_factor(4 * S, 5 * S) == pytest.approx(1.21)
    assert at.jump_factor(5 * S, 8 * S) == 1.0
    assert at.jump_factor(-1, 9 * S) == pytest.approx(1.1**4)


def test_halts():
    at = timeline(events=[{"at": "5s", "inject": "halt", "duration": "2s"}])
    assert [at.is_halted(second * S) for second in range(4, 9)] == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("depth", "expected"), [("12", 12.0), ("12 BTC", 12.0), ("120000 USDT", 2.0), (None, 500_000 / 60_000)]
)
def test_amounts_in_base_units(depth: str | None, expected: float):
    assert timeline(book={} if depth is None else {"depth": depth}).conditions(0).depth == pytest.approx(expected)


def test_an_amount_of_another_asset_is_refused():
    with pytest.raises(BadValue, match=r"ETH is not an asset of this market .write the amount in BTC or USDT"):
        timeline(participants={"trade_size": "1 ETH"})


def test_jump_rates_have_a_default_only_where_the_model_has_jumps():
    assert timeline().conditions(0).jump_rate == 0.1
    assert timeline(model="mean_reverting").conditions(0).jump_rate == 0.0
    assert timeline(model="mean_reverting", jump_rate="2/s").conditions(0).jump_rate == 2.0


def test_changes_leave_the_rest_alone():
    before = scenario(book={"levels": "5"})
    after = changed(before, Change.model_validate({"trend": "DOWN", "book": {"spread": "1bps"}}))
    assert (after.trend, after.book.spread, after.book.levels) == (Trend.DOWN, Decimal("0.0001"), 5)
    assert after.participants == before.participants
    assert before.trend is Trend.SIDEWAYS


def test_events_can_be_made_in_python():
    event = Set(at=5, set=Change(trend=Trend.UP))
    assert Scenario(start_price=Decimal(1), events=(event,)).events == (event,)


def test_a_market_section_names_a_scenario_and_replaces_keys():
    known = {"calm": scenario(volatility="0.1", seed="3")}
    section = MarketSection.model_validate({"scenario": "calm", "seed": "9", "follows": "thin", "lag": "200ms"})
    assert (section.follows, section.lag) == ("thin", 200_000)
    resolved = resolve(section, known)
    assert (resolved.volatility, resolved.seed, resolved.start_price) == (Decimal("0.1"), 9, 60000)
    assert resolve(MarketSection.model_validate({"start_price": "3"}), known) == Scenario(start_price=Decimal(3))
    with pytest.raises(BadValue, match=r"there is no scenario 'clam' .known: calm"):
        resolve(MarketSection(scenario="clam"), known)


SECTIONS: list[dict[str, str]] = [
    {"model": "jump_diffusion", "start_price": "60000", "volatility": "0.6", "jump_rate": "4/day", "seed": "7"},
    {"model": "mean_reverting", "start_price": "3000", "volatility": "0.8", "half_life": "10m", "seed": "11"},
    {"follows": "thin", "lag": "200ms"},
    {
        "model": "jump_diffusion",
        "start_price": "60000",
        "volatility": "0.9",
        "jump_rate": "12/day",
        "jump_size": "0.8%",
    },
]


@pytest.mark.parametrize("section", SECTIONS)
def test_market_sections_of_bot_files(section: dict[str, str]):
    MarketSection.model_validate(section)
