"""Tokens grow old in the middle of a run: they are renewed once for all who need it, and no call suffers by it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import NotSent, Throttled, Unauthorized
from airflow_provider_callkaro.hooks.mrassistant import MrAssistantHook
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
LOG_IN, REFRESH = "/auth/token", "/auth/refresh"


@pytest.fixture
def connect_mrassistant(connect, sandbox):
    def define(**fields):
        given = {"host": sandbox.url, "login": "sandbox", "password": sandbox.api_key, "extra": {"agent_id": AGENT}}
        connect(conn_id="mrassistant_default", **{"conn_type": "mrassistant", **given, **fields})

    return define


@pytest.fixture
def hook(connect_mrassistant):
    connect_mrassistant()
    return MrAssistantHook()


def number(row):
    return f"+9198765{row:05d}"


def call(row=0):
    return Call(to_number=number(row), agent_id=AGENT)


def asked(sandbox):
    return [request.endpoint for request in sandbox.requests]


def renewals(sandbox):
    return sandbox.token_logins, sandbox.token_refreshes


def test_nobody_logs_in_before_the_first_request_and_nobody_twice(hook, sandbox):
    assert hook.connection
    assert renewals(sandbox) == (0, 0)
    for row in range(3):
        hook.place_call(call(row))
    assert renewals(sandbox) == (1, 0)


def test_a_token_that_expired_is_refreshed_and_the_call_rings_once(hook, sandbox):
    hook.place_call(call(0))
    sandbox.expire_tokens()
    hook.place_call(call(1))
    assert renewals(sandbox) == (1, 1)
    assert sandbox.rings_per_number() == {number(0): 1, number(1): 1}
    sandbox.expire_tokens()
    hook.place_call(call(2))  # with the refresh token that came with the last one
    assert renewals(sandbox) == (1, 2)


def test_a_refresh_token_that_expired_too_is_replaced_by_a_login(hook, sandbox):
    hook.place_call(call(0))
    sandbox.expire_tokens(refresh=True)
    hook.place_call(call(1))
    assert renewals(sandbox) == (2, 0)
    assert sandbox.rings_per_number() == {number(0): 1, number(1): 1}


@pytest.mark.parametrize("fault", ["error_before_accepting", "drop_answer_after_accepting", "answer_without_id"])
def test_a_refresh_whose_answer_got_lost_is_replaced_by_a_login(hook, sandbox, fault):
    """It may have used the refresh token up."""
    hook.place_call(call(0))
    sandbox.expire_tokens()
    sandbox.fault(fault, path=REFRESH)
    hook.place_call(call(1))
    assert sandbox.token_logins == 2
    assert sandbox.rings_per_number() == {number(0): 1, number(1): 1}


def test_a_fan_out_whose_token_expires_refreshes_it_once(hook, sandbox):
    vendor = hook.connection.vendor

    async def fan_out():
        async with AsyncTransport(hook.connection.target, max_connections=50) as transport:
            await transport.send(vendor.place_call(call(999)))
            sandbox.expire_tokens()
            answers = await asyncio.gather(*(transport.send(vendor.place_call(call(row))) for row in range(50)))
            return [vendor.read_placed_call(answer).call_id for answer in answers]

    assert len(set(asyncio.run(fan_out()))) == 50
    assert renewals(sandbox) == (1, 1)
    assert sandbox.rings_per_number() == {number(row): 1 for row in (*range(50), 999)}
    assert asked(sandbox).count("/calls/outbound") > 52  # several were refused, with the same old token


def test_threads_that_share_a_connection_refresh_its_token_once(hook, sandbox):
    hook.place_call(call(999))
    sandbox.expire_tokens()
    together = threading.Barrier(8)

    def place(row):
        together.wait()
        return hook.place_call(call(row)).call_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(place, range(8)))) == 8
    assert renewals(sandbox) == (1, 1)
    assert max(sandbox.rings_per_number().values()) == 1


class TestWithoutAToken:
    """A call that no token could be had for was not placed: never unknown, never rejected."""

    @pytest.mark.parametrize(
        ("fault", "options", "kind"),
        [
            ("drop_answer_after_accepting", {}, NotSent),
            ("error_before_accepting", {}, NotSent),
            ("unreadable_answer", {}, NotSent),
            ("answer_without_id", {}, NotSent),
            ("throttled", {"retry_after": 0}, Throttled),
            ("rejected", {"status": 400}, Unauthorized),
            ("rejected", {"status": 422}, Unauthorized),
            ("key_refused", {"status": 401}, Unauthorized),
        ],
    )
    @pytest.mark.parametrize("moment", ["at the first request", "when the token has expired"])
    def test_a_call_is_not_placed(self, hook, sandbox, moment, fault, options, kind):
        vendor, target = hook.connection.vendor, hook.connection.target

        async def send():
            async with AsyncTransport(target, max_connections=1) as transport:
                return await transport.send(vendor.place_call(call()))

        if moment == "when the token has expired":
            assert target.credentials.headers()
            sandbox.expire_tokens(refresh=True)
        sandbox.fault(fault, path=LOG_IN, **options)
        with pytest.raises(kind) as error:
            asyncio.run(send())
        assert type(error.value) is kind
        assert sandbox.api_key not in str(error.value)
        assert sandbox.rings == []

    def test_a_vendor_that_is_shortly_away_costs_no_call(self, hook, sandbox):
        sandbox.fault("error_before_accepting", path=LOG_IN, first=1)
        hook.place_call(call())
        assert sandbox.rings_per_number() == {number(0): 1}

    def test_a_wrong_password_is_tried_once(self, connect_mrassistant, sandbox):
        connect_mrassistant(password="a-password-nobody-may-see")
        with pytest.raises(Unauthorized, match="correct the password") as error:
            MrAssistantHook().place_call(call())
        assert "nobody-may-see" not in str(error.value)
        assert asked(sandbox) == [LOG_IN]

    def test_a_token_that_is_refused_although_it_is_new_is_not_renewed_for_ever(self, hook, sandbox):
        sandbox.fault("key_refused", path="/calls/outbound", status=401)
        with pytest.raises(Unauthorized):
            hook.place_call(call())
        assert asked(sandbox) == [LOG_IN, "/calls/outbound", REFRESH, "/calls/outbound"]
        assert sandbox.rings == []

    def test_an_account_that_may_not_is_not_asked_for_another_token(self, hook, sandbox):
        sandbox.fault("key_refused", path="/calls/outbound", status=403)
        with pytest.raises(Unauthorized):
            hook.place_call(call())
        assert asked(sandbox) == [LOG_IN, "/calls/outbound"]


@pytest.mark.parametrize("way", ["log in", "refresh", "test"])
def test_airflow_is_told_to_hide_every_token(hook, sandbox, way):
    if way == "test":
        seen = []
        hook._probe(lambda request, read: seen.append(hook._ask(request, read)) or seen[0])
        tokens = [seen[0].access, seen[0].refresh]
    else:
        hook.place_call(call(0))
        if way == "refresh":
            sandbox.expire_tokens()
            hook.place_call(call(1))
        tokens = [hook.connection.target.credentials.headers()["Authorization"].removeprefix("Bearer ")]
    for token in tokens:
        assert len(token) > 20
        assert token not in redact(f"Authorization: Bearer {token}")
