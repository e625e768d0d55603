"""`tickwright venue`."""

import asyncio
import signal
import socket
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

import click

from engine.app.bot_folder import SOCKET_PATH_MAX
from engine.app.cli.durations import Duration
from engine.app.cli.output import Output
from engine.app.failure import Failure
from engine.app.registry import load
from engine.app.scenarios import find_scenario, load_scenario
from engine.schema.values import BadValue

PAIR = "BTC-USDT"  # where a scenario names none
PROTOCOLS = ("binance", "binance_perpetual", "okx", "gate")
OWNERS = ("alice", "bob")  # of accounts at an exchange with a port


@click.command(help="Run a simulated exchange as a process of its own, for bots or for any client of a real one.")
@click.option("--socket", "path", type=click.Path(path_type=Path), help="Where bots connect (simulated_remote).")
@click.option("--port", type=click.IntRange(0, 65535), help="Speak an exchange's protocol on this port; 0: a free one.")
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    default="binance",
    help="With --port; binance by default: spot only. binance_perpetual: perpetuals only.",
)
@click.option("--scenario", "text", metavar="FILE|NAME", default="normal", help="By default: normal.")
@click.option("--trading-pair", "pairs", multiple=True, help="With --port, again for more; BTC-USDT-PERP: a perpetual.")
@click.option("--name", default="sim", help="What bots call the exchange; sim by default.")
@click.option("--seed", type=click.IntRange(min=0), help="Instead of the scenario's.")
@click.option("--latency", type=Duration(), default="5ms", help="With --socket: one way, 5ms by default.")
@click.option("--faults", type=click.Path(path_type=Path), help="With --port: what goes wrong on the wire.")
@click.pass_obj
def command(
    output: Output,
    path: Path | None,
    port: int | None,
    protocol: str,
    text: str,
    pairs: tuple[str, ...],
    name: str,
    seed: int | None,
    latency: int,
    faults: Path | None,
) -> None:
    """Until SIGTERM or Ctrl-C. The market moves by the wall clock; orders outlive the bots that made them."""
    if (path is None) is (port is None):
        raise Failure("E-USAGE", "name either --socket or --port", where="venue", fix="tickwright venue --port 8070")
    scenario = load_scenario(find_scenario(output.userdir, text))
    pair = scenario.trading_pair or PAIR
    if path is None:
        keys = {owner: (token_hex(32), token_hex(32)) for owner in OWNERS}
        served = list(dict.fromkeys(pairs)) or [f"{pair}-PERP" if protocol == "binance_perpetual" else pair]
        server = _build(name, served, scenario, seed, keys, protocol)
        for fault in _read_faults(faults):
            server.world.wire.arm(fault)
        asyncio.run(_until_stopped(server.serve(port, lambda bound: _tell_port(output, bound, served, protocol, keys))))
        return
    _check_free(path)
    process = load("connectors.simulated.process:build_process")(name, pair, scenario, seed, latency)
    data = {"socket": str(path), "name": name, "trading_pair": pair, "scenario": scenario.name}
    try:
        asyncio.run(_until_stopped(process.serve(path, lambda: output.result(data, f"{name} trades {pair} at {path}"))))
    finally:
        path.unlink(missing_ok=True)


def _read_faults(path: Path | None) -> list[Any]:
    """E-USAGE about a file that cannot be read, or says something else."""
    if path is None:
        return []
    try:
        found: list[Any] = load("connectors.simulated.server.faults:read_faults")(path.read_text())
    except (OSError, BadValue) as error:
        raise Failure("E-USAGE", f"{path}: {error}", where="--faults") from error
    return found


def _build(*arguments: Any) -> Any:
    """E-USAGE about a market that cannot be served."""
    try:
        return load("connectors.simulated.server.build:build_server")(*arguments)
    except BadValue as error:
        raise Failure("E-USAGE", str(error), where="venue") from error


def _tell_port(output: Output, port: int, pairs: list[str], protocol: str, keys: dict[str, tuple[str, str]]) -> None:
    """Where the exchange is and the keys of its two accounts, which are told this once. OKX's have a passphrase."""
    url = f"http://127.0.0.1:{port}"
    accounts = {owner: {"api_key": key, "secret": secret} for owner, (key, secret) in keys.items()}
    if protocol == "okx":
        accounts = {owner: account | {"passphrase": owner} for owner, account in accounts.items()}
    lines = [f"{', '.join(pairs)} is traded at {url} and {url.replace('http', 'ws')}"]
    for owner, account in accounts.items():
        words = [f"{name.replace('_', ' ')} {value}" for name, value in account.items()]
        lines.append(f"{owner}: " + f"\n{' ' * len(owner)}  ".join(words))
    output.result({"url": url, "trading_pairs": pairs, "accounts": accounts}, "\n".join(lines))


async def _until_stopped(serving: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(serving)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


def _check_free(path: Path) -> None:
    """A socket file that nobody listens at any more may be replaced."""
    if len(str(path.absolute())) > SOCKET_PATH_MAX:
        raise Failure("E-USAGE", f"{path} is longer than {SOCKET_PATH_MAX} characters", where="--socket")
    with socket.socket(socket.AF_UNIX) as visitor, suppress(OSError):
        visitor.connect(str(path))
        raise Failure("E-RUNNING", f"a simulated exchange already listens at {path}", where="--socket")
