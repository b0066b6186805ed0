"""The session of a connection: as handy as any of requests, and the key stays at home."""

from __future__ import annotations

import io
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
import requests
from certificates import server_side
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.util import Retry

from airflow_provider_callkaro.calls import Call
from airflow_provider_callkaro.exceptions import ConfigurationError, NotSent, OutcomeUnknown
from airflow_provider_callkaro.transport.retry import RetryPolicy
from airflow_provider_callkaro.transport.session import VendorSession
from airflow_provider_callkaro.transport.sync import SyncTransport
from airflow_provider_callkaro.transport.target import Target
from airflow_provider_callkaro.transport.tls import Trust
from airflow_provider_callkaro.vendors.callkaro.api import CallKaro
from airflow_provider_callkaro.vendors.http import Request

KEY = "a-key-that-must-not-travel"
ACCEPTED = b'{"status":"success","call_id":"a1b2c3d4e5"}'
CALL = CallKaro().place_call(Call(to_number="+919876543210", agent_id="agent"))
HASTY = {"connect_timeout": 0.8, "read_timeout": 0.4}  # seconds


def accept(connection):
    while connection.read_request() is not None:
        connection.answer()


def hang_up(connection):
    connection.read_request()


def target_at(base_url, **options):
    return Target(vendor="CallKaro", base_url=base_url, headers=CallKaro.headers(KEY), **options)


@pytest.fixture
def session_to(stack):
    """Open the session of a connection."""
    return lambda base_url, **options: stack.enter_context(VendorSession(target_at(base_url, **options)))


def place_call(session, base_url, request=CALL, **options):
    """Place a call over a session, once."""
    transport = SyncTransport(
        target_at(base_url, **options),
        policy=RetryPolicy(attempts=1),
        sleep=pytest.fail,
        random=float,
        session=session,
    )
    return transport.call(request, CallKaro().read_placed_call).call_id


class TestForAUser:
    def test_a_path_begins_at_the_host_and_the_key_goes_along(self, serve, session_to):
        server = serve(accept)
        answer = session_to(f"{server.url}/base").post("/call/outbound", json={"a": 1}, params={"b": "c"})
        assert answer.json()["call_id"] == "a1b2c3d4e5"
        ((head, body),) = server.requests
        assert head.startswith("POST /base/call/outbound?b=c HTTP/1.1")
        assert f"X-API-KEY: {KEY}" in head
        assert body == b'{"a": 1}'

    def test_a_request_may_say_something_else(self, serve, session_to):
        server = serve(accept)
        session = session_to(server.url)
        session.headers["X-Team"] = "renewals"
        session.post("/", data="x", headers={"Content-Type": "text/csv", "X-Api-Key": "another"})
        ((head, _),) = server.requests
        assert KEY not in head
        assert {"X-Team: renewals", "Content-Type: text/csv", "X-Api-Key: another"} <= set(head.split("\r\n"))

    def test_a_full_address_of_the_host_is_taken(self, serve, session_to):
        server = serve(accept)
        assert session_to(server.url).get(server.url.replace("http:", "HTTP:") + "/x").ok

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "https://api.callkaro.invalid/x",
            "http://localhost:{port}/x",
            "https://127.0.0.1:{port}/x",
            "http://127.0.0.1:1/x",
            "http://127.0.0.1:{port}@other.example/x",
            "http://other.example\\@127.0.0.1:{port}/x",
        ],
    )
    def test_the_key_goes_to_no_other_host(self, serve, session_to, elsewhere):
        server = serve(accept)
        url = elsewhere.format(port=server.port)
        with pytest.raises((ConfigurationError, requests.RequestException)):
            session_to(server.url).get(url)
        assert server.requests == []

    def test_a_path_that_looks_like_a_host_is_a_path(self, serve, session_to):
        server = serve(accept)
        assert session_to(server.url).get("//other.example/x").ok
        assert "/other.example/x HTTP/1.1" in server.requests[0][0]  # an older urllib3 leaves out one of the slashes

    def test_a_request_that_was_prepared_elsewhere_goes_nowhere_else(self, serve, session_to):
        elsewhere, server = serve(accept), serve(accept)
        prepared = requests.Request("GET", f"{elsewhere.url}/x").prepare()
        with pytest.raises(ConfigurationError, match="nothing was sent"):
            session_to(server.url).send(prepared)
        assert (elsewhere.connections, server.connections) == (0, 0)

    @pytest.mark.parametrize("location", ["{elsewhere}/x", "/again", "http://\xff[/"])
    def test_no_redirect_is_followed_even_where_it_is_asked_for(self, serve, session_to, location):
        elsewhere = serve(accept)

        def redirect(connection):
            connection.read_request()
            target = location.format(elsewhere=elsewhere.url)
            connection.answer(b"", status="302 Found", headers=[f"Location: {target}"])

        server = serve(redirect)
        answer = session_to(server.url).get("/x", allow_redirects=True)
        assert (answer.status_code, answer.history) == (302, [])
        assert (len(server.requests), elsewhere.connections) == (1, 0)

    def test_an_answer_that_drips_in_ends_at_the_deadline(self, serve, session_to):
        def drip(connection):
            connection.read_request()
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            while not connection.is_over_within(0.05):
                connection.send(b" ")

        session = session_to(serve(drip).url, **HASTY)
        with pytest.raises(requests.Timeout):
            session.get("/x")

    def test_a_timeout_of_the_request_counts(self, serve, session_to):
        server = serve(lambda connection: connection.never_answer())
        session = session_to(server.url)
        for timeout in (0.2, (0.2, 0.2)):
            with pytest.raises(requests.Timeout):
                session.get("/x", timeout=timeout)

    def test_tokens_are_got_when_they_are_needed(self, serve, session_to):
        class Credentials:
            def headers(self):
                return {"Authorization": "Bearer token"}

        server = serve(accept)
        session_to(server.url, credentials=Credentials()).get("/x")
        assert "Authorization: Bearer token" in server.requests[0][0]


