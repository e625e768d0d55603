"""Keeps secrets out of everything that is written or shown."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

HIDDEN = "***"
PASSWORD_MIN = 8  # of one within an address: a shorter one could be a word of every text


class Redaction:
    """Knows the secrets of one configuration and blots them out of texts."""

    def __init__(self, config: BaseModel) -> None:
        self._secrets = sorted(set(_secrets(config)), key=len, reverse=True)

    def clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        if secret:
            yield secret
        if "://" in secret:
            password = urlsplit(secret).password or ""
            yield from (each for each in (password, unquote(password)) if len(each) >= PASSWORD_MIN)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets(inner)
