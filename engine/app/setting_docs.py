"""What the models of the configuration say about their settings, for people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from engine.app.config.reading import marks_of
from engine.app.config.shape import shape_of
from engine.app.registry import BUILT_IN
from engine.model.money import to_text


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting. `name` is dotted below a section; `default` is None where the setting is required.

    `choices` are all values there are, where they are few. `is_section`: it has settings of its own.
    """

    name: str
    default: str | None
    choices: tuple[str, ...]
    doc: str
    example: str
    live: bool
    is_section: bool

    @property
    def shown(self) -> str:
        """A value as it may stand in a file: the default, or the example where the default says nothing."""
        return self.example if self.default in (None, "null", "", "[]", "{}") and self.example else self.default or ""


def setting_docs(model: type[BaseModel], prefix: str = "") -> Iterator[SettingDoc]:
    """The settings of a section in the order of its model, each section in it followed by its own."""
    for name, field in model.model_fields.items():
        annotation = field.rebuild_annotation()
        section = shape_of(annotation, {}, BUILT_IN).model
        inner = [] if section is None else list(setting_docs(section, f"{prefix}{name}."))
        yield SettingDoc(
            name=prefix + name,
            default=None if field.is_required() else value_text(field.default),
            choices=_choices(annotation),
            doc=field.description or "",
            example=str(field.examples[0]) if field.examples else _flow(inner, f"{prefix}{name}."),
            live=bool(marks_of(field).get("live")),
            is_section=section is not None,
        )
        yield from inner


def summary(model: type[Any]) -> str:
    """The first line of the documentation."""
    return (model.__doc__ or "").strip().partition("\n")[0]


def value_text(value: Any) -> str:
    """A value as it is written in a file."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Decimal):
        return to_text(value)
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {value_text(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    return str(value.value if isinstance(value, Enum) else value)


def _choices(annotation: Any) -> tuple[str, ...]:
    """Every value of a type that has only a few."""
    if get_origin(annotation) in (Annotated, Union, UnionType):
        members = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
        return tuple(choice for member in members if member is not NoneType for choice in _choices(member))
    if get_origin(annotation) is Literal:
        return tuple(str(value) for value in get_args(annotation))
    if annotation is bool:
        return ("true", "false")
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    return ()


def _flow(inner: list[SettingDoc], prefix: str) -> str:
    """A section on one line; "" if it has no settings."""
    own = [doc for doc in inner if "." not in doc.name.removeprefix(prefix)]
    return f"{{{', '.join(f'{doc.name.removeprefix(prefix)}: {doc.shown}' for doc in own)}}}" if own else ""