class TestProxies:
    def test_one_that_is_set_on_the_session_is_used(self, serve, session_to):
        proxy = serve(hang_up)
        session = session_to("https://api.callkaro.invalid")
        session.proxies = {"https": f"127.0.0.1:{proxy.port}"}
        with pytest.raises(NotSent):
            place_call(session, "https://api.callkaro.invalid")
        ((head, _),) = proxy.requests
        assert head.startswith("CONNECT api.callkaro.invalid:443")
        assert KEY not in head

    def test_one_that_does_not_speak_http_is_refused(self, session_to):
        session = session_to("https://api.callkaro.invalid")
        session.proxies = {"https": "socks5://127.0.0.1:1080"}
        with pytest.raises(ConfigurationError, match="the session names does not speak HTTP"):
            place_call(session, "https://api.callkaro.invalid")

    def test_plain_http_to_an_address_of_ipv6_stays_on_this_machine(self, serve, session_to):
        proxy = serve(hang_up)
        with pytest.raises(requests.ConnectionError):
            session_to("http://[::1]:9").get("/x", proxies={"http": proxy.url})
        assert proxy.connections == 0

    def test_plain_http_stays_on_this_machine(self, serve, session_to):
        proxy, server = serve(hang_up), serve(accept)
        session = session_to(server.url)
        session.proxies = {"http": proxy.url}
        assert session.get("/x", proxies={"http": proxy.url}).ok
        assert proxy.connections == 0


class TestTls:
    @pytest.fixture
    def over_tls(self, certificate):
        def script(connection):
            connection.socket = script.context.wrap_socket(connection.socket, server_side=True)
            accept(connection)

        script.context = server_side(certificate)
        return script

    def test_authorities_of_the_session_stand_in_place_of_the_connections(
        self, serve, session_to, over_tls, certificate
    ):
        server = serve(over_tls)
        url = server.url.replace("http:", "https:")
        session = session_to(url)
        with pytest.raises(NotSent):
            place_call(session, url)
        session.verify = str(certificate)
        assert place_call(session, url) == "a1b2c3d4e5"
        session.verify = True
        with pytest.raises(NotSent):  # neither the connection from before nor its authorities are used
            place_call(session, url)

    def test_a_client_certificate_of_the_session_is_shown(self, serve, session_to, over_tls, certificate):
        context = over_tls.context
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate)
        server = serve(over_tls)
        url = server.url.replace("http:", "https:")
        session = session_to(url, trust=Trust(ca_bundle=str(certificate)))
        session.cert = str(certificate)
        assert place_call(session, url) == "a1b2c3d4e5"
        session.cert = (str(certificate), str(certificate))
        assert place_call(session, url) == "a1b2c3d4e5"

    def test_an_adapter_of_the_users_own_gets_the_files_of_the_connection(
        self, serve, session_to, over_tls, certificate
    ):
        over_tls.context.verify_mode = ssl.CERT_REQUIRED
        over_tls.context.load_verify_locations(certificate)
        url = serve(over_tls).url.replace("http:", "https:")
        session = session_to(url, trust=Trust(ca_bundle=str(certificate), client_certificate=str(certificate)))
        session.mount("https://", HTTPAdapter())
        assert place_call(session, url) == "a1b2c3d4e5"

    def test_a_host_that_nobody_vouches_for_is_never_accepted(self, serve, session_to, over_tls):
        server = serve(over_tls)
        url = server.url.replace("http:", "https:")
        session = session_to(url)
        session.verify = False
        with pytest.raises(ConfigurationError, match="verify=False"):
            place_call(session, url)
        with pytest.raises(ConfigurationError, match="verify=False"):
            session_to(url).get("/x", verify=False)
        assert server.connections == 0

    def test_authorities_that_cannot_be_read_are_said_before_anything_is_sent(self, serve, session_to, over_tls):
        url = serve(over_tls).url.replace("http:", "https:")
        session = session_to(url)
        session.verify = "/nowhere/ca.pem"
        with pytest.raises(ConfigurationError, match=r"/nowhere/ca\.pem"):
            place_call(session, url)


