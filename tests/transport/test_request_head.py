"""What goes onto the wire is what was built: no header, path or type can smuggle another one in."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_callkaro.exceptions import ConfigurationError
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport
from airflow_provider_callkaro.transport.request_head import RequestEncoder
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.http import Request

HEADERS = {"X-API-KEY": "key", "Content-Type": "application/json"}


def encoded(request, *, base_url="https://api.callkaro.invalid/v1"):
    return RequestEncoder(base_url, HEADERS).encode(request)


def test_a_request_is_written_as_http_has_it():
    assert encoded(Request("POST", "/call", b"{}")) == (
        b"POST /v1/call HTTP/1.1\r\nHost: api.callkaro.invalid\r\nX-API-KEY: key\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )


def test_a_request_without_a_body_says_so_where_one_is_expected():
    assert encoded(Request("POST", "/call")).endswith(b"\r\nContent-Length: 0\r\n\r\n")
    assert b"Content-Length" not in encoded(Request("GET", "/call"))


def test_a_body_of_another_type_replaces_the_type_of_all_others():
    data = encoded(Request("POST", "/call", b"", content_type="multipart/form-data; boundary=b"))
    assert data.count(b"Content-Type: ") == 1
    assert b"Content-Type: multipart/form-data; boundary=b\r\n" in data


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://host.invalid", b"host.invalid"),
        ("https://host.invalid:443", b"host.invalid"),
        ("https://host.invalid:8443", b"host.invalid:8443"),
        ("http://127.0.0.1:80", b"127.0.0.1"),
        ("http://[::1]:8900", b"[::1]:8900"),
    ],
)
def test_the_host_is_named_with_its_port_where_that_is_not_the_usual_one(base_url, host):
    assert b"\r\nHost: " + host + b"\r\n" in encoded(Request("GET", "/"), base_url=base_url)


ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["a\r\nX-Other: b", "a\nb", "a\0b", " /", "/a b", "/a\r\n\r\nGET / HTTP/1.1"]
)


@given(method=ANY_TEXT, path=ANY_TEXT, content_type=ANY_TEXT)
def test_no_part_of_a_request_becomes_a_line_of_its_own(method, path, content_type):
    try:
        head = encoded(Request(method, path, b"", content_type=content_type))
    except ValueError:
        return
    assert head.count(b"\r\n") == head.count(b"\n") == 6
    assert head.split(b"\r\n")[0].count(b" ") == 2


@pytest.mark.parametrize("headers", [{"X-API-KEY": "key\r\nX-Other: a"}, {"X-API-KEY": "key\0"}, {"X KEY": "key"}])
def test_a_key_that_no_header_can_hold_is_said_before_anything_is_sent(serve, headers):
    async def opened():
        async with AsyncTransport(Target(vendor="CallKaro", base_url=server.url, headers=headers), max_connections=1):
            pytest.fail("it must not open")

    server = serve(lambda connection: None)
    with pytest.raises(ConfigurationError, match="no header may hold") as error:
        asyncio.run(opened())
    assert "key\r" not in str(error.value)
    assert server.connections == 0
