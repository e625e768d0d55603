"""Who may ask what, how often, and in which order it is found out."""

from base64 import b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.simulated.server.credentials import Credential, Permission, check_signature, hmac_credential
from connectors.simulated.server.errors import ApiError
from connectors.simulated.server.limits import Limits
from connectors.simulated.server.public_keys import public_key_credential
from connectors.simulated.venue_order import Account
from engine.schema.values import BadValue
from tests.connectors.simulated.server.venues import Site, key_of, serving, sign

OWNER = Account(1, "owner")
# The exchange's published examples.
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
VECTORS = [
    (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    ),
    (
        "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00&quantity=0.01000000"
        "&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT",
        "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
    ),
]


@pytest.mark.parametrize(("text", "signature"), VECTORS)
def test_hmac(text: str, signature: str) -> None:
    credential = hmac_credential("k", SECRET, OWNER)
    check_signature(credential, text.encode(), signature)
    check_signature(credential, text.encode(), signature.upper())
    for wrong in (signature[:-1] + "0", "", text):
        with pytest.raises(ApiError, match="Signature"):
            check_signature(credential, text.encode(), wrong)
    with pytest.raises(ApiError, match="Signature"):
        check_signature(credential, text.encode() + "ä".encode(), signature)


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_public_keys(kind: str) -> None:
    text = b"symbol=BTCUSDT&timestamp=1"
    private: Any
    if kind == "ed25519":
        private = ed25519.Ed25519PrivateKey.from_private_bytes(b"7" * 32)
        raw = private.sign(text)
    else:
        private = rsa.generate_private_key(65537, 2048)
        raw = private.sign(text, padding.PKCS1v15(), SHA256())
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    credential = public_key_credential("k", pem, OWNER)
    assert credential.logs_on is (kind == "ed25519")
    from_base64 = b64encode(raw).decode()
    check_signature(credential, text, from_base64)
    for signed, signature in ((text + b"2", from_base64), (text, from_base64[:-4]), (text, "*")):
        with pytest.raises(ApiError, match="Signature"):
            check_signature(credential, signed, signature)


async def ask(site: Site, key: str | None, text: str, method: str = "GET", path: str = "openOrders") -> Any:
    headers = {} if key is None else {"X-MBX-APIKEY": key}
    return (await site.ask(method, path, text, headers=headers)).error


async def test_order_of_checks() -> None:
    """Each request has all the faults of those below it, so it is the order that is tested."""
    async with serving() as site:
        now = site.clock() // 1000
        alice = key_of("alice")
        site.world.add_key(
            Credential("readeronly", OWNER, lambda signed, signature: True, frozenset((Permission.USER_DATA,)))
        )
        assert await ask(site, None, "symbol=X", path="nothing") == (404, -1000, "Path not found.")
        assert await ask(site, None, "symbol=X") == (401, -2014, "API-key format invalid.")
        assert await ask(site, "no such key!", "symbol=X") == (401, -2014, "API-key format invalid.")
        invalid = (401, -2015, "Invalid API-key, IP, or permissions for action.")
        assert await ask(site, "unknownkey", "symbol=X") == invalid
        assert await ask(site, "readeronly", "symbol=X", "POST", "order") == invalid
        missing = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."
        assert await ask(site, alice, "symbol=X") == (400, -1102, missing.format("timestamp"))
        assert await ask(site, alice, "symbol=X&timestamp=1") == (400, -1102, missing.format("signature"))
        late = (400, -1021, "Timestamp for this request is outside of the recvWindow.")
        assert await ask(site, alice, "symbol=X&timestamp=1&signature=0") == late
        wrong = (400, -1022, "Signature for this request is not valid.")
        assert await ask(site, alice, f"symbol=X&timestamp={now}&signature=0") == wrong
        text = f"symbol=X&timestamp={now}"
        signed = f"{text}&signature={sign('alice', text)}"
        assert await ask(site, alice, signed) == (400, -1121, "Invalid symbol.")


