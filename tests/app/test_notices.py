"""What an operator hears: once a minute, without secrets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from engine.app.config.models import RealExchange
from engine.app.log_file import Level, LogFile
from engine.app.notices import REPEAT_US, SHOWN, Notices
from engine.app.redaction import Redaction
from engine.core.modes import Mode, ModeChanged
from engine.core.notice import Notice
from engine.schema.base import ConfigModel


class Keys(ConfigModel):
    exchanges: dict[str, RealExchange]


SECRETS = Redaction(
    Keys(exchanges={"a": RealExchange(connector="a", api_key=SecretStr("key-1"), api_secret=SecretStr("key-1-long"))})
)


class Desk:
    """Notices, with everything that they let out."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bot.log"
        self.heard: list[str] = []
        log = LogFile(self.path, level=Level.DEBUG, as_json=False, size_max=1_000_000, keep=1)
        self.notices = Notices(log, SECRETS, self.heard.append)

    @property
    def logged(self) -> str:
        return self.path.read_text()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.notices.log.close()


def test_repeated_conditions_are_counted(desk: Desk) -> None:
    for at_us in (0, 1, REPEAT_US - 1, REPEAT_US, REPEAT_US + 1):
        desk.notices.tell(Notice("W-STALE", "sim", "stale", "", at_us))
    desk.notices.tell(Notice("W-STALE", "other", "stale", "", 2))
    assert desk.heard == [
        "W-STALE  sim: stale",
        "W-STALE  sim: stale (2 more like it in the last minutes)",
        "W-STALE  other: stale",
    ]
    assert [shown.count for shown in desk.notices.recent] == [1, 3, 1]
    assert desk.logged.count("\n") == 3


def test_secrets_stay_secret(desk: Desk) -> None:
    desk.notices.tell(Notice("E-KEY", "a", "wrong key key-1-long or key-1", "try key-1", 0))
    desk.notices.info("I-X", "", "key-1", 0)
    assert desk.heard == ["E-KEY    a: wrong key *** or ***\n         fix: try ***"]
    assert "key-1" not in desk.logged
    assert Redaction(Keys(exchanges={})).clean("key-1") == "key-1"


def test_what_was_to_be_expected_is_only_logged(desk: Desk) -> None:
    expected = [
        ModeChanged("", Mode.RUN, Mode.STOPPING, "stopping", 0),
        Notice("R-STOP", "", "stop by alice", "", 0),
        Notice("E-STREAM", "sim", "not connected yet", "", 0),
    ]
    desk.notices.take(expected, ready=False)
    assert desk.heard == []
    desk.notices.take(expected[2:], ready=True)
    assert len(desk.heard) == 1
    assert [line.split()[2:4] for line in desk.logged.splitlines()] == [
        ["INFO", "I-MODE"],
        ["INFO", "R-STOP"],
        ["INFO", "E-STREAM"],
        ["ERROR", "E-STREAM"],
    ]


def test_messages_that_nobody_understands(desk: Desk) -> None:
    desk.notices.take_bad_messages({"sim": 3}, 0)
    desk.notices.take_bad_messages({"sim": 3}, REPEAT_US)
    desk.notices.take_bad_messages({"sim": 4}, REPEAT_US)
    assert [text.partition("could")[0] for text in desk.heard] == [
        "W-MESSAGE sim: 3 messages ",
        "W-MESSAGE sim: 1 messages ",
    ]


def test_only_the_newest_are_kept(desk: Desk) -> None:
    for number in range(SHOWN + 5):
        desk.notices.tell(Notice("W-X", str(number), "", "", 0))
    assert [shown.notice.where for shown in desk.notices.recent] == [str(number) for number in range(5, SHOWN + 5)]
