"""To whom the key is shown: only to a host that proves who it is."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys

import pytest
from certificates import make_certificate, server_side

from airflow_provider_callkaro.exceptions import ConfigurationError, NotSent, VendorError
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.sync import SyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.transport.tls import Trust
from airflow_provider_callkaro.vendors.http import Request

HASTY = 0.2  # seconds; for what never comes

PLACE_A_CALL_WITH_EITHER_DRIVER = """
import asyncio, sys
from airflow_provider_callkaro.exceptions import VendorError
from airflow_provider_callkaro.transport.asynchronous import AsyncTransport
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.sync import SyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.vendors.http import Request

target = Target(vendor="CallKaro", base_url=sys.argv[1], headers={"X-API-KEY": "key"})
request = Request.json("POST", "/", {}, retry_safe=False)

async def send_async():
    async with AsyncTransport(target, max_connections=1) as transport:
        return (await transport.send(request)).status

def send_sync():
    transport = SyncTransport(target, policy=RetryPolicy(attempts=1), sleep=print, random=float)
    return transport.call(request, lambda response: response.status)

for send in (lambda: asyncio.run(send_async()), send_sync):
    try:
        print(send())
    except VendorError as error:
        print(type(error).__name__)
"""


@pytest.fixture
def over_tls(certificate):
    context = server_side(certificate)

    def script(connection):
        connection.socket = context.wrap_socket(connection.socket, server_side=True)
        connection.read_request()
        connection.answer()

    return script


def https(server):
    return f"https://127.0.0.1:{server.port}"


def test_a_host_that_vouches_only_for_itself_does_not_see_the_key(serve, place_call, over_tls):
    server = serve(over_tls)
    with pytest.raises(NotSent) as error:
        place_call(https(server))
    assert "the certificate of" in str(error.value)
    assert server.requests == []


def test_a_host_that_breaks_off_the_handshake_was_sent_nothing(serve, place_call):
    server = serve(lambda connection: None)
    with pytest.raises(NotSent):
        place_call(https(server))


def test_a_host_that_resets_the_handshake_was_sent_nothing(serve, place_call):
    def reset(connection):
        connection.socket.recv(1)
        connection.reset()

    with pytest.raises(NotSent):
        place_call(https(serve(reset)))


def test_a_host_that_speaks_plain_http_is_not_spoken_to(serve, place_call):
    def answer_in_plain(connection):
        connection.socket.recv(1)
        connection.answer()

    server = serve(answer_in_plain)
    with pytest.raises(NotSent):
        place_call(https(server))


def test_a_host_that_never_finishes_the_handshake_was_sent_nothing(serve, place_call):
    server = serve(lambda connection: connection.never_answer())
    with pytest.raises(NotSent):
        place_call(https(server), connect_timeout=HASTY)


@pytest.fixture
def place_calls(certificate):
    """Place a call with each driver, in a process that trusts the certificate; what came of the two."""

    def place(base_url, **environment):
        done = subprocess.run(
            [sys.executable, "-c", PLACE_A_CALL_WITH_EITHER_DRIVER, base_url],
            env={**os.environ, "SSL_CERT_FILE": str(certificate), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout.split()

    return place


def test_a_companys_own_authority_is_trusted_by_both_drivers(serve, place_calls, over_tls):
    assert place_calls(https(serve(over_tls))) == ["200", "200"]


def test_a_host_of_another_name_does_not_see_the_key(serve, place_calls, over_tls):
    server = serve(over_tls)
    assert place_calls(f"https://localhost:{server.port}") == ["NotSent", "NotSent"]
    assert server.requests == []


def demanding(certificate):
    """A server that serves nobody who does not show this certificate."""
    context = server_side(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate)

    def script(connection):
        connection.socket = context.wrap_socket(connection.socket, server_side=True)
        connection.read_request()
        connection.answer()

    return script


@pytest.fixture
def apart(certificate, tmp_path):
    """The certificate and its key in two files."""
    blocks = certificate.read_text().split("-----BEGIN PRIVATE KEY")
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    paths[0].write_text(blocks[0])
    paths[1].write_text("-----BEGIN PRIVATE KEY" + blocks[1])
    return map(str, paths)


def test_a_connections_own_authority_vouches_for_the_host(serve, place_call, over_tls, certificate):
    assert place_call(https(serve(over_tls)), trust=Trust(ca_bundle=str(certificate))).call_id == "a1b2c3d4e5"


def test_a_connections_own_authority_stands_in_place_of_the_machines(
    serve, place_call, over_tls, certificate, monkeypatch, tmp_path
):
    """Whom only the machine trusts, such as a proxy that reads along, is not believed."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert ssl.create_default_context().cert_store_stats()["x509_ca"] == 1
    server = serve(over_tls)
    with pytest.raises(NotSent):
        place_call(https(server), trust=Trust(ca_bundle=str(make_certificate(tmp_path / "other.pem"))))
    assert server.requests == []


