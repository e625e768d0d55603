"""The whole project keeps the style rules, and every rule finds what it forbids."""

from textwrap import dedent

import pytest

from tests.style import determinism, rules
from tests.style.source import Rule, Source, check, python_files


def test_project() -> None:
    findings = [finding for source in python_files() for finding in check(source, rules.RULES + determinism.RULES)]
    assert not findings, "\n" + "\n".join(findings)


SAMPLE = "engine/core/sample.py"
# A tilde keeps a sample from being found in this file; it is taken out.
BAD: list[tuple[Rule, str, str, str]] = [
    (rules.long_file, "401 lines", SAMPLE, "x = 1\n" * 401),
    (rules.long_function, "71 lines", SAMPLE, "def f():\n" + "    x = 1\n" * 70),
    (rules.no_module_docstring, "code only", SAMPLE, "x = 1"),
    (rules.no_port_docstring, "class", "engine/core/ports.py", "class Port: pass"),
    (rules.no_port_docstring, "method", "engine/core/ports.py", 'class Port:\n  """A."""\n  async def send(self): ...'),
    (rules.import_in_function, "import", SAMPLE, "def f():\n    import json"),
    (rules.import_in_function, "dynamic", SAMPLE, "from importlib import import_module\nimport_module('ccxt')"),
    (rules.import_in_function, "dunder", SAMPLE, "__import__('ccxt')"),
    (rules.swallowed_exception, "bare", SAMPLE, "try: x()\nexcept: raise"),
    (rules.swallowed_exception, "broad", SAMPLE, "try: x()\nexcept Exception: pass"),
    (rules.swallowed_exception, "base", SAMPLE, "try: x()\nexcept (ValueError, BaseException) as e: log(e)"),
    (rules.swallowed_exception, "suppress", SAMPLE, "from contextlib import suppress\nwith suppress(Exception): x()"),
    (rules.inexact_decimal, "literal", SAMPLE, "from decimal import Decimal\nDecimal(0.1)"),
    (rules.inexact_decimal, "negative", SAMPLE, "import decimal\ndecimal.Decimal(-0.1)"),
    (rules.float_in_ledger, "literal", "engine/core/portfolio.py", "x = 0.5"),
    (rules.float_in_ledger, "call", "connectors/simulated/ledger.py", "x = float(y)"),
    (rules.prints, "print", SAMPLE, "print(1)"),
    (rules.prints, "click", "engine/app/manager.py", "import click\nclick.echo(1)"),
    (rules.unfinished, "note", SAMPLE, "# TO~DO: later"),
    (rules.unfinished, "stub", SAMPLE, "raise NotImplemented~Error"),
    (rules.unfinished, "coverage", SAMPLE, "x = 1  # pragma: no~ cover"),
    (rules.machine_path, "root", "README.md", "see /~root/x"),
    (rules.machine_path, "home", SAMPLE, "open('/~home/me/x')"),
    (
        rules.repeated_submission,
        "retry",
        SAMPLE,
        "import tenacity\n@tenacity.retry(stop=3)\nasync def submit(order): ...",
    ),
    (determinism.clock_read, "call", SAMPLE, "import time\ntime.monotonic()"),
    (determinism.clock_read, "from", SAMPLE, "from time import time_ns as now\nnow()"),
    (determinism.clock_read, "handed on", SAMPLE, "import time\nclock = time.time"),
    (determinism.clock_read, "datetime", SAMPLE, "from datetime import datetime, UTC\ndatetime.now(UTC)"),
    (determinism.clock_read, "date", SAMPLE, "import datetime\ndatetime.date.today()"),
    (determinism.clock_read, "zone", SAMPLE, "from datetime import datetime\ndatetime.fromtimestamp(1)"),
    (determinism.chance, "random", SAMPLE, "import random\nrandom.gauss(0, 1)"),
    (determinism.chance, "from", SAMPLE, "from random import choice\nchoice(x)"),
    (determinism.chance, "system", SAMPLE, "import random\nrandom.SystemRandom()"),
    (determinism.chance, "uuid", SAMPLE, "from uuid import uuid4\nuuid4()"),
    (determinism.chance, "urandom", SAMPLE, "import os\nos.urandom(8)"),
    (determinism.chance, "id", SAMPLE, "x = id(y)"),
    (determinism.chance, "hash", SAMPLE, "x = hash(y) % 7"),
    (determinism.chance, "wait", SAMPLE, "import asyncio\nawait asyncio.wait(tasks)"),
    (determinism.chance, "executor", SAMPLE, "loop.run_in_executor(None, f)"),
    (determinism.threads, "import", SAMPLE, "import threading"),
    (determinism.threads, "from", SAMPLE, "from concurrent.futures import ThreadPoolExecutor"),
    (determinism.threads, "secrets", SAMPLE, "import secrets"),
    (determinism.finalizer, "method", SAMPLE, "class A:\n    def __del__(self): ..."),
    (determinism.set_order, "literal", SAMPLE, "for x in {1, 2}: ..."),
    (determinism.set_order, "call", SAMPLE, "y = [x for x in set(z)]"),
    (determinism.set_order, "argument", SAMPLE, "def f(names: set[str]):\n    return list(names)"),
    (determinism.set_order, "attribute", SAMPLE, "self.open: set[str] = set()\nfor x in self.open: ..."),
    (determinism.set_order, "assigned", SAMPLE, "names = {x for x in y}\nfirst = next(iter(names))"),
    (determinism.set_order, "union", SAMPLE, "names = set()\nfor x in names | other: ..."),
    (determinism.set_order, "generator", SAMPLE, "names = set()\ntotal = sum(x for x in names)"),
    (determinism.set_order, "join", SAMPLE, "names = set()\ntext = ','.join(names)"),
    (determinism.set_order, "unpack", SAMPLE, "names = set()\nrow = [*names]"),
    (determinism.set_order, "pop", SAMPLE, "names = set()\nnames.pop()"),
]


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [pytest.param(rule, name, text, id=f"{rule.__name__}-{case}") for rule, case, name, text in BAD],
)
def test_rule_finds(rule: Rule, name: str, text: str) -> None:
    assert len(list(rule(Source(name, text.replace("~", ""))))) == 1


def test_every_rule_has_a_bad_sample() -> None:
    assert set(rules.RULES) <= {row[0] for row in BAD}
    assert len(determinism.RULES) == len({row[0] for row in BAD} - set(rules.RULES))


GOOD = '''
    """Allowed."""

    import time
    from datetime import UTC, datetime
    from decimal import Decimal
    from random import Random

    def step(self, chance: Random, names: set[str], now_us: int) -> list[str]:
        """As it should be."""
        try:
            self.go(datetime.fromtimestamp(now_us, tz=UTC), Decimal("0.1"))
        except Exception as error:  # handled: the session stops
            self.stop(error)
        except BaseException:
            self.close()
            raise
        if any(name in names for name in names):
            chance.random()
        started = time.monotonic()  # det-ok: measures our own cost, never decides
        return sorted(name for name in names) + sorted({name for name in names} | {self.id(started)})
'''


def test_good_code_passes() -> None:
    assert check(Source(SAMPLE, dedent(GOOD).lstrip()), rules.RULES + determinism.RULES) == []


def test_determinism_is_asked_only_where_outcomes_must_repeat() -> None:
    text = '"""Edge."""\n\nimport time\n\nstarted = time.time()\n'
    assert check(Source("engine/app/session.py", text), determinism.RULES) == []
    assert len(check(Source("strategies/mine.py", text), determinism.RULES)) == 1
    assert check(Source("engine/core/clock.py", text), determinism.RULES) == []
