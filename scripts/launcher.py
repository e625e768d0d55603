"""Tickwright as installed: the folder of this package comes first on the import path.

In a wheel this file is `tickwright/__init__.py` and bot.py is `tickwright/__main__.py`. The packages have the same
names as in the checkout (`engine`, `connectors`, `strategies`), but lie inside this one folder: another distribution
that ships a top-level `engine` can neither overwrite ours nor be imported in its place.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
