"""The sections of a bot's configuration."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from engine.app.config.choice import EXCHANGE, MARKET, STRATEGY
from engine.app.config.store import StoreConfig
from engine.schema.base import ConfigModel, StrategyConfig
from engine.schema.fields import (
    Amount,
    ByteSize,
    DurationUs,
    Fee,
    Name,
    NonNegativeDecimal,
    PositiveDecimal,
    PositiveDurationUs,
    Ratio,
    Secret,
    Share,
    Spread,
    TimeUs,
    TradingPair,
    setting,
    within,
)
from engine.schema.values import BadValue, parse_duration

_EXCHANGE_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,30}")
_ASSET = re.compile(r"[A-Z0-9]{1,20}")


def _exchange_name(name: str) -> str:
    if not _EXCHANGE_NAME.fullmatch(name):
        raise BadValue("is not a name for an exchange", "use a-z, 0-9 and _")
    return name


def _asset(name: str) -> str:
    if not _ASSET.fullmatch(name):
        raise BadValue("is not an asset", "write it in capitals: BTC")
    return name


def _broker_url(url: SecretStr) -> SecretStr:
    address = urlsplit(url.get_secret_value())
    if address.scheme not in ("amqp", "amqps") or not address.hostname:
        raise BadValue("is not the address of a RabbitMQ", "write amqps://user:password@host/")
    if address.scheme == "amqp" and address.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise BadValue("would send a password and orders in the clear", "write amqps://; amqp:// is for this machine")
    return url


ExchangeName = Annotated[str, BeforeValidator(_exchange_name)]
Balances = dict[Annotated[str, BeforeValidator(_asset)], NonNegativeDecimal]


class ExchangeConfig(ConfigModel):
    """What every exchange has."""

    connector: str = setting(doc="what kind of exchange it is", example="simulated")


class ReplaySection(ConfigModel):
    """A market that repeats recorded data; our orders trade against it."""

    model: Literal["replay"] = "replay"
    path: str = setting(env=True, doc="file of recorded frames", example="${TICKWRIGHT_DATA}/l2/day.raw.gz")


class SimulatedExchange(ExchangeConfig):
    """An exchange inside the bot's process: a matching engine with a synthetic or a recorded market."""

    connector: Literal["simulated"] = "simulated"
    trading_pairs: tuple[TradingPair, ...] = setting(min_length=1, doc="what is traded", example="[BTC-USDT]")
    market: Annotated[ConfigModel, MARKET] = setting(doc="what moves the prices", example="{model: jump_diffusion}")
    balances: Balances = setting({}, doc="what the account holds at the start", example="{BTC: 0.5, USDT: 30000}")
    latency: DurationUs = setting("50ms", doc="one way, to the exchange and back", example="50ms", live=True)
    maker_fee: Fee = setting("2bps", doc="of the order value; negative is a rebate", example="2bps")
    taker_fee: Fee = setting("5bps", doc="of the order value", example="5bps")
    leverage: PositiveDecimal = setting("1", doc="of perpetuals, at most 125", example="3", ge=1, le=125)
    funding_interval: PositiveDurationUs = setting("8h", doc="between two funding payments of perpetuals", example="1h")


class SimulatedRemoteExchange(ExchangeConfig):
    """An exchange that `tickwright venue` runs; it outlives the bots. The account is called like the bot."""

    connector: Literal["simulated_remote"] = "simulated_remote"
    socket: str = setting(env=True, doc="where it listens", example="data/run/venue.sock")
    trading_pairs: tuple[TradingPair, ...] = setting((), doc="what is traded; left out: all", example="[BTC-USDT]")


class RecordedExchange(ExchangeConfig):
    """A recorded market, from a data set; our orders are filled as they would have been. Nothing is contacted."""

    connector: Literal["recorded"] = "recorded"
    trading_pairs: tuple[TradingPair, ...] = setting((), doc="what is traded; left out: all", example="[BTC-USDT]")
    balances: Balances = setting({}, doc="what the account holds at the start", example="{BTC: 0.5, USDT: 30000}")
    latency: DurationUs | None = setting(None, doc="to the exchange; left out: execution_delay", example="60ms")
    feed_latency: DurationUs = setting("10ms", doc="of market data without receive times", example="10ms")
    response_latency: DurationUs = setting("10ms", doc="of answers and fills", example="10ms")
    latency_sigma: float = setting(
        0.0, ge=0, le=3, doc="above 0: latencies are medians, this is the deviation of their logarithm", example="0.4"
    )
    latency_file: str = setting(
        "", env=True, doc="measured instead: CSV request_us,venue_us,response_us", example="data/latency.csv"
    )
    maker_fee: Fee = setting("2bps", doc="of the order value; negative is a rebate", example="2bps")
    taker_fee: Fee = setting("5bps", doc="of the order value", example="5bps")
    leverage: PositiveDecimal = setting("1", doc="of derivatives", example="3")


