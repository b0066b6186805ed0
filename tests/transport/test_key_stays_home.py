"""Where the API key goes: to the vendor's host, on the vendor's connection, and nowhere else."""

from __future__ import annotations

import re

import pytest

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import OutcomeUnknown
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from airflow_provider_callkaro.vendors.http import Request

KEY = "a-key-that-must-not-travel"
ACCEPTED = b'{"status":"success","call_id":"a1b2c3d4e5"}'


def answer(connection):
    connection.read_request()
    connection.answer()


def keep_answering(connection):
    while connection.read_request() is not None:
        connection.answer()


def headers_of(head):
    return {name.lower(): value for name, value in re.findall(r"^([\w-]+): (.*?)\r?$", head, re.MULTILINE)}


def test_the_request_on_the_wire_is_the_one_that_was_built(serve, driver_to):
    server = serve(answer)
    request = CallKaro().place_call(Call(to_number="+919876543210", agent_id="agent", metadata={"name": "Åsa"}))
    driver_to(f"{server.url}/base").exchange(request)
    ((head, body),) = server.requests
    headers = headers_of(head)
    assert head.split("\r\n")[0] == "POST /base/call/outbound HTTP/1.1"
    assert body == request.body
    assert headers["x-api-key"] == KEY
    assert headers["content-type"] == headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "identity"  # what is packed may unpack into more than anybody can hold
    assert headers["user-agent"] == "airflow-provider-callkaro/test"
    assert headers["host"] == f"127.0.0.1:{server.port}"
    assert headers["content-length"] == str(len(request.body))
    assert "transfer-encoding" not in headers


def test_a_query_arrives_as_it_was_written(serve, driver_to):
    server = serve(answer)
    driver_to(server.url).exchange(CallKaro().delete_scheduled_call("+919876543210", "a&b=c/d é%2B"))
    assert "/call/delete-schedule-call?agent_id=a%26b%3Dc%2Fd+%C3%A9%252B HTTP/1.1" in server.requests[0][0]


def test_a_request_without_a_body_can_be_sent(serve, driver_to):
    server = serve(answer)
    assert driver_to(server.url).exchange(Request("GET", "/calls")).body == ACCEPTED
    assert server.requests[0][0].startswith("GET /calls HTTP/1.1")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_never_followed(serve, place_call, status):
    elsewhere = serve(answer)

    def send_elsewhere(connection):
        connection.read_request()
        connection.answer(b"", status=status, headers=[f"Location: {elsewhere.url}/call/outbound"])

    server = serve(send_elsewhere)
    with pytest.raises(OutcomeUnknown) as error:
        place_call(server.url)
    assert "sent us elsewhere" in str(error.value)
    assert (len(server.requests), elsewhere.connections) == (1, 0)


def test_cookies_of_one_answer_do_not_go_into_the_next_request(serve, driver_to):
    def answer_with_cookie(connection):
        while connection.read_request() is not None:
            connection.answer(headers=["Set-Cookie: session=1; Path=/"])

    server = serve(answer_with_cookie)
    driver = driver_to(f"http://localhost:{server.port}")  # cookies of mere addresses are dropped by some
    for _ in range(2):
        driver.exchange(Request.json("POST", "/", {}))
    assert "cookie" not in headers_of(server.requests[1][0])


def test_a_netrc_of_the_machine_adds_nothing(serve, driver_to, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(answer)
    driver_to(server.url).exchange(Request.json("POST", "/", {}))
    assert "authorization" not in headers_of(server.requests[0][0])


def test_a_connection_is_used_again(serve, driver_to):
    server = serve(keep_answering)
    driver = driver_to(server.url)
    for _ in range(3):
        driver.exchange(Request.json("POST", "/", {}))
        driver.idle()
    assert (len(server.requests), server.connections) == (3, 1)


def test_a_connection_that_the_server_closed_meanwhile_loses_no_call(serve, driver_to):
    server = serve(answer, answer)
    driver = driver_to(server.url)
    driver.exchange(Request.json("POST", "/first", {}))
    server.settle(1)
    driver.idle()
    assert driver.exchange(Request.json("POST", "/second", {}, retry_safe=False)).body == ACCEPTED
    assert [head.split()[1] for head, _ in server.requests] == ["/first", "/second"]


def test_a_call_on_a_connection_that_dies_under_it_is_not_sent_again(serve, driver_to):
    def answer_once_then_hang_up(connection):
        connection.read_request()
        connection.answer()
        connection.read_request()

    server = serve(answer_once_then_hang_up, keep_answering)
    driver = driver_to(server.url)
    driver.exchange(Request.json("POST", "/first", {}))
    with pytest.raises(OutcomeUnknown):
        driver.exchange(Request.json("POST", "/second", {}, retry_safe=False))
    assert [head.split()[1] for head, _ in server.requests] == ["/first", "/second"]
