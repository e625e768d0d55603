"""Reading a configuration does not import what only trading needs."""

import subprocess
import sys

from tests.support import ROOT

HEAVY = {"aiohttp", "asyncio", "ccxt", "click", "nicegui", "numpy", "rich", "sqlalchemy", "strategies", "websockets"}
SCRIPT = "import sys, engine.app.config.load, engine.app.config.render; print(*sorted(sys.modules))"


def test_the_loader_is_light() -> None:
    loaded = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    names = loaded.stdout.split()
    assert "yaml" in names
    assert not HEAVY & set(names)
    assert not [name for name in names if name.startswith(("connectors", "strategies"))]