def test_a_host_that_wants_to_see_a_certificate_is_shown_it(serve, place_call, certificate, apart):
    path, key = apart
    for client in ({"client_certificate": str(certificate)}, {"client_certificate": path, "client_key": key}):
        server = serve(demanding(certificate))
        placed = place_call(https(server), trust=Trust(ca_bundle=str(certificate), **client))
        assert placed.call_id == "a1b2c3d4e5"
    server = serve(demanding(certificate))
    with pytest.raises(VendorError):
        place_call(https(server), trust=Trust(ca_bundle=str(certificate)))
    assert server.requests == []


def test_a_download_believes_and_proves_the_same(serve, certificate):
    server = serve(demanding(certificate))
    trust = Trust(ca_bundle=str(certificate), client_certificate=str(certificate))
    target = Target(vendor="Callaro", base_url=https(server), headers={}, trust=trust)
    transport = SyncTransport(target, policy=RetryPolicy(attempts=1), sleep=pytest.fail, random=float)
    with transport.download(Request("GET", "/"), pytest.fail) as download:
        assert b"".join(download.chunks()) == b'{"status":"success","call_id":"a1b2c3d4e5"}'
    transport.close()


@pytest.mark.filterwarnings("ignore:.*TLSv1")
def test_a_host_that_speaks_nothing_newer_than_tls_1_1_is_not_spoken_to(serve, place_call, certificate):
    context = server_side(certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

    def script(connection):
        connection.socket = context.wrap_socket(connection.socket, server_side=True)
        connection.read_request()
        connection.answer()

    server = serve(script)
    trust = Trust(ca_bundle=str(certificate))
    with pytest.raises(NotSent):
        place_call(https(server), trust=trust)
    assert server.requests == []
    assert trust.context().minimum_version == Trust().context().minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_file_that_was_replaced_is_read_again(certificate, tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(certificate.read_bytes())
    trust = Trust(ca_bundle=str(bundle))
    before = trust.context()
    assert trust.context() is before  # reading the machine's authorities takes some 20 ms
    bundle.write_text("nothing")
    with pytest.raises(ConfigurationError, match=r'"ca_bundle": .*bundle.pem holds no certificate'):
        trust.context()


def tunnel_and(then):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        then(connection)

    return script


def test_a_call_goes_through_a_companys_proxy(serve, place_calls, over_tls):
    proxy = serve(tunnel_and(over_tls))
    assert place_calls("https://api.callkaro.invalid", HTTPS_PROXY=proxy.url) == ["200", "200"]


def test_a_call_that_is_lost_behind_a_companys_proxy_may_have_rung(serve, place_calls, certificate):
    context = server_side(certificate)

    def read_and_hang_up(connection):
        connection.socket = context.wrap_socket(connection.socket, server_side=True)
        connection.read_request()

    proxy = serve(tunnel_and(read_and_hang_up))
    outcomes = place_calls("https://api.callkaro.invalid", HTTPS_PROXY=proxy.url)
    assert outcomes == ["OutcomeUnknown", "OutcomeUnknown"]
    assert [head.split()[0] for head, _ in proxy.requests] == ["CONNECT", "POST"] * 2
