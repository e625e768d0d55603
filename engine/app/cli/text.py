"""Plain text for terminals: aligned columns, nothing that moves the cursor."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def table(rows: Iterable[Sequence[str]], indent: str = "") -> str:
    """Rows of equal length with their columns aligned, two blanks apart; the last column is as long as it likes."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(f"{indent}{line}".rstrip() for line in lines)


def printable(text: str) -> str:
    """The text on one line, without control characters."""
    return "".join(character if character.isprintable() else "?" for character in text)


def count(number: int, noun: str) -> str:
    """`1 setting`, `2 settings`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def short(path: Path) -> str:
    """The path as one would type it here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