class TestPhases:
    """What failed before it left may be sent again; whatever is in doubt may have rung."""

    @pytest.mark.parametrize("request_sent", [CALL, Request("POST", "/launch", None, retry_safe=False)])
    def test_a_refused_connection_has_rung_nobody(self, serve, session_to, request_sent):
        server = serve(accept)
        server.close()
        with pytest.raises(NotSent):
            place_call(session_to(server.url), server.url, request_sent)

    @pytest.mark.parametrize("request_sent", [CALL, Request("POST", "/launch", None, retry_safe=False)])
    def test_a_lost_answer_may_have_rung(self, serve, session_to, request_sent):
        server = serve(hang_up)
        with pytest.raises(OutcomeUnknown):
            place_call(session_to(server.url), server.url, request_sent)

    def test_with_an_adapter_of_the_users_own_a_failure_is_always_in_doubt(self, serve, session_to):
        server = serve(accept)
        session = session_to(server.url)
        session.mount("http://", HTTPAdapter())
        assert place_call(session, server.url) == "a1b2c3d4e5"
        session.close()
        server.close()
        with pytest.raises(OutcomeUnknown):
            place_call(session, server.url)

    def test_an_adapter_that_sends_from_a_thread_of_its_own_is_served(self, serve, session_to):
        server = serve(accept)
        session = session_to(server.url)
        inner = session.get_adapter(server.url)

        class InThread(BaseAdapter):
            def send(self, request, **options):
                with ThreadPoolExecutor(1) as pool:
                    return pool.submit(inner.send, request, **options).result()

            def close(self):
                inner.close()

        session.mount("http://", InThread())
        assert place_call(session, server.url) == "a1b2c3d4e5"

    def test_an_adapter_that_would_send_a_call_again_is_refused(self, serve, session_to):
        server = serve(accept)
        session = session_to(server.url)
        for retries in (Retry(3, allowed_methods=None), Retry(3, allowed_methods={"POST"}), Retry(None, read=2)):
            retries = retries.new(allowed_methods=retries.allowed_methods if retries.total else None)
            session.mount("http://", HTTPAdapter(max_retries=retries))
            with pytest.raises(ConfigurationError, match="rung twice"):
                place_call(session, server.url)
        assert server.connections == 0
        session.mount("http://", HTTPAdapter(max_retries=3))  # it repeats connections, and no POST that has left
        assert place_call(session, server.url) == "a1b2c3d4e5"

    @pytest.mark.parametrize(
        "retries",
        [
            Retry(None, allowed_methods=None),
            Retry(None, connect=3, allowed_methods=None),
            Retry(5, read=0, other=0, status=None, allowed_methods={"POST"}),
            Retry(5, status=0, other=0, read=None, allowed_methods=set()),
        ],
    )
    def test_a_count_that_is_not_set_is_no_bound(self, serve, session_to, retries):
        """To urllib3 it means for ever."""
        server = serve(hang_up)
        session = session_to(server.url)
        session.mount("http://", HTTPAdapter(max_retries=retries))
        with pytest.raises(ConfigurationError, match="rung twice"):
            place_call(session, server.url)
        assert server.connections == 0

    @pytest.mark.parametrize(
        "retries", [0, Retry(False), Retry(5, read=False, status=0, other=0, allowed_methods=None), Retry(0, read=2)]
    )
    def test_an_adapter_that_gives_up_once_the_request_has_left_is_taken(self, serve, session_to, retries):
        server = serve(hang_up)
        session = session_to(server.url)
        session.mount("http://", HTTPAdapter())
        session.get_adapter(server.url).max_retries = retries
        with pytest.raises(OutcomeUnknown):
            place_call(session, server.url)
        assert len(server.requests) == 1

    @pytest.mark.parametrize("retries", [3, Retry(3, read=0, status=0), Retry(3, other=0)])
    def test_a_failure_of_tls_does_not_make_an_adapter_send_again(self, serve, session_to, certificate, retries):
        """urllib3 counts it as "other", and for that it does not ask whether the method may be repeated."""

        def break_tls(connection):
            connection.socket = server_side(certificate).wrap_socket(connection.socket, server_side=True)
            connection.read_request()
            with socket.socket(fileno=connection.socket.detach()) as plain:
                plain.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))  # a record that no key has sealed
                plain.recv(1 << 16)

        server = serve(break_tls)
        url = server.url.replace("http:", "https:")
        session = session_to(url)
        session.verify = str(certificate)
        session.mount("https://", HTTPAdapter(max_retries=retries))
        with pytest.raises((ConfigurationError, OutcomeUnknown)):
            place_call(session, url)
        assert len(server.requests) <= 1

    def test_an_adapter_that_goes_on_after_the_request_has_left_does_not_make_it_unsent(self, serve, session_to):
        """The second connection is refused, and yet the first request may have rung."""
        server = serve(hang_up)
        session = session_to(server.url)
        inner = session.get_adapter(server.url)

        class Twice(BaseAdapter):
            def send(self, request, **options):
                with pytest.raises(requests.ConnectionError):
                    inner.send(request, **options)
                server.close()
                return inner.send(request, **options)

            def close(self):
                inner.close()

        session.mount("http://", Twice())
        with pytest.raises(OutcomeUnknown):
            place_call(session, server.url)

    def test_an_adapter_that_also_sends_in_a_thread_of_its_own_is_in_doubt(self, serve, session_to):
        """What it sent there may have rung, although the connection that is seen was refused."""
        server = serve(hang_up)
        session = session_to(server.url)
        inner = session.get_adapter(server.url)

        class InAThread(BaseAdapter):
            def send(self, request, **options):
                def send_unseen():
                    with pytest.raises(requests.ConnectionError):
                        inner.send(request, **options)

                thread = threading.Thread(target=send_unseen)
                thread.start()
                thread.join(30)
                server.close()
                return inner.send(request, **options)

            def close(self):
                inner.close()

        session.mount("http://", InAThread())
        with pytest.raises(OutcomeUnknown):
            place_call(session, server.url)
        assert len(server.requests) == 1

    def test_headers_that_cannot_be_sent_are_the_users_mistake(self, serve, session_to):
        server = serve(accept)
        session = session_to(server.url)
        session.headers["X-Team"] = "a\nb"
        with pytest.raises(ConfigurationError, match="cannot be built"):
            place_call(session, server.url)
        assert server.connections == 0


