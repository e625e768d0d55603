"""A real RabbitMQ on this machine: started by the tests where none is named, and killed by them as they please."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # what the script in PATH calls, after it changed the user
START_SECONDS = 120  # it takes five on an idle machine
INSTALL = "install it (Debian: apt-get install rabbitmq-server) or name one in TICKWRIGHT_TEST_AMQP_URL"
# One scheduler that does not spin, and nothing beyond the loopback interface.
ERLANG = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none +P 65536 -kernel inet_dist_use_interface {127,0,0,1}"


def free_port() -> int:
    """Below the range from which outgoing connections are given theirs, so that nobody takes it meanwhile."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
    raise OSError("no free port")


_given: set[int] = set()


class Broker:
    """One node with a folder of its own. It survives being killed: `start` finds what was confirmed."""

    def __init__(self, folder: Path, definitions: dict[str, Any]) -> None:
        self.port, self._epmd_port, dist = free_port(), free_port(), free_port()
        self._folder = folder
        self._node: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        (folder / "definitions.json").write_text(json.dumps(definitions))
        (folder / "plugins").write_text("[].")
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"load_definitions = {folder / 'definitions.json'}\n"
            "log.file = false\nlog.console = true\nlog.console.level = warning\n"
            "vm_memory_high_watermark.absolute = 512MB\ndisk_free_limit.absolute = 1MB\n"
        )
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),  # of the cookie
            "RABBITMQ_NODENAME": f"tickwright{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
            "RABBITMQ_DIST_PORT": str(dist),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "detached": "yes",  # the script becomes the node instead of waiting for it
        }
        names = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
        self._names = subprocess.Popen(names, stderr=subprocess.DEVNULL)

    def url(self, user: str, password: str = "secret", port: int | None = None) -> str:
        return f"amqp://{user}:{password}@127.0.0.1:{port or self.port}/"

    def start(self) -> None:
        """Returns when it answers."""
        with (self._folder / "output").open("ab") as output:
            self._node = subprocess.Popen(
                [SERVER],
                env=self._environment,
                cwd=self._folder,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._node.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"RabbitMQ does not start:\n{(self._folder / 'output').read_text()[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """As a power failure would, but for what the kernel still writes."""
        assert self._node is not None
        os.killpg(self._node.pid, signal.SIGKILL)
        self._node.wait()

    def close(self) -> None:
        """Leave no process behind."""
        if self._node is not None and self._node.poll() is None:
            self.kill()
        self._names.terminate()
        self._names.wait()
        shutil.rmtree(self._folder)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                probe.sendall(b"AMQP\0\0\x09\x01")
                return bool(probe.recv(1))
        except OSError:
            return False


def missing() -> str:
    """Why no broker can be started here; "" when one can."""
    if not SERVER.exists() or not shutil.which("epmd"):
        return f"there is no RabbitMQ: {INSTALL}"
    return ""


class Line:
    """A TCP line to a broker that can be cut, with everything that is on its way in it."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.cuts = 0
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Line":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Both ends find it broken."""
        self.cuts += 1
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers |= {writer, back}
            await asyncio.gather(self._copy(reader, back), self._copy(there, writer))
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()  # asyncio logs what a handler raises, also when it was cancelled
        finally:
            self._tasks.discard(task)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
        writer.transport.abort()
