"""`${NAME}` and `${NAME:-default}` in values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_REFERENCE = re.compile(r"\$\$\{|\$\{(?:([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}|([^}]*)\}?)")


@dataclass(frozen=True, slots=True)
class Substituted:
    """`text` after substitution. `names` were asked for; `missing` have no value; `malformed` are not names."""

    text: str
    names: tuple[str, ...]
    missing: tuple[str, ...]
    malformed: tuple[str, ...]


def substitute(text: str, environ: Mapping[str, str]) -> Substituted:
    """Replace the references in `text`; `$${` writes a literal `${`."""
    names: list[str] = []
    missing: list[str] = []
    malformed: list[str] = []

    def value(found: re.Match[str]) -> str:
        name, default, other = found.groups()
        if found[0] == "$${":
            return "${"
        if name is None:
            malformed.append(other)
            return ""
        names.append(name)
        text = environ.get(name) or default
        if text is None:
            missing.append(name)
        return text or ""

    text = _REFERENCE.sub(value, text)
    return Substituted(text, tuple(names), tuple(missing), tuple(malformed))
