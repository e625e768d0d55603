"""Signatures, secrets, outcomes, the breaker and the venue's clock."""

import asyncio
import copy
import pickle
from base64 import b64decode
from collections.abc import Callable
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.base.breaker import FAILURES, Breaker
from connectors.base.credentials import Credentials, Secret
from connectors.base.outcomes import Failed, Row, failed, judge
from connectors.base.sign import hmac_base64, hmac_hex, private_key
from connectors.base.time_sync import VenueClock
from engine.model.enums import Action, OrderStatus, OrderType, Outcome, Side
from engine.model.errors import Unauthorized
from engine.model.event import OrderUpdate, RequestFailed
from engine.model.request import CancelOrder, FetchBalances, ResyncBook, SubmitOrder
from tests.sim.loop.simloop import SimLoop, run

SUBMIT = SubmitOrder("ID", "sim:BTC-USDT", Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(2))
BINANCE_SECRET = Secret("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")


# ---- signatures


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        (
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00&quantity=0.01000000"
            "&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
    ],
)
def test_the_documented_signatures_of_binance(text: str, signature: str) -> None:
    assert hmac_hex(BINANCE_SECRET)(text.encode()) == signature


def test_a_signer_can_be_used_again() -> None:
    sign = hmac_base64(Secret("key"))
    assert sign(b"The quick brown fox jumps over the lazy dog") == "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg="
    assert sign(b"") != sign(b"x") == sign(b"x")
    assert len(hmac_hex(Secret("key"), "sha512")(b"x")) == 128


def pem(key: object) -> Secret:
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
    return Secret(text.decode())


def test_private_keys_sign_what_their_public_halves_verify() -> None:
    ed25519, rsa = Ed25519PrivateKey.generate(), generate_rsa(65537, 2048)
    ed25519.public_key().verify(b64decode(private_key(pem(ed25519))(b"text")), b"text")
    rsa.public_key().verify(b64decode(private_key(pem(rsa))(b"text")), b"text", PKCS1v15(), SHA256())


@pytest.mark.parametrize("secret", [Secret("-----BEGIN nonsense"), pem(generate_private_key(SECP256R1()))])
def test_other_keys_are_refused_without_showing_them(secret: Secret) -> None:
    with pytest.raises(Unauthorized) as error:
        private_key(secret)
    assert secret.reveal() not in str(error.value)


# ---- secrets


def test_a_secret_shows_nothing() -> None:
    secret = Secret("hunter2")
    credentials = Credentials(secret, secret)
    for text in (str(secret), repr(secret), f"{secret}", f"{secret:>20}", repr(credentials), repr([secret])):
        assert "hunter2" not in text
    assert secret.reveal() == "hunter2"
    assert secret
    assert not credentials.passphrase


@pytest.mark.parametrize(
    "misuse",
    [lambda each: each == "hunter2", hash, pickle.dumps, copy.copy, copy.deepcopy],
    ids=["compared", "hashed", "pickled", "copied", "copied deeply"],
)
def test_a_secret_cannot_be(misuse: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError):
        misuse(Secret("hunter2"))


# ---- outcomes

ROWS = (
    Row(Outcome.NOT_SENT, status=429, word="rate_limit"),
    Row(Outcome.AMBIGUOUS, ("-1",), (Action.SUBMIT,), text="twice", word="duplicate"),
    Row(Outcome.REJECTED, ("-1",), (Action.SUBMIT,)),
)


@pytest.mark.parametrize(
    ("action", "status", "code", "text", "outcome", "word"),
    [
        (Action.SUBMIT, 429, "-1", "", Outcome.NOT_SENT, "rate_limit"),
        (Action.SUBMIT, 400, "-1", "sent twice", Outcome.AMBIGUOUS, "duplicate"),
        (Action.SUBMIT, 400, "-1", "no", Outcome.REJECTED, "-1"),
        (Action.CANCEL, 400, "-1", "no", Outcome.AMBIGUOUS, "-1"),
        (Action.SUBMIT, 400, "-2", "", Outcome.AMBIGUOUS, "-2"),
        (Action.SUBMIT, 502, "", "<html>", Outcome.AMBIGUOUS, "http_502"),
    ],
)
def test_the_first_row_that_fits_judges(
    action: Action, status: int, code: str, text: str, outcome: Outcome, word: str
) -> None:
    found = judge(ROWS, action, status, code, text)
    assert (found.outcome, found.code) == (outcome, word)


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        (Outcome.NOT_SENT, OrderStatus.REJECTED, "not_sent:x"),
        (Outcome.REJECTED, OrderStatus.REJECTED, "rejected:x"),
        (Outcome.AMBIGUOUS, OrderStatus.UNKNOWN, "ambiguous:x"),
        (Outcome.ABSENT, OrderStatus.UNKNOWN, "ambiguous:x"),
    ],
)
def test_a_failed_submit_is_an_update(outcome: Outcome, status: OrderStatus, reason: str) -> None:
    (update,) = failed(SUBMIT, Failed(outcome, "x"), 1, 2)
    assert isinstance(update, OrderUpdate)
    assert (update.status, update.reason, update.filled, update.started_us) == (status, reason, None, 1)


def test_other_failures_name_what_was_asked() -> None:
    (failure,) = failed(CancelOrder("ID", "sim:BTC-USDT", "7"), Failed(Outcome.ABSENT, "-2011", "no " * 200), 1, 2)
    assert isinstance(failure, RequestFailed)
    assert (failure.action, failure.venue_order_id, failure.venue) == (Action.CANCEL, "7", "sim")
    assert len(failure.reason) == 200
    (failure,) = failed(FetchBalances("sim"), Failed(Outcome.AMBIGUOUS, "timeout"), 1, 2)
    assert isinstance(failure, RequestFailed)
    assert failure.venue == "sim"
    assert failed(ResyncBook("sim:BTC-USDT"), Failed(Outcome.AMBIGUOUS, "timeout"), 1, 2) == []


# ---- the breaker


def test_the_breaker_opens_after_failures_in_a_row_and_tries_again() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.failed(0)
    assert breaker.allows(0)
    breaker.failed(0)
    assert not breaker.allows(999_999)
    assert breaker.allows(1_000_000)
    assert not breaker.allows(1_000_001)  # one trial at a time
    breaker.failed(1_100_000)
    assert not breaker.allows(3_000_000)
    assert breaker.allows(3_100_000)
    breaker.answered()
    assert breaker.allows(3_100_001)


# ---- clock


def test_the_clock_is_the_median_of_what_came_in_time() -> None:
    loop = SimLoop()
    delays = iter([0.02, 0.04, 5.0, 0.4, 0.02])
    clock = VenueClock("sim")

    async def ask() -> int:
        pause = next(delays)
        await asyncio.sleep(pause * 0.9)  # the way there is slow
        told_us = loop.wall_us() + 250_000
        await asyncio.sleep(pause * 0.1)
        return told_us

    async def main() -> None:
        synced = await clock.measure(ask, loop.wall_us)
        assert abs(synced.offset_us - 250_000) <= synced.error_us <= 20_000
        assert clock.offset_us == synced.offset_us

    run(loop, main())


def test_answers_that_are_all_too_slow_say_nothing() -> None:
    loop = SimLoop()
    clock = VenueClock("sim")

    async def ask() -> int:
        await asyncio.sleep(2)
        return 0

    async def main() -> None:
        with pytest.raises(Failed):
            await clock.measure(ask, loop.wall_us)
        assert clock.offset_us == 0

    run(loop, main())
