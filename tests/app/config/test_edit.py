"""Changing one value in a file changes nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.app.config.edit import CannotEdit, replace_value
from engine.app.config.problems import Path, Source
from engine.app.config.tree import Scalar, Table, parse_tree
from tests.support import ROOT

SAMPLE = (ROOT / "conf" / "pmm_sim.yml").read_text()


def scalars(table: Table, path: Path = ()) -> list[tuple[Path, Scalar]]:
    found: list[tuple[Path, Scalar]] = []
    for key, entry in table.entries.items():
        if isinstance(entry.node, Scalar):
            found.append(((*path, key), entry.node))
        elif isinstance(entry.node, Table):
            found += scalars(entry.node, (*path, key))
    return found


def tree(text: str) -> Table:
    table, problems = parse_tree(Source("f", text))
    assert table is not None
    assert problems == []
    return table


@pytest.mark.parametrize(
    ("text", "path", "value", "changed"),
    [
        ("a: 1   # one\nb: 2\n", "a", "3", "a: 3   # one\nb: 2\n"),
        ("a: '1'\n", "a", "3", "a: 3\n"),
        ("a:\nb: 2\n", "a", "3", "a: 3\nb: 2\n"),
        ("a: {b: 1, c: 2}\n", "a.b", "[x]", 'a: {b: "[x]", c: 2}\n'),
        ("a: {b: 1}\n", "a.c", "2", "a: {b: 1, c: 2}\n"),
        ("a: {}\n", "a.c", "2", "a: {c: 2}\n"),
        ("a:\n  b: 1  # one\n# end\n", "a.c", "2", "a:\n  b: 1  # one\n  c: 2\n# end\n"),
        ("a:\n  b:\n    - x\n    - y\nz: 1\n", "a.c", "2", "a:\n  b:\n    - x\n    - y\n  c: 2\nz: 1\n"),
        ("a: 1", "b", "2", "a: 1\nb: 2"),
        ("a:\n  b:\n    c: 1\n", "a.d", "2", "a:\n  b:\n    c: 1\n  d: 2\n"),
        ("", "b", "2", "b: 2\n"),
        ("a: 1\n", "a", "x: y", 'a: "x: y"\n'),
        ("a: 1\n", "a", "# no comment", 'a: "# no comment"\n'),
        ("a: 1\n", "a", "~", 'a: "~"\n'),
        ("a: 1\n", "a", "two\nlines", 'a: "two\\nlines"\n'),
        ("a: 1\n", "a", "0.1%", "a: 0.1%\n"),
    ],
)
def test_replace_and_add(text: str, path: str, value: str, changed: str) -> None:
    assert replace_value(text, tuple(path.split(".")), value) == changed


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("a: {b: 1}\n", "a", "a is not a single value in this file"),
        ("a: 1\n", "b.c", "b.c is not a single value in this file"),
        ("a: &x 1\nb: *x\n", "a", "a cannot be changed alone"),
        ("a: &x 1\nb: *x\n", "b", "b cannot be changed alone"),
        ("a: [1\n", "a", "the file has problems"),
        ("a: [{b: 1}]\n", "a.x", "a.x is not a single value in this file"),
    ],
)
def test_refused(text: str, path: str, message: str) -> None:
    with pytest.raises(CannotEdit, match=message):
        replace_value(text, tuple(path.split(".")), "9")


def test_values_in_lists() -> None:
    assert replace_value("a: [1, {b: 2}]\n", ("a", 1, "b"), "3") == "a: [1, {b: 3}]\n"


@given(st.sampled_from(scalars(tree(SAMPLE))), st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C"])))
def test_round_trip_over_a_sample(place: tuple[Path, Scalar], value: str) -> None:
    path, scalar = place
    changed = replace_value(SAMPLE, path, value or "x")
    assert changed[: scalar.start] == SAMPLE[: scalar.start]
    assert changed.endswith(SAMPLE[scalar.end :])
    assert {path: node.text for path, node in scalars(tree(changed))} == {
        **{path: node.text for path, node in scalars(tree(SAMPLE))},
        path: value or "x",
    }
