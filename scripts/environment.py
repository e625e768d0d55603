"""Makes `.venv` and installs what pyproject.toml names: `python3 scripts/environment.py [extra …]`. Used by make.

The project itself is not installed: it runs from the checkout. As root, Debian packages that pip cannot give are
installed too.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
DEBIAN_PACKAGES: list[str] = []
SERVICES = {"test": ["rabbitmq-server"]}  # by extra; tests that need one start it, or are skipped where it is not


def run(*command: str | Path) -> None:
    """Show and run a command; its failure ends this program."""
    print("+", *command, flush=True)
    subprocess.run(command, check=True)


def debian_missing() -> list[str]:
    """Debian packages that are wanted but absent; on other systems only what Python itself lacks."""
    return ([] if find_spec("ensurepip") else ["python3-venv"]) + not_installed(DEBIAN_PACKAGES)


def not_installed(packages: list[str]) -> list[str]:
    """Those of these Debian packages that are absent; none on other systems."""
    if not shutil.which("dpkg-query"):
        return []
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}"]
    states = {name: subprocess.run([*query, name], capture_output=True, text=True).stdout for name in packages}
    return [name for name, state in states.items() if state != "installed"]


def install_services(packages: list[str]) -> None:
    """Install them as root; without them some tests are skipped, and that is all."""
    try:
        install_debian(packages)
    except (subprocess.CalledProcessError, SystemExit) as error:
        print(f"Some tests will be skipped. {error}", flush=True)


def install_debian(packages: list[str]) -> None:
    """Install them as root, else say what to install."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"Missing system packages: {' '.join(packages)}. On Debian: sudo apt-get install {' '.join(packages)}")
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)


def requirements(extras: list[str]) -> list[str]:
    """Dependencies of the project and of these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(name for extra in extras for name in project["optional-dependencies"][extra])]


def main(extras: list[str]) -> None:
    """Make the environment complete."""
    if missing := debian_missing():
        install_debian(missing)
    if missing := not_installed([name for extra in extras for name in SERVICES.get(extra, ())]):
        install_services(missing)
    if not PYTHON.exists():
        run(sys.executable, "-m", "venv", ROOT / ".venv")
    run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements(extras))


if __name__ == "__main__":
    main(sys.argv[1:])
