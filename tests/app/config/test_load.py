"""Where values come from, what wins, and what is never shown."""

from decimal import Decimal
from pathlib import Path

import pytest

from engine.app.config.load import LoadedConfig, load_bot
from engine.app.config.models import RealExchange, ReplaySection, SimulatedExchange
from engine.app.config.problems import ConfigError
from engine.app.config.render import render_json, render_text
from engine.schema.values import Amount
from tests.app.config.sample_strategy import REGISTRY, MakerConfig

BOT = """\
name: maker
exchanges:
  sim:
    connector: simulated
    trading_pairs: [BTC-USDT]
    market: {start_price: 60000}
strategy:
  kind: pure_market_making
  exchange: sim
  trading_pair: BTC/USDT
  bid_spread: 10bps
  ask_spread: 0.1%
  order_amount: 0.010
"""
LIVE = """\
name: live
mode: live
exchanges:
  binance:
    connector: binance
    api_key: ${API_KEY}
    api_secret: ${API_SECRET}
strategy:
  kind: pure_market_making
  exchange: binance
  trading_pair: BTC-USDT
  bid_spread: 0.1%
  ask_spread: 0.1%
  order_amount: 0.01
risk: {max_order_value: 150 USDT, max_drawdown: 2%, kill_switch: 3%, stale_data: 3s}
"""
KEYS = {"API_KEY": "key-of-the-venue", "API_SECRET": "secret-of-the-venue"}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(*texts: str, overrides: tuple[str, ...] = (), environ: dict[str, str] | None = None) -> LoadedConfig:
    """The texts as files a.yml, b.yml …"""
    files = [Path(f"{name}.yml") for name, _ in zip("abcd", texts, strict=False)]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    return load_bot(files, overrides, environ, REGISTRY)


