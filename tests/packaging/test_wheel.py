"""The wheel holds one package folder, and no other distribution can put its `engine` in the place of ours."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

import engine
from tests.support import ROOT

HOSTILE = "raise SystemExit('the wrong engine was imported')\n"


def call(*command: str | Path, cwd: Path) -> str:
    """Output of a command that must succeed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    result = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True)
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return result.stdout


def hostile_wheel(folder: Path) -> Path:
    """A distribution whose top level has our names."""
    path = folder / "hostile-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for name in ("engine", "connectors", "strategies", "conf"):
            archive.writestr(f"{name}/__init__.py", HOSTILE)
        archive.writestr("hostile-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
        archive.writestr(
            "hostile-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("hostile-1.0.dist-info/RECORD", "")
    return path


def site_packages(home: Path) -> Path:
    return Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))


def install(home: Path, *wheels: Path) -> set[str]:
    """Install into the environment without dependencies; returns what is new at the top level of its site-packages."""
    before = set(os.listdir(site_packages(home)))
    python = home / "bin" / "python"
    options = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
    call(sys.executable, "-m", "pip", "--python", python, "install", *options, *wheels, cwd=home)
    return set(os.listdir(site_packages(home))) - before


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that sees the dependencies of this one, behind its own packages."""
    folder = tmp_path_factory.mktemp("home")
    venv.create(folder)
    (site_packages(folder) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder


def test_wheel_has_every_module_and_sample(wheel: Path) -> None:
    sources = [path for name in ("engine", "connectors", "strategies") for path in (ROOT / name).rglob("*.py")]
    samples = (ROOT / "conf").rglob("*.yml")
    expected = {f"tickwright/{path.relative_to(ROOT).as_posix()}" for path in (*sources, *samples)}
    names = set(ZipFile(wheel).namelist())
    assert expected | {"tickwright/__init__.py", "tickwright/__main__.py"} <= names
    assert {name.partition("/")[0] for name in names} == {"tickwright", f"tickwright-{engine.__version__}.dist-info"}


def test_our_engine_runs_beside_a_hostile_distribution(wheel: Path, home: Path, tmp_path: Path) -> None:
    hostile = install(home, hostile_wheel(tmp_path))
    assert "engine" in hostile
    assert install(home, wheel) == {"tickwright", f"tickwright-{engine.__version__}.dist-info"}
    (tmp_path / "engine.py").write_text(HOSTILE)  # in the current folder, first on the path of `python -m`
    ours = str(site_packages(home) / "tickwright")
    for program in ([home / "bin" / "tickwright"], [home / "bin" / "python", "-m", "tickwright"]):
        answer = json.loads(call(*program, "version", "--json", cwd=tmp_path))
        assert (answer["data"]["folder"], answer["data"]["version"]) == (ours, engine.__version__)
    user_code = "import tickwright, engine.model.money; print(engine.__file__)"
    assert call(home / "bin" / "python", "-c", user_code, cwd=tmp_path).startswith(ours)
