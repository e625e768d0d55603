"""Everything that README.md and docs/ show is tried; see tests/docs/blocks.py for the kinds of blocks."""

import shutil
from pathlib import Path

import pytest

from tests.docs.blocks import Page, blocks, try_block
from tests.support import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def try_page(text: str, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    page = Page(folder)
    for block in blocks(text, name):
        try_block(block, page)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n```") == 2 * len(list(blocks(text, path.name))), "a block that is not closed, or indented"
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    try_page(text, path.name, tmp_path, monkeypatch)


GOOD = """
```python
number = 6
```
```python
# strategies/mine.py
raise SystemExit("written, not run")
```
```python
import pathlib
assert number == 6 and pathlib.Path("strategies/mine.py").exists()
```
```yaml
# conf/part.yml
risk: {max_drawdown: 5%}
```
```console run
$ tickwright version
tickwright … (Python …)
$ python bot.py version -q
```
```console manual
$ git clone somewhere
$ make demo
$ tickwright version
```
```json
{}
```
```text
anything
```
"""


def test_good_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try_page(GOOD, "good.md", tmp_path, monkeypatch)
    assert (tmp_path / "conf" / "part.yml").exists()


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("", "unmarked", "nothing would try this block"),
        ("console", "$ tickwright version", "nothing would try this block"),
        ("console run", "tickwright version", "write commands as"),
        ("console run", "", "no command"),
        ("console run", "$ make demo", "only tickwright runs here"),
        ("console run", "$ tickwright nothing", "No such command"),
        ("console run", "$ tickwright version\nfreqtrade …", "prints\ntickwright"),
        ("console manual", "$ tickwright nothing", "no such command"),
        ("console manual", "$ python bot.py nothing", "no such command"),
        ("console manual", "$ make nothing", "no such target"),
        ("yaml", "name: 1\nno_such_setting: 2", "config check"),
        ("python", "assert 1 == 2, 'wrong'", "wrong"),
    ],
)
def test_bad_block(kind: str, text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError) as caught:
        try_page(f"# Title\n```{kind}\n{text}\n```\n", "bad.md", tmp_path, monkeypatch)
    assert message in str(caught.value)
