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
    sections = {key: reading.models[*path, key] for key in value if (*path, key) in reading.models}
    return {key: salvage(section, value[key], reading, (*path, key)) for key, section in sections.items()} or None


def _validated(annotation: Any, value: Any, reading: Reading) -> Any:
    try:
        return adapter(annotation).validate_python(value, context={"registry": reading.registry})
    except ValidationError:  # handled: it has a problem of its own, the rules see None
        return None
