"""Secrets in texts."""

from pydantic import BaseModel, SecretStr

from engine.app.redaction import Redaction


class Inner(BaseModel):
    """A section with an address."""

    url: SecretStr = SecretStr("amqps://me:hunter2%2Fhunter2@host/")
    short: SecretStr = SecretStr("amqp://guest:guest@localhost/")


class Config(BaseModel):
    """A configuration with secrets in several places."""

    key: SecretStr = SecretStr("open-sesame")
    empty: SecretStr = SecretStr("")
    inner: Inner = Inner()
    more: dict[str, SecretStr] = {"one": SecretStr("swordfish")}


def test_every_secret_is_blotted_out() -> None:
    clean = Redaction(Config()).clean
    assert clean("open-sesame, swordfish") == "***, ***"
    assert clean("cannot reach amqps://me:hunter2%2Fhunter2@host/ now") == "cannot reach *** now"
    assert (
        clean("login with hunter2%2Fhunter2 refused, with hunter2/hunter2 too")
        == "login with *** refused, with *** too"
    )


def test_a_short_password_is_a_word() -> None:
    clean = Redaction(Config()).clean
    assert clean("guest may not") == "guest may not"
    assert clean("amqp://guest:guest@localhost/") == "***"
