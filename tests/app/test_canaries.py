"""No secret is ever seen: marked keys go through sessions in which everything fails, then all that is left is read."""

import json
import os
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.simulated.server.faults import Fault, FaultKind
from engine.app.config.load import load_bot
from engine.app.launch import Run, run_bot
from engine.app.secrets.file import kept_accounts
from engine.app.secrets.keys import with_keys
from engine.app.session import Session
from engine.app.status import status_of
from tests.app.canaries import WINDOW, hits, spellings
from tests.app.cli.support import run
from tests.app.served import Served, served, write_live_bot

KEY = "canaryKEY7qZt4Wm9Xr2Lp6Vd8Hs3Bn5Jc1Fg"
SECRET = "canarySECRET+Ty8/Uk3=Re6&Wq1%Pz9?Mb4"
PASSWORD = "canary PASSWORD gW5 nT8 xK2 vR7"
CANARIES = (KEY, SECRET, PASSWORD)


@pytest.fixture
def venue() -> Iterator[Served]:
    with served() as venue:
        venue.give(KEY, SECRET)
        yield venue


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, venue: Served) -> Path:
    """The bot's file, with its keys in the secrets file."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "password").write_text(PASSWORD)
    monkeypatch.setenv("TICKWRIGHT_PASSWORD_FILE", str(tmp_path / "outside" / "password"))
    monkeypatch.setenv("VENUE_URL", venue.url)
    monkeypatch.setenv("TICKWRIGHT_VENUE_URL", venue.url)
    home = tmp_path / "home"
    home.mkdir()
    keys = ', api_key: "${BINANCE_API_KEY}", api_secret: "${BINANCE_API_SECRET}"'
    write_live_bot(home, (keys, ""))
    assert (
        run("keys", "add", "binance", cwd=home, input=json.dumps({"api_key": KEY, "api_secret": SECRET})).exit_code == 0
    )
    return home


def keep(home: Path, secret: str) -> None:
    keys = json.dumps({"api_key": KEY, "api_secret": secret})
    assert run("keys", "add", "binance", cwd=home, input=keys).exit_code == 0


def seen_of(session: Session) -> str:
    """Whatever is shown of a session, or could be printed."""
    return f"{json.dumps(status_of(session), default=str)} {session.config!r} {vars(session)!r}"


def session_of(home: Path, said: list[str]) -> None:
    """One in this process, with what it shows."""
    file = home / "live-bot.yml"
    loaded = load_bot([file], (), os.environ, kept=kept_accounts(home))
    run_of = Run(with_keys(loaded, home, None, said.append), [file], home, 1.0, 1_500_000)
    session = run_bot(run_of, lambda session: said.append(seen_of(session)), said.append)
    said.append(seen_of(session))


@pytest.mark.parametrize("spelling", range(10))
def test_the_search_finds_every_spelling(spelling: int) -> None:
    for lead in range(4):
        window = SECRET[lead + 3 : lead + 3 + WINDOW]
        spelt = list(spellings(window.encode()))[spelling]
        assert hits([SECRET], [("log", b"some " + spelt + b" text")]) == [f"log: cana… as {spelt!r}"]
    for lead in range(3):
        whole = b64encode(bytes(lead) + SECRET.encode() + b"...")
        assert hits([SECRET], [("log", whole)])
    assert not hits([SECRET], [("log", SECRET[: WINDOW - 1].encode())])


def test_nothing_of_a_secret_is_ever_seen(
    home: Path, venue: Served, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    file = home / "live-bot.yml"

    def start() -> None:
        said.append(run("start", str(file), "--live", "--for", "1500ms", "-vv", cwd=home).output)
        said.append(run("doctor", str(file), cwd=home).output)
        said.append(run("keys", "test", "binance", cwd=home).output)

    for pad in (0, 165):  # the second is cut within our key
        venue.echo = ("x" * pad).__add__
        session_of(home, said)
    assert "POST /api/v3/order" in venue.orders_sent
    venue.echo = None
    start()
    venue.give(KEY, "another secret")  # bad signatures
    start()
    told = json.dumps({"code": -2015, "msg": f"{SECRET} {'x' * 130}{KEY}"})  # cut within our key
    venue.world.wire.arm(Fault(FaultKind.REFUSE, "sapi", status=400, body=told))
    start()
    monkeypatch.setenv("VENUE_URL", "http://127.0.0.1:9")  # refused connections
    monkeypatch.setenv("TICKWRIGHT_VENUE_URL", "http://127.0.0.1:9")
    start()
    keep(home, f"-----BEGIN PRIVATE KEY-----\n{SECRET}")  # a signer that fails
    start()
    (home.parent / "outside" / "password").write_text(f"{PASSWORD} wrong")
    start()
    questions = ["keys list", "history live-bot", "logs live-bot", "ps", f"config show {file}", "keys remove binance"]
    said += [run(*words.split(), cwd=home).output for words in questions]
    out, err = capfd.readouterr()
    places = [(f"output {number}", text.encode()) for number, text in enumerate([*said, out, err])]
    files = [path for path in home.rglob("*") if path.is_file()]
    assert {"history.sqlite", "orders.sqlite", "live-bot.log", "secrets.enc"} <= {path.name for path in files}
    assert any(path.suffix == ".twj" for path in files)
    places += [(str(path.relative_to(home)), path.read_bytes()) for path in files]
    assert not hits(CANARIES, places)
