"""`tickwright venue`."""

import asyncio
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from engine.app.bot_folder import SOCKET_PATH_MAX
from engine.app.cli.durations import Duration
from engine.app.cli.output import Output
from engine.app.failure import Failure
from engine.app.registry import load
from engine.app.scenarios import find_scenario, load_scenario

PAIR = "BTC-USDT"  # where a scenario names none


@click.command(help="Run a simulated exchange as a process of its own, for bots with connector: simulated_remote.")
@click.option("--socket", "path", type=click.Path(path_type=Path), required=True, help="Where bots connect.")
@click.option("--scenario", "text", metavar="FILE|NAME", default="normal", help="By default: normal.")
@click.option("--name", default="sim", help="What bots call the exchange; sim by default.")
@click.option("--seed", type=click.IntRange(min=0), help="Instead of the scenario's.")
@click.option("--latency", type=Duration(), default="5ms", help="One way, to the exchange and back; 5ms by default.")
@click.pass_obj
def command(output: Output, path: Path, text: str, name: str, seed: int | None, latency: int) -> None:
    """Until SIGTERM or Ctrl-C. The market moves by the wall clock; orders outlive the bots that made them."""
    scenario = load_scenario(find_scenario(output.userdir, text))
    _check_free(path)
    pair = scenario.trading_pair or PAIR
    process = load("connectors.simulated.process:build_process")(name, pair, scenario, seed, latency)
    data = {"socket": str(path), "name": name, "trading_pair": pair, "scenario": scenario.name}
    try:
        asyncio.run(_serve(process, path, lambda: output.result(data, f"{name} trades {pair} at {path}")))
    finally:
        path.unlink(missing_ok=True)


async def _serve(process: Any, path: Path, ready: Any) -> None:
    task = asyncio.create_task(process.serve(path, ready))
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
