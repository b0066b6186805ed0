"""MrAssistant's tokens: a run that outlives its token must be able to meet that day in a test."""

from __future__ import annotations

import pytest

AGENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


def log_in(client, *, username="sandbox", password="sandbox"):
    return client.control("POST", "/auth/token", json={"username": username, "password": password})


def refresh(client, token):
    return client.control("POST", "/auth/refresh", json={"refresh_token": token})


def status_with(client, token):
    return client.mrassistant("GET", f"/calls/agent/{AGENT}/calls", token=token).status_code


def test_a_login_gives_a_token_that_is_let_in(client, sandbox):
    tokens = log_in(client).json()
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 86400)
    assert status_with(client, tokens["access_token"]) == 200
    assert (sandbox.token_logins, sandbox.token_refreshes) == (1, 0)


@pytest.mark.parametrize("wrong", [{"username": "somebody"}, {"password": "wrong"}, {"password": ""}])
def test_a_wrong_login_is_refused_and_not_counted(client, sandbox, wrong):
    answer = log_in(client, **wrong)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Incorrect username or password"})
    assert sandbox.token_logins == 0


def test_the_key_is_a_token_that_never_expires(client, sandbox):
    sandbox.expire_tokens(refresh=True)
    assert status_with(client, "sandbox") == 200


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_without_a_good_token_nothing_is_done(client, sandbox, token):
    body = {"agent_id": AGENT, "name": "May", "targets": [{"to_number": "+12025550101"}]}
    answer = client.mrassistant("POST", "/campaigns", token=token, json=body)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})
    basic = client.control("POST", "/campaigns", headers={"Authorization": "Basic sandbox"}, json=body)
    assert basic.status_code == 401
    assert sandbox.rings == []


def test_a_refresh_token_is_good_once_and_outlives_the_access_token(client, sandbox):
    tokens = log_in(client).json()
    sandbox.expire_tokens()
    assert status_with(client, tokens["access_token"]) == 401
    renewed = refresh(client, tokens["refresh_token"]).json()
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert status_with(client, renewed["access_token"]) == 200
    assert refresh(client, tokens["refresh_token"]).status_code == 401
    assert refresh(client, renewed["refresh_token"]).status_code == 200
    assert (sandbox.token_logins, sandbox.token_refreshes) == (1, 2)


def test_refresh_tokens_expire_when_they_are_told_to(client, sandbox):
    tokens = log_in(client).json()
    sandbox.expire_tokens(refresh=True)
    assert refresh(client, tokens["refresh_token"]).status_code == 401
    assert (log_in(client).status_code, sandbox.token_logins) == (200, 2)


def test_a_reset_forgets_every_token(client, sandbox):
    tokens = log_in(client).json()
    sandbox.reset()
    assert status_with(client, tokens["access_token"]) == 401
    assert refresh(client, tokens["refresh_token"]).status_code == 401
    assert (sandbox.token_logins, sandbox.token_refreshes) == (0, 0)
