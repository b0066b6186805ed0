"""Behind a company's proxy: calls go through it, and a proxy that says no has rung nobody."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from certificates import server_side

from airflow_provider_callkaro.exceptions import ConfigurationError, NotSent
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.transport.tls import Trust
from airflow_provider_callkaro.vendors.http import Request

VENDOR = "https://api.callkaro.invalid"


def refuse(connection):
    connection.read_request()
    connection.answer(b"", status="407 Proxy Authentication Required", headers=["Proxy-Authenticate: Basic"])


def test_the_tunnel_is_asked_for_without_the_key(serve, place_call, monkeypatch):
    proxy = serve(refuse)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ss@127.0.0.1:{proxy.port}")
    with pytest.raises(NotSent) as error:
        place_call(VENDOR)
    head, _ = proxy.requests[0]
    assert head.startswith("CONNECT api.callkaro.invalid:443 HTTP/1.")
    assert "Basic dXNlcjpwQHNz" in head  # user:p@ss
    assert "a-key-that-must-not-travel" not in head
    assert "p@ss" not in str(error.value)


def test_a_proxy_that_hangs_up_has_rung_nobody(serve, place_call, monkeypatch):
    proxy = serve(lambda connection: connection.read_request())
    monkeypatch.setenv("https_proxy", f"127.0.0.1:{proxy.port}")  # without a scheme, as many write it
    with pytest.raises(NotSent):
        place_call(VENDOR)
    assert len(proxy.requests) == 1


def test_a_tunnel_to_a_host_that_is_no_tls_has_rung_nobody(serve, place_call, monkeypatch):
    def open_and_hang_up(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{serve(open_and_hang_up).port}")
    with pytest.raises(NotSent):
        place_call(VENDOR)


def test_a_proxy_that_does_not_listen_has_rung_nobody(place_call, monkeypatch, stack):
    taken = stack.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{taken.getsockname()[1]}")
    with pytest.raises(NotSent):
        place_call(VENDOR)


def test_the_sandbox_is_never_reached_through_a_proxy(serve, place_call, monkeypatch):
    """Plain http is allowed for this machine only; through a proxy the key would leave it."""
    proxy = serve(refuse)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("ALL_PROXY", proxy.url)

    def answer(connection):
        connection.read_request()
        connection.answer()

    assert place_call(serve(answer).url).call_id == "a1b2c3d4e5"
    assert proxy.connections == 0


def proxy_for(base_url):
    return Target(vendor="CallKaro", base_url=base_url, headers={}).proxy()


def test_the_environment_says_which_hosts_need_no_proxy(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example, .svc")
    assert proxy_for(VENDOR) == "http://proxy.example:3128"
    assert proxy_for("https://internal.example") is None
    assert proxy_for("https://callkaro.svc:8443") is None
    assert proxy_for("http://[::1]:8900") is None


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "ftp://proxy.example"])
def test_a_proxy_that_cannot_be_used_is_said_before_anything_is_sent(place_call, monkeypatch, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigurationError, match=r"HTTPS_PROXY names does not speak HTTP.*NO_PROXY"):
        place_call(VENDOR)


@pytest.fixture
def proxy_over_tls(certificate, stack):
    """A proxy that is reached over TLS, and is the vendor behind its tunnel; its port, and the first lines it read."""
    lines: list[bytes] = []
    loop = asyncio.new_event_loop()

    async def serve_one(reader, writer):
        lines.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await writer.start_tls(server_side(certificate))
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines.append(head.split(b"\r\n")[0])
            await reader.readexactly(2)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    start = asyncio.start_server(serve_one, "127.0.0.1", 0, ssl=server_side(certificate))
    server = loop.run_until_complete(start)
    port = server.sockets[0].getsockname()[1]
    loop.set_exception_handler(lambda *_: None)  # the client goes when it has what it wants
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack.callback(loop.close)
    stack.callback(server.close)
    stack.callback(thread.join, 30)
    stack.callback(loop.call_soon_threadsafe, loop.stop)
    return port, lines


def test_a_call_goes_through_a_proxy_that_is_itself_reached_over_tls(
    async_driver_to, proxy_over_tls, certificate, monkeypatch
):
    port, lines = proxy_over_tls
    monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{port}")
    driver = async_driver_to(VENDOR, trust=Trust(ca_bundle=str(certificate)))
    for _ in range(2):
        assert driver.exchange(Request("POST", "/call", b"{}", retry_safe=False)).body == b"{}"
    assert lines == [b"CONNECT api.callkaro.invalid:443 HTTP/1.1", *2 * [b"POST /call HTTP/1.1"]]
