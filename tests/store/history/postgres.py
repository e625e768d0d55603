"""A PostgreSQL server of the tests' own, from the package `pgserver`; it can be killed as by a loss of power."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

USER = "nobody"  # a server refuses to run as root
SETTINGS = ("fsync=off", "shared_buffers=16MB", "listen_addresses=", "max_connections=40", "autovacuum=off")


def binaries(scratch: Path) -> Path:
    """The folder of the server's programs; copied to where `USER` reaches them, if these tests run as root."""
    found = importlib.util.find_spec("pgserver")
    if found is None or not found.submodule_search_locations:
        pytest.skip("there is no PostgreSQL: install the extra 'test', or set TICKWRIGHT_TEST_POSTGRES_DSN")
    package = Path(found.submodule_search_locations[0])
    if os.geteuid() == 0:
        target = scratch / "pgserver"
        shutil.copytree(package / "pginstall", target / "pginstall")
        libraries = package.with_name("pgserver.libs")
        if libraries.exists():
            shutil.copytree(libraries, scratch / "pgserver.libs")
        return target / "pginstall" / "bin"
    return package / "pginstall" / "bin"


class Server:
    """One cluster in a folder of its own, reached by a Unix socket."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tickwright-pg-"))
        self._user = USER if os.geteuid() == 0 else None
        self.data = self.folder / "data"
        self.data.mkdir()
        self.folder.chmod(0o755)
        if self._user:
            shutil.chown(self.data, self._user)
        self._bin = binaries(self.folder)
        self._run("initdb", "--auth=trust", "--encoding=utf8", "--username=postgres", "--no-sync", "--no-instructions")
        self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.data}"

    def start(self) -> None:
        options = " ".join(f"-c {setting}" for setting in (*SETTINGS, f"unix_socket_directories={self.data}"))
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self.data}/log", f"--options={options}")

    def kill(self) -> None:
        """At once, without goodbye; the next start recovers."""
        self._run("pg_ctl", "stop", "--mode=immediate", "--silent")

    def pause(self, *, paused: bool = True) -> None:
        """It neither answers nor closes connections."""
        parent = (self.data / "postmaster.pid").read_text().split()[0]
        found = subprocess.run(["pgrep", "-P", parent], capture_output=True, text=True, check=True)
        for pid in (parent, *found.stdout.split()):
            os.kill(int(pid), signal.SIGSTOP if paused else signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), f"--pgdata={self.data}", *arguments]
        subprocess.run(command, user=self._user, check=True, cwd="/", stdout=subprocess.DEVNULL, env={"LC_ALL": "C"})