class RealExchange(ExchangeConfig):
    """An account at a venue on the network."""

    trading_pairs: tuple[TradingPair, ...] = setting((), doc="besides those of the strategies", example="[ETH-USDT]")
    account: str = setting("default", doc="name of the account in the secrets file", example="default")
    dedicated: bool = setting(
        False, doc="nobody else trades on the account: whatever is open may be cancelled, also by a dead man's switch"
    )
    api_key: Secret | None = setting(None, env=True, secret=True, example="${BINANCE_API_KEY}")
    api_secret: Secret | None = setting(None, env=True, secret=True, example="${BINANCE_API_SECRET}")
    maker_fee: Fee | None = setting(None, doc="overrides the venue's answer; on paper 10bps", example="2bps")
    taker_fee: Fee | None = setting(None, doc="overrides the venue's answer; on paper 10bps", example="5bps")
    balances: Balances = setting({}, doc="of the paper account; left out: default_balance", example="{USDT: 6000}")
    latency: DurationUs | None = setting(None, doc="on paper: to the exchange; left out: execution_delay")
    response_latency: DurationUs = setting("10ms", doc="on paper: of answers and fills", example="10ms")
    latency_sigma: float = setting(0.0, ge=0, le=3, doc="on paper: see recorded exchanges", example="0.4")
    url: str = setting(
        "", env=True, doc="of a venue of this machine that speaks its language", example="http://127.0.0.1:8080"
    )


class OrderSocketExchange(RealExchange):
    """A venue that takes orders over a socket too."""

    order_entry: Literal["rest", "socket"] = setting("rest", doc="how orders leave; a socket is faster", example="rest")


class PerpetualsExchange(RealExchange):
    """A venue where positions are held on margin."""

    leverage: int | None = setting(
        None, ge=1, le=125, doc="set at the start; left out: as it is there, on paper 1", example="3"
    )


class BinanceExchange(OrderSocketExchange):
    """Binance, spot."""

    connector: Literal["binance"] = "binance"
    testnet: bool = setting(False, doc="the venue's test network", example="false")


class BinancePerpetualExchange(PerpetualsExchange):
    """Binance, perpetual futures that are settled in USDT or USDC (USD-M)."""

    connector: Literal["binance_perpetual"] = "binance_perpetual"
    testnet: bool = setting(False, doc="the venue's demo trading", example="false")


class OkxAccount(OrderSocketExchange):
    """What both kinds of markets of OKX have."""

    passphrase: Secret | None = setting(None, env=True, secret=True, doc="of the key", example="${OKX_PASSPHRASE}")
    testnet: bool = setting(False, doc="the venue's demo trading", example="false")


class OkxExchange(OkxAccount):
    """OKX, spot."""

    connector: Literal["okx"] = "okx"


class OkxPerpetualExchange(PerpetualsExchange, OkxAccount):
    """OKX, perpetual swaps that are settled in quote. The account is in net mode; cross margin."""

    connector: Literal["okx_perpetual"] = "okx_perpetual"


class GateExchange(OrderSocketExchange):
    """Gate, spot."""

    connector: Literal["gate"] = "gate"


class GatePerpetualExchange(PerpetualsExchange, OrderSocketExchange):
    """Gate, perpetuals that are settled in USDT. Positions are one-way."""

    connector: Literal["gate_perpetual"] = "gate_perpetual"


class CcxtExchange(RealExchange):
    """Any exchange that the library ccxt knows, spot."""

    connector: Literal["ccxt"] = "ccxt"
    exchange_id: str = setting(doc="its name in ccxt: tickwright exchanges ccxt", example="kraken")
    passphrase: Secret | None = setting(None, env=True, secret=True, doc="of the key", example="${KUCOIN_PASSPHRASE}")
    testnet: bool = setting(False, doc="the venue's test network", example="false")


