"""What the models declare for a place in the tree: a section with a model, a collection, or a single value."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from engine.app.config.choice import BadChoice, Choice
from engine.app.registry import Registry
from engine.schema.values import BadValue


@dataclass(frozen=True, slots=True)
class Shape:
    """`model` of a section, type of the `item`s of a mapping or list, and whether the place may be null."""

    model: type[BaseModel] | None = None
    item: Any = None
    nullable: bool = False


def shape_of(annotation: Any, texts: Mapping[str, object], registry: Registry) -> Shape:
    """The shape of a type. `texts` are the values present there: they choose among several models."""
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        choice = next((mark for mark in marks if isinstance(mark, Choice)), None)
        if choice is None:
            return shape_of(inner, texts, registry)
        try:
            return shape_of(choice.choose(texts, registry), texts, registry)
        except (BadChoice, BadValue):  # handled: validation meets the same and reports it; here nothing is known below
            return Shape()
    if get_origin(annotation) in (Union, UnionType):
        return _shape_of_union(get_args(annotation), texts, registry)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape(model=annotation)
    if get_origin(annotation) in (dict, tuple, list):
        return Shape(item=get_args(annotation)[1 if get_origin(annotation) is dict else 0])
    return Shape()


def _shape_of_union(members: tuple[Any, ...], texts: Mapping[str, object], registry: Registry) -> Shape:
    shapes = [shape_of(member, texts, registry) for member in members if member is not NoneType]
    nullable = NoneType in members
    models = [shape.model for shape in shapes if shape.model is not None]
    model = models[0] if len(models) == 1 else next((model for model in models if _is_meant(model, texts)), None)
    item = next((shape.item for shape in shapes if shape.item is not None), None)
    return Shape(model, item, nullable or any(shape.nullable for shape in shapes))


def _is_meant(model: type[BaseModel], texts: Mapping[str, object]) -> bool:
    """Whether a key with few possible values, such as `model:`, has one of this model's."""
    fields = model.model_fields.items()
    choices = {name: get_args(field.annotation) for name, field in fields if get_origin(field.annotation) is Literal}
    return any(texts.get(name) in values for name, values in choices.items())
