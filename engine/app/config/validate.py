"""pydantic's errors as problems with place, message and hint."""

import difflib
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.app.config.problems import Path
from engine.app.config.reading import Reading
from engine.app.config.tree import Array, Scalar, Table
from engine.app.registry import UnknownName
from engine.schema.values import BadValue

_BOUNDS = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length} of them",
    "too_long": "may have at most {max_length} of them",
}
_KINDS = {
    "model_type": ("must be a section", "write its keys below it, indented"),
    "model_attributes_type": ("must be a section", "write its keys below it, indented"),
    "dict_type": ("must be a section", "write its keys below it, indented"),
    "tuple_type": ("must be a list", "write [first, second]"),
    "list_type": ("must be a list", "write [first, second]"),
    "string_type": ("must be text", ""),
}


def add_problems(reading: Reading, error: ValidationError) -> None:
    """Report every error of a validation, one for a path."""
    for details in error.errors(include_url=False, include_input=False):
        path = _path(reading, details)
        if path in reading.blamed:
            continue
        if details["type"] == "extra_forbidden":
            fields = reading.models[path[:-1]].model_fields
            hint = did_you_mean(str(path[-1]), fields, 0.6) or f"allowed here: {', '.join(fields)}"
            reading.report_key(path, f"unknown setting '{path[-1]}'", hint)
        elif details["type"] in ("missing", "union_tag_not_found"):
            _report_missing(reading, path)
        elif details["loc"][-1:] == ("[key]",):
            message, hint = _about_value(reading, path, details)
            reading.report_key(path, f"'{path[-1]}' {message}", hint)
        else:
            message, hint = _about_value(reading, path, details)
            reading.report(path, _subject(reading, path) + message, "" if path in reading.substituted else hint)


def _report_missing(reading: Reading, path: Path) -> None:
    """Note a missing key. Where it chooses the section's model, nothing else tells a misspelt one."""
    section, name = path[:-1], str(path[-1])
    table = reading.nodes.get(section)
    if section not in reading.models and isinstance(table, Table):
        for key in difflib.get_close_matches(name, table.entries, 1):
            reading.report_key((*section, key), f"unknown setting '{key}'", f"did you mean '{name}'?")
            return
    reading.report_key(path, f"missing required setting '{name}'", _how_to_add(reading, path))


def did_you_mean(text: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """A hint with the closest of the known words, "" when none is close."""
    close = difflib.get_close_matches(text, list(known), 1, cutoff)
    return f"did you mean '{close[0]}'?" if close else ""


def _path(reading: Reading, details: ErrorDetails) -> Path:
    """The path in the tree: without the names of union members that pydantic adds to its location."""
    parts: Sequence[str | int] = details["loc"]
    path: Path = ()
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        node = reading.nodes.get(path)
        if (*path, part) in reading.nodes or (is_last and isinstance(node, Table) and details["type"] == "missing"):
            path = (*path, part)
    if details["type"] == "union_tag_not_found":
        return (*path, str(details["ctx"]["discriminator"]).strip("'"))
    node = reading.nodes.get(path)
    if details["type"] == "union_tag_invalid" and isinstance(node, Table):
        keys = (key for key in node.entries if reading.text((*path, key)) == details["ctx"]["tag"])
        path = (*path, *itertools.islice(keys, 1))
    return path


def _about_value(reading: Reading, path: Path, details: ErrorDetails) -> tuple[str, str]:
    """The end of a sentence that begins with the value, and a hint."""
    kind = details["type"]
    context: dict[str, Any] = details.get("ctx", {})
    reason = context.get("error")
    if isinstance(reason, BadValue):
        names = reason.names if isinstance(reason, UnknownName) else ()
        return reason.message, reason.hint or did_you_mean(reading.text(path) or "", names)
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        allowed = re.findall(r"'([^']*)'", context.get("expected") or context["expected_tags"])
        return f"is not one of: {', '.join(allowed)}", did_you_mean(reading.text(path) or "", allowed)
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**context), ""
    if kind in _KINDS:
        return _KINDS[kind]
    message = details["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return message[:1].lower() + message[1:], ""


def _how_to_add(reading: Reading, path: Path) -> str:
    """The line that is missing, from the field's example and documentation."""
    name = str(path[-1])
    model = reading.models.get(path[:-1])
    if model is None or name not in model.model_fields:
        names = reading.registry.connectors if name == "connector" else reading.registry.strategies
        return f"one of: {', '.join(names)}" if name in ("connector", "kind") else ""
    field = model.model_fields[name]
    example = field.examples[0] if field.examples else "…"
    return f"add  {name}: {example}" + (f"    # {field.description}" if field.description else "")


def _subject(reading: Reading, path: Path) -> str:
    """What the message is about, in front of it."""
    node = reading.nodes.get(path)
    if isinstance(node, Scalar):
        text = reading.text(path)
        return "the value " if text is None else f"'{text}' "
    if isinstance(node, Table):
        return "" if path in reading.models else "a section "
    return "a list " if isinstance(node, Array) else ""
