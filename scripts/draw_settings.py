"""Write the tables of settings in docs/strategies.md from the settings themselves. `--check`: is it current?"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pydantic.fields import FieldInfo

from engine.schema.base import ConfigModel
from strategies.arbitrage import ArbitrageConfig
from strategies.cross_exchange_market_making_config import CrossExchangeMarketMakingConfig
from strategies.pure_market_making_config import (
    HangingOrders,
    MovingPriceBand,
    OrderOptimization,
    PureMarketMakingConfig,
)
from strategies.signal_follower import SignalFollowerConfig

PAGE = Path(__file__).resolve().parent.parent / "docs" / "strategies.md"
MODELS: dict[str, type[ConfigModel]] = {
    "pure_market_making": PureMarketMakingConfig,
    "moving_price_band": MovingPriceBand,
    "hanging_orders": HangingOrders,
    "order_optimization": OrderOptimization,
    "cross_exchange_market_making": CrossExchangeMarketMakingConfig,
    "arbitrage": ArbitrageConfig,
    "signal_follower": SignalFollowerConfig,
}
TABLE = re.compile(r"(<!-- keys of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def draw(page: str) -> str:
    """The page with its tables as they should be."""
    return TABLE.sub(lambda match: f"{match[1]}{table(MODELS[match[2]])}{match[3]}", page)


def table(model: type[ConfigModel]) -> str:
    """One row a key, in the order of the settings."""
    rows = [
        f"| {name} | {_default(field)} | {_live(field)} | {field.description or ''} |" for name, field in _keys(model)
    ]
    return "\n".join(["| key | default | live | meaning |", "| --- | --- | --- | --- |", *rows, ""])


def _keys(model: type[ConfigModel]) -> list[tuple[str, FieldInfo]]:
    return [(name, field) for name, field in model.model_fields.items() if name not in ("kind", "use")]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    return "`null`" if value is None else f"`{str(value).lower()}`"


def _live(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return "yes" if isinstance(extra, dict) and extra.get("live") else ""


if __name__ == "__main__":
    before = PAGE.read_text()
    after = draw(before)
    if "--check" in sys.argv:
        sys.exit(0 if after == before else f"{PAGE.name} is not current: run python scripts/draw_settings.py")
    PAGE.write_text(after)