WINDOWS = [
    (-5000, {}, None),
    (-5001, {}, (400, -1021, "Timestamp for this request is outside of the recvWindow.")),
    (-5001, {"recvWindow": "5001.000"}, None),
    (999, {}, None),
    (1000, {}, (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")),
    (0, {"recvWindow": 60001}, (400, -1102, "'recvWindow' contains unexpected value. Cannot be greater than 60000.")),
    (0, {"recvWindow": "x"}, (400, -1100, None)),
]


@pytest.mark.parametrize(("offset", "params", "error"), WINDOWS)
@pytest.mark.parametrize("factor", [1, 1000])
async def test_timing(offset: int, params: dict[str, Any], error: Any, factor: int) -> None:
    async with serving() as site:
        stamp = (site.clock() // 1000 + offset) * factor
        answer = await site.signed("GET", "openOrders", timestamp=stamp, **params)
        if error is None:
            assert answer.body == []
        else:
            assert answer.error[:2] == error[:2]
            assert error[2] in (None, answer.error[2])


async def test_parameters_in_the_body() -> None:
    """The query wins over the body, and both are signed as they are; JSON is no form."""
    async with serving() as site:
        query, form = f"symbol=BTCUSDT&timestamp={site.clock() // 1000}", "symbol=NONE&orderId=7"
        signature = sign("alice", query + form)
        headers = {"X-MBX-APIKEY": key_of("alice"), "Content-Type": "application/x-www-form-urlencoded"}
        body = f"{form}&signature={signature}"
        answer = await site.ask("DELETE", "order", query, headers=headers, data=body)
        assert answer.error == (400, -2011, "Unknown order sent.")
        answer = await site.ask("DELETE", "order", query, headers=headers, data=f"signature={signature}&{form}")
        assert answer.error == (400, -2011, "Unknown order sent.")
        answer = await site.ask("DELETE", "order", query, headers=headers, data=body + "&orderId=8")
        assert answer.error == (400, -1101, "Duplicate values for parameter 'orderId' detected.")
        headers["Content-Type"] = "application/json"
        assert (await site.ask("GET", "time", headers=headers, data='{"a": 1}')).status == 200


async def test_weights_and_bans() -> None:
    async with serving(Limits(request_weight_1m=42)) as site:
        answer = await site.get("exchangeInfo")
        assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "20"
        await site.get("exchangeInfo")
        await site.get("ping")
        await site.get("nothing")
        assert (await site.get("ping")).headers["X-MBX-USED-WEIGHT"] == "42"
        for _ in range(10):
            answer = await site.get("ping")
            assert answer.error[:2] == (429, -1003)
            assert answer.error[2].startswith("Too much request weight used; current limit is 42 request weight per 1")
            assert answer.headers["Retry-After"] == "35"
        answer = await site.get("ping")
        assert answer.error[:2] == (418, -1003)
        assert answer.headers["Retry-After"] == "120"
        site.pass_time(119_999_999)
        assert (await site.get("ping")).status == 418
        site.pass_time(1)
        assert (await site.get("ping")).status == 200


async def test_unfilled_orders() -> None:
    """Placements count until they trade; failed ones weigh 1 and count if the exchange saw them."""
    async with serving(Limits(orders_10s=2)) as site:
        answer = await site.order("BUY", 1, 90)
        assert (answer.headers["X-MBX-ORDER-COUNT-10S"], answer.headers["X-MBX-ORDER-COUNT-1D"]) == ("1", "1")
        assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "0"
        answer = await site.order("BUY", 1, 90_000)
        assert answer.error == (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE")
        assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "1"
        assert "X-MBX-ORDER-COUNT-10S" not in answer.headers
        answer = await site.order("BUY", "0.5")  # trades as taker: counts no longer
        assert answer.headers["X-MBX-ORDER-COUNT-10S"] == "1"
        await site.order("BUY", 1, 91)
        answer = await site.order("BUY", 1, 92)
        assert answer.error == (429, -1015, "Too many new orders; current limit is 2 orders per 10 SECOND.")
        assert answer.headers["Retry-After"] == "5"
        rows = (await site.signed("GET", "rateLimit/order")).body
        assert [(row["interval"], row["count"]) for row in rows] == [("SECOND", 2), ("DAY", 2)]
        site.pass_time(5_000_000)
        assert (await site.order("BUY", 1, 92)).status == 200


async def test_time_unit() -> None:
    async with serving() as site:
        site.clock.now_us += 7
        answer = await site.ask("GET", "time", headers={"X-MBX-TIME-UNIT": "microsecond"})
        assert answer.body == {"serverTime": site.clock()}
        assert (await site.get("time")).body == {"serverTime": site.clock() // 1000}
        answer = await site.ask("GET", "time", headers={"X-MBX-TIME-UNIT": "hour"})
        assert answer.error[:2] == (400, -1194)


async def test_only_loopback() -> None:
    async with serving() as site:
        with pytest.raises(BadValue, match="encrypted"):
            await site.server.start("0.0.0.0")