class RiskConfig(ConfigModel):
    """Limits of a bot, and defaults of risk reports. All limits may change while the bot runs."""

    max_drawdown: Share | None = setting(
        None, live=True, example="5%", doc="from the equity peak: pause quoting and alert"
    )
    kill_switch: Share | None = setting(
        None, live=True, example="8%", doc="from the equity peak: cancel everything and stop"
    )
    max_order_value: Amount | None = setting(None, live=True, example="2000 USDT", doc="of one order")
    max_position: Amount | None = setting(None, live=True, example="0.3 BTC", doc="held at any time")
    max_open_orders: int | None = setting(None, live=True, ge=1, example="4", doc="at any time")
    max_orders_per_minute: int | None = setting(None, live=True, ge=1, example="60")
    max_leverage: PositiveDecimal | None = setting(None, live=True, example="3")
    price_band: Spread | None = setting(
        None, live=True, example="1%", doc="orders further than this from the mid are refused"
    )
    min_health_factor: PositiveDecimal | None = setting(None, live=True, example="2", doc="reduce only below it")
    stale_data: PositiveDurationUs = setting("5s", live=True, example="3s", doc="cancel quotes when the feed is older")
    default_confidence_level: float = setting(0.95, gt=0, lt=1, doc="of risk reports", example="0.95")
    default_time_horizon: PositiveDurationUs = setting("1d", doc="of risk reports", example="1d")
    risk_models: tuple[Literal["VaR", "ExpectedShortfall"], ...] = setting(
        ("VaR", "ExpectedShortfall"), doc="of risk reports", example="[VaR]"
    )


class LogsConfig(ConfigModel):
    """Log files."""

    level: Literal["debug", "info", "warning", "error"] = setting("info", live=True, doc="the least that is written")
    format: Literal["text", "json"] = setting("text", doc="one line each")
    max_size: ByteSize = setting("20 MB", doc="a file is rotated when it is larger", example="20 MB")
    keep: int = setting(14, ge=1, doc="rotated files", example="14")


class OrderLogConfig(ConfigModel):
    """The durable log of a bot's orders."""

    durability: Literal["auto", "normal", "full"] = setting(
        "auto", doc="full where the venue cannot tell our orders by client id"
    )
    keep: PositiveDurationUs = setting("30d", doc="finished orders", example="30d")


class MessagingConfig(ConfigModel):
    """Events for other programs, and commands from them, over RabbitMQ. Nothing is sent without a url."""

    url: Annotated[Secret, AfterValidator(_broker_url)] | None = setting(
        None, env=True, secret=True, doc="of the broker", example="${TICKWRIGHT_AMQP_URL}"
    )
    exchange: str = setting("tickwright.events", doc="where events go", example="tickwright.events")
    topics: tuple[str, ...] = setting(("#",), doc="patterns of the events that are sent", example='["order.#"]')
    queues: dict[str, tuple[str, ...]] = setting(
        {}, doc="durable queues of consumers that are made if they are missing", example='{accounting: ["fill.#"]}'
    )
    commands: tuple[Literal["pause", "resume", "stop"], ...] = setting(
        (), doc="taken from the broker", example="[pause, resume]"
    )
    command_users: tuple[str, ...] = setting((), doc="whose commands are taken: their names at the broker")


class MarketMakerConfig(ConfigModel):
    """Defaults of strategies that are started without a file."""

    default_spread: Spread = setting("0.002", doc="bid to ask, half on each side", example="0.2%")
    min_order_size: PositiveDecimal = setting("0.001", doc="base units", example="0.001")
    max_position_size: PositiveDecimal = setting("10.0", doc="base units", example="10")
    order_update_interval: PositiveDurationUs = setting("1s", doc="tick", example="1s")
    position_update_interval: PositiveDurationUs = setting("5s", example="5s")


class SimulationConfig(ConfigModel):
    """Defaults of sessions that are started without a file."""

    default_balance: Amount = setting("100000 USDT", example="100000 USDT")
    price_deviation: Ratio = setting("0.001", doc="of synthetic quotes from the fair price", example="0.1%")
    execution_delay: DurationUs = setting("100ms", example="100ms")
    market_update_interval: PositiveDurationUs = setting("1s", example="1s")
    test_modes: tuple[Literal["NORMAL", "STRESS", "CUSTOM"], ...] = setting(
        ("NORMAL", "STRESS", "CUSTOM"), example="[NORMAL]"
    )


