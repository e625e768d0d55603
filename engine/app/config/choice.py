"""Sections whose model is chosen by one of their own keys and loaded through the registry."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationError, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, core_schema

from engine.app.registry import BUILT_IN, NOT_BUILT, Registry
from engine.schema.values import BadValue

Values = Mapping[str, object]


class BadChoice(Exception):
    """The key that chooses the model is wrong, or missing if there is no `reason`."""

    def __init__(self, key: str, reason: BadValue | None = None) -> None:
        super().__init__(key)
        self.key = key
        self.reason = reason


@dataclass(frozen=True)
class Choice:
    """Annotates a field: `choose` names the type of the section, `every` all types that it could be.

    Validation takes the registry from the context (`{"registry": …}`), by default the built-in one. An already made
    model is taken as it is.
    """

    choose: Callable[[Values, Registry], Any]
    every: Callable[[Registry], Iterable[Any]]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(adapter(annotation).core_schema) for annotation in self.every(BUILT_IN)]}

    def _validate(self, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, BaseModel):
            return value
        if not isinstance(value, Mapping):
            raise BadValue("must be a section", "write its keys below it, indented")
        try:
            annotation = self.choose(value, registry_of(info))
        except BadChoice as choice:
            details = InitErrorDetails(type="missing", loc=(choice.key,), input=value)
            if choice.reason is not None:
                details = InitErrorDetails(**{**details, "type": "value_error", "ctx": {"error": choice.reason}})
            raise ValidationError.from_exception_data("section", [details]) from choice
        return adapter(annotation).validate_python(value, context=info.context)


def registry_of(info: ValidationInfo) -> Registry:
    registry = (info.context or {}).get("registry", BUILT_IN)
    assert isinstance(registry, Registry)
    return registry


@lru_cache(maxsize=64)
def adapter(annotation: Any) -> TypeAdapter[Any]:
    """The validator of a type, made once."""
    return TypeAdapter(annotation)


def _text(values: Values, key: str) -> str:
    value = values.get(key)
    return value if isinstance(value, str) else ""


def _strategy(values: Values, registry: Registry) -> Any:
    kind, use = _text(values, "kind"), _text(values, "use")
    if not kind and not use:
        raise BadChoice("kind")
    try:
        return registry.strategy_config(kind, use)
    except BadValue as reason:
        raise BadChoice("use" if use else "kind", reason) from reason


def _exchange(values: Values, registry: Registry) -> Any:
    connector = _text(values, "connector")
    if not connector:
        raise BadChoice("connector")
    try:
        return registry.connector_config(connector)
    except BadValue as reason:
        raise BadChoice("connector", reason) from reason


def _built(paths: Mapping[str, str]) -> list[str]:
    return [name for name, path in paths.items() if path != NOT_BUILT]


STRATEGY = Choice(
    _strategy, lambda registry: [registry.strategy_config(name, "") for name in _built(registry.strategies)]
)
EXCHANGE = Choice(_exchange, lambda registry: [registry.connector_config(name) for name in _built(registry.connectors)])
MARKET = Choice(
    lambda values, registry: registry.market_config("replay" if values.get("model") == "replay" else "synthetic"),
    lambda registry: [registry.market_config(name) for name in registry.markets],
)
