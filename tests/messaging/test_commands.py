"""Which commands are obeyed."""

import msgspec
import pytest

from engine.messaging.commands import AGE_US_MAX, BODY_BYTES_MAX, REMEMBERED_MAX, Command, Delivery, Judge, Refused

NOW_US = 1_700_000_000_000_000
TOPIC = "command.pause.btc-maker"


@pytest.fixture
def judge() -> Judge:
    return Judge("btc-maker", ("pause", "resume", "config.set"), ("alice",), NOW_US - 60_000_000)


def delivery(topic: str = TOPIC, user: str = "alice", message_id: str = "1", sent_us: int = NOW_US) -> Delivery:
    return Delivery(topic, user, message_id, msgspec.json.encode({"sent_us": sent_us, "reason": "lunch"}))


def with_body(body: bytes) -> Delivery:
    return Delivery(TOPIC, "alice", "1", body)


def test_a_command(judge: Judge) -> None:
    assert judge.judge(delivery(), NOW_US) == Command("pause", "alice", "lunch")


def test_a_verb_of_two_words(judge: Judge) -> None:
    verdict = judge.judge(delivery("command.config.set.btc-maker"), NOW_US)
    assert isinstance(verdict, Command)
    assert verdict.verb == "config.set"


def test_the_same_command_again(judge: Judge) -> None:
    assert isinstance(judge.judge(delivery(), NOW_US), Command)
    assert judge.judge(delivery(), NOW_US) is None
    assert isinstance(judge.judge(delivery(message_id="2"), NOW_US), Command)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (delivery(topic="order.open.btc-maker"), "order.open.btc-maker is no command to btc-maker"),
        (delivery(topic="command.pause.other"), "command.pause.other is no command to btc-maker"),
        (delivery(topic="command"), "command is no command to btc-maker"),
        (delivery(user=""), "pause from nobody, who is not in messaging.command_users"),
        (delivery(user="mallory"), "pause from mallory, who is not in messaging.command_users"),
        (delivery(topic="command.stop.btc-maker"), "stop from alice is not in messaging.commands"),
        (delivery(topic="command.fly.btc-maker"), "fly from alice is not in messaging.commands"),
        (delivery(message_id=""), "pause from alice has no message_id"),
        (with_body(b" " * (BODY_BYTES_MAX + 1)), "pause from alice has 4,097 bytes, limit 4,096"),
        (with_body(b"now!"), "pause from alice cannot be read: JSON is malformed"),
        (with_body(b'{"sent_us": "soon"}'), "pause from alice cannot be read: Expected `int`"),
        (with_body(b'{"sent_us": 1, "and": 2}'), "pause from alice cannot be read: Object contains unknown field"),
        (with_body(b'{"reason": "x"}'), "pause from alice cannot be read: Object missing required field"),
        (with_body(b'{"sent_us": 1, "reason": "\xff"}'), "pause from alice cannot be read"),
        (delivery(sent_us=NOW_US - AGE_US_MAX - 100_000), "pause from alice was sent 30.1 s ago"),
        (delivery(sent_us=NOW_US + AGE_US_MAX + 100_000), "pause from alice was sent -30.1 s ago"),
    ],
)
def test_what_is_refused(judge: Judge, message: Delivery, reason: str) -> None:
    verdict = judge.judge(message, NOW_US)
    assert isinstance(verdict, Refused)
    assert verdict.reason.startswith(reason)


def test_what_was_sent_before_the_session(judge: Judge) -> None:
    young = Judge("btc-maker", ("pause",), ("alice",), NOW_US)
    verdict = young.judge(delivery(sent_us=NOW_US - 1), NOW_US)
    assert isinstance(verdict, Refused)
    assert verdict.reason.endswith("before this session")


def test_what_is_remembered_is_bounded(judge: Judge) -> None:
    for number in range(REMEMBERED_MAX + 1):
        judge.judge(delivery(message_id=str(number)), NOW_US)
    assert isinstance(judge.judge(delivery(message_id="0"), NOW_US), Command)
    assert judge.judge(delivery(message_id="2"), NOW_US) is None
    later_us = NOW_US + 3 * AGE_US_MAX
    judge.judge(delivery(message_id="new", sent_us=later_us), later_us)
    assert isinstance(judge.judge(delivery(message_id="2", sent_us=later_us), later_us), Command)