def problems(*texts: str, overrides: tuple[str, ...] = (), environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(*texts, overrides=overrides, environ=environ)
    return render_text(caught.value.problems, ["a.yml"])


def strategy(loaded: LoadedConfig) -> MakerConfig:
    assert isinstance(loaded.config.strategy, MakerConfig)
    return loaded.config.strategy


def test_values_are_exact_and_typed() -> None:
    loaded = load(BOT)
    assert strategy(loaded).bid_spread == Decimal("0.001")
    assert strategy(loaded).trading_pair == "BTC-USDT"
    assert str(strategy(loaded).order_amount.number) == "0.010"
    exchange = loaded.config.exchanges["sim"]
    assert isinstance(exchange, SimulatedExchange)
    assert (exchange.latency, exchange.maker_fee) == (50_000, Decimal("0.0002"))
    assert loaded.config.strategies_by_name == {"strategy": loaded.config.strategy}
    assert loaded.warnings == ()


def test_precedence_and_origins() -> None:
    Path("settings.yml").write_text("risk: {stale_data: 1s, max_drawdown: 1%}\nlogs: {level: debug}\n")
    mine = "name: mine\nrisk: {max_drawdown: 2%}\nstrategy: {bid_spread: 2bps, ask_spread: 2bps}\n"
    loaded = load(
        BOT,
        mine,
        overrides=("strategy.bid_spread=4bps", "seed=9", "strategy.bid_spread=5bps"),
        environ={"TICKWRIGHT__STRATEGY__BID_SPREAD": "3bps", "TICKWRIGHT__STRATEGY__ASK_SPREAD": "3bps"},
    )
    assert loaded.config.name == "mine"
    assert (strategy(loaded).bid_spread, strategy(loaded).ask_spread) == (Decimal("0.0005"), Decimal("0.0003"))
    assert (loaded.config.risk.max_drawdown, loaded.config.risk.stale_data) == (Decimal("0.02"), 1_000_000)
    expected = {
        "name": "b.yml:1",
        "logs.level": "settings.yml:2",
        "risk.stale_data": "settings.yml:1",
        "risk.max_drawdown": "b.yml:2",
        "strategy.bid_spread": "--set",
        "strategy.ask_spread": "environment",
        "strategy.exchange": "a.yml:9",
        "seed": "--set",
    }
    assert {path: loaded.origins[path] for path in expected} == expected
    assert "tick" not in loaded.origins
    assert [warning.path for warning in loaded.warnings] == ["strategy.ask_spread"]


def test_lists_are_replaced_as_a_whole() -> None:
    loaded = load(BOT, overrides=("exchanges.sim.trading_pairs=[BTC-USDT, ETH-USDT]", "wake_on=[fill]"))
    exchange = loaded.config.exchanges["sim"]
    assert isinstance(exchange, SimulatedExchange)
    assert exchange.trading_pairs == ("BTC-USDT", "ETH-USDT")
    assert loaded.config.wake_on == ("fill",)
    assert load(BOT, "wake_on: [fill, book]\n", "wake_on: [stale]\n").config.wake_on == ("stale",)


def test_a_bot_may_have_several_strategies() -> None:
    text = BOT.replace("strategy:\n", "strategies:\n  near:\n").replace("\n  kind", "\n    kind")
    for key in ("exchange", "trading_pair", "bid_spread", "ask_spread", "order_amount"):
        text = text.replace(f"\n  {key}:", f"\n    {key}:")
    assert list(load(text).config.strategies_by_name) == ["near"]


@pytest.mark.parametrize("nothing", ["", "~", "null"])
def test_not_set_means_the_default_or_none_where_none_is_a_value(nothing: str) -> None:
    text = f"{BOT}  order_levels: {nothing}\n  order_refresh_tolerance: {nothing}\nrisk: {nothing}\n"
    loaded = load(text)
    assert strategy(loaded).order_levels == 1
    assert strategy(loaded).order_refresh_tolerance is None
    assert loaded.config.risk.stale_data == 5_000_000


def test_quoted_text_is_never_null() -> None:
    assert "'null' is not a whole number" in problems(BOT + '  order_levels: "null"\n')


@pytest.mark.parametrize("text", ["NO", "0x10", "12:30:00", "1e3", "007", "2025-10-01", "0.10", "=", "on"])
def test_no_guess_changes_a_text(text: str) -> None:
    loaded = load(LIVE + f"\n# {text}\n", overrides=(), environ=KEYS)
    changed = load(LIVE.replace("    api_key", f"    account: {text}\n    api_key"), environ=KEYS)
    exchange = changed.config.exchanges["binance"]
    assert isinstance(exchange, RealExchange)
    assert exchange.account == text
    assert loaded.hash != changed.hash


def test_anchors_stand_for_their_value() -> None:
    loaded = load(BOT.replace("10bps", "&spread 10bps").replace("ask_spread: 0.1%", "ask_spread: *spread"))
    assert strategy(loaded).bid_spread == strategy(loaded).ask_spread


def test_variables_are_filled_in_where_declared() -> None:
    text = BOT.replace("{start_price: 60000}", "{model: replay, path: '${DATA}/${DAY:-monday}/$${x}'}")
    exchange = load(text, environ={"DATA": "/data"}).config.exchanges["sim"]
    assert isinstance(exchange, SimulatedExchange)
    assert isinstance(exchange.market, ReplaySection)
    assert exchange.market.path == "/data/monday/${x}"


def test_an_empty_variable_is_not_set() -> None:
    assert "environment variable API_KEY is not set" in problems(LIVE, environ={**KEYS, "API_KEY": ""})
    text = LIVE.replace("mode: live", "mode: paper").replace("${API_KEY}", "${API_KEY:-}")
    exchange = load(text, environ={"API_SECRET": "x"}).config.exchanges["binance"]
    assert isinstance(exchange, RealExchange)
    assert exchange.api_key is None


def test_secrets_are_never_shown() -> None:
    loaded = load(LIVE, environ=KEYS)
    shown = repr(loaded.config) + loaded.config.model_dump_json() + str(loaded.origins)
    assert not any(secret in shown for secret in KEYS.values())
    exchange = loaded.config.exchanges["binance"]
    assert isinstance(exchange, RealExchange)
    assert exchange.api_key is not None
    assert exchange.api_key.get_secret_value() == KEYS["API_KEY"]


def test_a_secret_from_the_environment_is_not_written_in_a_file() -> None:
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    name = "TICKWRIGHT__EXCHANGES__BINANCE__API_SECRET"
    assert load(LIVE, environ={**KEYS, name: secret}).config.mode == "live"
    shown = problems(LIVE, overrides=(f"exchanges.binance.api_secret={secret}",), environ=KEYS)
    assert "E-SECRET" in shown
    assert secret not in shown


def test_a_substituted_value_is_not_repeated() -> None:
    text = BOT.replace("{start_price: 60000}", "{model: replay, path: '${DATA}'}").replace("0.1%", "${DATA}")
    shown = problems(text, environ={"DATA": "hidden-value"})
    assert "'${DATA}' is not filled in from the environment here" in shown
    assert "hidden-value" not in shown


def test_the_hash_is_of_the_meaning() -> None:
    same = BOT.replace("10bps", "0.1%").replace("0.010", "0.01").replace("BTC/USDT", "BTC-USDT") + "# comment\n"
    assert load(BOT).hash == load(same, "tick: 1000ms\n").hash
    assert load(BOT).hash != load(BOT, "tick: 2s\n").hash
    other_keys = {"API_KEY": "another", "API_SECRET": "one"}
    assert load(LIVE, environ=KEYS).hash == load(LIVE, environ=other_keys).hash


def test_problems_name_their_source() -> None:
    shown = problems(
        BOT,
        "name: bb\nmode: sim\n",
        overrides=("strategy.ask_spread=wide", "colour", "tick=[1", "no.such=1"),
        environ={"TICKWRIGHT__RISK__KILL_SWITCH": "3 %", "TICKWRIGHT__RISK__NO": "1"},
    )
    assert shown == (
        "Configuration error: 2 problems in a.yml\n\n"
        "--set colour\n      | 'colour' is not an assignment\n      = hint: write --set section.key=value\n\n"
        "--set tick\n      | expected ',' or ']', but got '<stream end>'\n      = hint: close the bracket\n"
    )
    shown = problems(
        BOT,
        "name: bb\nmode: sim\n",
        overrides=("strategy.ask_spread=wide", "no.such=1"),
        environ={"TICKWRIGHT__RISK__KILL_SWITCH": "3 %", "TICKWRIGHT__RISK__NO": "1"},
    )
    assert shown.startswith("Configuration error: 5 problems in b.yml\n\nb.yml:2:7  mode\n    2 | mode: sim\n")
    assert (
        "environment  TICKWRIGHT__RISK__KILL_SWITCH\n      | '3 %' is not a ratio\n"
        "      = hint: write 0.1%, 10bps or 0.001\n"
    ) in shown
    assert "environment  TICKWRIGHT__RISK__NO\n      | unknown setting 'no'\n" in shown
    assert "--set strategy.ask_spread\n      | 'wide' is not a ratio\n" in shown
    assert "--set no.such\n      | unknown setting 'no'\n" in shown


def test_problems_as_json() -> None:
    with pytest.raises(ConfigError) as caught:
        load(LIVE.replace("0.1%", "wide", 1).replace("${API_KEY}", "[1]"), overrides=("tick=1",), environ=KEYS)
    assert render_json(caught.value.problems) == [
        {
            "file": "a.yml",
            "line": 6,
            "column": 5,
            "path": "exchanges.binance.api_key",
            "message": "a list must be text",
            "hint": "",
        },
        {
            "file": "a.yml",
            "line": 12,
            "column": 15,
            "path": "strategy.bid_spread",
            "message": "'wide' is not a ratio",
            "value": "wide",
            "hint": "write 0.1%, 10bps or 0.001",
        },
        {
            "file": "--set",
            "line": None,
            "column": None,
            "path": "tick",
            "message": "'1' is not a duration",
            "value": "1",
            "hint": "write 500ms, 30s, 5m, 4h, 1d or 1h30m",
        },
    ]


def test_texts_of_the_environment_cannot_move_the_cursor() -> None:
    environ = {"TICKWRIGHT__TICK": "\x1b[2J\udcff", "TICKWRIGHT__WAKE_ON": "[\udcff]"}
    shown = problems(BOT, environ={"TICKWRIGHT__TICK": environ["TICKWRIGHT__TICK"]})
    assert "'?[2J?' is not a duration" in shown
    assert "character #xdcff is not allowed" in problems(BOT, environ=environ)


def test_sections_on_the_command_line() -> None:
    loaded = load(BOT, overrides=("exchanges.sim.balances={BTC: 1, USDT: 2}",))
    exchange = loaded.config.exchanges["sim"]
    assert isinstance(exchange, SimulatedExchange)
    assert exchange.balances == {"BTC": 1, "USDT": 2}


def test_an_own_strategy_with_checks_of_its_own() -> None:
    use = "use: tests.app.config.sample_strategy:Careful"
    shown = problems(BOT[: BOT.index("  kind")] + f"  {use}\n  level: 1.5\nrisk: {{kill_switch: x}}\n")
    assert "a.yml:7:1  strategy\n" in shown
    assert "| ^^^^^^^^ only 0 and 1 are levels\n" in shown
    shown = problems(BOT[: BOT.index("  kind")] + f"  {use}\n  level: 1\n  inner: {{}}\n  other: {{shape: x}}\n")
    assert "missing required setting 'shape'" in shown
    assert "'x' is not one of: round, square" in shown


def test_a_strategy_with_a_wrong_default() -> None:
    text = BOT[: BOT.index("  kind")] + "  use: tests.app.config.sample_strategy:Careless\n"
    assert "a section is not a duration" not in problems(text)
    assert "| ^^^^^^^^ is not a duration\n" in problems(text)
    shown = problems(text + "  pause: 1s\n  amounts: [1, 2 USDT, 3 EUR]\n")
    assert "a.yml:10:24  strategy.amounts.2\n" in shown
    assert "'3 EUR' is neither in BTC nor in USDT" in shown


def test_warnings() -> None:
    loaded = load(BOT.replace("10bps", "1bps").replace("0.1%", "1bps"), environ={"TICKWRIGHT__SEED": "8"})
    assert [(warning.path, warning.message) for warning in loaded.warnings] == [
        ("strategy.bid_spread", "the spread of 0.02% is less than two maker fees, 0.04%"),
        ("seed", "seed is set by the environment"),
    ]
    (warning,) = load(BOT + "risk: {min_health_factor: 2}\n").warnings
    assert (warning.path, warning.message) == ("risk.min_health_factor", "nothing watches it: no exchange here lends")


def test_files_that_cannot_be_read() -> None:
    with pytest.raises(ConfigError) as caught:
        load_bot(["missing.yml"])
    assert render_text(caught.value.problems, []).endswith("| ^ cannot be read: No such file or directory\n")
    Path("a.yml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_bot(["a.yml"])
    Path("a.yml").write_bytes(b"#" * (1024 * 1024) + b"\xe9#")
    with pytest.raises(ConfigError, match="larger than 1,024 KiB"):
        load_bot(["a.yml"])
    Path("a.yml").write_bytes("\ufeff".encode() + BOT.encode())
    assert load_bot(["a.yml"], registry=REGISTRY).config.name == "maker"
    Path("a.yml").write_text("name: a\x1b[2Jb\n")
    with pytest.raises(ConfigError, match="character #x001b is not allowed") as caught:
        load_bot(["a.yml"])
    assert "\x1b" not in render_text(caught.value.problems, [])


def test_models_can_be_made_in_python() -> None:
    loaded = load(BOT)
    config = loaded.config.model_copy(update={"strategy": None})
    again = type(config)(
        name="python",
        exchanges=loaded.config.exchanges,
        strategy=MakerConfig(
            exchange="sim",
            trading_pair="BTC-USDT",
            bid_spread=Decimal("0.001"),
            ask_spread=Decimal("0.001"),
            order_amount=Amount(Decimal("0.01")),
        ),
    )
    assert again.exchanges == loaded.config.exchanges
