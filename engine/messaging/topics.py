"""Routing keys: `noun.verb.name`, words parted by dots, and the patterns that choose among them."""

import re
from functools import cache

_WORDS = {"*": r"\.[^.]*", "#": r"(?:\.[^.]*)*"}  # each with the dot before it: `#` may stand for no word


def routing_key(noun: str, verb: str, name: str) -> str:
    """`name` is the one word that tells senders apart; what would part it into several becomes `_`."""
    return f"{noun}.{verb}.{re.sub(r'[^A-Za-z0-9_-]', '_', name)}"


def kind_of(topic: str) -> str:
    """The first two words: what kind of message it is."""
    return ".".join(topic.split(".", 2)[:2])


def matches(pattern: str, topic: str) -> bool:
    """As topic exchanges match: `*` stands for one word, `#` for any number of words."""
    return _regex(pattern).fullmatch(f".{topic}") is not None


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_WORDS.get(word) or re.escape(f".{word}") for word in pattern.split(".")))
