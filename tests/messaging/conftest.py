"""One RabbitMQ for all tests that need one."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.docs.blocks import blocks
from tests.messaging.broker import Broker, missing
from tests.support import ROOT


def definitions() -> dict[str, Any]:
    """Users and rights as docs/messaging.md recommends them, with the password that the tests know."""
    page = (ROOT / "docs" / "messaging.md").read_text()
    found = next(json.loads(block.text) for block in blocks(page, "messaging.md") if '"users"' in block.text)
    return json.loads(json.dumps(found).replace("change me", "secret"))  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of the tests' own, with the users of the documentation."""
    if missing():
        pytest.skip(missing())
    broker = Broker(tmp_path_factory.mktemp("rabbitmq") / "node", definitions())
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


@pytest.fixture(scope="session")
def url(request: pytest.FixtureRequest) -> str:
    """What a bot logs in with: TICKWRIGHT_TEST_AMQP_URL, else our own broker."""
    named = os.environ.get("TICKWRIGHT_TEST_AMQP_URL")
    return named or request.getfixturevalue("broker").url("tickwright")  # type: ignore[no-any-return]
