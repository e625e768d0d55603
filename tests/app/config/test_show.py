"""`config show` and the JSON Schema."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.app import registry
from engine.app.config.json_schema import json_schema
from engine.app.config.load import load_bot
from engine.app.config.show import Setting, show
from engine.app.registry import BUILT_IN
from engine.schema.values import BadValue
from tests.app.config.sample_strategy import REGISTRY, Maker
from tests.app.config.test_load import BOT, KEYS, LIVE


def settings(folder: Path, text: str) -> dict[str, Setting]:
    file = folder / "bot.yml"
    file.write_text(text)
    loaded = load_bot([file], ["wake_gap=20ms"], {**KEYS, "TICKWRIGHT__SEED": "8"}, REGISTRY)
    return {
        setting.path: replace(setting, origin=setting.origin.removeprefix(f"{folder}/")) for setting in show(loaded)
    }


def test_every_setting_with_its_origin(tmp_path: Path) -> None:
    shown = settings(tmp_path, BOT + "  price_floor: ~\n")
    for expected in (
        Setting("name", "maker", "bot.yml:1", live=False),
        Setting("seed", "8", "environment", live=False),
        Setting("wake_gap", "20ms", "--set", live=True),
        Setting("tick", "1s", "default", live=False),
        Setting("mode", "simulated", "default", live=False),
        Setting("wake_on", "[]", "default", live=True),
        Setting("exchanges.sim.trading_pairs", "[BTC-USDT]", "bot.yml:5", live=False),
        Setting("exchanges.sim.balances", "{}", "default", live=False),
        Setting("exchanges.sim.latency", "50ms", "default", live=True),
        Setting("strategy.bid_spread", "10bps", "bot.yml:11", live=True),
        Setting("strategy.inventory_skew", "false", "default", live=True),
        Setting("strategy.price_floor", "null", "bot.yml:14", live=True),
        Setting("risk.max_drawdown", "null", "default", live=True),
        Setting("risk.risk_models", "[VaR, ExpectedShortfall]", "default", live=False),
    ):
        assert shown[expected.path] == expected


def test_sections_in_lists(tmp_path: Path) -> None:
    text = BOT.replace("{start_price: 60000}", "{start_price: 60000, events: [{at: 1h, inject: jump, size: -6%}]}")
    assert settings(tmp_path, text)["exchanges.sim.market.events"].value == "[{at: 1h, inject: jump, size: -6%}]"


def test_secrets_are_masked(tmp_path: Path) -> None:
    shown = settings(tmp_path, LIVE.replace("${API_SECRET}", "short-literal"))
    assert shown["exchanges.binance.api_key"].value == "***"
    assert shown["exchanges.binance.api_secret"].value == "***"


@pytest.mark.parametrize(("name", "key"), [("settings", "logs"), ("scenario", "volatility"), ("bot", "strategy")])
def test_json_schema(name: str, key: str) -> None:
    schema = json_schema(name)  # type: ignore[arg-type]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert key in schema["properties"]


def test_own_strategies_are_loaded_by_path() -> None:
    assert REGISTRY.strategy_class(Maker.Config.model_construct(kind="pure_market_making", use="")) is Maker
    own = Maker.Config.model_construct(kind="", use="tests.app.config.sample_strategy:Maker")
    assert BUILT_IN.strategy_class(own) is Maker


@pytest.mark.parametrize("path", ["", "a", "a:", "a:b.c", "a b:C", ".a:B", "a:B:C"])
def test_bad_dotted_paths(path: str) -> None:
    with pytest.raises(BadValue, match="is not the name of a class"):
        registry.load(path)
