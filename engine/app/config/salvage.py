"""The valid part of a configuration that did not validate, so that the rules across fields can speak too."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from engine.app.config.choice import adapter
from engine.app.config.problems import Path
from engine.app.config.reading import Reading


def salvage(model: type[BaseModel], values: Mapping[str, Any], reading: Reading, path: Path = ()) -> Any:
    """An instance of `model` in which every field that is missing or has a problem at or below it is None."""
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if name in values:
            fields[name] = _value(field.rebuild_annotation(), values[name], reading, (*path, name))
        elif not field.is_required():
            fields[name] = _validated(field.rebuild_annotation(), field.get_default(), reading)
        else:
            fields[name] = None
    return model.model_construct(_fields_set=set(values), **fields)


def _value(annotation: Any, value: Any, reading: Reading, path: Path) -> Any:
    blamed = any(problem[: len(path)] == path for problem in reading.blamed)
    if not blamed:
        return _validated(annotation, value, reading)
    if not isinstance(value, Mapping):
        return None
    model = reading.models.get(path)
    if model is not None:
        return salvage(model, value, reading, path)
    inner = {key: (reading.models.get((*path, key)), member) for key, member in value.items()}
    return {
        key: salvage(member_model, member, reading, (*path, key))
        for key, (member_model, member) in inner.items()
        if member_model is not None and isinstance(member, Mapping)
    }


def _validated(annotation: Any, value: Any, reading: Reading) -> Any:
    try:
        return adapter(annotation).validate_python(value, context={"registry": reading.registry})
    except ValidationError:  # handled: it has a problem of its own, the rules see None
        return None
