"""The import contracts of pyproject.toml hold, and each of them can break."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

# One wrong import for each contract, in the order of pyproject.toml.
WRONG = {
    "engine/model/__init__.py": "import engine.app",
    "engine/app/__init__.py": "import strategies",
    "engine/core/__init__.py": "import time",
    "engine/core/orders.py": "import pydantic",
    "connectors/okx/__init__.py": "import connectors.binance",
}
RIGHT = {
    "engine/core/clock.py": "import asyncio, time",
    "engine/schema/__init__.py": "import pydantic",
    "engine/core/checks.py": "import engine.schema",
    "connectors/binance/__init__.py": "import connectors.base, engine.core",
    "connectors/base/__init__.py": "import aiohttp",
    "strategies/__init__.py": "import engine.model",
    "engine/__init__.py": "",
    "connectors/__init__.py": "",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the packages in `folder` by the contracts in its pyproject.toml."""
    program = [
        sys.executable,
        "-c",
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))",
    ]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True)


def verdicts(output: str) -> list[str]:
    """KEPT or BROKEN for each contract."""
    lines = (line.split() for line in output.splitlines())
    return [word for words in lines for word in words if word in ("KEPT", "BROKEN")]


def test_project_keeps_the_contracts() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


def test_every_contract_can_break(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, text in (RIGHT | dict.fromkeys(WRONG, "")).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    kept = lint(tmp_path)
    assert verdicts(kept.stdout) == ["KEPT"] * len(WRONG), kept.stdout
    for name, text in WRONG.items():
        (tmp_path / name).write_text(text)
    broken = lint(tmp_path)
    assert verdicts(broken.stdout) == ["BROKEN"] * len(WRONG), broken.stdout