class BacktestConfig(SimulationConfig):
    """How recorded markets are played, and what is assumed where they do not say. Defaults are the pessimistic ones."""

    queue_shape: Literal["power", "power2", "power3", "log", "log2"] = setting(
        "power3", doc="of queue_model probabilistic"
    )
    queue_exponent: PositiveDecimal = setting("3", doc="of the power shapes", example="3")
    partial_fills: bool = setting(True, doc="false: a fill is always of the whole order", example="true")
    through: Literal["capped", "full"] = setting("capped", doc="by prices beyond ours: what was there, or all")
    gap_fill: Literal["crossed", "none"] = setting("crossed", doc="after missing data: orders that the market passed")
    gap_share_max: Share = setting("1%", doc="of missing data, beyond which a run warns", example="1%")
    deep_queue: Literal["behind", "ahead"] = setting("behind", doc="of orders deeper than the data show")
    self_trade: Literal["none", "cancel_new", "cancel_old"] = setting("none", doc="what the venue does about them")
    touch: bool = setting(False, doc="on candles: a price that is only touched fills", example="false")
    participation: Share = setting("10%", doc="on candles: most that we trade of the volume", example="10%")
    half_spread: Spread = setting("2bps", doc="on candles: from their prices to the book", example="2bps")
    slippage: Spread = setting("1bps", doc="on candles: of market orders", example="1bps")
    assumed_spread: Spread | None = setting(
        None, doc="around each trade, where data show nothing else; left out: only prices beyond ours fill"
    )
    valuation: Literal["mid", "liquidation"] = setting(
        "mid", doc="of what is left at the end: liquidation takes the best bid for longs, the best ask for shorts"
    )
    finalize: Literal["keep", "flatten"] = setting("keep", doc="positions at the end: marked, or closed by taking")
    bounds: bool = setting(False, doc="run again with queue models none and through, for the range of the profit")
    kernel: Literal["auto", "reference", "fast"] = setting("auto", doc="auto: compiled if it was built")


class DataSection(ConfigModel):
    """Recorded data for a backtest."""

    path: str = setting(env=True, doc="folder of a data set, or of one per exchange", example="data/binance")
    start: TimeUs | None = setting(None, doc="left out: where the data begin", example="2025-10-01")
    end: TimeUs | None = setting(None, doc="left out: where the data end", example="2025-11-30")


class SettingsConfig(ConfigModel):
    """What all bots of a folder share, in `settings.yml` beside their files; a bot file may repeat any section."""

    risk: RiskConfig = setting(RiskConfig())
    logs: LogsConfig = setting(LogsConfig())
    order_log: OrderLogConfig = setting(OrderLogConfig())
    store: StoreConfig = setting(StoreConfig())
    messaging: MessagingConfig = setting(MessagingConfig())
    market_maker: MarketMakerConfig = setting(MarketMakerConfig())
    simulator: SimulationConfig = setting(SimulationConfig())
    backtest: BacktestConfig = setting(BacktestConfig())


class BotConfig(SettingsConfig):
    """One bot: where it trades, how it decides, and its limits."""

    name: Name = setting(doc="the bot's identity everywhere", example="my-bot")
    mode: Literal["simulated", "paper", "live", "backtest"] = setting("simulated", doc="where orders go")
    tick: Annotated[DurationUs, within(parse_duration, "10ms", "1h")] = setting("1s", doc="decision grid", example="1s")
    wake_on: tuple[Literal["fill", "stale", "book", "block"], ...] = setting(
        (), live=True, doc="decide before the next tick", example="[fill]"
    )
    wake_gap: DurationUs = setting("50ms", live=True, doc="never decide more often", example="50ms")
    exchanges: dict[ExchangeName, Annotated[ExchangeConfig, EXCHANGE]] = setting(
        min_length=1, doc="where it trades, by a name of your choice", example="{sim: {connector: simulated, …}}"
    )
    strategy: Annotated[StrategyConfig, STRATEGY] | None = setting(
        None, doc="how it decides", example="{kind: pure_market_making, …}"
    )
    strategies: dict[Name, Annotated[StrategyConfig, STRATEGY]] = setting({}, doc="several strategies by name")
    data: DataSection | None = setting(None, doc="what a backtest plays", example="{path: data/binance}")
    queue_model: Literal["risk_averse", "probabilistic", "none", "through"] = setting(
        "risk_averse", doc="how recorded queues move before our orders"
    )
    report: str = setting("", env=True, doc="file of a backtest's report", example="reports/my-bot.html")
    seed: int = setting(7, ge=0, doc="of everything random", example="7")

    @property
    def strategies_by_name(self) -> dict[str, StrategyConfig]:
        """All strategies; a single one is called `strategy`."""
        return self.strategies if self.strategy is None else {"strategy": self.strategy}
