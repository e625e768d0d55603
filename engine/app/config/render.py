"""Problems as text for a terminal and as JSON objects."""

import re
from collections.abc import Sequence

from engine.app.config.problems import Place, Problem

_CARETS_MAX = 40
_LINE_MAX = 160
# Where the structure is unknown (a syntax error, a misspelt key), the name tells what must not be shown.
_SECRET_WORD = re.compile(r"(?:key|secr|pass|token)\w*[\"']?\s*:\s*(?!\$\{\w*(?::-)?\})([^\s#][^,}#]*)", re.IGNORECASE)


def render_text(problems: Sequence[Problem], files: Sequence[str]) -> str:
    """All problems, each with its line and a hint. `files` are named when no problem has one."""
    named = list(dict.fromkeys(problem.place.source.name for problem in problems if problem.place.line)) or files
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    head = f"Configuration error: {count} in {', '.join(named)}\n"
    return "\n".join([head, *(_block(problem) for problem in problems)])


def render_json(problems: Sequence[Problem]) -> list[dict[str, object]]:
    """`{file, line, column, path, message, value, hint}`; no value in secret fields, no line outside of files."""
    return [_object(problem) for problem in problems]


def _block(problem: Problem) -> str:
    place = problem.place
    if not place.line:
        lines = [_printable(place.source.title), f"      | {_printable(problem.message)}"]
    else:
        line = _line(place)
        column = place.column
        if len(line) > _LINE_MAX:
            first = max(column - _LINE_MAX // 2, 0)
            line, column = line[first : first + _LINE_MAX], column - first
        before = re.sub(r"[^\t]", " ", line[: column - 1])
        carets = "^" * min(max(place.width, 1), _CARETS_MAX)
        lines = [
            f"{place.source.name}:{place.line}:{place.column}  {problem.path}",
            f"{place.line:5d} | {line}",
            f"      | {before}{carets} {_printable(problem.message)}",
        ]
    if problem.hint:
        lines.append(f"      = hint: {_printable(problem.hint)}")
    return "\n".join(lines) + "\n"


def _line(place: Place) -> str:
    """The line with its secrets blotted out."""
    lines = place.source.text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    stretches = [(first - 1, last) for number, first, last in place.source.hidden if number == place.line]
    stretches += [found.span(1) for found in _SECRET_WORD.finditer(line)]
    for first, last in stretches:
        line = line[:first] + "*" * len(line[first:last]) + line[last:]
    return _printable(line)


def _printable(text: str) -> str:
    """Nothing that moves a terminal's cursor or cannot be written."""
    return "".join(character if character.isprintable() or character == "\t" else "?" for character in text)


def _object(problem: Problem) -> dict[str, object]:
    place = problem.place
    found: dict[str, object] = {
        "file": place.source.name,
        "line": place.line or None,
        "column": place.column or None,
        "path": problem.path,
        "message": problem.message,
        "value": problem.value,
        "hint": problem.hint,
    }
    if problem.value is None:
        del found["value"]
    return found
