"""Compile the fill kernel with mypyc: the same files, as an optional accelerator that nothing needs.

    python scripts/build_fast.py          needs mypy, setuptools and a C compiler; about ten seconds

The files are copied under other names, so that the plain ones stay importable beside them. Exits 0 and says so where
there is no compiler: a run then uses the plain kernel.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from connectors.paper.choice import DIGEST, SOURCES, sources_digest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "connectors/paper"
PLAIN = ("words", "interface")  # what the compiled files import as it is
COMPILED = [name for name in SOURCES if name not in PLAIN]
SETUP = """
from mypyc.build import mypycify
from setuptools import setup
files = {files!r}
setup(name="fast", packages=[], ext_modules=mypycify(files, group_name="connectors.paper.fast.all", opt_level="3"))
"""


def build() -> str:
    """Returns what was done, or why not."""
    if shutil.which("cc") is None and shutil.which("cl") is None:
        return "no C compiler here: runs use the plain kernel"
    target = ROOT / PACKAGE / "fast"
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        fast = work / PACKAGE / "fast"
        fast.mkdir(parents=True)
        for package in (fast, fast.parent, fast.parent.parent):
            (package / "__init__.py").touch()
        for name in PLAIN:
            shutil.copy(ROOT / PACKAGE / f"{name}.py", fast.parent)
        for name in COMPILED:
            text = (ROOT / PACKAGE / f"{name}.py").read_text(encoding="utf-8")
            for other in COMPILED:
                text = text.replace(f"from connectors.paper.{other} ", f"from connectors.paper.fast.{other} ")
            (fast / f"{name}.py").write_text(text, encoding="utf-8")
        (work / "setup.py").write_text(SETUP.format(files=[f"{PACKAGE}/fast/{name}.py" for name in COMPILED]))
        command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"the kernel did not compile:\n{done.stdout}{done.stderr}")
        for old in [*target.glob("*.so"), *target.glob("*.pyd")]:
            old.unlink()
        libraries = [*fast.glob("*.so"), *fast.glob("*.pyd")]
        for library in libraries:
            shutil.copy(library, target)
    DIGEST.write_text(sources_digest())
    size = sum(library.stat().st_size for library in target.glob("*.so"))
    return f"compiled {len(COMPILED)} files into {target.relative_to(ROOT)}, {size // 1000} kB"


if __name__ == "__main__":
    print(build())