def answer_of(request, body=ACCEPTED, *, raw=None):
    answer = requests.Response()
    answer.status_code, answer.request, answer.url = 200, request, request.url
    answer.raw = raw or HTTPResponse(io.BytesIO(body), preload_content=False, status=200)
    return answer


class TestTestTools:
    """The ways in which tools answer in place of the network."""

    def test_one_that_replaces_the_adapters_sending_is_asked(self, session_to):
        def send(adapter, request, **options):
            assert request.body == CALL.body
            return answer_of(request)

        session = session_to("https://api.callkaro.invalid")
        with mock.patch("requests.adapters.HTTPAdapter.send", send):
            assert place_call(session, "https://api.callkaro.invalid") == "a1b2c3d4e5"

    @pytest.mark.parametrize("error", [requests.ReadTimeout, requests.ConnectionError, requests.ConnectTimeout])
    def test_an_error_that_it_plays_is_in_doubt(self, session_to, error):
        session = session_to("https://api.callkaro.invalid")
        with (
            mock.patch("requests.adapters.HTTPAdapter.send", side_effect=error("played")),
            pytest.raises(OutcomeUnknown, match=error.__name__),
        ):
            place_call(session, "https://api.callkaro.invalid")

    @pytest.mark.parametrize("raw", [io.BytesIO(ACCEPTED), None])
    def test_an_adapter_that_answers_with_any_file_is_understood(self, session_to, raw):
        class Answers(BaseAdapter):
            def send(self, request, **options):
                return answer_of(request, raw=raw)

            def close(self):
                pass

        session = session_to("https://api.callkaro.invalid")
        session.mount("https://", Answers())
        assert place_call(session, "https://api.callkaro.invalid") == "a1b2c3d4e5"


def test_an_answer_that_ends_with_its_connection_is_given_up_at_the_deadline(serve, session_to):
    """The connection forgets its socket then; whoever looked for it there waited for as long as the vendor dripped."""

    def drip(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            connection.send(b" ")
            if connection.is_over_within(0.05):
                return
        connection.send(ACCEPTED)  # whoever is still there takes it for the answer

    server = serve(drip)
    with pytest.raises(OutcomeUnknown):
        place_call(session_to(server.url), server.url, **HASTY)
