"""What lies where in the repository."""

import subprocess

import pytest

from tests.style.rules import machine_path
from tests.style.source import PRODUCT, Source
from tests.support import ROOT

TOP = {
    *PRODUCT,
    "conf",
    "scripts",
    "tests",
    "docs",
    ".ci",
    "pyproject.toml",
    "bot.py",
    "README.md",
    "LICENSE",
    "Makefile",
}


def tracked() -> list[str]:
    """Paths of all files that git knows."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).exists()]


def test_top_level() -> None:
    assert {name.partition("/")[0] for name in tracked()} - {".gitignore"} == TOP


def test_no_text_names_a_place_of_one_machine() -> None:
    text_files = [name for name in tracked() if not name.endswith(".py") and b"\0" not in (ROOT / name).read_bytes()]
    sources = [Source(name, (ROOT / name).read_text(encoding="utf-8")) for name in text_files]
    assert [f"{source.name}:{line}: {text}" for source in sources for line, text in machine_path(source)] == []


def test_every_product_folder_is_a_package() -> None:
    folders = {(ROOT / name).parent for name in tracked() if name.endswith(".py") and name.startswith(PRODUCT)}
    assert [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
