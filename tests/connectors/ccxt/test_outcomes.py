"""What an exception of ccxt proves."""

import aiohttp
import ccxt
import pytest

from connectors.base.http_guard import NotAnswered
from connectors.ccxt.outcomes import judge
from engine.model.enums import Action, Outcome

AMBIGUOUS, REJECTED, NOT_SENT, ABSENT = Outcome.AMBIGUOUS, Outcome.REJECTED, Outcome.NOT_SENT, Outcome.ABSENT


@pytest.mark.parametrize(
    ("error", "submit", "cancel", "code"),
    [
        (ccxt.InsufficientFunds("no"), REJECTED, REJECTED, "insufficient_funds"),
        (ccxt.InvalidOrder("too small"), REJECTED, REJECTED, "InvalidOrder"),
        (ccxt.InvalidOrder("Duplicate order sent."), AMBIGUOUS, AMBIGUOUS, "duplicate"),
        (ccxt.InvalidOrder("REPEATED_CREATION"), AMBIGUOUS, AMBIGUOUS, "duplicate"),
        (ccxt.DuplicateOrderId("x"), AMBIGUOUS, AMBIGUOUS, "duplicate"),
        (ccxt.OrderImmediatelyFillable("x"), REJECTED, REJECTED, "would_take"),
        (ccxt.BadSymbol("x"), REJECTED, REJECTED, "BadSymbol"),
        (ccxt.NotSupported("x"), REJECTED, REJECTED, "NotSupported"),
        (ccxt.ArgumentsRequired("x"), REJECTED, REJECTED, "ArgumentsRequired"),
        (ccxt.OrderNotFound("x"), AMBIGUOUS, ABSENT, "OrderNotFound"),
        (ccxt.RateLimitExceeded("x"), NOT_SENT, NOT_SENT, "rate_limit"),
        (ccxt.DDoSProtection("binance 429 Too Many Requests"), NOT_SENT, NOT_SENT, "rate_limit"),
        (ccxt.DDoSProtection("banned by a temporary IP 418"), NOT_SENT, NOT_SENT, "rate_limit"),
        (ccxt.DDoSProtection("-2015"), AMBIGUOUS, AMBIGUOUS, "rate_limit"),
        (ccxt.AuthenticationError("x"), NOT_SENT, NOT_SENT, "unauthorized"),
        (ccxt.PermissionDenied("x"), NOT_SENT, NOT_SENT, "unauthorized"),
        (ccxt.InvalidNonce("x"), NOT_SENT, NOT_SENT, "timestamp"),
        (ccxt.RequestTimeout("x"), AMBIGUOUS, AMBIGUOUS, "timeout"),
        (ccxt.NetworkError("x"), AMBIGUOUS, AMBIGUOUS, "NetworkError"),
        (ccxt.ExchangeNotAvailable("x"), AMBIGUOUS, AMBIGUOUS, "ExchangeNotAvailable"),
        (ccxt.OnMaintenance("x"), AMBIGUOUS, AMBIGUOUS, "OnMaintenance"),
        (ccxt.BadRequest("NOTIONAL"), AMBIGUOUS, AMBIGUOUS, "BadRequest"),
        (ccxt.BadResponse("x"), AMBIGUOUS, AMBIGUOUS, "BadResponse"),
        (ccxt.ExchangeError("x"), AMBIGUOUS, AMBIGUOUS, "ExchangeError"),
        (ccxt.OperationFailed("x"), AMBIGUOUS, AMBIGUOUS, "OperationFailed"),
        (KeyError("spot"), AMBIGUOUS, AMBIGUOUS, "KeyError"),
        (TimeoutError(), AMBIGUOUS, AMBIGUOUS, "timeout"),
    ],
    ids=repr,
)
def test_classes(error: Exception, submit: Outcome, cancel: Outcome, code: str) -> None:
    told = judge(error, Action.SUBMIT)
    assert (told.outcome, told.code) == (submit, code)
    assert judge(error, Action.CANCEL).outcome is cancel
    assert judge(error, Action.LOOKUP).outcome is cancel


@pytest.mark.parametrize(
    ("cause", "outcome", "code"),
    [
        (aiohttp.ConnectionTimeoutError(), NOT_SENT, "not_connected"),
        (NotAnswered("x"), AMBIGUOUS, "disconnected"),
        (aiohttp.ServerDisconnectedError(), AMBIGUOUS, "disconnected"),
        (ConnectionResetError(), AMBIGUOUS, "disconnected"),
    ],
)
def test_what_broke_is_behind_the_exception(cause: Exception, outcome: Outcome, code: str) -> None:
    error = ccxt.ExchangeNotAvailable("x")
    error.__cause__ = cause
    told = judge(error, Action.SUBMIT)
    assert (told.outcome, told.code, told.broken) == (outcome, code, True)
